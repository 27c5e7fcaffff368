import type { Clock } from './clock.ts';

/** A leap of the clock by more than this is believed after it has stood by it for as long. */
const LEAP_MS = 24 * 60 * 60 * 1000;

/** The time by which ages are reckoned: the clock, but for a leap ahead that may be a mistake. */
export class LeapGuard {
  readonly #clock: Clock;
  #trustedMs: number;
  #leapSinceMs: number | undefined;

  /** @param trustedMs how far the clock was believed before; 0 where nothing is known of it */
  constructor(clock: Clock, trustedMs: number) {
    this.#clock = clock;
    this.#trustedMs = trustedMs;
  }

  /** How far the clock is believed, in ms since the Unix epoch; to be kept over a restart. */
  get trustedMs(): number {
    return this.#trustedMs;
  }

  /** @param nowMs what the clock shows */
  believed(nowMs: number): number {
    const monotonicMs = this.#clock.monotonicMs();
    const isLeap = this.#trustedMs > 0 && nowMs > this.#trustedMs + LEAP_MS;
    if (!isLeap) this.#leapSinceMs = undefined;
    else this.#leapSinceMs ??= monotonicMs;
    if (!isLeap || monotonicMs - (this.#leapSinceMs ?? monotonicMs) >= LEAP_MS) {
      this.#trustedMs = nowMs;
      this.#leapSinceMs = undefined;
    }
    return Math.min(nowMs, this.#trustedMs);
  }
}
