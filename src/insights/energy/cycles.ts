import type { LocalDay } from '../../base/home-zone.ts';
import type { Bucket } from '../types.ts';
import type { DutyCycle } from './types.ts';

import { deviation, mean, quantileOfSorted } from './statistics.ts';

const STEP_MS = 300_000;
export const RECENT_DAYS = 7;
export const BASELINE_DAYS = 28;

/** Fewer known days than this say nothing. */
const MIN_RECENT = 5;
const MIN_BASELINE = 14;

/** What goes on and off more rarely than this, on most days, is switched by people. */
const MIN_CYCLES_A_DAY = 6;
const MOST_DAYS = 0.8;

/** Below this many watts there is nothing to tell on from off by. */
const MIN_ON_W = 15;

/** Five-minute means of 35 days before a day, from which it is seen whether a device goes on and off by itself. */
export class CycleFold {
  readonly fromMs: number;
  readonly toMs: number;
  readonly #days: readonly LocalDay[];
  readonly #means: Float32Array;

  /** @param days complete ones, in order, the recent ones last. */
  constructor(days: readonly LocalDay[]) {
    this.#days = days;
    this.fromMs = days[0]?.startMs ?? 0;
    this.toMs = days.at(-1)?.endMs ?? 0;
    this.#means = new Float32Array(Math.ceil((this.toMs - this.fromMs) / STEP_MS)).fill(Number.NaN);
  }

  take({ startMs, mean, coveredMs }: Bucket): void {
    const index = Math.floor((startMs - this.fromMs) / STEP_MS);
    if (index >= 0 && index < this.#means.length && coveredMs >= 0.9 * STEP_MS) this.#means[index] = mean;
  }

  /** Null where the device does not cycle, or too little is known. */
  finish(): DutyCycle | null {
    const known = this.#means.filter((value) => !Number.isNaN(value)).sort();
    if (known.length < MIN_RECENT * 200) return null;
    // Above the 97th percentile are a defrosting heater and the start of a motor.
    const [low, high] = [quantileOfSorted(known, 0.05), quantileOfSorted(known, 0.97)];
    if (high < MIN_ON_W || low > 0.4 * high) return null;
    const days = this.#days.map((day) => this.#day(day, low, high));
    const recent = days.slice(-RECENT_DAYS).flatMap((day) => day ?? []);
    const cycling = recent.filter(({ cycles }) => cycles >= MIN_CYCLES_A_DAY);
    if (recent.length < MIN_RECENT || cycling.length < MOST_DAYS * recent.length) return null;
    const duty = mean(recent.map(({ duty }) => duty));
    const minutes = recent.reduce((sum, day) => sum + day.minutes, 0);
    const before = days.slice(0, -RECENT_DAYS).flatMap((day) => (day ? [day.duty] : []));
    return {
      duty,
      cycleMinutes: minutes / recent.reduce((sum, { cycles }) => sum + cycles, 0),
      baseline:
        before.length < MIN_BASELINE
          ? null
          : { duty: mean(before), deviation: deviation(before), days: before.length },
    };
  }

  /** Undefined where less than nine tenths of the day are known. */
  #day(
    day: LocalDay,
    low: number,
    high: number,
  ): { duty: number; cycles: number; minutes: number } | undefined {
    const first = Math.round((day.startMs - this.fromMs) / STEP_MS);
    const end = Math.round((day.endMs - this.fromMs) / STEP_MS);
    let [sum, known, cycles] = [0, 0, 0];
    let isOn = false;
    for (let index = first; index < end; index++) {
      const value = this.#means[index] ?? Number.NaN;
      if (Number.isNaN(value)) continue;
      const share = Math.min(1, Math.max(0, (value - low) / (high - low)));
      known += 1;
      sum += share;
      // Two thresholds: a value that trembles about one would be a cycle each time.
      if (!isOn && share > 0.6) cycles += 1;
      if (share > 0.6) isOn = true;
      else if (share < 0.3) isOn = false;
    }
    if (known < 0.9 * (end - first)) return undefined;
    return { duty: sum / known, cycles, minutes: known * 5 };
  }
}
