interface Tally {
  failures: number;
  /** Monotonic ms before which no attempt is looked at. */
  notBeforeMs: number;
  lastMs: number;
}

/** A device that starts with an old password is not an attack. */
const FREE_FAILURES = 10;
/** Whoever has put the right password into a device must not wait for long until it is taken. */
const MAX_DELAY_MS = 60_000;
const FORGIVE_AFTER_MS = 15 * 60_000;
const MAX_TALLIES = 1_000;
const MAX_KNOWN = 1_000;

/**
 * Slows down guessing: after some wrong passwords an address is not listened to for a second, then for two, up to a
 * minute. A client that came in from there before has a tally of its own: one forgotten device behind the same address
 * must not keep out the others.
 */
export class LoginThrottle {
  readonly #nowMs: () => number;
  readonly #tallies = new Map<string, Tally>();
  readonly #known = new Set<string>();

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** False while an earlier failure still has to be waited for. */
  mayTry(address: string, clientId: string): boolean {
    return (this.#tally(this.#keyOf(address, clientId))?.notBeforeMs ?? 0) <= this.#nowMs();
  }

  /** Only once it is sure: a house that comes back at once has many attempts under way, all of them good. */
  failed(address: string, clientId: string): void {
    const key = this.#keyOf(address, clientId);
    const now = this.#nowMs();
    const failures = (this.#tally(key)?.failures ?? 0) + 1;
    const delayMs = failures <= FREE_FAILURES ? 0 : 1000 * 2 ** Math.min(failures - FREE_FAILURES - 1, 6);
    this.#tallies.delete(key);
    this.#tallies.set(key, { failures, notBeforeMs: now + Math.min(delayMs, MAX_DELAY_MS), lastMs: now });
    if (this.#tallies.size > MAX_TALLIES) forgetOldest(this.#tallies);
  }

  accepted(address: string, clientId: string): void {
    const pair = pairOf(address, clientId);
    this.#tallies.delete(pair);
    this.#known.delete(pair);
    this.#known.add(pair);
    if (this.#known.size > MAX_KNOWN) forgetOldest(this.#known);
  }

  #tally(key: string): Tally | undefined {
    const tally = this.#tallies.get(key);
    return tally && this.#nowMs() - tally.lastMs < FORGIVE_AFTER_MS ? tally : undefined;
  }

  #keyOf(address: string, clientId: string): string {
    const pair = pairOf(address, clientId);
    return this.#known.has(pair) ? pair : address;
  }
}

function pairOf(address: string, clientId: string): string {
  return `${address} ${clientId}`;
}

function forgetOldest(entries: Map<string, unknown> | Set<string>): void {
  const [oldest] = entries.keys();
  if (oldest !== undefined) entries.delete(oldest);
}
