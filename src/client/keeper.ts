import type { Backoff } from './backoff.ts';
import type { Environment } from './environment.ts';

import { ClientError } from './errors.ts';

export interface KeeperOptions {
  readonly environment: Environment;
  readonly backoff: Backoff;
  /** One sync, from start to end. */
  readonly sync: () => Promise<unknown>;
  /** A sync is made this long after the last one even when nothing asks for it, ms. */
  readonly syncEveryMs: number;
  /** After each attempt; undefined = it worked. */
  readonly onResult: (error: unknown) => void;
}

/** Syncs when something asks for it and from time to time, and tries again, ever more rarely, when that fails. */
export class Keeper {
  readonly #options: KeeperOptions;
  #running = false;
  #syncing = false;
  /** Something asked since the running sync began. */
  #wanted = false;
  /** The hub is not to be called before `#next`. */
  #backingOff = false;
  #cancelNext: (() => void) | undefined;

  constructor(options: KeeperOptions) {
    this.#options = options;
  }

  start(): void {
    this.#running = true;
    this.wake();
  }

  stop(): void {
    this.#running = false;
    this.#wanted = false;
    this.#cancel();
  }

  /** Syncs soon: now, after the sync that is running, or when the hub may be called again. */
  want(): void {
    if (!this.#running) return;
    if (this.#syncing) this.#wanted = true;
    else if (!this.#backingOff) this.#begin();
  }

  /** Syncs now, whatever failed before: the network is back, somebody logged in. */
  wake(): void {
    this.#backingOff = false;
    this.#options.backoff.reset();
    this.want();
  }

  #begin(): void {
    this.#cancel();
    this.#syncing = true;
    this.#wanted = false;
    this.#options.sync().then(
      () => this.#ended(undefined),
      (error: unknown) => this.#ended(error),
    );
  }

  #ended(error: unknown): void {
    const { backoff, onResult, syncEveryMs } = this.#options;
    this.#syncing = false;
    onResult(error);
    if (!this.#running) return;
    if (error === undefined) {
      backoff.reset();
      if (this.#wanted) this.#begin();
      else this.#nextIn(syncEveryMs);
    } else if (!(error instanceof ClientError) || error.retryable) {
      // A full disk of this device may have room later, too.
      this.#backingOff = true;
      this.#nextIn(backoff.next(error instanceof ClientError ? error.retryAfterMs : undefined));
    } else if (error.kind === 'refused' || error.kind === 'forbidden') {
      // The same words get the same answer: only time, or another edit, can change it.
      this.#nextIn(syncEveryMs);
    }
  }

  #nextIn(delayMs: number): void {
    this.#cancel();
    this.#cancelNext = this.#options.environment.after(delayMs, () => {
      this.#cancelNext = undefined;
      this.#backingOff = false;
      this.want();
    });
  }

  #cancel(): void {
    this.#cancelNext?.();
    this.#cancelNext = undefined;
  }
}
