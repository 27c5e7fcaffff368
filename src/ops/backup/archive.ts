import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open as openFile, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline, Readable } from 'node:stream';
import { createGunzip, createGzip } from 'node:zlib';

import type { TarEntry, TarFile } from './tar.ts';

import { errorCode, errorText, HubError } from '../../base/errors.ts';
import {
  AGE_MARK_BYTES,
  decryptWithPassphrase,
  encryptWithPassphrase,
  isAgeFile,
  WRONG_PASSPHRASE,
} from './age.ts';
import { readTar, writeTar } from './tar.ts';
import { DATABASE, MANIFEST, manifestSchema, type Manifest } from './types.ts';

const MAX_MANIFEST_BYTES = 256 * 1024;
const PIECE_BYTES = 64 * 1024;

/** A file that goes into a backup; small ones are held in memory so that they are of one moment. */
export interface PackedFile {
  readonly name: string;
  readonly source: { readonly path: string } | { readonly bytes: Buffer };
}

/** Packs the manifest and the files it names. The stream is made as fast as it is read. */
export function packArchive(
  manifest: Manifest,
  files: readonly PackedFile[],
  passphrase: string | null,
): AsyncIterable<Uint8Array> {
  const modifiedMs = Date.parse(manifest.created_at);
  const text = Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`);
  const tarFiles: TarFile[] = [
    // First, so that what a backup is can be told without reading all of it.
    { name: MANIFEST, size: text.length, modifiedMs, bytes: [text] },
    ...files.map(({ name, source }) => ({
      name,
      size: manifest.files.find((file) => file.name === name)?.size ?? 0,
      modifiedMs,
      bytes: 'bytes' in source ? [source.bytes] : readFilePieces(source.path),
    })),
  ];
  const packed = chain(Readable.from(writeTar(tarFiles)), createGzip());
  return passphrase === null ? packed : encryptWithPassphrase(packed, passphrase);
}

/** A file in pieces of 64 KiB. */
export function readFilePieces(path: string): AsyncIterable<Uint8Array> {
  return createReadStream(path, { highWaterMark: PIECE_BYTES });
}

/** The SHA-256 of a file in lower-case hex, and its length. */
export async function hashFile(path: string): Promise<{ size: number; sha256: string }> {
  const hash = createHash('sha256');
  let size = 0;
  for await (const piece of readFilePieces(path)) {
    hash.update(piece);
    size += piece.length;
  }
  return { size, sha256: hash.digest('hex') };
}

/** Whether a file has to be opened with a passphrase. @throws HubError where it cannot be read, or is no backup. */
export async function isEncrypted(path: string): Promise<boolean> {
  const beginning = await readBeginning(path);
  if (isAgeFile(beginning)) return true;
  // gzip's mark (RFC 1952).
  if (beginning[0] === 0x1f && beginning[1] === 0x8b) return false;
  throw new HubError('invalid', `${path} is no backup: it is neither a .tar.gz nor an .age file.`);
}

async function readBeginning(path: string): Promise<Buffer> {
  try {
    await using file = await openFile(path, 'r');
    const { buffer, bytesRead } = await file.read(Buffer.alloc(AGE_MARK_BYTES), 0, AGE_MARK_BYTES, 0);
    return buffer.subarray(0, bytesRead);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') throw new HubError('not_found', `There is no file ${path}.`);
    throw new HubError('invalid', `${path} cannot be read: ${errorText(error)}.`, { cause: error });
  }
}

/** Reads no more than the manifest. @throws HubError `invalid`, `not_found`. */
export async function readManifest(path: string, passphrase: string | null): Promise<Manifest> {
  const { entries, close } = await openArchive(path, passphrase);
  try {
    return await firstManifest(entries, path);
  } catch (error) {
    throw toUnreadable(error);
  } finally {
    await close();
  }
}

/** What becomes of the files of a backup while it is read. */
export interface ReadOptions {
  readonly passphrase: string | null;
  /** An empty folder to write the files into, synced; null where they are only read. */
  readonly extractTo: string | null;
  readonly signal?: AbortSignal | undefined;
  /** Bytes of the file, as it lies on the disk, that were read so far. */
  readonly progress?: ((bytes: number) => void) | undefined;
}

export interface ReadResult {
  readonly manifest: Manifest;
  readonly sizeBytes: number;
  /** Of the whole file. */
  readonly sha256: string;
}

/**
 * Reads a backup from end to end and compares every file with the manifest.
 * @throws HubError `invalid` saying what is wrong: damaged, cut off, another passphrase; `not_found`; `storage_full`.
 */
export async function readArchive(path: string, options: ReadOptions): Promise<ReadResult> {
  const { entries, read, close } = await openArchive(path, options.passphrase, options);
  try {
    const manifest = await firstManifest(entries, path);
    const missing = new Map(manifest.files.map((file) => [file.name, file]));
    if (!missing.has(DATABASE)) throw new HubError('invalid', 'The backup holds no database.');
    for (let next = await entries.next(); next.done !== true; next = await entries.next()) {
      const entry = next.value;
      const told = missing.get(entry.name);
      if (!told || told.size !== entry.size) {
        throw new HubError('invalid', `The backup is damaged: ${entry.name} is not what its manifest says.`);
      }
      missing.delete(entry.name);
      const sha256 = await take(entry, options.extractTo, options.signal);
      if (sha256 !== told.sha256) {
        throw new HubError('invalid', `The backup is damaged: ${entry.name} has another checksum.`);
      }
    }
    const [lost] = missing.keys();
    if (lost !== undefined) throw new HubError('invalid', `The backup is damaged: ${lost} is not in it.`);
    return { manifest, ...read() };
  } catch (error) {
    throw toUnreadable(error);
  } finally {
    await close();
  }
}

async function firstManifest(entries: AsyncIterator<TarEntry>, path: string): Promise<Manifest> {
  const first = await entries.next();
  if (first.done === true || first.value.name !== MANIFEST || first.value.size > MAX_MANIFEST_BYTES) {
    throw new HubError('invalid', `${path} is no backup of FunkyGibbon: it does not begin with ${MANIFEST}.`);
  }
  const pieces: Uint8Array[] = [];
  for await (const piece of first.value.bytes) pieces.push(piece);
  const value = parse(Buffer.concat(pieces).toString());
  const format = typeof value === 'object' && value !== null && 'format' in value ? value.format : undefined;
  if (typeof format === 'number' && format > 1) {
    throw new HubError(
      'invalid',
      `The backup has the format ${format}, which this version does not know. Install the FunkyGibbon that made it, or a newer one.`,
    );
  }
  const checked = manifestSchema.safeParse(value);
  if (checked.success) return checked.data;
  throw new HubError('invalid', `The backup is damaged: its ${MANIFEST} makes no sense.`);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** @returns the file's SHA-256. */
async function take(
  { name, bytes }: TarEntry,
  folder: string | null,
  signal: AbortSignal | undefined,
): Promise<string> {
  const hash = createHash('sha256');
  const file = folder === null ? null : await openFile(join(folder, name), 'wx', 0o600);
  try {
    for await (const piece of bytes) {
      signal?.throwIfAborted();
      hash.update(piece);
      await file?.writeFile(piece);
    }
    await file?.sync();
  } finally {
    await file?.close();
  }
  return hash.digest('hex');
}

interface OpenArchive {
  readonly entries: AsyncGenerator<TarEntry>;
  /** What was read so far of the file itself. */
  readonly read: () => { sizeBytes: number; sha256: string };
  readonly close: () => Promise<void>;
}

async function openArchive(
  path: string,
  passphrase: string | null,
  options: Pick<ReadOptions, 'progress'> = {},
): Promise<OpenArchive> {
  const encrypted = await isEncrypted(path);
  if (encrypted && passphrase === null) {
    throw new HubError(
      'invalid',
      'The backup is encrypted: give its passphrase with --passphrase-file FILE.',
      {
        code: WRONG_PASSPHRASE,
      },
    );
  }
  const hash = createHash('sha256');
  let sizeBytes = 0;
  async function* raw(): AsyncGenerator<Uint8Array> {
    for await (const piece of readFilePieces(path)) {
      hash.update(piece);
      sizeBytes += piece.length;
      options.progress?.(sizeBytes);
      yield piece;
    }
  }
  const packed = encrypted && passphrase !== null ? decryptWithPassphrase(raw(), passphrase) : raw();
  const unpacked = chain(Readable.from(packed), createGunzip());
  const entries = readTar(unpacked);
  return {
    entries,
    read: () => ({ sizeBytes, sha256: hash.digest('hex') }),
    close: async () => {
      await entries.return(undefined);
      unpacked.destroy();
    },
  };
}

/** Joins two streams so that what fails in either fails the reading. */
function chain<T extends NodeJS.ReadWriteStream & Readable>(from: Readable, to: T): T {
  // Whoever reads is told by the stream itself.
  pipeline(from, to, () => undefined);
  return to;
}

/** zlib's errors in words; whatever else is left as it is. */
function toUnreadable(error: unknown): unknown {
  if (errorCode(error)?.startsWith('Z_') !== true) return error;
  return new HubError('invalid', `The backup is damaged or cut off (${errorText(error)}).`, { cause: error });
}

/** Writes a stream into a new file and syncs it; nothing is left of it where that fails. @returns bytes written. */
export async function writeStream(
  file: FileHandle,
  bytes: AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
  progress: ((bytes: number) => void) | undefined,
): Promise<number> {
  let written = 0;
  for await (const piece of bytes) {
    signal?.throwIfAborted();
    await file.writeFile(piece);
    written += piece.length;
    progress?.(written);
  }
  await file.sync();
  return written;
}
