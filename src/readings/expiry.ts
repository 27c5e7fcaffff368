import type { Clock } from '../base/clock.ts';
import type { Store } from '../base/store.ts';
import type { Series, SeriesSet } from './series.ts';
import type { ExpiryResult, Retention } from './types.ts';

import { LeapGuard } from '../base/leap-guard.ts';
import { dayOf } from './periods.ts';
import { hasRows } from './reader.ts';
import { deleteSeries, expireRows } from './writer.ts';

/** A transaction ends after this many rows or this long. */
const SLICE_ROWS = 500;
const SLICE_MS = 8;
const HOURS_PER_DAY = 24;

export interface ExpiryOptions {
  store: Store;
  clock: Clock;
  series: SeriesSet;
  retention: Retention;
  /** How far the clock was believed before. */
  trustedMs: number;
}

/**
 * Removes what is older than its retention, whole days at a time: rows of one series lie together, so that a day of
 * hours costs as many pages as one of them. A clock that leaps ahead by mistake must not empty the history.
 */
export class Expiry {
  readonly #options: ExpiryOptions;
  readonly #clock: LeapGuard;
  /** The day for which everything is done. */
  #doneDay = -1;
  #pass: { readonly day: number; readonly left: Series[] } | undefined;

  constructor(options: ExpiryOptions) {
    this.#options = options;
    this.#clock = new LeapGuard(options.clock, options.trustedMs);
  }

  get trustedMs(): number {
    return this.#clock.trustedMs;
  }

  /** Does as much as one short transaction may. */
  expire(nowMs: number): ExpiryResult {
    const { store, series } = this.#options;
    const day = dayOf(this.#clock.believed(nowMs));
    if (day === this.#doneDay) return { deletedRows: 0, isDone: true };
    if (this.#pass?.day !== day) this.#pass = { day, left: [...series.all()] };
    const { left } = this.#pass;
    const untilMs = performance.now() + SLICE_MS;
    let deletedRows = 0;
    const gone: Series[] = [];
    const taken: Series[] = [];
    store.write((tx) => {
      for (let one = left.at(-1); one; one = left[left.length - 1 - taken.length]) {
        const { key } = one;
        if (key !== null) {
          const room = SLICE_ROWS - deletedRows;
          const { rawDays, fiveMinuteDays, hourlyDays } = this.#options.retention;
          let deleted = expireRows(tx, 'raw', key, (day - rawDays) * HOURS_PER_DAY, room);
          deleted += expireRows(tx, '5m', key, (day - fiveMinuteDays) * HOURS_PER_DAY, room - deleted);
          deleted += expireRows(tx, '1h', key, day - hourlyDays, room - deleted);
          deletedRows += deleted;
          if (deleted === room) break;
          if (one.waiting.length === 0 && one.batchKey === 0 && !hasRows(tx, key)) {
            deleteSeries(tx, key);
            gone.push(one);
          }
        }
        taken.push(one);
        if (performance.now() >= untilMs) break;
      }
    });
    left.length -= taken.length;
    for (const one of gone) series.remove(one);
    if (left.length > 0) return { deletedRows, isDone: false };
    this.#pass = undefined;
    this.#doneDay = day;
    return { deletedRows, isDone: true };
  }
}
