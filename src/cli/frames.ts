import type { Socket } from 'node:net';

import { HubError } from '../base/errors.ts';

/**
 * What goes over the control socket besides lines: frames, a length in four bytes (big-endian) and as many bytes. A frame
 * of no bytes says that this was all.
 */
const LENGTH_BYTES = 4;
const MAX_FRAME_BYTES = 4 * 1024 * 1024;
const LINE_FEED = 10;

/** Reads lines and frames from a socket, no faster than they are asked for. */
export class FrameReader {
  readonly #chunks: AsyncIterator<Buffer>;
  #held: Buffer = Buffer.alloc(0);

  constructor(socket: Socket) {
    // The socket is closed by whoever opened it, not by a reader that has read enough.
    this.#chunks = socket.iterator({ destroyOnReturn: false });
  }

  /** The next line without its line feed, or undefined when the other side ends before it or it is too long. */
  async line(maxBytes: number): Promise<string | undefined> {
    for (;;) {
      const end = this.#held.indexOf(LINE_FEED);
      if (end >= 0) return this.#take(end + 1).toString('utf8', 0, end);
      if (this.#held.length > maxBytes || !(await this.#more())) return undefined;
    }
  }

  /** Whether the next byte is `byte`; false too when the other side has ended. */
  async isNext(byte: number): Promise<boolean> {
    return (this.#held.length > 0 || (await this.#more())) && this.#held[0] === byte;
  }

  /** Everything that is left, as text. */
  async rest(): Promise<string> {
    while (await this.#more());
    return this.#held.toString('utf8');
  }

  /** The frames up to the one that says that this was all. @throws HubError `unavailable` when the other side goes before. */
  async *frames(): AsyncGenerator<Buffer> {
    for (;;) {
      const length = (await this.#exactly(LENGTH_BYTES)).readUInt32BE();
      if (length === 0) return;
      if (length > MAX_FRAME_BYTES) throw gone('it sent something else than frames');
      yield await this.#exactly(length);
    }
  }

  /** Reads and forgets what comes until the other side closes. */
  async drain(): Promise<void> {
    do this.#held = Buffer.alloc(0);
    while (await this.#more());
  }

  async #exactly(bytes: number): Promise<Buffer> {
    while (this.#held.length < bytes) {
      if (!(await this.#more())) throw gone('it went away in the middle');
    }
    return this.#take(bytes);
  }

  #take(bytes: number): Buffer {
    const taken = this.#held.subarray(0, bytes);
    this.#held = this.#held.subarray(bytes);
    return taken;
  }

  async #more(): Promise<boolean> {
    const next = await this.#chunks.next();
    if (next.done === true) return false;
    this.#held = this.#held.length === 0 ? next.value : Buffer.concat([this.#held, next.value]);
    return true;
  }
}

/** Sends one frame; resolves when the socket takes more. @throws HubError `unavailable` when the other side has gone. */
export async function sendFrame(socket: Socket, bytes: Uint8Array): Promise<void> {
  for (let start = 0; start < bytes.length; start += MAX_FRAME_BYTES) {
    const part = bytes.subarray(start, start + MAX_FRAME_BYTES);
    socket.cork();
    socket.write(lengthOf(part.length));
    const hasRoom = socket.write(part);
    socket.uncork();
    if (socket.destroyed) throw gone('it went away in the middle');
    if (!hasRoom) await room(socket);
  }
}

/** Says that this was all. */
export function sendEnd(socket: Socket): void {
  if (socket.writable) socket.write(lengthOf(0));
}

async function room(socket: Socket): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const onClose = (): void => reject(gone('it went away in the middle'));
  socket.once('drain', resolve).once('close', onClose);
  try {
    await promise;
  } finally {
    socket.off('drain', resolve).off('close', onClose);
  }
}

function lengthOf(bytes: number): Buffer {
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt32BE(bytes);
  return length;
}

function gone(how: string): HubError {
  return new HubError('unavailable', `The other side of the control socket is no use: ${how}.`);
}
