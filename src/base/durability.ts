import { type FileHandle, open } from 'node:fs/promises';
import { fstatSync, readSync, writeSync } from 'node:fs';

import type { Logger } from './log.ts';

import { HubError } from './errors.ts';

export interface BarrierOptions {
  /** The database's `-wal` file. Never the database itself: closing a second descriptor of it drops SQLite's locks. */
  walFile: string;
  log: Logger;
}

const REWRITE_CHUNK_BYTES = 1024 * 1024;

/**
 * Tells when commits can no longer be lost to a power cut, at the price of one `fdatasync` for all that wait together.
 *
 * Commits run with `synchronous=NORMAL`: they write to the WAL and return, and nothing has reached the disk for
 * certain. This class syncs the WAL through a descriptor of its own on libuv's thread pool, so that a card whose fsync
 * takes 150 ms delays acknowledgements and nothing else.
 *
 * A failed sync means *unknown*: Linux takes the pages that it could not write for clean, and reports the next sync as
 * fine without writing them. So after a failure the whole WAL is written once more, to the same place, and only a sync
 * after that counts. A checkpoint would not do: it trusts the WAL on the disk while it changes the database, and a power
 * cut then replays a WAL with holes over newer pages.
 */
export class DurabilityBarrier {
  readonly #options: BarrierOptions;
  #wal: FileHandle | undefined;
  #committed = 0;
  #durable = 0;
  #running: Promise<void> | undefined;
  #failure: unknown;
  #closed = false;
  /** Number of syncs made, for benchmarks and health. */
  syncs = 0;
  /** How long they took together. */
  syncMs = 0;

  constructor(options: BarrierOptions) {
    this.#options = options;
  }

  async open(): Promise<void> {
    this.#wal = await open(this.#options.walFile, 'r+');
  }

  /** To be called after each commit, on the same turn. */
  noteCommit(): void {
    this.#committed += 1;
  }

  /** The failure that makes the state of the disk unknown, or undefined while all is well. */
  get failure(): unknown {
    return this.#failure;
  }

  /**
   * Another descriptor's sync failed: nothing counts as durable until the WAL is written again and synced. Some file
   * systems tell a failure to one descriptor only, so that our own next sync would look fine.
   */
  distrust(error: unknown): void {
    if (this.#failure === undefined) {
      this.#options.log.error(
        { err: error },
        'the disk failed to sync; nothing is acknowledged until it recovers',
      );
    }
    this.#failure = error;
  }

  /**
   * Resolves when every commit made before the call is on the disk.
   * @throws HubError `storage` when the disk refused; then it is unknown whether the commits survive.
   */
  async settle(): Promise<void> {
    const target = this.#committed;
    while (this.#durable < target || this.#failure !== undefined) {
      this.#running ??= this.#syncOnce().finally(() => {
        this.#running = undefined;
      });
      await this.#running;
    }
  }

  async #syncOnce(): Promise<void> {
    const wal = this.#wal;
    if (this.#closed || !wal) throw new HubError('storage', 'the store is closed');
    const covers = this.#committed;
    const failureBefore = this.#failure;
    const startedMs = performance.now();
    try {
      if (failureBefore !== undefined) rewriteInPlace(wal.fd);
      await wal.datasync();
    } catch (error) {
      this.distrust(error);
      throw new HubError(
        'storage',
        'The disk did not confirm the write; whether it survives a power cut is unknown. Try again.',
        { cause: error },
      );
    }
    // A failure that another descriptor met meanwhile is not healed by this sync.
    if (this.#failure !== failureBefore) return;
    if (failureBefore !== undefined) {
      this.#options.log.info('the disk works again; writes are acknowledged');
      this.#failure = undefined;
    }
    this.syncs += 1;
    this.syncMs += performance.now() - startedMs;
    this.#durable = Math.max(this.#durable, covers);
  }

  /** Makes what was committed durable if it can, and lets go of the file. Nothing may be committed from here on. */
  async close(): Promise<void> {
    if (this.#closed) return;
    try {
      if (this.#wal) await this.settle();
    } catch (error) {
      this.#options.log.error({ err: error }, 'the last sync failed; what was not acknowledged may be lost');
    }
    this.#closed = true;
    await this.#running?.catch(() => undefined);
    await this.#wal?.close();
  }
}

/**
 * Writes the file's bytes over themselves, so that the kernel takes every page for changed and the next sync writes it.
 * It does not yield: a commit between the reading and the writing of a chunk would be undone.
 */
export function rewriteInPlace(fd: number): void {
  const chunk = Buffer.allocUnsafe(REWRITE_CHUNK_BYTES);
  const { size } = fstatSync(fd);
  for (let position = 0; position < size;) {
    const length = readSync(fd, chunk, 0, chunk.length, position);
    if (length === 0) return;
    for (let written = 0; written < length;) {
      written += writeSync(fd, chunk, written, length - written, position + written);
    }
    position += length;
  }
}
