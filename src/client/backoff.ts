export interface BackoffOptions {
  /** The first wait, ms. */
  readonly firstMs: number;
  /** No wait is longer than this, unless the hub asks for it, ms. */
  readonly maxMs: number;
  /** 0 to 1. */
  readonly random: () => number;
}

/**
 * How long to wait before trying again: twice as long each time, and half of it by chance, so that a household's phones
 * do not all come back in the same moment.
 */
export class Backoff {
  readonly #options: BackoffOptions;
  #failures = 0;

  constructor(options: BackoffOptions) {
    this.#options = options;
  }

  /** The next wait, ms; never shorter than what the hub asked for. */
  next(retryAfterMs = 0): number {
    const { firstMs, maxMs, random } = this.#options;
    const whole = Math.min(maxMs, firstMs * 2 ** this.#failures);
    this.#failures = Math.min(this.#failures + 1, 30);
    return Math.max(retryAfterMs, whole / 2 + (random() * whole) / 2);
  }

  reset(): void {
    this.#failures = 0;
  }
}
