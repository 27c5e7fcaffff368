import { open, type FileHandle } from 'node:fs/promises';

import type { Logger } from './log.ts';

import { HubError } from './errors.ts';

export interface BarrierOptions {
  /** The database's `-wal` file. Never the database itself: closing a second descriptor of it drops SQLite's locks. */
  walFile: string;
  /** Copies the whole WAL into the database and syncs it; how trust is won back after a failed sync. */
  checkpointAll: () => Promise<void>;
  log: Logger;
}

/**
 * Tells when commits can no longer be lost to a power cut, at the price of one `fdatasync` for all that wait together.
 *
 * Commits run with `synchronous=NORMAL`: they write to the WAL and return, and nothing has reached the disk for
 * certain. This class syncs the WAL through a descriptor of its own on libuv's thread pool, so that a card whose fsync
 * takes 150 ms delays acknowledgements and nothing else.
 *
 * A failed sync means *unknown*: Linux may have dropped the dirty pages and reports the next fsync as fine. So after a
 * failure nothing is acknowledged until a full checkpoint has rewritten and synced everything.
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

  constructor(options: BarrierOptions) {
    this.#options = options;
  }

  async open(): Promise<void> {
    this.#wal = await open(this.#options.walFile, 'r');
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
    if (this.#closed || !this.#wal) throw new HubError('storage', 'the store is closed');
    const covers = this.#committed;
    try {
      if (this.#failure === undefined) await this.#wal.datasync();
      else await this.#options.checkpointAll();
    } catch (error) {
      if (this.#failure === undefined) {
        this.#options.log.error(
          { err: error },
          'the disk failed to sync; nothing is acknowledged until it recovers',
        );
      }
      this.#failure = error;
      throw new HubError(
        'storage',
        'The disk did not confirm the write; whether it survives a power cut is unknown. Try again.',
        { cause: error },
      );
    }
    if (this.#failure !== undefined) {
      this.#options.log.info('the disk works again; writes are acknowledged');
      this.#failure = undefined;
    }
    this.syncs += 1;
    this.#durable = Math.max(this.#durable, covers);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#running?.catch(() => undefined);
    await this.#wal?.close();
  }
}
