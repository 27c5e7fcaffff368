import type { Clock } from '../base/clock.ts';
import type { Tx } from '../base/db.ts';
import type { Store } from '../base/store.ts';
import type { RunSpan } from './types.ts';

import { CLOCK_IS_SET_MS } from './periods.ts';
import { readSpans } from './reader.ts';
import { putSpan } from './writer.ts';

/** How often a sign of life is written where nothing else is. */
const WRITE_EVERY_MS = 10 * 60_000;
/** The clock was set where it differs from what has passed by more than this. */
const JUMP_MS = 60_000;
/** A restart is no gap worth telling. */
const JOIN_MS = 60_000;

/** When the hub ran: what did not happen is told from what nobody saw. */
export class RunSpans {
  readonly #store: Store;
  readonly #clock: Clock;
  #startMs: number | undefined;
  /** The last look at both clocks. */
  #seen: { readonly wallMs: number; readonly monotonicMs: number } | undefined;
  #writtenMs = Number.NEGATIVE_INFINITY;

  constructor(store: Store, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
    this.#look();
  }

  /** Notes that the hub is alive, in a transaction that is made anyway. */
  touch(tx: Tx): void {
    this.#look();
    if (this.#startMs === undefined || !this.#seen) return;
    putSpan(tx, this.#startMs, this.#seen.wallMs);
    this.#writtenMs = this.#seen.monotonicMs;
  }

  /** The same, with a transaction of its own where none was made for long. */
  tick(isLast = false): void {
    this.#look();
    if (this.#startMs === undefined) return;
    if (!isLast && this.#clock.monotonicMs() - this.#writtenMs < WRITE_EVERY_MS) return;
    this.#store.write((tx) => this.touch(tx));
  }

  /** By time, not overlapping, up to now. */
  list(): RunSpan[] {
    this.#look();
    const spans = readSpans(this.#store.db);
    if (this.#startMs !== undefined && this.#seen) {
      spans.push({ startMs: this.#startMs, endMs: this.#seen.wallMs });
    }
    const joined: RunSpan[] = [];
    for (const span of spans.toSorted((a, b) => a.startMs - b.startMs)) {
      const last = joined.at(-1);
      if (!last || span.startMs > last.endMs + JOIN_MS) joined.push(span);
      else joined[joined.length - 1] = { startMs: last.startMs, endMs: Math.max(last.endMs, span.endMs) };
    }
    return joined;
  }

  #look(): void {
    const now = { wallMs: Math.floor(this.#clock.nowMs()), monotonicMs: this.#clock.monotonicMs() };
    const last = this.#seen;
    if (now.wallMs < CLOCK_IS_SET_MS) {
      this.#startMs = this.#seen = undefined;
      return;
    }
    const driftMs = last && now.wallMs - last.wallMs - (now.monotonicMs - last.monotonicMs);
    if (this.#startMs === undefined || (driftMs !== undefined && Math.abs(driftMs) > JUMP_MS)) {
      this.#startMs = now.wallMs;
      this.#writtenMs = Number.NEGATIVE_INFINITY;
    }
    this.#seen = now;
  }
}
