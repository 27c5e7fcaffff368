/** So many lines of one message are written in a minute; the rest of them is counted. */
const PER_MINUTE = 30;
const MINUTE_MS = 60_000;
/** Different messages that are counted. The hub's own are some hundred; texts of libraries may be without end. */
const MAX_MESSAGES = 500;

interface Count {
  written: number;
  leftOut: number;
}

/**
 * Keeps a message that comes again and again from filling the log, and from wearing out the card that it is written to:
 * a broken device may send nonsense a hundred times a second for years.
 */
export class LogRepeats implements Disposable {
  readonly #sumUp: (message: string, leftOut: number) => void;
  readonly #perMinute: number;
  readonly #counts = new Map<string, Count>();
  #timer: NodeJS.Timeout | undefined;

  /** @param sumUp told once a minute of each message that was left out, and how often. */
  constructor(sumUp: (message: string, leftOut: number) => void, perMinute = PER_MINUTE) {
    this.#sumUp = sumUp;
    this.#perMinute = perMinute;
  }

  /** Whether the message is to be written now. */
  take(message: string): boolean {
    this.#timer ??= setTimeout(() => this.flush(), MINUTE_MS).unref();
    const count = this.#counts.get(message);
    if (count === undefined) {
      // What there is no room for is written: better too much than something that nobody ever hears of.
      if (this.#counts.size < MAX_MESSAGES) this.#counts.set(message, { written: 1, leftOut: 0 });
      return true;
    }
    if (count.written < this.#perMinute) {
      count.written += 1;
      return true;
    }
    count.leftOut += 1;
    return false;
  }

  /** Ends the minute: tells what was left out, and begins to count anew. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const counted = [...this.#counts];
    this.#counts.clear();
    for (const [message, { leftOut }] of counted) if (leftOut > 0) this.#sumUp(message, leftOut);
  }

  [Symbol.dispose](): void {
    this.flush();
  }
}
