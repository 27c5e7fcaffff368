import type { IncomingMessage } from 'node:http';

import { HubError } from '../base/errors.ts';

/** A body is small when it says that it is no larger than this, unpacked. */
const SMALL_BYTES = 256 * 1024;
/** Large requests that are read and answered at a time: 10 MiB of JSON take some 40 MB while they are worked on. */
const AT_ONCE = 2;
const MAX_WAITING = 64;

/** Lets few large requests in at a time: eight phones that sync a whole home at once must not fill a small heap. */
export class LargeBodies {
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  /**
   * Runs `work`, at once for a small body, in turn for one that is large or does not say.
   * @throws HubError `unavailable` when too many wait already.
   */
  async run<T>(request: IncomingMessage, work: () => Promise<T>): Promise<T> {
    if (isSmall(request)) return await work();
    await this.#enter();
    try {
      return await work();
    } finally {
      this.#leave();
    }
  }

  async #enter(): Promise<void> {
    if (this.#running < AT_ONCE) {
      this.#running += 1;
      return;
    }
    if (this.#waiting.length >= MAX_WAITING) {
      throw new HubError('unavailable', 'Too many large requests are under way; try again in a moment.');
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push(resolve);
    await promise;
  }

  /** The place goes to whoever waits longest, or becomes free. */
  #leave(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#running -= 1;
  }
}

function isSmall(request: IncomingMessage): boolean {
  const { 'content-length': length, 'content-encoding': encoding = 'identity' } = request.headers;
  return length !== undefined && encoding === 'identity' && Number(length) <= SMALL_BYTES;
}
