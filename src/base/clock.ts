/**
 * Time, in both kinds. `nowMs` is the wall clock and may jump either way (a Pi without a battery boots in the past);
 * `monotonicMs` never goes back and is the one to measure durations and deadlines with.
 */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  nowMs(): number;
  /** Milliseconds since an arbitrary start; never decreases. */
  monotonicMs(): number;
}

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
};

/** A clock that stands still until it is told otherwise, for tests. */
export class ManualClock implements Clock {
  #wallMs: number;
  #monotonicMs = 0;

  constructor(wallMs = Date.UTC(2026, 0, 1)) {
    this.#wallMs = wallMs;
  }

  nowMs(): number {
    return this.#wallMs;
  }

  monotonicMs(): number {
    return this.#monotonicMs;
  }

  /** Lets time pass on both clocks. */
  advance(ms: number): void {
    this.#wallMs += ms;
    this.#monotonicMs += ms;
  }

  /** Sets the wall clock alone, as NTP or a person does. */
  jumpTo(wallMs: number): void {
    this.#wallMs = wallMs;
  }
}

/** RFC 3339 UTC with milliseconds, as it goes over the wire. */
export function toIso(ms: number): string {
  return new Date(ms).toISOString();
}
