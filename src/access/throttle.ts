import type { Clock } from '../base/clock.ts';

import { ThrottledError } from './errors.ts';

interface Tally {
  failures: number;
  /** Monotonic ms before which no attempt is looked at. */
  notBeforeMs: number;
  lastMs: number;
}

interface Allowance {
  /** Failures that cost nothing: people mistype. */
  free: number;
  /** The delay doubles from one second up to this. */
  maxDelayS: number;
}

/** One address guessing at one account. */
const PAIR: Allowance = { free: 4, maxDelayS: 900 };
/** One address trying many accounts. */
const ADDRESS: Allowance = { free: 20, maxDelayS: 900 };
/** Many addresses at one account. Kept short, or a stranger could lock the owner out for as long as he likes. */
const ACCOUNT: Allowance = { free: 50, maxDelayS: 15 };

/** Failures are forgiven after this long without a further one. */
const FORGIVE_AFTER_MS = 30 * 60_000;
/** Bounds the memory; the tallies that were quiet for longest go first, */
const MAX_TALLIES = 3000;
/** and of so many of these the one with the fewest failures: a guesser must not get rid of theirs by trying other names. */
const LOOKED_AT = 32;
/** Addresses from which people come in by and by; the ones that were not used for longest are forgotten. */
const MAX_KNOWN = 500;

/**
 * Slows down guessing. Each attempt is counted as a failure when it begins and taken back when it succeeds, so that a
 * burst of parallel guesses is counted in full before the first answer.
 */
export class Throttle {
  readonly #clock: Clock;
  readonly #tallies = new Map<string, Tally>();
  /** Pairs of an account and an address from which it was entered: strangers elsewhere do not make them wait. */
  readonly #known = new Set<string>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Counts an attempt at `account` from `address`.
   * @returns to be called when the attempt succeeded.
   * @throws ThrottledError when an earlier failure still has to be waited for; the attempt does not count then.
   */
  begin(account: string, address: string): () => void {
    const now = this.#clock.monotonicMs();
    const pair = `pair ${address} ${account}`;
    const keys: readonly (readonly [string, Allowance])[] = [
      [pair, PAIR],
      [`address ${address}`, ADDRESS],
      [`account ${account}`, ACCOUNT],
    ];
    let waitMs = 0;
    for (const [key, allowance] of keys) {
      const notBeforeMs = this.#tally(key, now)?.notBeforeMs ?? 0;
      if (allowance !== ACCOUNT || !this.#known.has(pair)) waitMs = Math.max(waitMs, notBeforeMs - now);
    }
    if (waitMs > 0) throw new ThrottledError(Math.ceil(waitMs / 1000));
    for (const [key, allowance] of keys) this.#count(key, allowance, now);
    return () => {
      this.#tallies.delete(pair);
      this.#know(pair);
      this.#takeBack(`address ${address}`);
      this.#takeBack(`account ${account}`);
    };
  }

  clear(): void {
    this.#tallies.clear();
    this.#known.clear();
  }

  #tally(key: string, now: number): Tally | undefined {
    const tally = this.#tallies.get(key);
    if (!tally || now - tally.lastMs >= FORGIVE_AFTER_MS) return undefined;
    this.#put(key, tally);
    return tally;
  }

  #count(key: string, { free, maxDelayS }: Allowance, now: number): void {
    const failures = (this.#tally(key, now)?.failures ?? 0) + 1;
    const delayS = failures <= free ? 0 : Math.min(maxDelayS, 2 ** Math.min(failures - free - 1, 20));
    this.#put(key, { failures, notBeforeMs: now + delayS * 1000, lastMs: now });
  }

  /** Deleting first moves the key to the end of the map, whose order then is the order of use. */
  #put(key: string, tally: Tally): void {
    this.#tallies.delete(key);
    this.#tallies.set(key, tally);
    if (this.#tallies.size <= MAX_TALLIES) return;
    let [least] = this.#tallies;
    for (const entry of this.#tallies.entries().take(LOOKED_AT)) {
      if (!least || entry[1].failures < least[1].failures) least = entry;
    }
    if (least) this.#tallies.delete(least[0]);
  }

  #know(pair: string): void {
    this.#known.delete(pair);
    this.#known.add(pair);
    const [oldest] = this.#known;
    if (this.#known.size > MAX_KNOWN && oldest !== undefined) this.#known.delete(oldest);
  }

  #takeBack(key: string): void {
    const tally = this.#tallies.get(key);
    if (!tally) return;
    if (tally.failures <= 1) this.#tallies.delete(key);
    else this.#tallies.set(key, { ...tally, failures: tally.failures - 1, notBeforeMs: 0 });
  }
}
