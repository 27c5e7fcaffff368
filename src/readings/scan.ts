import type { Db } from '../base/db.ts';
import type { Logger } from '../base/log.ts';
import type { AggregateTable } from './reader.ts';
import type { Series } from './series.ts';
import type { Aggregate, Reading, ScanQuery, SeriesScan } from './types.ts';

import { decodeAggregates } from './aggregate-codec.ts';
import { DAY_MS, dayOf, hourOf, HOUR_MS, MAX_TIME_MS } from './periods.ts';
import { iterateAggregates, readBatches } from './reader.ts';
import { rollSeriesHour, rowOf } from './roll-series.ts';
import { blocksBySeries, mergeReadings, readingsOfBlocks, Timeline, undamaged } from './timeline.ts';
import { hoursToRoll } from './worklist.ts';

/** What a slice covers: some 600 buckets either way, a millisecond or two of work. */
const SLICE_MS: Readonly<Record<AggregateTable, number>> = { '5m': 2 * DAY_MS, '1h': 25 * DAY_MS };

export interface ScanContext {
  readonly db: Db;
  readonly log: Logger;
  readonly find: (entityId: string, capability: string) => Series | undefined;
  readonly rolledHour: () => number;
  readonly nowMs: number;
}

/**
 * Reads the buckets of many series. What was not sorted into rows of series yet is looked through once for all of them,
 * and again only when more of it was written meanwhile. Between two slices the caller may do other things for as long
 * as it likes: no statement stays open.
 */
export class Scan implements SeriesScan {
  readonly #context: ScanContext;
  #batchKey = -1;
  #blocks = new Map<number, Uint8Array[]>();

  constructor(context: ScanContext) {
    this.#context = context;
  }

  *buckets({ entityId, capability, ...range }: ScanQuery): Generator<readonly Aggregate[]> {
    const { db, log, find, rolledHour, nowMs } = this.#context;
    const series = find(entityId, capability);
    const toMs = Math.min(range.toMs, MAX_TIME_MS);
    if (!series) return;
    const table = range.resolution;
    const timeline = new Timeline(db, log, series.key, this.#tailOf(series));
    const rolled = rolledHour();
    const endHour = Math.max(hourOf(nowMs), timeline.tailHours.at(-1) ?? 0) + 1;
    const fresh = hoursToRoll({
      dirtyHours: timeline.tailHours,
      rolledHour: rolled,
      endHour,
      hasReadings: (hour) => timeline.readings(hour).length > 0,
      hoursFromRolled: rolled < endHour ? timeline.hours(rolled, endHour) : [],
      holdMs: series.interval.holdMs,
    });
    const input = {
      seriesKey: series.key,
      timeline,
      holdMs: series.interval.holdMs,
      isCounter: series.isCounter,
      nowMs,
    };
    for (let fromMs = Math.max(range.fromMs, 0); fromMs < toMs;) {
      // On the grid of the slices, so that no row is decoded in two of them.
      const untilMs = Math.min((Math.floor(fromMs / SLICE_MS[table]) + 1) * SLICE_MS[table], toMs);
      const hours = fresh.filter((hour) => (hour + 1) * HOUR_MS > fromMs && hour * HOUR_MS < untilMs);
      const items = this.#stored(table, series.key, { fromMs, untilMs, not: new Set(hours) });
      for (const hour of hours) {
        const { fives, whole } = rollSeriesHour(db, log, input, hour);
        for (const one of table === '5m' ? fives : whole ? [whole] : []) {
          if (one.startMs >= fromMs && one.startMs < untilMs) items.push(one);
        }
      }
      if (hours.length > 0) items.sort((a, b) => a.startMs - b.startMs);
      yield items;
      fromMs = untilMs;
    }
  }

  #stored(
    table: AggregateTable,
    seriesKey: number | null,
    { fromMs, untilMs, not }: { fromMs: number; untilMs: number; not: ReadonlySet<number> },
  ): Aggregate[] {
    const { db, log } = this.#context;
    if (seriesKey === null) return [];
    const items: Aggregate[] = [];
    const period = table === '5m' ? hourOf : dayOf;
    for (const row of iterateAggregates(db, table, seriesKey, [period(fromMs), period(untilMs - 1)])) {
      const what = `${table} series ${seriesKey} period ${row.period}`;
      const decode = (): Aggregate[] => decodeAggregates(rowOf(table, row.period), row.data);
      for (const one of undamaged(log, what, decode, [])) {
        if (one.startMs < fromMs || one.startMs >= untilMs) continue;
        if (not.size === 0 || !not.has(hourOf(one.startMs))) items.push(one);
      }
    }
    return items;
  }

  #tailOf({ key, batchKey, waiting }: Series): Reading[] {
    if (key === null || batchKey === 0) return mergeReadings(waiting);
    const { db, log } = this.#context;
    if (batchKey > this.#batchKey) {
      const batches = readBatches(db);
      this.#blocks = blocksBySeries(log, batches);
      this.#batchKey = Math.max(batchKey, batches.at(-1)?.key ?? 0);
    }
    return mergeReadings(readingsOfBlocks(log, key, this.#blocks.get(key) ?? []), waiting);
  }
}
