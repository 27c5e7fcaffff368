import { setTimeout as sleep } from 'node:timers/promises';

import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import type { Store } from '../../base/store.ts';
import type { Check, CheckResult, HealthReport, HealthStatus } from './types.ts';

import { errorText, HubError } from '../../base/errors.ts';
import { probeStore } from '../../base/store-probe.ts';
import { CheckRunner } from './runner.ts';

export interface HealthOptions {
  readonly checks: readonly Check[];
  readonly store: Pick<Store, 'write' | 'fault'>;
  readonly clock: Clock;
  readonly log: Logger;
  /** How often everything is looked at when nobody asks. Default a minute. */
  readonly everyMs?: number;
}

/** An answer waits for slow checks no longer than this. */
const ANSWER_WITHIN_MS = 800;
const EVERY_MS = 60_000;
/** An event loop that is later than this does not answer, for whoever watches over the process. */
const ALIVE_LAG_MS = 5000;

/**
 * How it goes with the hub and with all that it depends on. What is wrong is told, with what to do about it, and logged
 * once when it begins and once when it ends; nothing that is wrong keeps the rest from being told.
 */
export class Health implements Disposable {
  readonly #options: HealthOptions;
  readonly #runners: readonly CheckRunner[];
  readonly #told = new Map<string, string>();
  readonly #timer: NodeJS.Timeout;
  #status: HealthStatus = 'ok';
  #sinceMs: number;
  #isClosed = false;

  constructor(options: HealthOptions) {
    this.#options = options;
    this.#runners = options.checks.map((check) => new CheckRunner(check, options.clock));
    this.#sinceMs = options.clock.nowMs();
    this.#timer = setInterval(() => void this.#rounds(), options.everyMs ?? EVERY_MS).unref();
  }

  /** What is known now, within a second. Costly checks answer with what they found last. */
  async report(): Promise<HealthReport> {
    const cheap = this.#runners.filter(({ check }) => check.everyMs === undefined);
    await within(
      ANSWER_WITHIN_MS,
      cheap.map(async (runner) => await runner.refresh()),
    );
    return this.#sum();
  }

  /**
   * Looks at everything anew, the costly things too; it takes seconds.
   * @param onFound told of each as soon as it is known
   */
  async examine(onFound: (result: CheckResult) => void = () => undefined): Promise<HealthReport> {
    await Promise.all(
      this.#runners.map(async (runner) => {
        await runner.look();
        onFound(runner.now());
      }),
    );
    return this.#sum();
  }

  /** Why the hub cannot do its work at the moment; null where it can, even if something is wrong with it. */
  notReady(): string | null {
    const { fault } = this.#options.store;
    return fault === null ? null : `The disk is not trusted at the moment: ${fault}`;
  }

  /**
   * Whether the event loop and the database really answer: what a watchdog is fed by. A disk that is full or refuses is
   * an answer: a restart would not help it, and the lights still go on.
   */
  async alive(): Promise<boolean> {
    const startedMs = performance.now();
    await sleep(1, undefined, { ref: false });
    if (this.#isClosed || performance.now() - startedMs > ALIVE_LAG_MS) return false;
    try {
      probeStore(this.#options.store);
      return true;
    } catch (error) {
      if (error instanceof HubError && error.kind.startsWith('storage')) return true;
      this.#options.log.error({ err: error }, 'the database does not answer');
      return false;
    }
  }

  [Symbol.dispose](): void {
    this.#isClosed = true;
    clearInterval(this.#timer);
  }

  /** Without it nobody would notice what goes wrong while nobody asks. */
  async #rounds(): Promise<void> {
    try {
      await Promise.all(this.#runners.map(async (runner) => await runner.refresh()));
      if (!this.#isClosed) this.#sum();
    } catch (error) {
      this.#options.log.error({ reason: errorText(error) }, 'the health of the hub could not be looked at');
    }
  }

  #sum(): HealthReport {
    const checks = this.#runners.map((runner) => runner.now());
    const status = statusOf(checks);
    if (status !== this.#status) {
      this.#status = status;
      this.#sinceMs = this.#options.clock.nowMs();
    }
    for (const check of checks) this.#tell(check);
    return { status, sinceMs: this.#sinceMs, checks };
  }

  #tell({ name, status, summary, whatToDo }: CheckResult): void {
    const before = this.#told.get(name) ?? 'ok';
    if (status === before) return;
    this.#told.set(name, status);
    const { log } = this.#options;
    if (status === 'warn' || status === 'fail') {
      log.warn({ check: name, status, summary, what_to_do: whatToDo }, 'something is wrong with the hub');
    } else if (before === 'warn' || before === 'fail') {
      log.info({ check: name, summary }, 'what was wrong with the hub is well again');
    }
  }
}

export function statusOf(checks: readonly CheckResult[]): HealthStatus {
  if (checks.some(({ status, isFatal }) => status === 'fail' && isFatal)) return 'failing';
  return checks.some(({ status }) => status === 'fail' || status === 'warn') ? 'degraded' : 'ok';
}

async function within(ms: number, work: readonly Promise<unknown>[]): Promise<void> {
  const over = new AbortController();
  await Promise.race([
    Promise.all(work),
    sleep(ms, undefined, { signal: over.signal, ref: false }).catch(() => undefined),
  ]);
  over.abort();
}
