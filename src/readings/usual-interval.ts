import type { Reading } from './types.ts';

import { DAY_MS, HOUR_MS } from './periods.ts';

/** A value is believed for this long at least, however often it is reported. */
export const MIN_HOLD_MS = 15 * 60_000;

/** Upper ends of the classes of intervals, each half as long again as the one before: 5 min to about a day. */
const CLASSES_MS: readonly number[] = Array.from({ length: 15 }, (_, n) => 300_000 * 1.5 ** n);

/** Of the time that was noted, this much is left after another day of reports. */
const FADING_PER_DAY = 0.5;

const BYTES = CLASSES_MS.length * 4;

/**
 * How often a series is usually reported: the interval within which half of the time falls. By time and not by count,
 * because a device that reports in bursts and then once an hour is silent for most of the time, and not broken; and one
 * long outage does not make a lively device a slow one.
 */
export class UsualInterval {
  /** Hours spent in intervals of each class. */
  readonly #hours: number[];

  constructor(stored: Uint8Array) {
    const view = new DataView(stored.buffer, stored.byteOffset, stored.byteLength);
    this.#hours = CLASSES_MS.map((_, n) => {
      const hours = stored.length === BYTES ? view.getFloat32(n * 4, true) : 0;
      return Number.isFinite(hours) && hours > 0 ? hours : 0;
    });
  }

  /** For how long a value is believed: three usual intervals, rounded up to a class. */
  get holdMs(): number {
    const total = this.#hours.reduce((sum, hours) => sum + hours, 0);
    let half = total / 2;
    if (half <= 0) return MIN_HOLD_MS;
    const index = this.#hours.findIndex((hours) => (half -= hours) <= 0);
    return Math.max(MIN_HOLD_MS, Math.min(3 * (CLASSES_MS[index] ?? DAY_MS), 3 * DAY_MS));
  }

  /** Notes readings in order. An interval that ends or begins with a gap says nothing. */
  note(before: Reading | undefined, readings: readonly Reading[]): void {
    const added = CLASSES_MS.map(() => 0);
    let last = before;
    let totalMs = 0;
    for (const reading of readings) {
      const intervalMs =
        last && last.value !== null && reading.value !== null ? reading.timeMs - last.timeMs : 0;
      last = reading;
      if (intervalMs <= 0 || intervalMs > DAY_MS) continue;
      const index = classOf(intervalMs);
      added[index] = (added[index] ?? 0) + intervalMs / HOUR_MS;
      totalMs += intervalMs;
    }
    const left = FADING_PER_DAY ** (totalMs / DAY_MS);
    for (const [n, hours] of this.#hours.entries()) this.#hours[n] = hours * left + (added[n] ?? 0);
  }

  stored(): Uint8Array {
    const view = new DataView(new ArrayBuffer(BYTES));
    for (const [n, hours] of this.#hours.entries()) view.setFloat32(n * 4, hours, true);
    return new Uint8Array(view.buffer);
  }
}

function classOf(intervalMs: number): number {
  const index = CLASSES_MS.findIndex((upTo) => intervalMs <= upTo);
  return index === -1 ? CLASSES_MS.length - 1 : index;
}
