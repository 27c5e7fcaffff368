import type { Clock } from '../../base/clock.ts';

/** So many at a time: each that is read along with others gets that much slower, and its client waits 5 s at most. */
const AT_ONCE = 2;
/** What a reader may take to ask for more before the next in the line goes ahead. */
const PATIENCE_MS = 50;
/** And for all of one answer together: a reader that is a little slow each time would hold up others as well. */
const WHOLE_PATIENCE_MS = 500;

/**
 * The line of the answers that take long to make: few are made at a time, first come first served. Whoever waits for a
 * slow reader gives its turn up, and has the first claim to the next when that reader is back.
 */
export class Turns {
  readonly #clock: Clock;
  #busy = 0;
  #joined = 0;
  /** By the order in which they joined. */
  readonly #waiting: { readonly place: number; readonly go: () => void }[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Gets in line. */
  join(): Turn {
    this.#joined += 1;
    const place = this.#joined;
    return new Turn(this.#clock, {
      wait: async () => await this.#wait(place),
      leave: () => this.#leave(),
    });
  }

  async #wait(place: number): Promise<void> {
    if (this.#busy < AT_ONCE) {
      this.#busy += 1;
      return;
    }
    await new Promise<void>((go) => {
      const behind = this.#waiting.findIndex((other) => other.place > place);
      this.#waiting.splice(behind < 0 ? this.#waiting.length : behind, 0, { place, go });
    });
  }

  #leave(): void {
    const next = this.#waiting.shift();
    // The place at work goes over to the next one.
    if (next) next.go();
    else this.#busy -= 1;
  }
}

/** A place in the line. */
export class Turn implements Disposable {
  readonly #clock: Clock;
  readonly #line: { wait(): Promise<void>; leave(): void };
  #isMine = false;
  #impatience: NodeJS.Timeout | undefined;
  #lentAtMs: number | undefined;
  #patienceMs = WHOLE_PATIENCE_MS;

  constructor(clock: Clock, line: { wait(): Promise<void>; leave(): void }) {
    this.#clock = clock;
    this.#line = line;
  }

  /** Resolves when work may go on. */
  async take(): Promise<void> {
    clearTimeout(this.#impatience);
    if (this.#lentAtMs !== undefined) this.#patienceMs -= this.#clock.monotonicMs() - this.#lentAtMs;
    if (this.#isMine) return;
    await this.#line.wait();
    this.#isMine = true;
  }

  /** To be called before waiting for somebody: the turn is kept for a moment only. */
  lend(): void {
    this.#lentAtMs = this.#clock.monotonicMs();
    if (this.#patienceMs <= 0) this.#giveUp();
    else this.#impatience = setTimeout(() => this.#giveUp(), PATIENCE_MS);
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#impatience);
    this.#giveUp();
  }

  #giveUp(): void {
    if (!this.#isMine) return;
    this.#isMine = false;
    this.#line.leave();
  }
}
