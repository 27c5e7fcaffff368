import type { Bucket } from '../types.ts';
import type { Aside } from './counter-fold.ts';
import type { Quarters } from './quarters.ts';

/** The share of a five-minute bucket that has to be known for its mean to count as one. */
const KNOWN = 0.9;
const FIVE_MINUTES_MS = 300_000;

export interface PowerFoldOptions {
  readonly limitKw: number;
  readonly share: number;
  /** What power below 0 means: a meter of the home feeds in, a producer says it so, of a device it is an error. */
  readonly negative: 'export' | 'same' | 'error';
  /** Energy that is fed in; needed for `export`. */
  readonly exported?: Quarters;
}

/**
 * Makes energy of the buckets of a power, in W. Their mean is that of values that held until the next one, for as long
 * as one is believed: what nobody knows adds nothing.
 */
export class PowerFold {
  readonly #into: Quarters;
  readonly #options: PowerFoldOptions;
  readonly quarantined: Aside[] = [];
  /** In Wh, left out. */
  negativeWh = 0;
  /** Five-minute means of each night from 01:00 to 05:00, by the number of the day. */
  readonly nights = new Map<number, number[]>();

  constructor(into: Quarters, options: PowerFoldOptions) {
    this.#into = into;
    this.#options = options;
  }

  take(bucket: Bucket, bucketMs: number): void {
    const { limitKw, negative, share, exported } = this.#options;
    const endMs = bucket.startMs + bucketMs;
    const meanW = negative === 'same' ? Math.abs(bucket.mean) : bucket.mean;
    const wh = (meanW * bucket.coveredMs) / 3_600_000;
    // One reading that cannot be makes the mean of its bucket worth nothing.
    if (Math.max(Math.abs(bucket.min), Math.abs(bucket.max)) > limitKw * 1000) {
      this.quarantined.push({ fromMs: bucket.startMs, toMs: endMs, kwh: Math.abs(wh) / 1000 });
      return;
    }
    this.#into.cover(bucket.startMs, endMs, bucket.coveredMs * share);
    exported?.cover(bucket.startMs, endMs, bucket.coveredMs * share);
    if (wh >= 0) this.#into.addWh(bucket.startMs, endMs, wh);
    else if (negative === 'export') exported?.addWh(bucket.startMs, endMs, -wh);
    else this.negativeWh -= wh;
    if (bucketMs === FIVE_MINUTES_MS) this.#noteNight(bucket, Math.max(0, meanW));
  }

  #noteNight(bucket: Bucket, meanW: number): void {
    const { grid } = this.#into;
    const quarter = grid.quarterOf(bucket.startMs);
    const minute = grid.minuteOf[quarter];
    if (minute === undefined || minute < 60 || minute >= 300) return;
    if (bucket.coveredMs < KNOWN * FIVE_MINUTES_MS) return;
    const day = grid.dayOf[quarter] ?? 0;
    const known = this.nights.get(day);
    if (known) known.push(meanW);
    else this.nights.set(day, [meanW]);
  }
}
