import type { Logger } from '../../base/log.ts';

/** How many bad topics are remembered, so that each is logged once. */
const REMEMBERED = 1_000;

/** What could not be used of the descriptions, each topic logged once until it can be used. */
export class Complaints {
  readonly #reasons = new Map<string, string>();
  readonly #log: Logger;

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Topics of which something could not be used, and why. */
  get reasons(): ReadonlyMap<string, string> {
    return this.#reasons;
  }

  note(topic: string, reason: string, error?: unknown): void {
    if (this.#reasons.has(topic) || this.#reasons.size >= REMEMBERED) return;
    this.#reasons.set(topic, reason);
    const fields = { topic, reason, ...(error === undefined ? {} : { err: error }) };
    this.#log.warn(fields, 'a discovery message could not be used; what was known before is kept');
  }

  /** The topic is well again; the next trouble is news. */
  settle(topic: string): void {
    this.#reasons.delete(topic);
  }
}
