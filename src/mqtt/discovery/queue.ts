import { LIMITS } from '../limits.ts';

/** A discovery message; the payload as text, so that no network buffer is kept for it. */
export interface DiscoveryMessage {
  readonly topic: string;
  /** Empty = withdrawn. */
  readonly text: string;
}

/** How long discovery may hold the event loop before others get their turn. */
const SLICE_MS = 8;

/**
 * Discovery messages in the order of arrival. The first are handled at once, because the state that a device sends
 * right after its description is sent only once; a burst is worked off in slices: a Zigbee bridge announces five
 * hundred components in one breath, each of them a write to the graph, and the lamp that is switched meanwhile must
 * not wait for all.
 */
export class DiscoveryQueue<T = DiscoveryMessage> implements Disposable {
  readonly #handle: (message: T) => void;
  #waiting: T[] = [];
  #spentMs = 0;
  #next: NodeJS.Immediate | undefined;

  constructor(handle: (message: T) => void) {
    this.#handle = handle;
  }

  push(message: T): void {
    this.#waiting.push(message);
    if (this.#waiting.length > LIMITS.discoveryQueue) this.#work(Infinity);
    else if (this.#waiting.length === 1) this.#work(SLICE_MS);
    this.#next ??= setImmediate(() => this.#turn());
  }

  [Symbol.dispose](): void {
    clearImmediate(this.#next);
    this.#next = undefined;
    this.#waiting = [];
  }

  #turn(): void {
    this.#next = undefined;
    this.#spentMs = 0;
    if (this.#waiting.length === 0) return;
    this.#work(SLICE_MS);
    this.#next ??= setImmediate(() => this.#turn());
  }

  /** Handles what waits until this turn of the event loop has cost so much. */
  #work(budgetMs: number): void {
    const startedMs = performance.now();
    let done = 0;
    let spentMs = this.#spentMs;
    while (done < this.#waiting.length && spentMs < budgetMs) {
      const message = this.#waiting[done];
      done += 1;
      if (message !== undefined) this.#handle(message);
      spentMs = this.#spentMs + performance.now() - startedMs;
    }
    this.#spentMs = spentMs;
    this.#waiting = this.#waiting.slice(done);
  }
}
