import { setImmediate } from 'node:timers/promises';

import type { Tx } from '../base/db.ts';
import type { Logger } from '../base/log.ts';
import type { Store } from '../base/store.ts';
import type { Series } from './series.ts';
import type { Reading } from './types.ts';

import { encodeAggregates } from './aggregate-codec.ts';
import { encodeReadings } from './codec.ts';
import { dayOf, hourOf, HOUR_MS } from './periods.ts';
import { readBatches, type Progress } from './reader.ts';
import { rollSeriesHour, rowOf, storedAggregates } from './roll-series.ts';
import { blocksBySeries, readingsOfBlocks, Timeline } from './timeline.ts';
import { UsualInterval } from './usual-interval.ts';
import { hoursToRoll } from './worklist.ts';
import { deleteBatches, putAggregates, putChunk, putProgress, updateIntervals } from './writer.ts';

/** A transaction takes further series until this long after its begin. */
const SLICE_MS = 4;

export interface CompactionOptions {
  store: Store;
  log: Logger;
  series: readonly Series[];
  progress: Progress;
  nowMs: number;
  /** True when the hub stops: what is done stays, the rest is done after the next start. */
  isStopping: () => boolean;
}

/**
 * Sorts the batches into rows of series and makes the aggregates that this changes, in short transactions. Doing a part
 * of it again changes nothing, so that it may be cut off anywhere: the batches go last.
 * @returns the new progress, or undefined when it was cut off.
 */
export async function compact(options: CompactionOptions): Promise<Progress | undefined> {
  const { store, log, series, progress, nowMs, isStopping } = options;
  const batches = readBatches(store.db);
  const lastKey = batches.at(-1)?.key ?? 0;
  const blocks = blocksBySeries(log, batches);
  const endHour = Math.max(progress.rolledHour, hourOf(nowMs));
  if (batches.length === 0 && endHour === progress.rolledHour) return progress;
  let next = 0;
  while (next < series.length) {
    if (isStopping()) return undefined;
    const learnt: { one: Series; interval: UsualInterval }[] = [];
    const untilMs = performance.now() + SLICE_MS;
    store.write((tx) => {
      do {
        const one = series[next++];
        if (!one || one.key === null) continue;
        const tail = readingsOfBlocks(log, one.key, blocks.get(one.key) ?? []);
        const interval = sortSeries(tx, log, one, one.key, { tail, endHour, progress, nowMs });
        learnt.push({ one, interval });
      } while (next < series.length && performance.now() < untilMs);
    });
    for (const { one, interval } of learnt) one.interval = interval;
    await setImmediate();
  }
  if (isStopping()) return undefined;
  const done: Progress = { ...progress, rolledHour: endHour, aliveMs: nowMs };
  store.write((tx) => {
    deleteBatches(tx, lastKey);
    putProgress(tx, done);
  });
  for (const one of series) if (one.batchKey <= lastKey) one.batchKey = 0;
  return done;
}

interface Sorting {
  readonly tail: readonly Reading[];
  readonly endHour: number;
  readonly progress: Progress;
  readonly nowMs: number;
}

/** @returns what was learnt about how often the series is reported. */
function sortSeries(tx: Tx, log: Logger, series: Series, key: number, sorting: Sorting): UsualInterval {
  const { tail, endHour, progress } = sorting;
  const timeline = new Timeline(tx, log, key, tail);
  const dirtyHours = timeline.tailHours;
  const interval = new UsualInterval(series.interval.stored());
  const [firstNew] = tail;
  if (firstNew) {
    const hour = hourOf(firstNew.timeMs);
    const before =
      timeline.readings(hour).findLast(({ timeMs }) => timeMs < firstNew.timeMs) ??
      timeline.before(hour).at(-1);
    interval.note(before, tail);
    updateIntervals(tx, key, interval.stored());
  }
  const hours = hoursToRoll({
    dirtyHours,
    rolledHour: progress.rolledHour,
    endHour,
    hasReadings: (hour) => timeline.readings(hour).length > 0,
    hoursFromRolled: timeline.hours(progress.rolledHour, endHour - 1),
    holdMs: interval.holdMs,
  });
  const input = {
    seriesKey: key,
    timeline,
    holdMs: interval.holdMs,
    isCounter: series.isCounter,
    // Whole hours only; one that the clock has not come to is made again when it has.
    nowMs: Number.MAX_SAFE_INTEGER,
  };
  const rolled = hours.map((hour) => ({ hour, ...rollSeriesHour(tx, log, input, hour) }));
  for (const hour of dirtyHours) putChunk(tx, key, hour, encodeReadings(timeline.readings(hour)));
  for (const { hour, fives } of rolled) {
    const data = fives.length === 0 ? null : encodeAggregates(rowOf('5m', hour), fives);
    putAggregates(tx, '5m', key, hour, data);
  }
  for (const [day, ofDay] of Map.groupBy(rolled, ({ hour }) => dayOf(hour * HOUR_MS))) {
    const starts = new Set(ofDay.map(({ hour }) => hour * HOUR_MS));
    const stored = storedAggregates(tx, log, '1h', key, day);
    const wholes = [
      ...stored.filter(({ startMs }) => !starts.has(startMs)),
      ...ofDay.flatMap(({ whole }) => whole ?? []),
    ].toSorted((a, b) => a.startMs - b.startMs);
    if (wholes.length === 0 && stored.length === 0) continue;
    const data = wholes.length === 0 ? null : encodeAggregates(rowOf('1h', day), wholes);
    putAggregates(tx, '1h', key, day, data);
  }
  return interval;
}
