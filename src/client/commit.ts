import type { LocalStore, StoreBatch } from './store.ts';
import type { Meta } from './types.ts';

/** The store holds something else by now than a step was made from: another client has written to it. */
export class StoreMoved extends Error {
  constructor() {
    super('another client has written to the store');
    this.name = 'StoreMoved';
  }
}

/**
 * Writes what was made from `base`; returns the meta that the store holds then.
 * @throws StoreMoved, with nothing written.
 */
export async function commitOn(
  store: LocalStore,
  base: Meta,
  batch: Pick<StoreBatch, 'meta'> & Partial<StoreBatch>,
): Promise<Meta> {
  const meta = { ...batch.meta, revision: base.revision + 1 };
  const written = await store.commit({
    held: [],
    removed: [],
    pending: [],
    settled: [],
    reports: [],
    dismissed: [],
    ...batch,
    meta,
    basedOn: base.revision,
  });
  if (!written) throw new StoreMoved();
  return meta;
}
