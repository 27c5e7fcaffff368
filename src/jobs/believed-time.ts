import type { Clock } from '../base/clock.ts';

/** A leap of the clock by more than this is believed after it has stood by it for as long. */
const LEAP_MS = 24 * 3600_000;

/**
 * The time by which ages are reckoned: the wall clock, but for a leap ahead that may be a mistake. A clock that shows
 * 2099 for an hour must not empty the audit log.
 */
export class BelievedTime {
  readonly #clock: Clock;
  #trustedMs: number;
  #leapSinceMs: number | undefined;

  /** @param trustedMs how far the clock was believed before; 0: never. */
  constructor(clock: Clock, trustedMs: number) {
    this.#clock = clock;
    this.#trustedMs = trustedMs;
  }

  /** How far the clock is believed; to be kept over a restart. */
  get trustedMs(): number {
    return this.#trustedMs;
  }

  /** To be asked every few minutes at least: that is how a leap is noticed. Ms since the Unix epoch. */
  nowMs(): number {
    const nowMs = this.#clock.nowMs();
    const monotonicMs = this.#clock.monotonicMs();
    const isLeap = this.#trustedMs > 0 && nowMs > this.#trustedMs + LEAP_MS;
    if (isLeap) this.#leapSinceMs ??= monotonicMs;
    else this.#leapSinceMs = undefined;
    if (!isLeap || monotonicMs - (this.#leapSinceMs ?? monotonicMs) >= LEAP_MS) {
      this.#trustedMs = nowMs;
      this.#leapSinceMs = undefined;
    }
    return Math.min(nowMs, this.#trustedMs);
  }
}
