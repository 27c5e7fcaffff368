import { HubError } from '../base/errors.ts';
import { MIB } from './request-body.ts';

/** A body is small when it is no larger than this, unpacked. */
const SMALL_BYTES = 256 * 1024;
/** Large bodies that are worked on at a time: 10 MiB of JSON take some 40 MB while they are. */
const AT_ONCE = 2;
const MAX_WAITING = 64;
/** All bodies that are being read or wait for their turn, together. */
const MAX_HELD_BYTES = 96 * MIB;

/** What the body of one request takes of the room for all of them; given back by disposing it. */
export interface HeldBody extends Disposable {
  readonly bytes: number;
  /** @throws HubError `unavailable` when there is no room for that many bytes more. */
  readonly add: (bytes: number) => void;
}

/**
 * Lets few large bodies be worked on at a time: eight phones that sync a whole home at once must not fill a small heap.
 * While a body is still on its way it holds up nobody, however slow its sender is.
 */
export class LargeBodies {
  readonly #waiting: (() => void)[] = [];
  #running = 0;
  #heldBytes = 0;

  hold(): HeldBody {
    let bytes = 0;
    return {
      get bytes() {
        return bytes;
      },
      add: (more) => {
        if (this.#heldBytes + more > MAX_HELD_BYTES) {
          throw new HubError('unavailable', 'Too many large requests are under way; try again in a moment.');
        }
        bytes += more;
        this.#heldBytes += more;
      },
      [Symbol.dispose]: () => {
        this.#heldBytes -= bytes;
        bytes = 0;
      },
    };
  }

  /**
   * Runs `work`, at once for a small body, in turn for a large one.
   * @throws HubError `unavailable` when too many wait already.
   */
  async run<T>(bytes: number, work: () => Promise<T>): Promise<T> {
    if (bytes <= SMALL_BYTES) return await work();
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
