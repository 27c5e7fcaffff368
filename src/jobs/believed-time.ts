import type { Clock } from '../base/clock.ts';

const DAY_MS = 24 * 3600_000;
/** The clock may differ by so much from what it was believed to be: the hub was off, or it was corrected. */
const LEAP_MS = DAY_MS;
/** After so long off few hubs come back; a clock that leaps further is as a rule wrong. */
const FAR_LEAP_MS = 90 * DAY_MS;
const STANDS_AFTER_MS = DAY_MS;
const FAR_STANDS_AFTER_MS = 7 * DAY_MS;
/** This program is younger: a clock that shows less (1970, after a start without a battery) is waiting to be set. */
const NEVER_BEFORE_MS = Date.UTC(2024, 0, 1);

/** How far the clock is believed; kept over a restart. Wall clock times in ms since the Unix epoch. */
export interface Belief {
  /** The latest time that was believed; 0: none was. */
  readonly trustedMs: number;
  /** What the clock showed last while it was in doubt; null where it is not. */
  readonly leapMs: number | null;
  /** How long the hub has run since it leapt there. */
  readonly stoodMs: number;
}

/** A leap that is not believed yet. */
export interface Doubt {
  /** From what is believed to what the clock shows; negative where it went back. */
  readonly byMs: number;
  /** How much longer the hub has to run by this clock until it is believed. */
  readonly leftMs: number;
  readonly isFar: boolean;
}

/**
 * The time by which ages are reckoned: the wall clock, but for a leap that may be a mistake. What is removed by a clock
 * that shows 2036 is gone when it is right again. A leap of more than a day is believed after the hub has run by it for a
 * day, one of more than 90 days after a week; restarts in between do not count against it.
 */
export class BelievedTime {
  readonly #clock: Clock;
  #belief: Belief;
  #lookedMs: number;

  constructor(clock: Clock, belief: Belief) {
    this.#clock = clock;
    this.#belief = belief;
    this.#lookedMs = clock.monotonicMs();
  }

  get belief(): Belief {
    return this.#belief;
  }

  /** Null where the clock is believed, as it was when `nowMs` was last asked. */
  get doubt(): Doubt | null {
    const { trustedMs, leapMs, stoodMs } = this.#belief;
    if (leapMs === null) return null;
    const byMs = leapMs - trustedMs;
    return { byMs, leftMs: Math.max(standsAfterMs(byMs) - stoodMs, 0), isFar: Math.abs(byMs) > FAR_LEAP_MS };
  }

  /** To be asked every few minutes at least: that is how a leap is noticed. Ms since the Unix epoch. */
  nowMs(): number {
    const nowMs = this.#clock.nowMs();
    const monotonicMs = this.#clock.monotonicMs();
    const passedMs = monotonicMs - this.#lookedMs;
    this.#lookedMs = monotonicMs;
    if (nowMs < NEVER_BEFORE_MS) return nowMs;
    const { trustedMs, leapMs, stoodMs } = this.#belief;
    const byMs = nowMs - trustedMs;
    const isSameLeap = leapMs !== null && Math.abs(nowMs - leapMs) <= LEAP_MS;
    const nowStoodMs = isSameLeap ? stoodMs + passedMs : 0;
    const isBelieved = trustedMs === 0 || Math.abs(byMs) <= LEAP_MS || nowStoodMs >= standsAfterMs(byMs);
    this.#belief = isBelieved
      ? { trustedMs: nowMs, leapMs: null, stoodMs: 0 }
      : { trustedMs, leapMs: nowMs, stoodMs: nowStoodMs };
    return Math.min(nowMs, this.#belief.trustedMs);
  }
}

function standsAfterMs(byMs: number): number {
  return Math.abs(byMs) > FAR_LEAP_MS ? FAR_STANDS_AFTER_MS : STANDS_AFTER_MS;
}
