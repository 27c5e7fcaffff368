import { createHmac } from 'node:crypto';

import type { WebhookTarget } from './types.ts';

import { HubError } from '../../base/errors.ts';
import { deliveryError } from './delivery-error.ts';

const TIMEOUT_MS = 15_000;

/**
 * Posts a JSON text. Redirects are not followed: the report would go to where nobody meant it to.
 * @param deliveryId the same for the same order, by which the other side knows what came twice.
 * @throws HubError `unavailable` saying what the other side, or the network, said.
 */
export async function postReport(
  { url, secret, timeoutMs = TIMEOUT_MS }: WebhookTarget,
  body: string,
  deliveryId: string,
  signal: AbortSignal,
): Promise<void> {
  let status: number;
  try {
    const answer = await fetch(url, {
      method: 'POST',
      redirect: 'manual',
      headers: {
        'content-type': 'application/json',
        'user-agent': 'FunkyGibbon',
        'x-funkygibbon-delivery': deliveryId,
        ...(secret === null ? {} : { 'x-funkygibbon-signature': signatureOf(body, secret) }),
      },
      body,
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
    });
    ({ status } = answer);
    // What it says is not read: it could be without end.
    await answer.body?.cancel();
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    if (error instanceof Error && error.name === 'TimeoutError') {
      throw new HubError('unavailable', `The webhook did not answer within ${timeoutMs / 1000} s.`, {
        cause: error,
      });
    }
    throw deliveryError('The webhook could not be reached', error, [url, secret]);
  }
  if (status >= 300 && status < 400) {
    throw new HubError(
      'unavailable',
      `The webhook answers with a redirect (${status}), which is not followed: name the address itself.`,
    );
  }
  if (status < 200 || status >= 300)
    throw new HubError('unavailable', `The webhook answered with ${status}.`);
}

/** `sha256=` and the HMAC of the body in hex. */
export function signatureOf(body: string, secret: string): string {
  return `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;
}
