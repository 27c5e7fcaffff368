import type { Bucket } from '../types.ts';
import type { Quarters } from './quarters.ts';

/** Below this, in kWh, a difference is what is left of rounding. */
const ROUNDING_KWH = 1e-5;

/** Energy that was not counted, and where: in kWh, with the stretch of time in which it was used or is said to be. */
export interface Aside {
  readonly fromMs: number;
  readonly toMs: number;
  readonly kwh: number;
}

/**
 * Makes energy of the buckets of a counter, which are given in order. A rise belongs to the time since the reading
 * before it, so that a meter that says its count once an hour has no peak of power every hour.
 *
 * What rose while nobody listened stays out of every bucket: when it was used is not known.
 */
export class CounterFold {
  readonly #into: Quarters;
  readonly #bucketShare: number;
  readonly #limitKw: number;
  readonly unattributed: Aside[] = [];
  readonly quarantined: Aside[] = [];
  /** The count at the end of the last known bucket. */
  #level: number | undefined;
  #knownToMs = 0;
  /** From here on nothing was read, and the count of before held. */
  #sampledToMs = 0;
  /** The counts before each drop, the last one at the end, until they are reached again. */
  readonly #before: number[] = [];

  /** @param options.share of the coverage that this counter makes up, where a device has several. */
  constructor(into: Quarters, options: { limitKw: number; share: number }) {
    this.#into = into;
    this.#limitKw = options.limitKw;
    this.#bucketShare = options.share;
  }

  take(bucket: Bucket, bucketMs: number): void {
    const endMs = bucket.startMs + bucketMs;
    const isAfterHole = bucket.startMs > this.#knownToMs;
    const rise = bucket.rise ?? 0;
    const unwatched = this.#unwatched(bucket, rise);
    if (unwatched > ROUNDING_KWH) this.#setAside(unwatched, bucket.startMs, endMs);
    if (isAfterHole) this.#sampledToMs = bucket.startMs;
    const isCounted =
      rise <= 0 || this.#count(rise, Math.min(this.#sampledToMs, bucket.startMs), endMs, bucketMs);
    // What was really used while the count leapt is not known.
    if (isCounted) this.#into.cover(bucket.startMs, endMs, bucket.coveredMs * this.#bucketShare);
    if (bucket.samples > 0) this.#sampledToMs = endMs;
    this.#level = bucket.last;
    this.#knownToMs = endMs;
  }

  /** By how much the count rose beyond what was watched; see CounterWatch for what is a glitch and what a reset. */
  #unwatched(bucket: Bucket, rise: number): number {
    const level = this.#level;
    if (level === undefined) {
      this.#knownToMs = bucket.startMs;
      return 0;
    }
    if (bucket.last < level) {
      // It may have risen in this bucket before it fell.
      this.#before.push(Math.max(level, bucket.max));
      return 0;
    }
    // A lone 0 is the word of a device that starts: what it had counted before is not known.
    if (level === 0 && this.#before.length === 0) return 0;
    let reached: number | undefined;
    while (bucket.last >= (this.#before.at(-1) ?? Infinity)) {
      reached = Math.max(reached ?? 0, this.#before.pop() ?? 0);
    }
    const climb = bucket.last - level - rise;
    // In one leap it is the old count that is back, and what came between is none.
    return reached !== undefined && climb > reached / 2 ? bucket.last - reached - rise : climb;
  }

  #setAside(kwh: number, startMs: number, endMs: number): void {
    const fromMs = Math.min(this.#knownToMs, startMs);
    const aside = { fromMs, toMs: endMs, kwh };
    if (kwh > this.#mostKwh(endMs - fromMs)) this.quarantined.push(aside);
    else this.unattributed.push(aside);
  }

  /** @returns false where it is too much to be true. */
  #count(kwh: number, fromMs: number, endMs: number, bucketMs: number): boolean {
    // The reading before may have been at the begin of its bucket.
    const isTrue = kwh <= this.#mostKwh(endMs - fromMs + bucketMs);
    if (isTrue) this.#into.addWh(fromMs, endMs, kwh * 1000);
    else this.quarantined.push({ fromMs, toMs: endMs, kwh });
    return isTrue;
  }

  #mostKwh(elapsedMs: number): number {
    return (this.#limitKw * elapsedMs) / 3_600_000;
  }
}
