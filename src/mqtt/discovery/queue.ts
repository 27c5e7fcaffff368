import { LIMITS } from '../limits.ts';

/** A discovery message; the payload as text, so that no network buffer is kept for it. */
export interface DiscoveryMessage {
  readonly topic: string;
  /** Empty = withdrawn. */
  readonly text: string;
}

/** How long discovery may hold the event loop before others get their turn. */
const SLICE_MS = 8;
/** Before it is known: of a small Pi. */
const FIRST_SETTLE_MS = 2;

/**
 * Discovery messages in the order of arrival. The first are handled at once, because the state that a device sends
 * right after its description is sent only once; a burst is worked off in slices: a Zigbee bridge announces five
 * hundred components in one breath, each of them a write to the graph, and the lamp that is switched meanwhile must
 * not wait for all.
 */
export class DiscoveryQueue<T = DiscoveryMessage> implements Disposable {
  readonly #handle: (message: T) => void;
  readonly #settle: () => void;
  /** What settling has cost for each message, lately. */
  #settleMs = FIRST_SETTLE_MS;
  #waiting: T[] = [];
  #spentMs = 0;
  #next: NodeJS.Immediate | undefined;

  /** @param settle finishes what was handled on this turn; where there is such a thing */
  constructor(handle: (message: T) => void, settle: () => void = () => undefined) {
    this.#handle = handle;
    this.#settle = settle;
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

  /** Handles what waits until this turn of the event loop has cost so much, with what is yet to be settled. */
  #work(budgetMs: number): void {
    const startedMs = performance.now();
    let done = 0;
    let spentMs = this.#spentMs;
    while (done < this.#waiting.length && spentMs + done * this.#settleMs < budgetMs) {
      const message = this.#waiting[done];
      done += 1;
      if (message !== undefined) this.#handle(message);
      spentMs = this.#spentMs + performance.now() - startedMs;
    }
    this.#waiting = this.#waiting.slice(done);
    if (done > 0) {
      const handledMs = performance.now();
      this.#settle();
      this.#settleMs = (this.#settleMs + (performance.now() - handledMs) / done) / 2;
    }
    this.#spentMs += performance.now() - startedMs;
  }
}
