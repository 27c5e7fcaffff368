import { setImmediate } from 'node:timers/promises';

import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/log.ts';
import type { Store } from '../base/store.ts';
import type { SeriesSet } from './series.ts';
import type { ActivityEvent, ActivityExpiry } from './types.ts';

import { LeapGuard } from '../base/leap-guard.ts';
import { decodeEvents, encodeEvents, mergeEvents } from './codec.ts';
import { blocksBySeries, eventsOfBlocks, undamaged } from './history.ts';
import { DAY_MS, dayOf, dayOfSlot } from './periods.ts';
import { readBatches, readDay, readFirstSlot, readSeriesBefore, readSize } from './reader.ts';
import { deleteBatches, deleteSeries, expireDays, expireSpans, putDay } from './writer.ts';

/** A transaction ends after this long. */
const SLICE_MS = 8;
const SLICE_ROWS = 500;

export interface UpkeepOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Logger;
  readonly series: SeriesSet;
  /** 0: nothing is kept. */
  readonly keepDays: number;
  readonly maxBytes: number;
  /** How far the clock was believed before; 0 where nothing is known of it. */
  readonly trustedMs: number;
  readonly isStopping: () => boolean;
}

/**
 * Sorts the batches of all series into days of one series each, in short transactions. A power cut on the way leaves
 * some events in both, which is no harm: they are told once, and sorted again.
 * @returns the bytes of the batches that are gone.
 */
export async function sortBatches({ store, log, isStopping }: UpkeepOptions): Promise<number> {
  const batches = readBatches(store.db);
  const last = batches.at(-1);
  if (!last) return 0;
  const left = [...blocksBySeries(log, batches)];
  while (left.length > 0) {
    const untilMs = performance.now() + SLICE_MS;
    store.write((tx) => {
      while (left.length > 0 && performance.now() < untilMs) {
        const [key, blocks] = left.pop() ?? [0, []];
        const days = Map.groupBy(eventsOfBlocks(log, key, blocks), ({ timeMs }) => dayOf(timeMs));
        for (const [day, events] of days) {
          const stored = readDay(tx, day, key);
          const before: ActivityEvent[] = stored
            ? undamaged(log, `series ${key} day ${day}`, () => decodeEvents(stored), [])
            : [];
          putDay(tx, day, key, encodeEvents(mergeEvents([before, events])), stored?.length ?? 0);
        }
      }
    });
    await setImmediate();
    if (isStopping()) return 0;
  }
  store.write((tx) => deleteBatches(tx, last.key));
  return batches.reduce((sum, { data }) => sum + data.length, 0);
}

/** Removes what is too old, and the oldest days where all is too much. A clock that leaps ahead must not empty it. */
export class Expiry {
  readonly #options: UpkeepOptions;
  readonly #clock: LeapGuard;

  constructor(options: UpkeepOptions) {
    this.#options = options;
    this.#clock = new LeapGuard(options.clock, options.trustedMs);
  }

  /** Does as much as one short transaction may. */
  expire(nowMs: number): ActivityExpiry {
    const { store, keepDays, maxBytes } = this.#options;
    const today = dayOf(this.#clock.believed(nowMs));
    const oldest = keepDays === 0 ? today + 1 : today - keepDays;
    const first = readFirstSlot(store.db);
    const firstDay = first === undefined ? undefined : dayOfSlot(first);
    const isTooMuch = readSize(store.db) > maxBytes;
    if (firstDay === undefined || (firstDay >= oldest && !isTooMuch)) {
      return { deletedRows: this.#forgetSeries(Math.min(firstDay ?? today, today)), isDone: true };
    }
    const beforeDay = Math.max(oldest, isTooMuch ? firstDay + 1 : 0);
    const deletedRows = store.write((tx) => {
      expireSpans(tx, beforeDay * DAY_MS);
      return expireDays(tx, beforeDay, SLICE_ROWS);
    });
    return { deletedRows, isDone: false };
  }

  /**
   * Forgets devices of which nothing is kept any more, a few hundred at a time: the rest has time until the next day.
   * @param day before it nothing is kept in `activity_day`.
   */
  #forgetSeries(day: number): number {
    const { store, log, series } = this.#options;
    const old = readSeriesBefore(store.db, day, SLICE_ROWS);
    if (old.length === 0) return 0;
    const unsorted = blocksBySeries(log, readBatches(store.db));
    const gone = old
      .filter((key) => !unsorted.has(key))
      .flatMap((key) => series.byKey(key) ?? [])
      .filter(({ waiting }) => waiting.length === 0);
    if (gone.length === 0) return 0;
    store.write((tx) => {
      for (const { key } of gone) if (key !== null) deleteSeries(tx, key);
    });
    for (const one of gone) series.remove(one);
    return gone.length;
  }
}
