import { chmodSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';

import type { Logger } from '../base/log.ts';

import { errorText, StartError } from '../base/errors.ts';
import { FrameReader, sendEnd, sendFrame } from './frames.ts';

/** Answers one order from the command line, at once or soon, with something that prints as JSON. */
export type ControlHandlers = Readonly<Record<string, (args: unknown) => unknown>>;

/** What moves between the command line and a task besides the order and the answer. */
export interface TaskStreams {
  /** What the command line sends, until it says that this is all. Throws when it goes away before. */
  readonly input: AsyncIterable<Uint8Array>;
  /** Sends a piece; resolves when there is room for the next. Throws when the command line has gone. */
  readonly output: (piece: Uint8Array) => Promise<void>;
  /** Aborted when the command line goes away, or the hub stops. */
  readonly signal: AbortSignal;
}

/** Work that takes its time and may move much: reads frames, sends frames, and answers at the end as a handler does. */
export type ControlTasks = Readonly<
  Record<string, (args: unknown, streams: TaskStreams) => Promise<unknown>>
>;

const MAX_REQUEST_BYTES = 4096;
/** How long to wait for the order, and for the command line to close once it has its answer. */
export const ANSWER_WITHIN_MS = 5000;
/** What Linux takes for a Unix socket (sun_path). */
const MAX_SOCKET_PATH_BYTES = 107;

interface ControlOptions {
  readonly path: string;
  readonly handlers: ControlHandlers;
  readonly tasks?: ControlTasks;
  readonly log: Logger;
}

/**
 * Listens on a Unix socket in the data folder (mode 0600: whoever may read the database may ask), so that the command
 * line can talk to the running hub. In: one JSON line `{"command", "args"?}`, and for a task frames (frames.ts), the last
 * one empty. Out: for a task frames, the last one empty; then one JSON line, `{"ok": …}` or `{"error": …}`.
 */
export async function startControl(options: ControlOptions): Promise<AsyncDisposable> {
  const sockets = new Map<Socket, Promise<void>>();
  // What a killed hub left behind; the lock on the data folder proves that nobody listens there.
  rmSync(options.path, { force: true });
  const server = createServer((socket) => {
    socket.on('error', (error) => options.log.debug({ err: error }, 'a command went away'));
    const served = serve(socket, options)
      .catch((error: unknown) => options.log.debug({ err: error }, 'a command went away'))
      .finally(() => {
        socket.destroy();
        sockets.delete(socket);
      });
    sockets.set(socket, served);
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
      const served = [...sockets.values()];
      for (const socket of sockets.keys()) socket.destroy();
      await closed.promise;
      // A task ends at its next step; what it works on must not be closed before.
      await Promise.all(served);
    },
  };
}

async function serve(socket: Socket, options: ControlOptions): Promise<void> {
  const reader = new FrameReader(socket);
  socket.setTimeout(ANSWER_WITHIN_MS, () => socket.destroy());
  const line = await reader.line(MAX_REQUEST_BYTES);
  if (line === undefined) return;
  let reply: unknown;
  try {
    const { command, args } = JSON.parse(line) as { command?: unknown; args?: unknown };
    const handler = named(options.handlers, command);
    const task = named(options.tasks ?? {}, command);
    if (!handler && !task)
      throw new Error(`the running hub does not know the command ${JSON.stringify(command)}`);
    // A task may be as slow as whoever reads it: a Unix socket tells when that has gone.
    if (task) socket.setTimeout(0);
    reply = { ok: task ? await runTask(task, args, socket, reader) : await handler?.(args) };
  } catch (error) {
    if (socket.destroyed) options.log.warn({ err: error, order: line }, 'a command was left before its end');
    reply = { error: errorText(error) };
  }
  if (socket.destroyed) return;
  socket.setTimeout(ANSWER_WITHIN_MS);
  socket.end(`${JSON.stringify(reply)}\n`);
  // Closing while there is something unread would take the answer back out of the other side's hands.
  await reader.drain();
}

async function runTask(
  task: ControlTasks[string],
  args: unknown,
  socket: Socket,
  reader: FrameReader,
): Promise<unknown> {
  const gone = new AbortController();
  const onClose = (): void => gone.abort(new Error('the command has gone.'));
  socket.once('close', onClose);
  try {
    return await task(args, {
      input: reader.frames(),
      output: async (piece) => await sendFrame(socket, piece),
      signal: gone.signal,
    });
  } finally {
    socket.off('close', onClose);
    sendEnd(socket);
  }
}

function named<T>(all: Readonly<Record<string, T>>, name: unknown): T | undefined {
  return typeof name === 'string' && Object.hasOwn(all, name) ? all[name] : undefined;
}
