import { setTimeout as sleep } from 'node:timers/promises';

import type { Clock } from '../../base/clock.ts';
import type { Check, CheckResult, Finding } from './types.ts';

import { errorText } from '../../base/errors.ts';

const FRESH_MS = 10_000;
const LIMIT_MS = 5000;

/** One check with what it found last. However it behaves, there is an answer. */
export class CheckRunner {
  readonly check: Check;
  readonly #clock: Clock;
  #running: Promise<void> | undefined;
  #startedAtMs = 0;
  #result: CheckResult | undefined;
  #foundAtMs = Number.NEGATIVE_INFINITY;

  constructor(check: Check, clock: Clock) {
    this.check = check;
    this.#clock = clock;
  }

  /** What was found last; undefined before the first time. */
  get last(): CheckResult | undefined {
    return this.#result;
  }

  /** Looks again where what was found is too old; a costly check only when its time has come. Resolves when it is known. */
  async refresh(): Promise<void> {
    const { everyMs, freshMs = FRESH_MS } = this.check;
    if (this.#clock.monotonicMs() - this.#foundAtMs < (everyMs ?? freshMs)) return;
    await this.look();
  }

  /**
   * Looks now. A look that does not come to its end counts as failed after its limit, and no second one is begun beside
   * it: what hangs holds something that others need too.
   */
  async look(): Promise<void> {
    if (this.#running === undefined) {
      this.#startedAtMs = this.#clock.monotonicMs();
      this.#running = this.#once().finally(() => {
        this.#running = undefined;
      });
    }
    const limitMs = this.check.limitMs ?? LIMIT_MS;
    const over = new AbortController();
    const isOver = await Promise.race([
      this.#running.then(() => true),
      sleep(limitMs, false, { signal: over.signal, ref: false }),
    ]);
    over.abort();
    if (!isOver) this.#note(this.#hanging());
  }

  /** What is known now: of what has been hanging for long, that it hangs. */
  now(): CheckResult {
    const { name, limitMs = LIMIT_MS } = this.check;
    const hangsMs = this.#running ? this.#clock.monotonicMs() - this.#startedAtMs : 0;
    if (this.#result && hangsMs < limitMs) return this.#result;
    const isFirst = this.#result === undefined && hangsMs < limitMs;
    const finding: Finding = isFirst
      ? { status: 'off', summary: 'It was not looked at yet.' }
      : this.#hanging();
    return { name, checkedMs: this.#clock.nowMs(), ...finding };
  }

  async #once(): Promise<void> {
    const signal = AbortSignal.timeout(this.check.limitMs ?? LIMIT_MS);
    try {
      this.#note(await this.check.look(signal));
    } catch (error) {
      this.#note({ status: 'fail', summary: `It could not be looked at: ${errorText(error)}` });
    }
  }

  #note(finding: Finding): void {
    this.#foundAtMs = this.#clock.monotonicMs();
    this.#result = { name: this.check.name, checkedMs: this.#clock.nowMs(), ...finding };
  }

  #hanging(): Finding {
    const seconds = Math.round((this.#clock.monotonicMs() - this.#startedAtMs) / 1000);
    return {
      status: 'fail',
      summary: `It has given no answer for ${seconds} s.`,
      whatToDo:
        'Something that the hub waits for hangs: a disk, a network share, the network. Look at `dmesg` and at the hub’s log.',
    };
  }
}
