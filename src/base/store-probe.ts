import type { Store } from './store.ts';

/** Ends the transaction of a probe; it never gets out of it. */
const TAKEN_BACK = new Error('a probe is taken back');

/**
 * Writes to the database and takes it back: shows that the connection answers and that nobody else holds it, and costs
 * the card nothing.
 * @throws HubError `storage` or `storage_full` where SQLite refused; `unavailable` while the hub stops.
 */
export function probeStore(store: Pick<Store, 'write'>): void {
  try {
    store.write((tx) => {
      tx.exec(SAME_VERSION);
      throw TAKEN_BACK;
    });
  } catch (error) {
    if (error !== TAKEN_BACK) throw error;
  }
}

/**
 * The same with a commit, of one page of the log: shows that the disk takes it.
 * @throws as `probeStore`.
 */
export function probeDisk(store: Pick<Store, 'write'>): void {
  store.write((tx) => tx.exec(SAME_VERSION));
}

/** SQLite writes it into the first page even where it is the same. */
const SAME_VERSION = 'PRAGMA user_version = 1';
