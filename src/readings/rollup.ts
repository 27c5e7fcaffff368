import type { Aggregate, Reading } from './types.ts';

import { CounterWatch } from './counter.ts';
import { FIVE_MINUTES_MS, HOUR_MS } from './periods.ts';

export interface HourOfReadings {
  readonly hour: number;
  /** The readings of the hour, ordered by time. */
  readonly readings: readonly Reading[];
  /** The readings of the nearest hour before that has any. */
  readonly before: readonly Reading[];
  /** For how long a value is believed. */
  readonly holdMs: number;
  readonly isCounter: boolean;
  /** Time from here on has not come yet. */
  readonly nowMs: number;
}

/**
 * The five-minute buckets of one hour of a series, those of which nothing is known left out. It depends on nothing but
 * its input, so that doing it again changes nothing.
 */
export function rollHour(input: HourOfReadings): Aggregate[] {
  const { hour, readings, before, holdMs, isCounter } = input;
  const startMs = hour * HOUR_MS;
  const endMs = Math.min(startMs + HOUR_MS, input.nowMs);
  const buckets: (Bucket | undefined)[] = [];
  const bucketAt = (timeMs: number): Bucket => {
    const index = Math.floor((timeMs - startMs) / FIVE_MINUTES_MS);
    return (buckets[index] ??= new Bucket(startMs + index * FIVE_MINUTES_MS));
  };
  const hold = (value: number, fromMs: number, toMs: number): void => {
    let atMs = Math.max(fromMs, startMs);
    while (atMs < toMs) {
      const bucket = bucketAt(atMs);
      const untilMs = Math.min(toMs, bucket.startMs + FIVE_MINUTES_MS);
      bucket.hold(value, untilMs - atMs);
      atMs = untilMs;
    }
  };
  const counter = isCounter ? new CounterWatch() : undefined;
  let last: Reading | undefined;
  const end = (untilMs: number): void => {
    if (last && last.value !== null) {
      hold(last.value, last.timeMs, Math.min(untilMs, last.timeMs + holdMs, endMs));
      if (untilMs > last.timeMs + holdMs) counter?.interrupt();
    } else counter?.interrupt();
  };
  // The counter has to see all of what came before; the buckets only what still holds.
  for (const reading of before) {
    end(reading.timeMs);
    if (reading.value !== null) counter?.take(reading.value);
    last = reading;
  }
  for (const reading of readings) {
    end(reading.timeMs);
    if (reading.value !== null) {
      const bucket = bucketAt(reading.timeMs);
      bucket.sample(reading.value);
      if (counter) bucket.rise += counter.take(reading.value);
    }
    last = reading;
  }
  end(startMs + HOUR_MS);
  return buckets.flatMap((bucket) => bucket?.finish(isCounter) ?? []);
}

/** One bucket of several, ordered by time; undefined of none. */
export function combine(startMs: number, parts: readonly Aggregate[]): Aggregate | undefined {
  const [first] = parts;
  const last = parts.at(-1);
  if (!first || !last) return undefined;
  let coveredMs = 0;
  let mean = first.mean;
  for (const part of parts) {
    coveredMs += part.coveredMs;
    if (coveredMs > 0) mean += ((part.mean - mean) * part.coveredMs) / coveredMs;
  }
  return {
    startMs,
    mean,
    min: Math.min(...parts.map(({ min }) => min)),
    max: Math.max(...parts.map(({ max }) => max)),
    first: first.first,
    last: last.last,
    coveredMs,
    samples: parts.reduce((sum, { samples }) => sum + samples, 0),
    rise:
      first.rise === null && last.rise === null
        ? null
        : rounded(parts.reduce((sum, { rise }) => sum + (rise ?? 0), 0)),
  };
}

class Bucket {
  readonly startMs: number;
  rise = 0;
  #coveredMs = 0;
  #samples = 0;
  #mean = 0;
  #min = Infinity;
  #max = -Infinity;
  #first: number | undefined;
  #last = 0;

  constructor(startMs: number) {
    this.startMs = startMs;
  }

  sample(value: number): void {
    this.#samples += 1;
    this.#see(value);
  }

  hold(value: number, forMs: number): void {
    this.#see(value);
    this.#coveredMs += forMs;
    // Not a sum that is divided at the end: it keeps its digits, and the mean of one value is that value.
    this.#mean += ((value - this.#mean) * forMs) / this.#coveredMs;
  }

  finish(isCounter: boolean): Aggregate {
    const [min, max] = [this.#min, this.#max];
    const mean = this.#coveredMs > 0 ? this.#mean : this.#last;
    return {
      startMs: this.startMs,
      mean: Math.min(Math.max(mean, min), max),
      min,
      max,
      first: this.#first ?? this.#last,
      last: this.#last,
      coveredMs: this.#coveredMs,
      samples: this.#samples,
      rise: isCounter ? rounded(this.rise) : null,
    };
  }

  #see(value: number): void {
    this.#first ??= value;
    this.#last = value;
    this.#min = Math.min(this.#min, value);
    this.#max = Math.max(this.#max, value);
  }
}

/** Differences of decimals have a tail of digits that no meter showed. */
function rounded(value: number): number {
  return Math.abs(value) < 1e9 ? Math.round(value * 1e6) / 1e6 : value;
}
