import type { Logger, LogOptions } from './log.ts';

import { makeLogger, openDestination } from './log.ts';
import { LogRepeats } from './log-repeats.ts';
import { LogRing, type LogEntry, type LogLevel, type LogQuery } from './log-ring.ts';
import { requestIdHere } from './request-scope.ts';

export { LOG_LEVELS, type LogEntry, type LogLevel, type LogQuery } from './log-ring.ts';

export interface LogBookOptions extends LogOptions {
  /** So many lines of one message are written in a minute. Default 30. */
  readonly repeatsPerMinute?: number;
}

/** How much the log says, and until when where that is for a while only. */
export interface LogStanding {
  readonly level: LogLevel | 'silent';
  /** Milliseconds from now until it is as it was configured; null where it stays. */
  readonly endsInMs: number | null;
}

/** Below this everything is written that was asked for: whoever turns it on wants each line. */
const REPEATS_FROM = 30;

/**
 * The hub's log: lines that go out, the last of them to be read again, and a level that can be changed while it runs.
 */
export class LogBook implements Disposable {
  /** The root of all loggers of the hub. Its children say as much as it does. */
  readonly logger: Logger;
  readonly #ring = new LogRing();
  readonly #repeats: LogRepeats;
  readonly #configured: LogOptions['level'];
  #restoring: NodeJS.Timeout | undefined;
  #endsMs = 0;

  constructor(options: LogBookOptions) {
    const out = openDestination(options);
    this.#configured = options.level;
    this.#repeats = new LogRepeats((message, leftOut) => {
      this.logger.warn({ left_out: leftOut, repeated: message }, SUM);
    }, options.repeatsPerMinute);
    this.logger = makeLogger(options.level, {
      destination: {
        write: (line) => {
          this.#ring.add(line);
          out.write(line);
        },
      },
      mixin: () => {
        const requestId = requestIdHere();
        return requestId === undefined ? {} : { request_id: requestId };
      },
      isWanted: (message, level) => level < REPEATS_FROM || message === SUM || this.#repeats.take(message),
    });
  }

  /** The newest lines that were asked for, the oldest of them first. */
  find(query: LogQuery): LogEntry[] {
    return this.#ring.find(query);
  }

  /** The number of the newest line. */
  get lastSeq(): number {
    return this.#ring.lastSeq;
  }

  get standing(): LogStanding {
    return {
      level: this.logger.level as LogLevel | 'silent',
      endsInMs: this.#restoring === undefined ? null : Math.max(0, this.#endsMs - performance.now()),
    };
  }

  /**
   * Has the log say more, or less, from now on.
   * @param forMs after which it is as it was configured again; null: until the hub stops.
   */
  setLevel(level: LogLevel | 'silent', forMs: number | null): void {
    clearTimeout(this.#restoring);
    this.#restoring = undefined;
    this.logger.level = level;
    if (forMs === null) return;
    this.#endsMs = performance.now() + forMs;
    this.#restoring = setTimeout(() => this.setLevel(this.#configured, null), forMs).unref();
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#restoring);
    this.#restoring = undefined;
    this.#repeats[Symbol.dispose]();
  }
}

const SUM = 'a message came so often that most of its lines were left out';
