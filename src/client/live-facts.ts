import type { Fact } from './replica.ts';

/** More facts than this waiting for a sync to end are dropped: another sync brings them. */
const MAX_WAITING = 1000;

export interface LiveFactsOptions {
  /** Runs one task at a time, syncs among them. */
  readonly exclusively: <T>(task: () => Promise<T>) => Promise<T>;
  /** Takes facts over; false when they belong to another epoch. */
  readonly take: (facts: readonly Fact[]) => Promise<boolean>;
  /** Something was missed, or could not be stored. */
  readonly wantSync: () => void;
  readonly onError: (error: unknown) => void;
}

/**
 * Takes live facts over between syncs, never during one: an answer that was read before a fact must not be applied
 * after it. A fact moves the cursor, so none may be taken over after a gap until a sync that began later has closed it.
 */
export class LiveFacts {
  readonly #options: LiveFactsOptions;
  #waiting: Fact[] = [];
  #draining = false;
  /** Facts are missing since the cursor. */
  #gap = false;
  /** A sync that began after the gap is running; what comes now follows on what it will bring. */
  #closing = false;

  constructor(options: LiveFactsOptions) {
    this.#options = options;
  }

  receive(fact: Fact): void {
    if (this.#gap && !this.#closing) return;
    this.#waiting.push(fact);
    if (this.#waiting.length > MAX_WAITING) {
      this.noteGap();
    } else if (!this.#draining) {
      this.#draining = true;
      this.#options
        .exclusively(async () => await this.#drain())
        .catch((error: unknown) => this.#options.onError(error));
    }
  }

  /** The hub left facts out. */
  noteGap(): void {
    this.#gap = true;
    this.#closing = false;
    this.#waiting = [];
    this.#options.wantSync();
  }

  /** A new connection sends everything since the cursor, whatever was missed before. */
  begin(): void {
    this.#gap = false;
    this.#closing = false;
    this.#waiting = [];
  }

  /** Before the first request of a sync. */
  syncBegins(): void {
    this.#closing = this.#gap;
  }

  /** `complete`: everything that was durable when it began was pulled. */
  syncEnds(complete: boolean): void {
    if (!this.#closing) return;
    this.#closing = false;
    if (complete) this.#gap = false;
    else this.#waiting = [];
  }

  async #drain(): Promise<void> {
    this.#draining = false;
    const facts = this.#waiting;
    this.#waiting = [];
    if (facts.length === 0) return;
    try {
      if (!(await this.#options.take(facts))) this.noteGap();
    } catch (error) {
      this.noteGap();
      this.#options.onError(error);
    }
  }
}
