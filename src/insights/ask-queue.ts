import { HubError } from '../base/errors.ts';

/** A month of a large home takes a second or two; more than these do not wait for it. */
const MAX_WAITING = 8;

/**
 * Answers long questions one after the other: several at once would take as long, and as much memory for each. Whoever
 * asks what is being answered already gets the same answer.
 */
export class AskQueue {
  readonly #tooMany: string;
  readonly #asked = new Map<string, Promise<unknown>>();
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  /** @param tooMany what those are told who come while too many wait. */
  constructor(tooMany: string) {
    this.#tooMany = tooMany;
  }

  /**
   * @param key says what is asked; null where the answer is for one person only. What `work` gives is shared: it must not
   * be changed.
   * @throws HubError `unavailable` where too many wait, and whatever `work` throws.
   */
  async ask<T>(key: string | null, work: () => Promise<T>): Promise<T> {
    if (key === null) return await this.#oneByOne(work);
    // Under one key there is one kind of answer.
    const asked = this.#asked.get(key) as Promise<T> | undefined;
    if (asked) return await asked;
    const mine = this.#oneByOne(work).finally(() => this.#asked.delete(key));
    this.#asked.set(key, mine);
    return await mine;
  }

  async #oneByOne<T>(work: () => Promise<T>): Promise<T> {
    if (this.#waiting >= MAX_WAITING) throw new HubError('unavailable', this.#tooMany);
    this.#waiting += 1;
    const mine = this.#last.then(work, work);
    this.#last = mine.catch(() => undefined);
    try {
      return await mine;
    } finally {
      this.#waiting -= 1;
    }
  }
}
