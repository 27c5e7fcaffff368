import { HubError } from '../../base/errors.ts';
import { ByteSource } from './byte-source.ts';

/*
 * The tar format of POSIX.1-1988 (ustar), as far as a handful of plain files needs it: every tar program of the last
 * thirty years reads what is written here.
 */

const BLOCK = 512;
/** Eleven octal digits. */
const MAX_SIZE = 8 ** 11 - 1;
const PIECE_BYTES = 64 * 1024;
const CHECKSUM_AT = 148;

export interface TarFile {
  /** Up to 100 ASCII characters, without a folder. */
  readonly name: string;
  readonly size: number;
  readonly modifiedMs: number;
  readonly bytes: AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
}

/** Packs files one after the other. @throws Error where a file is longer or shorter than it was said to be. */
export async function* writeTar(files: Iterable<TarFile>): AsyncGenerator<Uint8Array> {
  for (const file of files) {
    yield headerOf(file);
    let written = 0;
    for await (const piece of file.bytes) {
      written += piece.length;
      yield piece;
    }
    if (written !== file.size) throw new Error(`${file.name} changed its length while it was packed`);
    yield Buffer.alloc(paddingOf(file.size));
  }
  yield Buffer.alloc(2 * BLOCK);
}

function headerOf({ name, size, modifiedMs }: TarFile): Buffer {
  if (size > MAX_SIZE)
    throw new HubError('too_large', `${name} has more than 8 GB, which a tar file cannot hold.`);
  const header = Buffer.alloc(BLOCK);
  const octal = (value: number, length: number): string => value.toString(8).padStart(length, '0');
  header.write(name, 0, 100, 'ascii');
  header.write('0000600', 100, 'ascii');
  header.write('0000000', 108, 'ascii');
  header.write('0000000', 116, 'ascii');
  header.write(octal(size, 11), 124, 'ascii');
  // A clock before 1970, or after 2242, is wrong anyway.
  header.write(octal(Math.min(Math.max(Math.floor(modifiedMs / 1000), 0), MAX_SIZE), 11), 136, 'ascii');
  header.write('0', 156, 'ascii');
  header.write('ustar\u000000', 257, 'ascii');
  header.write(`${octal(checksumOf(header), 6)}\u0000 `, CHECKSUM_AT, 'ascii');
  return header;
}

/** The sum of the header's bytes, its own field counted as eight blanks. */
function checksumOf(header: Buffer): number {
  let sum = 8 * 32;
  for (const [at, byte] of header.entries()) if (at < CHECKSUM_AT || at >= CHECKSUM_AT + 8) sum += byte;
  return sum;
}

function paddingOf(size: number): number {
  return (BLOCK - (size % BLOCK)) % BLOCK;
}

/** A file of an archive that is being read; what of it is not taken is passed over. */
export interface TarEntry {
  readonly name: string;
  readonly size: number;
  readonly bytes: AsyncIterable<Uint8Array>;
}

/**
 * Unpacks files as they come. Folders and the notes of other tar programs are passed over.
 * @throws HubError `invalid` where the archive ends too early, is none, or holds something else than files.
 */
export async function* readTar(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<TarEntry> {
  const source = new ByteSource(chunks);
  try {
    for (;;) {
      const header = await source.take(BLOCK);
      if (header.length < BLOCK) throw damaged('it ends too early');
      if (header.every((byte) => byte === 0)) break;
      const { name, size, type } = parseHeader(header);
      const body = new Body(source, size);
      if (type === '0' || type === '\u0000') yield { name, size, bytes: body.pieces() };
      else if (!['5', 'x', 'g'].includes(type)) throw damaged(`${name} in it is no plain file`);
      await body.skip();
      const padding = paddingOf(size);
      if ((await source.take(padding)).length < padding) throw damaged('it ends too early');
    }
    // To the very end, so that the checks of what is packed around it are made, too.
    for await (const piece of source.remaining()) void piece;
  } finally {
    await source.close();
  }
}

class Body {
  readonly #source: ByteSource;
  #left: number;

  constructor(source: ByteSource, size: number) {
    this.#source = source;
    this.#left = size;
  }

  async *pieces(): AsyncGenerator<Uint8Array> {
    while (this.#left > 0) yield await this.#next();
  }

  async skip(): Promise<void> {
    while (this.#left > 0) await this.#next();
  }

  async #next(): Promise<Uint8Array> {
    const piece = await this.#source.some(Math.min(this.#left, PIECE_BYTES));
    if (piece.length === 0) throw damaged('it ends too early');
    this.#left -= piece.length;
    return piece;
  }
}

function parseHeader(header: Buffer): { name: string; size: number; type: string } {
  const text = (from: number, to: number): string =>
    header.toString('latin1', from, to).replace(/\0.*$/s, '');
  const octal = (from: number, to: number): number => Number.parseInt(text(from, to).trim() || '0', 8);
  if (octal(CHECKSUM_AT, CHECKSUM_AT + 8) !== checksumOf(header))
    throw damaged('it is no tar file, or damaged');
  const size = octal(124, 136);
  if (!Number.isSafeInteger(size) || size < 0) throw damaged('a size in it makes no sense');
  return { name: text(0, 100).replace(/^\.\//, ''), size, type: header.toString('latin1', 156, 157) };
}

function damaged(what: string): HubError {
  return new HubError('invalid', `The backup cannot be read: ${what}.`);
}
