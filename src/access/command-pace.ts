import type { Clock } from '../base/clock.ts';

import { HubError } from '../base/errors.ts';

/** Doors that one person moves within a minute. More than that nobody means. */
const MAX_COMMANDS = 30;
const WINDOW_MS = 60_000;
/** People who are counted apart at a time; the one whose minute began first is forgotten. */
const MAX_PEOPLE = 500;

interface Minute {
  readonly sinceMs: number;
  count: number;
}

/**
 * Each command to what keeps the house shut is a row of the audit log, and the oldest rows go when there are too many:
 * without a pace, whoever may open the door could have it forgotten within minutes that they did.
 */
export class CommandPace {
  readonly #clock: Clock;
  readonly #minutes = new Map<string, Minute>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @throws HubError `rate_limited` when the user has sent too many within a minute. */
  count(userId: string): void {
    const nowMs = this.#clock.monotonicMs();
    const known = this.#minutes.get(userId);
    const minute = known && nowMs - known.sinceMs < WINDOW_MS ? known : { sinceMs: nowMs, count: 0 };
    if (minute.count >= MAX_COMMANDS) {
      throw new HubError(
        'rate_limited',
        `More than ${MAX_COMMANDS} commands to locks, garage doors or alarms in a minute.`,
      );
    }
    minute.count += 1;
    if (minute === known) return;
    this.#minutes.delete(userId);
    this.#minutes.set(userId, minute);
    const [oldest] = this.#minutes.keys();
    if (this.#minutes.size > MAX_PEOPLE && oldest !== undefined) this.#minutes.delete(oldest);
  }
}
