import { closeSync, openSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';

import type { CheckpointResult } from './checkpoint-worker.ts';
import type { Clock } from './clock.ts';
import type { Logger } from './log.ts';
import type { Migrations } from './migrations.ts';
import type { Secrets } from './secret-box.ts';

import { runCheckpoint } from './checkpoint.ts';
import { Db, Tx } from './db.ts';
import { DurabilityBarrier, rewriteInPlace } from './durability.ts';
import { errorText, HubError, StartError } from './errors.ts';
import {
  applyMigrations,
  fsyncPath,
  pendingMigrations,
  VERSION_TABLE,
  writeVerifiedCopy,
} from './migrations.ts';
import { PLAIN } from './secret-box.ts';
import { toIso } from './clock.ts';

export interface StoreOptions {
  /** Path of the database file; its folder exists and is writable. */
  file: string;
  clock: Clock;
  log: Logger;
  /** The tables of every owner, in the order in which they are created. */
  migrations: readonly Migrations[];
  /** A checkpoint begins when the WAL has grown past this. Default 4 MiB. */
  walLimitBytes?: number;
}

/** How often the size of the WAL is looked at, at most. */
const WAL_CHECK_EVERY_COMMITS = 16;

/**
 * The one database file. Reads and writes are synchronous and on one connection; a transaction is a function that may
 * not await. `durable()` is the only way to learn that a commit survives a power cut (see DurabilityBarrier).
 */
export class Store implements AsyncDisposable {
  readonly #options: StoreOptions;
  readonly #connection: DatabaseSync;
  readonly #db: Db;
  readonly #tx: Tx;
  readonly #barrier: DurabilityBarrier;
  readonly #walLimitBytes: number;
  #inTransaction = false;
  #commits = 0;
  #refused = 0;
  #secrets: Secrets = PLAIN;
  #checkpoint: Promise<CheckpointResult> | undefined;
  #closing: Promise<void> | undefined;

  private constructor(options: StoreOptions, connection: DatabaseSync) {
    this.#options = options;
    this.#connection = connection;
    const statements = new Map<string, StatementSync>();
    this.#db = new Db(connection, statements);
    this.#tx = new Tx(connection, statements);
    this.#walLimitBytes = options.walLimitBytes ?? 4 * 1024 * 1024;
    this.#barrier = new DurabilityBarrier({
      walFile: `${options.file}-wal`,
      log: options.log,
    });
  }

  /**
   * Opens or creates the database, migrates it and makes everything in it durable, so that whatever is read from here
   * on was not merely in a cache when the power last went.
   * @throws StartError naming what to do: not a database, damaged, newer, folder not writable, disk full.
   */
  static async open(options: StoreOptions): Promise<Store> {
    let connection: DatabaseSync | undefined;
    let store: Store | undefined;
    try {
      connection = new DatabaseSync(options.file, { timeout: 5000 });
      connection.exec(`
        PRAGMA page_size = 2048;
        PRAGMA auto_vacuum = INCREMENTAL;
        PRAGMA journal_mode = WAL;
        PRAGMA synchronous = FULL;
        PRAGMA wal_autocheckpoint = 0;
        PRAGMA journal_size_limit = 8388608;
        PRAGMA temp_store = MEMORY;
        PRAGMA cache_size = -4096;
      `);
      distrustLeftWal(connection, `${options.file}-wal`);
      store = new Store(options, connection);
      store.#migrate();
      emptyWal(connection);
      fsyncPath(dirname(options.file));
      connection.exec('PRAGMA synchronous = NORMAL');
      await store.#barrier.open();
      return store;
    } catch (error) {
      await store?.[Symbol.asyncDispose]().catch(() => undefined);
      if (connection?.isOpen) connection.close();
      if (error instanceof StartError) throw error;
      throw new StartError('database', openAdvice(options.file, error), { cause: error });
    }
  }

  /** For reads outside a transaction; each statement sees the latest commit. */
  get db(): Db {
    return this.#db;
  }

  /**
   * Runs `body` in one transaction: all of it is committed, or, when it throws, none of it. The world must be told
   * only after `await durable()`.
   * @throws HubError `storage_full` or `storage` when the disk refused; TypeError when `body` returns a promise.
   */
  write<T>(body: (tx: Tx) => T): T {
    if (this.#closing) throw new HubError('unavailable', 'The hub is shutting down; try again in a moment.');
    if (this.#inTransaction) throw new TypeError('a transaction is already open: pass its Tx along instead');
    try {
      this.#connection.exec('BEGIN IMMEDIATE');
    } catch (error) {
      throw toStorageError(error);
    }
    this.#inTransaction = true;
    try {
      const result = body(this.#tx);
      if (isThenable(result)) {
        throw new TypeError('a transaction must be synchronous: its body returned a promise');
      }
      this.#connection.exec('COMMIT');
      this.#commits += 1;
      this.#barrier.noteCommit();
      return result;
    } catch (error) {
      // SQLite has already rolled back by itself when the disk was full; a second ROLLBACK would throw.
      if (this.#connection.isTransaction) this.#connection.exec('ROLLBACK');
      if (sqliteCode(error) !== undefined) this.#refused += 1;
      this.#distrustAfter(error);
      throw toStorageError(error);
    } finally {
      this.#inTransaction = false;
      if (this.#commits % WAL_CHECK_EVERY_COMMITS === 0) this.#checkpointWhenDue();
    }
  }

  /**
   * Resolves when every transaction committed before the call survives a power cut. Calls that wait together share one
   * sync, made off the event loop.
   * @throws HubError `storage` when the disk did not confirm: then it is unknown, and nothing may be acknowledged.
   */
  async durable(): Promise<void> {
    await this.#barrier.settle();
  }

  /** Path of the database file, for what reads it on a connection of its own. */
  get file(): string {
    return this.#options.file;
  }

  /** How secrets are written in this database. */
  get secrets(): Secrets {
    return this.#secrets;
  }

  /** To be called before anything reads or writes a secret. */
  useSecrets(secrets: Secrets): void {
    this.#secrets = secrets;
  }

  /**
   * Writes the whole database anew and empties the WAL, so that nothing that was deleted or replaced is left between the
   * rows. It takes as long as the database is large, and everything waits: for the start only.
   * @throws HubError `storage_full` or `storage`; what is stored is the same then.
   */
  rewrite(): void {
    try {
      this.#connection.exec('PRAGMA synchronous = FULL; PRAGMA secure_delete = ON; VACUUM');
      emptyWal(this.#connection);
    } catch (error) {
      this.#distrustAfter(error);
      throw toStorageError(error);
    } finally {
      this.#connection.exec('PRAGMA secure_delete = OFF; PRAGMA synchronous = NORMAL');
    }
  }

  /** Why the disk is not trusted at the moment, or null. */
  get fault(): string | null {
    return this.#barrier.failure === undefined ? null : errorText(this.#barrier.failure);
  }

  /** Since the store was opened: transactions that were committed, or that SQLite refused; syncs, and how long they took. */
  get counters(): { commits: number; refused: number; syncs: number; syncMs: number } {
    const { syncs, syncMs } = this.#barrier;
    return { commits: this.#commits, refused: this.#refused, syncs, syncMs };
  }

  /**
   * Copies what the WAL holds into the database file, off the event loop. Concurrent calls share one run.
   * @throws HubError `storage` while the disk is not trusted, or an error of SQLite.
   */
  async checkpoint(): Promise<CheckpointResult> {
    try {
      this.#checkpoint ??= runCheckpoint(this.#options.file, () => this.#barrier.settle()).finally(() => {
        this.#checkpoint = undefined;
      });
      return await this.#checkpoint;
    } catch (error) {
      this.#distrustAfter(error);
      throw error;
    }
  }

  /** Ends the checkpoint, syncs and closes. Safe to call twice. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close();
    await this.#closing;
  }

  async #close(): Promise<void> {
    await this.#checkpoint?.catch(() => undefined);
    await this.#barrier.close();
    // Closing the last connection checkpoints with fsync and removes the WAL: FULL makes that durable.
    if (!this.#connection.isOpen) return;
    this.#connection.exec('PRAGMA synchronous = FULL');
    this.#connection.close();
  }

  #migrate(): void {
    this.#connection.exec(VERSION_TABLE);
    const { clock, file, log, migrations } = this.#options;
    const pending = pendingMigrations(this.#tx, migrations);
    if (pending.length === 0) return;
    if (pending.some(({ from }) => from > 0)) {
      const copy = writeVerifiedCopy(this.#connection, file, toIso(clock.nowMs()));
      log.info(
        { copy, owners: pending.map(({ owner }) => owner) },
        'migrating the database; a verified copy was made',
      );
    }
    this.write((tx) => applyMigrations(tx, pending));
  }

  #checkpointWhenDue(): void {
    // While the WAL on the disk may have holes, a checkpoint could damage the database (see DurabilityBarrier).
    if (this.#checkpoint || this.#closing || this.#barrier.failure !== undefined) return;
    const size = statSync(`${this.#options.file}-wal`, { throwIfNoEntry: false })?.size ?? 0;
    if (size < this.#walLimitBytes) return;
    this.checkpoint().catch((error: unknown) => {
      this.#options.log.warn({ err: error }, 'a checkpoint failed; it is tried again with the next writes');
    });
  }

  #distrustAfter(error: unknown): void {
    if (sqliteCode(error) === SQLITE_IOERR) this.#barrier.distrust(error);
  }
}

/**
 * A WAL that was left behind may have met a failed sync in the process before: then it is whole in the page cache and
 * has holes on the disk, which the sync of a checkpoint would not fill. The write lock keeps other programs out.
 */
function distrustLeftWal(connection: DatabaseSync, walFile: string): void {
  connection.exec('BEGIN IMMEDIATE');
  const fd = openSync(walFile, 'r+');
  try {
    rewriteInPlace(fd);
  } finally {
    closeSync(fd);
    connection.exec('ROLLBACK');
  }
}

/** Copies the WAL into the database, durably, and begins it anew. */
function emptyWal(connection: DatabaseSync): void {
  connection.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get();
  // Syncs the header of the empty WAL: else the first commit would do so on the event loop.
  connection.exec('PRAGMA user_version = 1');
}

function isThenable(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}

/** SQLite's primary result codes that mean "the disk", https://sqlite.org/rescode.html. */
const SQLITE_PERM = 3;
const SQLITE_BUSY = 5;
const SQLITE_READONLY = 8;
const SQLITE_IOERR = 10;
const SQLITE_CORRUPT = 11;
const SQLITE_FULL = 13;
const SQLITE_CANTOPEN = 14;
const SQLITE_NOTADB = 26;

function sqliteCode(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null || !('errcode' in error)) return undefined;
  return typeof error.errcode === 'number' ? error.errcode & 0xff : undefined;
}

function toStorageError(error: unknown): unknown {
  switch (sqliteCode(error)) {
    case SQLITE_FULL:
      return new HubError(
        'storage_full',
        'The disk is full; nothing was stored. Free some space and try again.',
        {
          cause: error,
        },
      );
    case SQLITE_READONLY:
      return new HubError('storage', 'The database cannot be written: its file system is read-only.', {
        cause: error,
      });
    case SQLITE_BUSY:
    case SQLITE_IOERR:
    case SQLITE_CORRUPT:
      return new HubError('storage', `The disk did not take the write: ${errorText(error)}.`, {
        cause: error,
      });
    default:
      return error;
  }
}

function openAdvice(file: string, error: unknown): string {
  switch (sqliteCode(error)) {
    case SQLITE_NOTADB:
      return `${file} is not a SQLite database. Move it away and restore a backup; it was not touched.`;
    case SQLITE_CORRUPT:
      return `${file} is damaged (${errorText(error)}). It was not touched: restore a backup beside it.`;
    case SQLITE_BUSY:
      return `${file} is in use by another program. Stop it and start again.`;
    case SQLITE_FULL:
      return `the disk that holds ${file} is full. Free some space and start again.`;
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
      return `${file} cannot be opened for writing (${errorText(error)}). Check the owner and the free space of its folder.`;
    default:
      return `${file} cannot be opened: ${errorText(error)}`;
  }
}
