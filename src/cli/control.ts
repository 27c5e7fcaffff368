import { chmodSync, rmSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';

import type { Logger } from '../base/log.ts';

import { errorCode, errorText, HubError, StartError } from '../base/errors.ts';

/** Answers one word from the command line with something that prints as JSON. */
export type ControlHandlers = Readonly<Record<string, () => unknown>>;

const MAX_REQUEST_BYTES = 4096;
const ANSWER_WITHIN_MS = 5000;
/** What Linux takes for a Unix socket (sun_path). */
const MAX_SOCKET_PATH_BYTES = 107;

/**
 * Listens on a Unix socket in the data folder (mode 0600: whoever may read the database may ask), so that the command
 * line can talk to the running hub. One JSON line in, `{"ok": …}` or `{"error": …}` out.
 */
export async function startControl(options: {
  path: string;
  handlers: ControlHandlers;
  log: Logger;
}): Promise<AsyncDisposable> {
  const sockets = new Set<Socket>();
  // What a killed hub left behind; the lock on the data folder proves that nobody listens there.
  rmSync(options.path, { force: true });
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', (error) => options.log.debug({ err: error }, 'a command went away'));
    serve(socket, options.handlers);
  });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.listen(options.path, resolve);
  try {
    await promise;
  } catch (error) {
    const hint =
      Buffer.byteLength(options.path) > MAX_SOCKET_PATH_BYTES
        ? 'The path is too long: choose a shorter data_dir.'
        : 'Check the owner of its folder.';
    throw new StartError('data_dir', `${options.path} cannot be made (${errorText(error)}). ${hint}`, {
      cause: error,
    });
  }
  chmodSync(options.path, 0o600);
  return {
    async [Symbol.asyncDispose]() {
      if (!server.listening) return;
      const closed = Promise.withResolvers<void>();
      server.close(() => closed.resolve());
      for (const socket of sockets) socket.destroy();
      await closed.promise;
    },
  };
}

function serve(socket: Socket, handlers: ControlHandlers): void {
  let text = '';
  socket.setEncoding('utf8');
  socket.setTimeout(ANSWER_WITHIN_MS, () => socket.destroy());
  socket.on('data', (chunk: string) => {
    text += chunk;
    if (text.length > MAX_REQUEST_BYTES) socket.destroy();
    const end = text.indexOf('\n');
    if (end >= 0) socket.end(`${JSON.stringify(answer(text.slice(0, end), handlers))}\n`);
  });
}

function answer(line: string, handlers: ControlHandlers): { ok: unknown } | { error: string } {
  try {
    const { command } = JSON.parse(line) as { command?: unknown };
    const handler =
      typeof command === 'string' && Object.hasOwn(handlers, command) ? handlers[command] : undefined;
    if (!handler) return { error: `the running hub does not know the command ${JSON.stringify(command)}` };
    return { ok: handler() };
  } catch (error) {
    return { error: errorText(error) };
  }
}

/**
 * Asks the hub that runs on a data folder.
 * @throws HubError `unavailable` when no hub answers there, `invalid` with the hub's own words when it refuses.
 */
export async function askHub(path: string, command: string): Promise<unknown> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const socket = connect(path);
  let text = '';
  socket.setEncoding('utf8');
  socket.setTimeout(ANSWER_WITHIN_MS, () => socket.destroy(new Error('the hub did not answer in time')));
  socket.on('connect', () => socket.write(`${JSON.stringify({ command })}\n`));
  socket.on('data', (chunk: string) => {
    text += chunk;
  });
  socket.on('end', () => resolve(text));
  socket.on('error', reject);
  let reply: { ok?: unknown; error?: string };
  try {
    reply = JSON.parse(await promise) as { ok?: unknown; error?: string };
  } catch (error) {
    const absent = ['ENOENT', 'ECONNREFUSED'].includes(errorCode(error) ?? '');
    const reason = absent ? `no hub runs on it (looked for ${path})` : errorText(error);
    throw new HubError(
      'unavailable',
      `The hub could not be asked: ${reason}. Is it started, with this data_dir?`,
      {
        cause: error,
      },
    );
  }
  if (reply.error !== undefined) throw new HubError('invalid', reply.error);
  return reply.ok;
}
