import type { Db } from '../base/db.ts';
import type { Logger } from '../base/log.ts';
import type { BucketRow } from './aggregate-codec.ts';
import type { AggregateTable } from './reader.ts';
import type { Timeline } from './timeline.ts';
import type { Aggregate } from './types.ts';

import { decodeAggregates } from './aggregate-codec.ts';
import { DAY_MS, dayOf, FIVE_MINUTES_MS, HOUR_MS } from './periods.ts';
import { readAggregates } from './reader.ts';
import { combine, rollHour } from './rollup.ts';
import { undamaged } from './timeline.ts';

/** What the aggregates of a series are made from. */
export interface RollInput {
  readonly seriesKey: number | null;
  readonly timeline: Timeline;
  readonly holdMs: number;
  readonly isCounter: boolean;
  /** Time from here on has not come yet. */
  readonly nowMs: number;
}

export interface RolledHour {
  readonly fives: readonly Aggregate[];
  /** Undefined where nothing is known of the hour. */
  readonly whole: Aggregate | undefined;
}

function hasReadings({ samples }: Aggregate): boolean {
  return samples > 0;
}

/** The buckets that are in one row of a table. */
export function rowOf(table: AggregateTable, period: number): BucketRow {
  return table === '5m'
    ? { startMs: period * HOUR_MS, bucketMs: FIVE_MINUTES_MS, buckets: 12 }
    : { startMs: period * DAY_MS, bucketMs: HOUR_MS, buckets: 24 };
}

export function storedAggregates(
  db: Db,
  log: Logger,
  table: AggregateTable,
  seriesKey: number | null,
  period: number,
): Aggregate[] {
  const block = seriesKey === null ? undefined : readAggregates(db, table, seriesKey, period);
  if (!block) return [];
  const what = `${table} series ${seriesKey} period ${period}`;
  return undamaged(log, what, () => decodeAggregates(rowOf(table, period), block), []);
}

/**
 * Makes the aggregates of one hour from its readings. Where those have expired and late ones came (the clock had gone
 * back), what was made of the old ones stays: a bucket is not made again from a part of what was in it.
 */
export function rollSeriesHour(db: Db, log: Logger, input: RollInput, hour: number): RolledHour {
  const { seriesKey, timeline, ...rules } = input;
  const readings = timeline.readings(hour);
  const startMs = hour * HOUR_MS;
  const made = rollHour({ ...rules, hour, readings, before: timeline.before(hour) });
  if (timeline.isStored(hour)) return { fives: made, whole: combine(startMs, made) };

  const stored = storedAggregates(db, log, '5m', seriesKey, hour);
  // Where none has readings of its own, there never were any in this hour: then nothing has expired.
  const known = stored.some(hasReadings) ? stored : [];
  const kept = new Set(known.map(({ startMs }) => startMs));
  const fives = [...known, ...made.filter(({ startMs }) => !kept.has(startMs))].toSorted(
    (a, b) => a.startMs - b.startMs,
  );
  const knownHour =
    known.length > 0
      ? undefined
      : storedAggregates(db, log, '1h', seriesKey, dayOf(startMs)).find(
          (one) => one.startMs === startMs && hasReadings(one),
        );
  return { fives, whole: knownHour ?? combine(startMs, fives) };
}
