import type { Logger } from '../base/log.ts';
import type { Store } from '../base/store.ts';

/** How long to wait before the barrier is tried again after the disk refused. */
const SETTLE_RETRY_MS = 1000;

/** How far the graph has come, written and durable, and who is told when it has gone on. */
export class GraphHead implements Disposable {
  readonly #store: Store;
  readonly #log: Logger;
  readonly #followers = new Set<() => void>();
  #committedSeq: number;
  #durableSeq: number;
  #retry: NodeJS.Timeout | undefined;
  #disposed = false;

  /** @param seq of the last row in the file, which is durable: the file was opened with it. */
  constructor(options: { store: Store; log: Logger; seq: number }) {
    this.#store = options.store;
    this.#log = options.log;
    this.#committedSeq = options.seq;
    this.#durableSeq = options.seq;
  }

  get committedSeq(): number {
    return this.#committedSeq;
  }

  get durableSeq(): number {
    return this.#durableSeq;
  }

  /** Rows up to `seq` are written; it is seen to that they become durable and followers are told. */
  wrote(seq: number): void {
    this.#committedSeq = seq;
    this.#settleInBackground();
  }

  /** See `Graph.settled`. */
  async settled(): Promise<void> {
    const target = this.#committedSeq;
    await this.#store.durable();
    this.#advance(target);
  }

  /** See `Graph.follow`. */
  follow(wake: () => void): Disposable {
    this.#followers.add(wake);
    return { [Symbol.dispose]: () => void this.#followers.delete(wake) };
  }

  [Symbol.dispose](): void {
    this.#disposed = true;
    clearTimeout(this.#retry);
    this.#followers.clear();
  }

  #settleInBackground(): void {
    this.settled().catch((error: unknown) => {
      if (this.#disposed || this.#retry) return;
      this.#log.warn({ err: error }, 'a change is not durable yet; followers are told when it is');
      this.#retry = setTimeout(() => {
        this.#retry = undefined;
        this.#settleInBackground();
      }, SETTLE_RETRY_MS);
    });
  }

  #advance(seq: number): void {
    if (seq <= this.#durableSeq || this.#disposed) return;
    this.#durableSeq = seq;
    for (const wake of this.#followers) wake();
  }
}
