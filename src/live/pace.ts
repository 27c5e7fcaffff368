/** What a client may send at once before it has said who it is, and after that: as many subscriptions as there may be, and more. */
const STRANGER_BURST = 64;
const BURST = 1200;
/** What it may go on with for ever. Pings count like messages: each costs the hub as much as a small one. */
const PER_SECOND = 100;

/** How much a client still may send. A flood of tiny messages would leave no time for anybody else. */
export class Pace {
  #burst = STRANGER_BURST;
  #left = STRANGER_BURST;
  #lastMs = performance.now();

  /** The client has said who it is. */
  trust(): void {
    if (this.#burst === BURST) return;
    this.#burst = BURST;
    this.#left = BURST;
  }

  /** Counts one message; false when it is one too many. */
  take(): boolean {
    const nowMs = performance.now();
    const earned = ((nowMs - this.#lastMs) / 1000) * PER_SECOND;
    this.#lastMs = nowMs;
    this.#left = Math.min(this.#burst, this.#left + earned) - 1;
    return this.#left >= 0;
  }
}
