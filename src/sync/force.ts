import type { ExchangeReport } from './exchange.ts';
import type { LiveDevices, SyncDirection } from './types.ts';

/** How long whoever asked waits for the device (PROTOCOL.md 2.3). */
const WAIT_MS = 10_000;

/** What became of a sync that was asked for. */
export interface ForcedSync {
  /** `queued`: the device did not sync while it was waited for; it will when it is there again. */
  readonly status: 'completed' | 'queued';
  /** Rows that went either way meanwhile. */
  readonly changesProcessed: number;
  /** Edits that were joined with what others had done. */
  readonly conflictsResolved: number;
}

interface Waiter {
  /** Syncs that began before this one was asked for do not count. */
  readonly fromTicket: number;
  changes: number;
  merges: number;
  done(status: ForcedSync['status']): void;
}

/** Asks devices over their WebSocket to sync now, and waits until they have. */
export class ForcedSyncs implements Disposable {
  readonly #live: LiveDevices;
  readonly #waitMs: number;
  readonly #waiting = new Map<string, Set<Waiter>>();
  #tickets = 0;

  constructor(options: { live: LiveDevices; waitMs?: number | undefined }) {
    this.#live = options.live;
    this.#waitMs = options.waitMs ?? WAIT_MS;
  }

  async ask(deviceId: string, direction: SyncDirection): Promise<ForcedSync> {
    const { promise, resolve } = Promise.withResolvers<ForcedSync['status']>();
    const waiter: Waiter = { fromTicket: this.#tickets, changes: 0, merges: 0, done: resolve };
    const waiters = this.#waiting.get(deviceId) ?? new Set<Waiter>();
    this.#waiting.set(deviceId, waiters.add(waiter));
    // Listened for before it is asked: it may be quicker than the answer to this call.
    if (this.#live.requestSync(deviceId, direction) === 0) waiter.done('queued');
    const timer = setTimeout(() => resolve('queued'), this.#waitMs);
    const status = await promise;
    clearTimeout(timer);
    waiters.delete(waiter);
    if (waiters.size === 0) this.#waiting.delete(deviceId);
    return { status, changesProcessed: waiter.changes, conflictsResolved: waiter.merges };
  }

  /** To be called when a sync begins; returns what `synced` is to be told about it. */
  begin(): number {
    this.#tickets += 1;
    return this.#tickets;
  }

  /** To be called after each sync that worked. */
  synced(deviceId: string, ticket: number, report: ExchangeReport): void {
    for (const waiter of this.#waiting.get(deviceId) ?? []) {
      if (ticket <= waiter.fromTicket) continue;
      waiter.changes += report.changes;
      waiter.merges += report.merges;
      if (!report.hasMore) waiter.done('completed');
    }
  }

  /** Nobody is waited for any more. */
  [Symbol.dispose](): void {
    for (const waiters of this.#waiting.values()) for (const waiter of waiters) waiter.done('queued');
  }
}
