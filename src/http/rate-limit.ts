import type { Clock } from '../base/clock.ts';

const WINDOW_S = 60;
/** Bounds the memory at about 1 MB; the clients that were quiet for longest are forgotten first. */
const MAX_CLIENTS = 4096;

/** What a client has left. */
export interface Quota {
  readonly allowed: boolean;
  readonly limit: number;
  readonly remaining: number;
  /** Whole seconds until the next request that counts now stops counting; at least 1. */
  readonly resetS: number;
}

/** Requests of the last 60 seconds, counted by the second. */
interface Window {
  readonly counts: Uint32Array;
  total: number;
  /** The second (monotonic) that was counted last. */
  lastS: number;
}

/** Counts requests of each client in a window that slides by the second. */
export class RateLimiter {
  readonly #clock: Clock;
  readonly #windows = new Map<string, Window>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Counts one request of `client`, unless its `limit` is used up: refused requests do not prolong the wait. */
  take(client: string, limit: number): Quota {
    const nowS = Math.floor(this.#clock.monotonicMs() / 1000);
    const window = this.#windowOf(client, nowS);
    slide(window, nowS);
    const allowed = window.total < limit;
    if (allowed) {
      window.total += 1;
      const slot = nowS % WINDOW_S;
      window.counts[slot] = (window.counts[slot] ?? 0) + 1;
    }
    return {
      allowed,
      limit,
      remaining: Math.max(0, limit - window.total),
      resetS: secondsUntilOldestEnds(window, nowS),
    };
  }

  get size(): number {
    return this.#windows.size;
  }

  #windowOf(client: string, nowS: number): Window {
    const known = this.#windows.get(client);
    // Deleting first moves the client to the end of the map, whose order then is the order of use.
    if (known) this.#windows.delete(client);
    const window = known ?? { counts: new Uint32Array(WINDOW_S), total: 0, lastS: nowS };
    this.#windows.set(client, window);
    if (this.#windows.size > MAX_CLIENTS) {
      const oldest = this.#windows.keys().next();
      if (!oldest.done) this.#windows.delete(oldest.value);
    }
    return window;
  }
}

/** Empties the slots of the seconds that have left the window. */
function slide(window: Window, nowS: number): void {
  if (nowS - window.lastS >= WINDOW_S) {
    window.counts.fill(0);
    window.total = 0;
  } else {
    for (let second = window.lastS + 1; second <= nowS; second++) {
      const slot = second % WINDOW_S;
      window.total -= window.counts[slot] ?? 0;
      window.counts[slot] = 0;
    }
  }
  window.lastS = nowS;
}

function secondsUntilOldestEnds(window: Window, nowS: number): number {
  for (let ahead = 1; ahead <= WINDOW_S; ahead++) {
    if ((window.counts[(nowS + ahead) % WINDOW_S] ?? 0) > 0) return ahead;
  }
  return WINDOW_S;
}
