import { connect, type Socket } from 'node:net';

import { errorCode, errorText, HubError } from '../base/errors.ts';
import { ANSWER_WITHIN_MS } from './control.ts';
import { FrameReader, sendEnd, sendFrame } from './frames.ts';

const OPENING_BRACE = 123;
const MAX_ANSWER_BYTES = 1024 * 1024;

/**
 * Asks the hub that runs on a data folder.
 * @throws HubError `unavailable` when no hub answers there, `invalid` with the hub's own words when it refuses.
 */
export async function askHub(
  path: string,
  command: string,
  args?: Readonly<Record<string, unknown>>,
): Promise<unknown> {
  const socket = connect(path);
  const ended = Promise.withResolvers<never>();
  ended.promise.catch(() => undefined);
  socket.on('error', ended.reject);
  socket.setTimeout(ANSWER_WITHIN_MS, () => socket.destroy(new Error('the hub did not answer in time')));
  try {
    socket.write(`${JSON.stringify({ command, args })}\n`);
    return toAnswer(await Promise.race([new FrameReader(socket).rest(), ended.promise]));
  } catch (error) {
    throw toAskError(error, path);
  } finally {
    socket.destroy();
  }
}

/** What moves besides the order and the answer; see `TaskStreams` for the hub's side. */
export interface AskStreams {
  readonly input?: AsyncIterable<Uint8Array>;
  readonly output?: (piece: Uint8Array) => Promise<void>;
  readonly signal?: AbortSignal;
}

/**
 * Has the hub that runs on a data folder do a task, and waits for its answer however long it takes. An answer that comes
 * while there is input left (a refusal) ends the sending.
 * @throws HubError `unavailable` when no hub answers or it goes away, `invalid` with the hub's own words when it refuses;
 * whatever `input` or `output` throws.
 */
export async function askForTask(
  path: string,
  command: string,
  args: Readonly<Record<string, unknown>>,
  streams: AskStreams,
): Promise<unknown> {
  const socket = connect(path);
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(() => undefined);
  socket.on('error', failed.reject);
  const onAbort = (): void => {
    socket.destroy();
    failed.reject(streams.signal?.reason);
  };
  streams.signal?.addEventListener('abort', onAbort);
  const own = new OwnErrors();
  try {
    socket.write(`${JSON.stringify({ command, args })}\n`);
    // What the hub answers counts more than that it took no more of the input.
    send(socket, own.watched(streams.input ?? none())).catch((error: unknown) => {
      if (own.any) failed.reject(error);
    });
    const answer = receive(socket, async (piece) => await own.of(async () => await streams.output?.(piece)));
    return toAnswer(await Promise.race([answer, failed.promise]));
  } catch (error) {
    if (streams.signal?.aborted) throw streams.signal.reason;
    throw own.any ? error : toAskError(error, path);
  } finally {
    streams.signal?.removeEventListener('abort', onAbort);
    socket.destroy();
  }
}

/** Tells what the caller's own streams threw from what the socket did. */
class OwnErrors {
  any = false;

  async of<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      this.any = true;
      throw error;
    }
  }

  async *watched<T>(items: AsyncIterable<T>): AsyncGenerator<T> {
    const iterator = items[Symbol.asyncIterator]();
    try {
      for (;;) {
        const next = await this.of(async () => await iterator.next());
        if (next.done === true) return;
        yield next.value;
      }
    } finally {
      await iterator.return?.();
    }
  }
}

/** Whether a hub listens on the socket. */
export async function isHubThere(path: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect(path);
  socket.on('connect', () => resolve(true)).on('error', () => resolve(false));
  const isThere = await promise;
  socket.destroy();
  return isThere;
}

async function send(socket: Socket, input: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const piece of input) {
    if (socket.destroyed) return;
    await sendFrame(socket, piece);
  }
  sendEnd(socket);
}

async function* none(): AsyncGenerator<Uint8Array> {
  // A task without input is told so at once.
}

async function receive(socket: Socket, output: (piece: Uint8Array) => Promise<void>): Promise<string> {
  const reader = new FrameReader(socket);
  // A hub that does not know the task answers with a line at once.
  if (!(await reader.isNext(OPENING_BRACE))) for await (const piece of reader.frames()) await output(piece);
  return (await reader.line(MAX_ANSWER_BYTES)) ?? '';
}

function toAnswer(text: string): unknown {
  const reply = JSON.parse(text) as { ok?: unknown; error?: string };
  if (reply.error !== undefined) throw new HubError('invalid', reply.error);
  return reply.ok;
}

function toAskError(error: unknown, path: string): unknown {
  if (error instanceof HubError && error.kind !== 'unavailable') return error;
  const absent = ['ENOENT', 'ECONNREFUSED'].includes(errorCode(error) ?? '');
  const reason = absent
    ? `no hub runs on it (looked for ${path})`
    : error instanceof SyntaxError
      ? 'it went away before it had answered'
      : errorText(error);
  return new HubError(
    'unavailable',
    `The hub could not be asked: ${reason}. Is it started, with this data_dir?`,
    { cause: error },
  );
}
