import { HubError } from '../base/errors.ts';
import { MIB } from './request-body.ts';

/** A body is small when it is no larger than this, unpacked. */
const SMALL_BYTES = 256 * 1024;
/** Large bodies that are worked on at a time: 10 MiB of JSON take some 40 MB while they are. */
const AT_ONCE = 2;
const MAX_WAITING = 64;
/** All bodies that are being read or wait for their turn, together. */
const MAX_HELD_BYTES = 96 * MIB;
/** Of what the others leave, one sender may take this much: there is always something left for the next. */
const SHARE_OF_ONE = 4 / 5;
/** Bodies of one sender that are on their way: each keeps a connection, and with that one of a limited number of places. */
const MAX_ON_THEIR_WAY = 64;

/** What the body of one request takes of the room for all of them; given back by disposing it. */
export interface HeldBody extends Disposable {
  readonly bytes: number;
  /** The whole body is here. */
  readonly arrived: () => void;
  /** @throws HubError `unavailable` when there is no room for that many bytes more. */
  readonly add: (bytes: number) => void;
}

/** What one user or address has in hand. */
interface Sender {
  bodies: number;
  onTheirWay: number;
  bytes: number;
}

/**
 * Lets few large bodies be worked on at a time: eight phones that sync a whole home at once must not fill a small heap.
 * While a body is still on its way it holds up nobody, however slow its sender is.
 */
export class LargeBodies {
  readonly #waiting: (() => void)[] = [];
  readonly #senders = new Map<string, Sender>();
  #running = 0;
  #heldBytes = 0;

  /**
   * @param from who sends it: a user, or an address
   * @throws HubError `unavailable` when too many of theirs are on their way already.
   */
  hold(from: string): HeldBody {
    const sender = this.#senders.get(from) ?? { bodies: 0, onTheirWay: 0, bytes: 0 };
    if (sender.onTheirWay >= MAX_ON_THEIR_WAY) throw tooMany();
    this.#senders.set(from, sender);
    sender.bodies += 1;
    sender.onTheirWay += 1;
    let bytes = 0;
    let isArriving = true;
    let isHeld = true;
    const arrived = (): void => {
      if (isArriving) sender.onTheirWay -= 1;
      isArriving = false;
    };
    return {
      get bytes() {
        return bytes;
      },
      arrived,
      add: (more) => {
        const left = MAX_HELD_BYTES - (this.#heldBytes - sender.bytes);
        if (sender.bytes + more > left * SHARE_OF_ONE) throw tooMany();
        bytes += more;
        sender.bytes += more;
        this.#heldBytes += more;
      },
      [Symbol.dispose]: () => {
        if (!isHeld) return;
        isHeld = false;
        arrived();
        sender.bodies -= 1;
        sender.bytes -= bytes;
        this.#heldBytes -= bytes;
        if (sender.bodies === 0) this.#senders.delete(from);
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
    if (this.#waiting.length >= MAX_WAITING) throw tooMany();
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

function tooMany(): HubError {
  return new HubError('unavailable', 'Too many large requests are under way; try again in a moment.');
}
