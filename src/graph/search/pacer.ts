import { setImmediate } from 'node:timers/promises';

/** Gives way to the event loop whenever its owner has worked for `turnMs` in one go. One for each piece of work. */
export class Pacer {
  readonly #turnMs: number;
  #sinceMs = performance.now();

  constructor(turnMs: number) {
    this.#turnMs = turnMs;
  }

  /** Whether it is time to give way. */
  get isDue(): boolean {
    return performance.now() - this.#sinceMs >= this.#turnMs;
  }

  /** Lets everybody else have a turn. */
  async rest(): Promise<void> {
    await setImmediate();
    this.#sinceMs = performance.now();
  }
}
