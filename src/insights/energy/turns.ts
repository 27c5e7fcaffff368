import { setImmediate } from 'node:timers/promises';

/** The event loop gets its turn after this long. */
const TURN_MS = 4;

/** Gives way to everything else that the hub does, every few milliseconds. */
export class Turns {
  #untilMs = performance.now() + TURN_MS;

  async take(): Promise<void> {
    if (performance.now() < this.#untilMs) return;
    await setImmediate();
    this.#untilMs = performance.now() + TURN_MS;
  }
}
