import type { LocalStore } from './store.ts';
import type { Held, Kind, LocalChange, Meta, PendingChange, Report, Row } from './types.ts';

import { commitOn } from './commit.ts';
import { repairChange } from './wire.ts';

/**
 * What one step changes, gathered before it is written: the store gets all of it in one batch, and a step that fails
 * has changed nothing.
 */
export class Draft {
  meta: Meta;
  /** What the store is thought to hold. */
  readonly #base: Meta;
  readonly #store: LocalStore;
  /** As they were when this draft first looked. */
  readonly #before = new Map<string, Row | null>();
  readonly #held = new Map<string, Held>();
  readonly #changed = new Set<string>();
  readonly #pending: Map<number, PendingChange>;
  /** Versions that are or were in the queue. */
  readonly #queued = new Set<string>();
  /** How many pending changes each thing has. */
  readonly #waiting = new Map<string, number>();
  readonly #added: PendingChange[] = [];
  readonly #settled: number[] = [];
  readonly #reports: Report[] = [];

  private constructor(store: LocalStore, meta: Meta, pending: readonly PendingChange[]) {
    this.#store = store;
    this.meta = meta;
    this.#base = meta;
    this.#pending = new Map(pending.map((change) => [change.order, change]));
    for (const { kind, id, version } of pending) {
      this.#count(kind, id, 1);
      this.#queued.add(versionKey(kind, id, version));
    }
  }

  /** For edits of one thing: the queue, which may be long, need not be read for them. */
  static forEdit(store: LocalStore, meta: Meta): Draft {
    return new Draft(store, meta, []);
  }

  static async begin(store: LocalStore, meta: Meta): Promise<Draft> {
    return new Draft(store, meta, await store.pending());
  }

  get reports(): readonly Report[] {
    return this.#reports;
  }

  async held(kind: Kind, id: string): Promise<Held> {
    const key = keyOf(kind, id);
    const known = this.#held.get(key);
    if (known) return known;
    const stored = await this.#store.held(kind, id);
    return this.#seen(stored ?? { kind, id, row: null, generation: 0 });
  }

  /** Everything of a kind, as this draft has it. */
  async list(kind: Kind): Promise<Held[]> {
    const stored = await this.#store.list(kind);
    return stored.map((held) => this.#held.get(keyOf(kind, held.id)) ?? this.#seen(held));
  }

  /** `held` of this draft, or made from one. */
  put(held: Held): void {
    const key = keyOf(held.kind, held.id);
    this.#held.set(key, held);
    this.#changed.add(key);
  }

  isWaiting(kind: Kind, id: string): boolean {
    return (this.#waiting.get(keyOf(kind, id)) ?? 0) > 0;
  }

  /** Queues an edit and shows it. */
  queue(held: Held, edit: Pick<PendingChange, 'change' | 'row'>): void {
    const { kind, id } = held;
    this.#add({ kind, id, repair: false, version: edit.row.version, ...edit });
    this.put({ ...held, row: edit.row, base: hubRowOf(held) });
  }

  /** Queues a version that the hub lost, which then has `base` instead; what is shown stays. */
  requeue(held: Held, lost: Row, base: Row | null): void {
    const { kind, id } = held;
    // How it is worded is decided when it is sent: until then somebody else may have brought the thing back.
    if (!this.#queued.has(versionKey(kind, id, lost.version)))
      this.#add({
        kind,
        id,
        repair: true,
        version: lost.version,
        change: repairChange(lost, base),
        row: lost,
      });
    this.put({ ...held, base });
  }

  /** The hub has answered for it. */
  settle(change: PendingChange): void {
    if (!this.#pending.delete(change.order)) return;
    this.#settled.push(change.order);
    this.#count(change.kind, change.id, -1);
  }

  report(report: Report): void {
    this.#reports.push(report);
  }

  /**
   * Writes it. Returns the things that a person sees differently now.
   * @throws StoreMoved when another client has written meanwhile; nothing is written then.
   */
  async commit(origin: LocalChange['origin']): Promise<LocalChange[]> {
    const held: Held[] = [];
    const removed: { kind: Kind; id: string }[] = [];
    const changes: LocalChange[] = [];
    for (const key of this.#changed) {
      const last = this.#held.get(key);
      if (!last) continue;
      const { kind, id, generation } = last;
      const waiting = this.isWaiting(kind, id);
      const row = waiting ? last.row : hubRowOf(last);
      if (row === null && !waiting) removed.push({ kind, id });
      else held.push(waiting ? { ...last, base: hubRowOf(last) } : { kind, id, row, generation });
      const before = this.#before.get(key) ?? null;
      if (before?.version !== row?.version) changes.push({ kind, id, before, after: row, origin });
    }
    this.meta = await commitOn(this.#store, this.#base, {
      meta: this.meta,
      held,
      removed,
      pending: this.#added.filter(({ order }) => this.#pending.has(order)),
      settled: this.#settled,
      reports: this.#reports,
    });
    return changes;
  }

  #seen(held: Held): Held {
    const key = keyOf(held.kind, held.id);
    this.#held.set(key, held);
    this.#before.set(key, held.row);
    return held;
  }

  #add(change: Omit<PendingChange, 'order'>): void {
    const queued: PendingChange = { ...change, order: this.meta.nextOrder };
    this.meta = { ...this.meta, nextOrder: this.meta.nextOrder + 1 };
    this.#added.push(queued);
    this.#pending.set(queued.order, queued);
    this.#count(queued.kind, queued.id, 1);
    this.#queued.add(versionKey(queued.kind, queued.id, queued.version));
  }

  #count(kind: Kind, id: string, by: number): void {
    const key = keyOf(kind, id);
    this.#waiting.set(key, (this.#waiting.get(key) ?? 0) + by);
  }
}

/** What the hub was last heard to have of it. */
export function hubRowOf(held: Held): Row | null {
  return held.base === undefined ? held.row : held.base;
}

function keyOf(kind: Kind, id: string): string {
  return `${kind}\n${id}`;
}

function versionKey(kind: Kind, id: string, version: string): string {
  return `${keyOf(kind, id)}\n${version}`;
}
