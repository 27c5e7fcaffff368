import type { LocalStore, StoreBatch } from './store.ts';
import type { Held, Kind, Meta, PendingChange, Report } from './types.ts';

import { isBasedOn } from './store.ts';

/** Keeps everything in memory: for tests, for a page that starts anew each time, and below the file store. */
export class MemoryStore implements LocalStore {
  #meta: Meta | undefined;
  readonly #held = { entity: new Map<string, Held>(), relationship: new Map<string, Held>() };
  readonly #pending = new Map<number, PendingChange>();
  readonly #reports = new Map<string, Report>();

  meta(): Meta | undefined {
    return this.#meta;
  }

  held(kind: Kind, id: string): Held | undefined {
    return this.#held[kind].get(id);
  }

  list(kind: Kind): readonly Held[] {
    return [...this.#held[kind].values()];
  }

  pending(): readonly PendingChange[] {
    return [...this.#pending.values()].sort((a, b) => a.order - b.order);
  }

  reports(): readonly Report[] {
    return [...this.#reports.values()];
  }

  commit(batch: StoreBatch): boolean {
    if (!isBasedOn(this.#meta, batch)) return false;
    this.put(batch);
    return true;
  }

  /** Writes a batch, whatever it was made from. */
  put(batch: StoreBatch): void {
    this.#meta = batch.meta;
    for (const held of batch.held) this.#held[held.kind].set(held.id, held);
    for (const { kind, id } of batch.removed) this.#held[kind].delete(id);
    for (const pending of batch.pending) this.#pending.set(pending.order, pending);
    for (const order of batch.settled) this.#pending.delete(order);
    for (const report of batch.reports) this.#reports.set(report.version, report);
    for (const version of batch.dismissed) this.#reports.delete(version);
  }

  close(): void {
    // Nothing is open.
  }
}
