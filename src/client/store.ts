import type { Held, Kind, Meta, PendingChange, Report } from './types.ts';

/** A store may answer at once or later. */
export type Awaitable<T> = T | Promise<T>;

/** What is to be written, all of it or nothing. */
export interface StoreBatch {
  readonly meta: Meta;
  /** To be put, by (kind, id). */
  readonly held: readonly Held[];
  readonly removed: readonly { readonly kind: Kind; readonly id: string }[];
  /** To be put, by order. */
  readonly pending: readonly PendingChange[];
  /** Orders of pending changes to be removed. */
  readonly settled: readonly number[];
  /** To be put, by version. */
  readonly reports: readonly Report[];
  /** Versions of reports to be removed. */
  readonly dismissed: readonly string[];
}

/**
 * Where a replica keeps its rows and its queue: memory, a file, IndexedDB, SQLite. Everything that is kept is plain
 * JSON. One client at a time uses a store; it never calls a method before the `commit` before it has ended.
 */
export interface LocalStore {
  /** Undefined in a new store. */
  meta(): Awaitable<Meta | undefined>;
  held(kind: Kind, id: string): Awaitable<Held | undefined>;
  /** Everything of a kind, in any order. */
  list(kind: Kind): Awaitable<readonly Held[]>;
  /** Ascending by order. */
  pending(): Awaitable<readonly PendingChange[]>;
  /** In the order in which they came. */
  reports(): Awaitable<readonly Report[]>;
  /**
   * Writes the whole batch or none of it, also when the power fails meanwhile, and resolves when it will be read back
   * after that. In the other order an edit could be lost, or a page of the hub's answers skipped.
   */
  commit(batch: StoreBatch): Awaitable<void>;
  close(): Awaitable<void>;
}
