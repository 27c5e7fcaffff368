import { Socket } from 'node:net';

import type { MailTarget } from './types.ts';

import { deliveryError } from './delivery-error.ts';

export interface MailMessage {
  readonly subject: string;
  readonly text: string;
  readonly html: string;
  /** The page is attached too, because many readers of mail leave pictures such as the plots out. */
  readonly fileName: string;
  /** The same for the same order, by which a server or a reader knows a mail that came twice. */
  readonly idPart: string;
}

/** A server that says nothing for so long is given up. */
const SILENT_MS = 20_000;

/**
 * Hands a mail to the server; it is in its hands when this resolves.
 * @returns for whom the server did not take it, as a sentence; null where it did for all. It is not sent again for their
 *   sake: the others would get it as often.
 * @throws HubError `unavailable` saying what the server, or the network, said.
 */
export async function sendMail(
  target: MailTarget,
  message: MailMessage,
  signal: AbortSignal,
): Promise<string | null> {
  const { host, port, tls, username, password, from, to } = target;
  // A hub that sends no mail does not load what sends it.
  const { createTransport } = await import('nodemailer');
  signal.throwIfAborted();
  // Our own, so that it can be ended: the mailer closes only what waits in a pool.
  const socket = new Socket();
  const transport = createTransport({
    socket,
    host,
    port,
    secure: tls === 'implicit',
    requireTLS: tls === 'starttls',
    ignoreTLS: tls === 'none',
    ...(username === null ? {} : { auth: { user: username, pass: password ?? '' } }),
    connectionTimeout: SILENT_MS,
    greetingTimeout: SILENT_MS,
    socketTimeout: SILENT_MS,
    dnsTimeout: SILENT_MS,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(signal.reason);
  signal.addEventListener('abort', onAbort);
  try {
    const sending = transport.sendMail({
      from,
      to: [...to],
      subject: message.subject,
      text: message.text,
      html: message.html,
      messageId: `<${message.idPart}@${from.split('@').at(-1)?.replace(/>.*/, '') ?? 'localhost'}>`,
      attachments: [
        { filename: message.fileName, content: message.html, contentType: 'text/html; charset=utf-8' },
      ],
    });
    // Whoever gave up does not hear how it ends.
    sending.catch(() => undefined);
    const { rejected } = await Promise.race([sending, aborted]);
    if (rejected.length === 0) return null;
    return `The mail server took it, but not for ${rejected.length} of ${to.length} in reports.mail.to.`;
  } catch (error) {
    socket.destroy();
    if (signal.aborted) throw error;
    throw deliveryError('The mail server did not take it', error, [
      password,
      // As a login goes over the wire.
      `\0${username}\0${password}`,
    ]);
  } finally {
    signal.removeEventListener('abort', onAbort);
    transport.close();
  }
}
