import { constants, fsyncSync, openSync, closeSync } from 'node:fs';
import { open, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';

import type { LocalStore, StoreBatch } from './store.ts';
import type { Held, Kind, Meta, PendingChange, Report } from './types.ts';

import { ClientError } from './errors.ts';
import { LockFile } from './lock-file.ts';
import { MemoryStore } from './memory-store.ts';
import { Serial } from './serial.ts';
import { isBasedOn } from './store.ts';

/** The journal is written anew when it is this large and half of it is overtaken. */
const COMPACT_ABOVE_BYTES = 1024 * 1024;
const HEADER = '{"format":"funkygibbon-replica","version":1}\n';

/**
 * Keeps a replica in one file of Node: a journal with one line of JSON for each batch, on the disk before `commit`
 * resolves. A line that a power cut left unfinished is dropped, as if its batch had not been. Reads come from memory.
 * While it is open, a file of the same name with `.lock` at its end keeps other programs out.
 */
export class FileStore implements LocalStore {
  readonly #path: string;
  readonly #memory: MemoryStore;
  readonly #lock: LockFile;
  readonly #commits = new Serial();
  #file: FileHandle;
  /** Where the last whole line ends. */
  #bytes: number;
  /** What the file has: more than that where a power cut left an unfinished line, until the first append. */
  #size: number;
  /** What the journal had when it was last written anew. */
  #compactBytes: number;
  /** What is in the file is not known any more: it has to be opened again. */
  #broken: unknown;

  private constructor(
    path: string,
    opened: { lock: LockFile; file: FileHandle; memory: MemoryStore; bytes: number; size: number },
  ) {
    this.#path = path;
    this.#lock = opened.lock;
    this.#memory = opened.memory;
    this.#file = opened.file;
    this.#bytes = opened.bytes;
    this.#size = opened.size;
    this.#compactBytes = opened.bytes;
  }

  /**
   * Opens the file, or makes it. Nothing of what is in it changes before the first `commit`.
   * @throws ClientError `shared_store` when another program, or this one, has it open.
   * @throws Error when it is damaged elsewhere than at its end.
   */
  static async open(path: string): Promise<FileStore> {
    const lock = await LockFile.take(`${path}.lock`);
    let file: FileHandle | undefined;
    try {
      file = await open(path, constants.O_RDWR | constants.O_CREAT, 0o600);
      const memory = new MemoryStore();
      const journal = await file.readFile();
      const bytes = replay(journal, memory, path);
      syncFolder(path);
      return new FileStore(path, { lock, file, memory, bytes, size: journal.length });
    } catch (error) {
      await file?.close();
      await lock.release();
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
  async commit(batch: StoreBatch): Promise<boolean> {
    return await this.#commits.run(async () => {
      if (!isBasedOn(this.#memory.meta(), batch)) return false;
      await this.#append(`${JSON.stringify(batch)}\n`);
      this.#memory.put(batch);
      if (this.#bytes > COMPACT_ABOVE_BYTES && this.#bytes > 2 * this.#compactBytes) await this.#compact();
      return true;
    });
  }

  async close(): Promise<void> {
    await this.#commits.run(async () => {
      this.#broken ??= new Error('the store was closed');
      await this.#file.close();
      await this.#lock.release();
    });
  }

  async #append(line: string): Promise<void> {
    if (this.#broken !== undefined) {
      throw new Error(`${this.#path} has to be opened again`, { cause: this.#broken });
    }
    try {
      await this.#checkAlone();
      if (this.#size > this.#bytes) await this.#file.truncate(this.#bytes);
      const bytes = Buffer.from(this.#bytes === 0 ? HEADER + line : line);
      let written = 0;
      while (written < bytes.length) {
        const position = this.#bytes + written;
        written += (await this.#file.write(bytes, written, bytes.length - written, position)).bytesWritten;
      }
      await this.#file.datasync();
      this.#bytes += bytes.length;
      this.#size = this.#bytes;
    } catch (error) {
      this.#broken = error;
      throw error;
    }
  }

  /** A second program without the lock would overwrite lines of this one, and this one must not overwrite its. */
  async #checkAlone(): Promise<void> {
    const [own, there] = await Promise.all([this.#file.stat(), stat(this.#path)]);
    if (own.ino !== there.ino || there.size !== this.#size) {
      throw new ClientError('shared_store', `another program writes to ${this.#path}`);
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
      this.#size = this.#bytes;
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
      basedOn: 0,
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
      memory.put(batch);
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
