import type { Held, Kind, Meta, PendingChange, Report } from './types.ts';

/** A store may answer at once or later. */
export type Awaitable<T> = T | Promise<T>;

/** What is to be written, all of it or nothing. */
export interface StoreBatch {
  /** The `revision` of the meta that this was made from; 0 where there was none. */
  readonly basedOn: number;
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
 * JSON. One client never calls a method before the `commit` before it has ended.
 *
 * One client at a time should use a store. Where a second one can come to the same rows, as a second tab of a browser
 * does with IndexedDB, nothing is lost as long as `commit` refuses what was made from an older state: the client reads
 * again then, and does the edit anew. A client is not told what another one has written, though, so a page does better
 * to open its client inside `navigator.locks.request`, which lets one tab at a time have it.
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
   *
   * Resolves to false, with nothing written, when the batch is not based on what is held (`isBasedOn`); to true when it
   * is written. Comparing and writing have to be one step: with IndexedDB one `readwrite` transaction over all object
   * stores that gets the meta first, with SQLite one `BEGIN IMMEDIATE`. A transaction of IndexedDB ends by itself when
   * anything else is awaited inside it, and what it wrote is safe only at its `complete`, with `durability: 'strict'`.
   */
  commit(batch: StoreBatch): Awaitable<boolean>;
  close(): Awaitable<void>;
}

/** Whether a batch was made from what a store holds. The others would overwrite what another client has written. */
export function isBasedOn(held: Meta | undefined, batch: StoreBatch): boolean {
  return (held?.revision ?? 0) === batch.basedOn;
}
