import { constants, fsyncSync, openSync, closeSync } from 'node:fs';
import { open, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';

import type { LocalStore, StoreBatch } from './store.ts';
import type { Held, Kind, Meta, PendingChange, Report } from './types.ts';

import { MemoryStore } from './memory-store.ts';

/** The journal is written anew when it is this large and half of it is overtaken. */
const COMPACT_ABOVE_BYTES = 1024 * 1024;
const HEADER = '{"format":"funkygibbon-replica","version":1}\n';

/**
 * Keeps a replica in one file of Node: a journal with one line of JSON for each batch, on the disk before `commit`
 * resolves. A line that a power cut left unfinished is dropped, as if its batch had not been. Reads come from memory.
 */
export class FileStore implements LocalStore {
  readonly #path: string;
  readonly #memory: MemoryStore;
  #file: FileHandle;
  #bytes: number;
  /** What the journal had when it was last written anew. */
  #compactBytes: number;
  /** What is in the file is not known any more: it has to be opened again. */
  #broken: unknown;

  private constructor(path: string, memory: MemoryStore, file: FileHandle, bytes: number) {
    this.#path = path;
    this.#memory = memory;
    this.#file = file;
    this.#bytes = bytes;
    this.#compactBytes = bytes;
  }

  /** Opens the file, or makes it. Rejects when it is damaged elsewhere than at its end, and leaves it as it is. */
  static async open(path: string): Promise<FileStore> {
    const file = await open(path, constants.O_RDWR | constants.O_CREAT, 0o600);
    try {
      const memory = new MemoryStore();
      const bytes = replay(await file.readFile(), memory, path);
      await file.truncate(bytes);
      const store = new FileStore(path, memory, file, bytes);
      if (bytes === 0) await store.#append(HEADER);
      syncFolder(path);
      return store;
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  meta(): Meta | undefined {
    return this.#memory.meta();
  }

  held(kind: Kind, id: string): Held | undefined {
    return this.#memory.held(kind, id);
  }

  list(kind: Kind): readonly Held[] {
    return this.#memory.list(kind);
  }

  pending(): readonly PendingChange[] {
    return this.#memory.pending();
  }

  reports(): readonly Report[] {
    return this.#memory.reports();
  }

  /** Rejects when the disk does; the store has to be opened again then, which shows what was kept. */
  async commit(batch: StoreBatch): Promise<void> {
    await this.#append(`${JSON.stringify(batch)}\n`);
    this.#memory.commit(batch);
    if (this.#bytes > COMPACT_ABOVE_BYTES && this.#bytes > 2 * this.#compactBytes) await this.#compact();
  }

  async close(): Promise<void> {
    this.#broken ??= new Error('the store was closed');
    await this.#file.close();
  }

  async #append(line: string): Promise<void> {
    if (this.#broken !== undefined) {
      throw new Error(`${this.#path} has to be opened again`, { cause: this.#broken });
    }
    try {
      await this.#checkAlone();
      const bytes = Buffer.from(line);
      let written = 0;
      while (written < bytes.length) {
        const position = this.#bytes + written;
        written += (await this.#file.write(bytes, written, bytes.length - written, position)).bytesWritten;
      }
      await this.#file.datasync();
      this.#bytes += bytes.length;
    } catch (error) {
      this.#broken = error;
      throw error;
    }
  }

  /** Two programs with one store would give two edits the same version, and overwrite each other's lines. */
  async #checkAlone(): Promise<void> {
    const [own, there] = await Promise.all([this.#file.stat(), stat(this.#path)]);
    if (own.ino !== there.ino || there.size !== this.#bytes) {
      throw new Error(`another program writes to ${this.#path}`);
    }
  }

  /** Writes what is valid now into a new file, and puts it in the place of the journal. */
  async #compact(): Promise<void> {
    const next = `${this.#path}.new`;
    await rm(next, { force: true });
    const file = await open(next, 'wx+', 0o600);
    try {
      const text = `${HEADER}${JSON.stringify(this.#snapshot())}\n`;
      await file.writeFile(text);
      await file.sync();
      await rename(next, this.#path);
      syncFolder(this.#path);
      await this.#file.close();
      this.#file = file;
      this.#bytes = Buffer.byteLength(text);
      this.#compactBytes = this.#bytes;
    } catch (error) {
      this.#broken = error;
      await file.close();
      throw error;
    }
  }

  #snapshot(): StoreBatch | undefined {
    const meta = this.#memory.meta();
    if (!meta) return undefined;
    return {
      meta,
      held: [...this.#memory.list('entity'), ...this.#memory.list('relationship')],
      removed: [],
      pending: this.#memory.pending(),
      settled: [],
      reports: this.#memory.reports(),
      dismissed: [],
    };
  }
}

/** Puts the batches of a journal into `memory`; returns where the last whole line ends. */
function replay(journal: Buffer, memory: MemoryStore, path: string): number {
  let end = 0;
  for (;;) {
    const newline = journal.indexOf(10, end);
    if (newline === -1) return end;
    const line = journal.toString('utf8', end, newline);
    if (end === 0) {
      if (`${line}\n` !== HEADER) throw new Error(`${path} is not a replica of this version`);
    } else {
      const batch = parseLine(line);
      if (!batch) {
        // What a power cut leaves lies at the end; anything else must not be thrown away.
        if (journal.indexOf(10, newline + 1) === -1) return end;
        throw new Error(`${path} is damaged at byte ${end}; move it away to begin anew`);
      }
      memory.commit(batch);
    }
    end = newline + 1;
  }
}

function parseLine(line: string): StoreBatch | undefined {
  try {
    return JSON.parse(line) as StoreBatch;
  } catch {
    return undefined;
  }
}

/** A new name in a folder is durable only once the folder is. Not all systems can do that. */
function syncFolder(path: string): void {
  let folder: number | undefined;
  try {
    folder = openSync(dirname(path), 'r');
    fsyncSync(folder);
  } catch {
    // Windows opens no folders.
  } finally {
    if (folder !== undefined) closeSync(folder);
  }
}
