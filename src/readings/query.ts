import type { Db } from '../base/db.ts';
import type { Logger } from '../base/log.ts';
import type { AggregateTable } from './reader.ts';
import type { Series } from './series.ts';
import type { Aggregate, Reading, ReadingsPage, ReadingsQuery, Resolution, Retention } from './types.ts';

import { decodeAggregates } from './aggregate-codec.ts';
import { DAY_MS, dayOf, FIVE_MINUTES_MS, hourOf, HOUR_MS, MAX_TIME_MS } from './periods.ts';
import { iterateAggregates, readBatches } from './reader.ts';
import { rollSeriesHour, rowOf } from './roll-series.ts';
import { blocksBySeries, mergeReadings, readingsOfBlocks, Timeline, undamaged } from './timeline.ts';
import { hoursToRoll } from './worklist.ts';

/** Of raw readings and of buckets alike. */
export const MAX_PAGE = 10_000;

const RAW_UP_TO_MS = 6 * HOUR_MS;
const FIVE_MINUTES_UP_TO_MS = 7 * DAY_MS;

export interface QueryContext {
  readonly db: Db;
  readonly log: Logger;
  readonly series: Series | undefined;
  readonly rolledHour: number;
  readonly retention: Retention;
  readonly nowMs: number;
}

/** The finest resolution that makes no more than about 2000 buckets and that is still kept at the begin of the range. */
export function resolutionFor(
  fromMs: number,
  toMs: number,
  { retention, nowMs }: { retention: Retention; nowMs: number },
): Resolution {
  const rangeMs = toMs - fromMs;
  const ageMs = nowMs - fromMs;
  if (rangeMs <= RAW_UP_TO_MS && ageMs <= retention.rawDays * DAY_MS) return 'raw';
  return rangeMs <= FIVE_MINUTES_UP_TO_MS && ageMs <= retention.fiveMinuteDays * DAY_MS ? '5m' : '1h';
}

/** Answers from the disk and from what waits in memory; what it reads is bounded by the limit. */
export function queryReadings(context: QueryContext, query: ReadingsQuery): ReadingsPage {
  const { series } = context;
  const fromMs = Math.max(query.fromMs, query.cursor ?? 0, 0);
  const toMs = Math.min(query.toMs, MAX_TIME_MS);
  const limit = Math.min(Math.max(1, Math.floor(query.limit)), MAX_PAGE);
  const resolution =
    query.resolution === 'auto' ? resolutionFor(query.fromMs, query.toMs, context) : query.resolution;
  if (!series || fromMs >= toMs) return { resolution, items: [], nextCursor: null };
  const timeline = new Timeline(context.db, context.log, series.key, tailOf(context, series));
  const range = { fromMs, toMs, limit };
  if (resolution === 'raw') {
    const items = rawItems(timeline, range);
    return { resolution, items: items.slice(0, limit), nextCursor: items[limit]?.timeMs ?? null };
  }
  const items = bucketItems(context, series, timeline, resolution, range);
  return { resolution, items: items.slice(0, limit), nextCursor: items[limit]?.startMs ?? null };
}

interface Range {
  readonly fromMs: number;
  readonly toMs: number;
  readonly limit: number;
}

function tailOf({ db, log }: QueryContext, { key, batchKey, waiting }: Series): Reading[] {
  if (key === null || batchKey === 0) return mergeReadings(waiting);
  const blocks = blocksBySeries(log, readBatches(db)).get(key) ?? [];
  return mergeReadings(readingsOfBlocks(log, key, blocks), waiting);
}

/** One more than the limit, where there is one. */
function rawItems(timeline: Timeline, { fromMs, toMs, limit }: Range): Reading[] {
  const items: Reading[] = [];
  for (const hour of timeline.hours(hourOf(fromMs), hourOf(toMs))) {
    for (const reading of timeline.readings(hour)) {
      if (reading.timeMs >= fromMs && reading.timeMs < toMs) items.push(reading);
    }
    if (items.length > limit) break;
  }
  return items;
}

/** At least one more than the limit, where there is one. */
function bucketItems(
  context: QueryContext,
  series: Series,
  timeline: Timeline,
  table: AggregateTable,
  { fromMs, toMs, limit }: Range,
): Aggregate[] {
  const { db, log, rolledHour, nowMs } = context;
  const bucketMs = table === '5m' ? FIVE_MINUTES_MS : HOUR_MS;
  const isAsked = ({ startMs }: Aggregate): boolean => startMs >= fromMs && startMs < toMs;
  const endHour = Math.max(hourOf(nowMs), timeline.tailHours.at(-1) ?? 0) + 1;
  const fresh = new Set(
    hoursToRoll({
      dirtyHours: timeline.tailHours,
      rolledHour,
      endHour,
      hasReadings: (hour) => timeline.readings(hour).length > 0,
      hoursFromRolled: rolledHour < endHour ? timeline.hours(rolledHour, endHour) : [],
      holdMs: series.interval.holdMs,
    }).filter((hour) => (hour + 1) * HOUR_MS > fromMs && hour * HOUR_MS < toMs),
  );
  const items: Aggregate[] = [];
  if (series.key !== null) {
    const period = table === '5m' ? hourOf : dayOf;
    const rows = iterateAggregates(db, table, series.key, [period(fromMs), period(toMs)]);
    for (const { period, data } of rows) {
      const what = `${table} series ${series.key} period ${period}`;
      for (const one of undamaged(log, what, () => decodeAggregates(rowOf(table, period), data), [])) {
        if (isAsked(one) && !fresh.has(hourOf(one.startMs))) items.push(one);
      }
      if (items.length > limit) break;
    }
  }
  // Stored ones up to here are complete, so that what is fresh after them cannot be on this page.
  const untilMs = items.length > limit ? (items.at(-1)?.startMs ?? toMs) : toMs;
  const input = {
    seriesKey: series.key,
    timeline,
    holdMs: series.interval.holdMs,
    isCounter: series.isCounter,
    nowMs,
  };
  for (const hour of [...fresh].toSorted((a, b) => a - b)) {
    if (hour * HOUR_MS > untilMs) break;
    const { fives, whole } = rollSeriesHour(db, log, input, hour);
    items.push(...(table === '5m' ? fives : whole ? [whole] : []).filter(isAsked));
    if (items.length > 2 * limit + HOUR_MS / bucketMs) break;
  }
  return items.toSorted((a, b) => a.startMs - b.startMs);
}
