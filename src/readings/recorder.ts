import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/log.ts';
import type { Store } from '../base/store.ts';
import type { Series, SeriesSet } from './series.ts';
import type { Reading, ReadingSource, SourceChange } from './types.ts';

import { encodeBatch } from './codec.ts';
import { MAX_TIME_MS } from './periods.ts';
import { mergeReadings } from './timeline.ts';
import { insertBatch, insertSeries, updateCounter } from './writer.ts';

/** Under a flood a flush does not wait for its minute. */
export const FLUSH_AT_READINGS = 16_384;

/** What waits at most while the disk refuses, about 4 MB; then the older half is given up and marked as unknown. */
export const MAX_WAITING_READINGS = 65_536;

/** Beyond this nothing is measured, and sums of it would be no numbers any more. */
const MAX_VALUE = 1e30;

/** The capability name under which the devices tell that one went away. */
const AVAILABLE = 'available';

const COUNTER_CLASSES: readonly unknown[] = ['total', 'total_increasing'];

export interface RecorderOptions {
  store: Store;
  clock: Clock;
  log: Logger;
  source: ReadingSource;
  series: SeriesSet;
  /** A report that is older than this has no place in the history any more. */
  rawMs: number;
}

/** Takes numbers from the devices and appends them to the disk in batches. */
export class Recorder {
  readonly #options: RecorderOptions;
  /** Of the batches that were not sorted yet. */
  batchBytes = 0;
  /** When a batch was written last in this run, ms since the Unix epoch; 0 for none. */
  writtenMs = 0;
  /** Readings that were written in this run. */
  written = 0;
  #waitingCount = 0;
  #flushAt = FLUSH_AT_READINGS;
  #failed = false;

  constructor(options: RecorderOptions) {
    this.#options = options;
  }

  /** Readings that wait in memory. */
  get waitingCount(): number {
    return this.#waitingCount;
  }

  take(change: SourceChange): void {
    const { series } = this.#options;
    const { entityId, capability, timeMs, value } = {
      ...change,
      timeMs: change.timestampMs,
      value: toNumber(change.value),
    };
    if (capability === AVAILABLE) {
      if (change.value === false) for (const one of series.ofEntity(entityId)) this.note(one, timeMs, null);
      return;
    }
    const found = series.find(entityId, capability);
    if (value === null && !found) return;
    this.note(found ?? series.add(entityId, capability), timeMs, value);
  }

  /**
   * Takes values that were reported again and did not change, of which nobody is told: that the device still says so is
   * what keeps its value believed. One a minute is enough for that.
   */
  takeRepeated(): void {
    const { source, series, clock, rawMs } = this.#options;
    const oldestMs = clock.nowMs() - rawMs;
    for (const { entityId, capabilities, values } of source.list()) {
      for (const { name, state_class: stateClass } of capabilities) {
        const state = values.get(name);
        const value = toNumber(state?.value);
        const timeMs = state?.timestampMs ?? null;
        if (value === null || timeMs === null) continue;
        const found = series.find(entityId, name);
        if (found) found.isCounter = COUNTER_CLASSES.includes(stateClass);
        if (found?.seenMs === timeMs || timeMs < oldestMs) continue;
        const one = found ?? series.add(entityId, name);
        one.isCounter = COUNTER_CLASSES.includes(stateClass);
        this.note(one, timeMs, value);
      }
    }
  }

  note(series: Series, timeMs: number, value: number | null): void {
    if (!(timeMs >= 0 && timeMs <= MAX_TIME_MS)) return;
    if (value !== null) series.seenMs = timeMs;
    const last = series.waiting.at(-1);
    if (value === null && last?.value === null) return;
    const reading: Reading = { timeMs: Math.floor(timeMs), value };
    if (last?.timeMs === reading.timeMs) {
      series.waiting[series.waiting.length - 1] = reading;
      return;
    }
    series.waiting.push(reading);
    this.#waitingCount += 1;
    if (this.#waitingCount >= this.#flushAt) this.flush();
  }

  /** Writes what waits, now. A disk that refuses keeps it waiting, as far as there is room. */
  flush(): void {
    const { store, clock, log } = this.#options;
    const waiting = [...this.#options.series.all()].filter(isWaiting);
    if (waiting.length === 0) return;
    try {
      const { keys, batchKey, bytes } = store.write((tx) => {
        const keys = waiting.map((series) => {
          if (series.key === null) return insertSeries(tx, series);
          if (series.isCounter !== series.writtenIsCounter) updateCounter(tx, series.key, series.isCounter);
          return series.key;
        });
        const lists = waiting
          .map(({ waiting }, n) => ({ key: keys[n] ?? 0, readings: mergeReadings(waiting) }))
          .filter(({ readings }) => readings.length > 0);
        if (lists.length === 0) return { keys, batchKey: 0, bytes: 0 };
        const data = encodeBatch(lists);
        return { keys, batchKey: insertBatch(tx, clock.nowMs(), data), bytes: data.length };
      });
      for (const [n, series] of waiting.entries()) {
        series.key = keys[n] ?? null;
        series.writtenIsCounter = series.isCounter;
        if (series.waiting.length > 0) series.batchKey = batchKey;
        series.waiting = [];
      }
      this.batchBytes += bytes;
      this.written += this.#waitingCount;
      if (bytes > 0) this.writtenMs = clock.nowMs();
      this.#waitingCount = 0;
      this.#flushAt = FLUSH_AT_READINGS;
      if (this.#failed) log.info('readings are written again');
      this.#failed = false;
    } catch (error) {
      if (!this.#failed) log.error({ err: error }, 'readings could not be written; they wait in memory');
      this.#failed = true;
      if (this.#waitingCount >= MAX_WAITING_READINGS) this.#giveUpHalf();
      // Not at every further reading; the next minute tries anyway.
      this.#flushAt = Math.min(this.#waitingCount + FLUSH_AT_READINGS, MAX_WAITING_READINGS);
    }
  }

  #giveUpHalf(): void {
    let lost = 0;
    for (const series of this.#options.series.all()) {
      const { waiting } = series;
      const half = Math.floor(waiting.length / 2);
      const [first] = waiting;
      // Two of which one is the mark would leave nothing to give up.
      if (half < 2 || !first) continue;
      series.waiting = [{ timeMs: first.timeMs, value: null }, ...waiting.slice(half)];
      lost += half - 1;
    }
    this.#waitingCount -= lost;
    this.#options.log.error({ lost }, 'too many readings wait for the disk; the older half was given up');
  }
}

function isWaiting(series: Series): boolean {
  return series.waiting.length > 0 || (series.key !== null && series.isCounter !== series.writtenIsCounter);
}

function toNumber(value: unknown): number | null {
  // Adding 0 makes 0 of -0.
  return typeof value === 'number' && Math.abs(value) <= MAX_VALUE ? value + 0 : null;
}
