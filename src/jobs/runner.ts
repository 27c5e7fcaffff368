import type { Clock } from '../base/clock.ts';
import type { JsonObject } from '../base/json.ts';
import type { Logger } from '../base/log.ts';
import type { Store } from '../base/store.ts';
import type { JobCounters, JobDefinition, JobRun } from './types.ts';

import { errorText, HubError } from '../base/errors.ts';
import { readLeft, readPayload, readRun } from './reader.ts';
import { retryDelayMs, toKept } from './rules.ts';
import { ActiveRun, limitOf, type Ending } from './run.ts';
import { claimRun, endRun, releaseRun, requeueRun } from './writer.ts';

export interface RunnerOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Logger;
  /** Under what this process holds leases. */
  readonly owner: string;
  readonly believedMs: () => number;
  /** Called when a run has ended and its row says so. */
  readonly onEnd: () => void;
}

/** A long check of the file must not keep a short job waiting; more at once would only fight for the card. */
const MAX_AT_ONCE = 2;
/** What runs is waited for at most so long when the hub stops. */
const STOP_WITHIN_MS = 5000;
const MAX_ERROR = 1000;

interface Under {
  readonly run: ActiveRun;
  /** Resolves when the row says how it ended, or the disk refused to. */
  readonly settled: Promise<void>;
}

/**
 * Runs what was claimed. The claim is a row before the work begins and the result one after it, so a power cut in between
 * has the work done again. The lock on the data folder lets one process at a time run jobs: leases of another owner
 * belong to a process that is dead.
 */
export class Runner {
  readonly #options: RunnerOptions;
  readonly #active = new Map<string, Under>();
  /** Ends that the disk would not take. Their jobs are not run meanwhile. */
  readonly #unwritten = new Map<string, () => void>();
  readonly #waiters = new Map<number, PromiseWithResolvers<JobRun>>();
  #counters: JobCounters = { done: 0, failed: 0, retried: 0, cancelled: 0 };

  constructor(options: RunnerOptions) {
    this.#options = options;
  }

  get active(): readonly Under[] {
    return [...this.#active.values()];
  }

  get isFull(): boolean {
    return this.#active.size >= MAX_AT_ONCE;
  }

  get overdue(): string[] {
    return this.active.filter(({ run }) => run.isOverdue).map(({ run }) => run.name);
  }

  get counters(): JobCounters {
    return this.#counters;
  }

  isRunning(name: string): boolean {
    return this.#active.has(name) || this.#unwritten.has(name);
  }

  /**
   * Takes up what a process before this one left in the middle. It counts as a try: work that takes the hub down with it
   * must not do so for ever.
   */
  takeUp(): void {
    const { store, log } = this.#options;
    const left = readLeft(store.db);
    if (left.length === 0) return;
    store.write((tx) => {
      for (const { id, attempts } of left) {
        this.#fail(tx, id, attempts, 'The hub ended in the middle of it.');
      }
    });
    log.warn({ jobs: left.map(({ name }) => name) }, 'the hub had ended in the middle of jobs');
  }

  begin(definition: JobDefinition, id: number): void {
    const { store, clock, log, owner } = this.#options;
    const nowMs = clock.nowMs();
    const leaseMs = nowMs + limitOf(definition);
    const run = store.write((tx) =>
      claimRun(tx, id, { owner, leaseMs, nowMs }) ? readRun(tx, id) : undefined,
    );
    if (!run) return;
    const active = new ActiveRun(definition, {
      id,
      attempt: run.attempts,
      payload: JSON.parse(readPayload(store.db, id)) as JsonObject,
      believedMs: this.#options.believedMs(),
      log: log.child({ job: definition.name, run: id }),
    });
    this.#active.set(definition.name, { run: active, settled: this.#follow(active, run.attempts) });
  }

  /** Writes the ends that the disk would not take. @throws HubError `storage`, `storage_full`. */
  writeEnds(): void {
    for (const [name, write] of this.#unwritten) {
      write();
      this.#unwritten.delete(name);
    }
  }

  /** @returns false where this run is not under way. */
  cancel(id: number): boolean {
    const under = this.active.find(({ run }) => run.id === id);
    under?.run.cancel();
    return under !== undefined;
  }

  /** Tells those who wait for it that a run was taken back before it began. */
  tellCancelled(id: number): void {
    this.#count('cancelled');
    this.#tell(id);
  }

  /** See `JobDirectory.tried`. */
  async tried(id: number, signal: AbortSignal): Promise<JobRun> {
    const run = readRun(this.#options.store.db, id);
    if (!run) throw new HubError('not_found', `There is no run ${id}.`);
    if (run.endedMs !== null || (run.state === 'queued' && run.attempts > 0)) return run;
    const waiter = this.#waiters.get(id) ?? Promise.withResolvers<JobRun>();
    this.#waiters.set(id, waiter);
    // Whoever waited may have gone by the time it is told.
    waiter.promise.catch(() => undefined);
    const aborted = Promise.withResolvers<never>();
    const onAbort = (): void => aborted.reject(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort);
    try {
      return await Promise.race([waiter.promise, aborted.promise]);
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  /** Tells what runs to end; what does not within some seconds is found again by the next start. */
  async stop(): Promise<void> {
    for (const { run } of this.#active.values()) run.release();
    const { promise: late, resolve } = Promise.withResolvers<'late'>();
    const timer = setTimeout(() => resolve('late'), STOP_WITHIN_MS);
    const all = Promise.all(this.active.map(async ({ settled }) => await settled));
    if ((await Promise.race([all, late])) === 'late') {
      this.#options.log.warn({ jobs: [...this.#active.keys()] }, 'jobs did not end when they were told to');
    }
    clearTimeout(timer);
    const stopped = new HubError('unavailable', 'The hub is shutting down.');
    for (const waiter of this.#waiters.values()) waiter.reject(stopped);
    this.#waiters.clear();
  }

  async #follow(active: ActiveRun, attempts: number): Promise<void> {
    const ending = await active.ending;
    const { log } = this.#options;
    const write = (): void => this.#write(active, attempts, ending);
    this.#active.delete(active.name);
    try {
      write();
    } catch (error) {
      this.#unwritten.set(active.name, write);
      log.error({ err: error, job: active.name }, 'how a job ended could not be written; it is tried again');
      return;
    }
    this.#options.onEnd();
  }

  #write(active: ActiveRun, attempts: number, ending: Ending): void {
    const { store, clock, log } = this.#options;
    const { id, name } = active;
    const nowMs = clock.nowMs();
    if (ending.kind === 'released') {
      store.write((tx) => releaseRun(tx, id));
      return;
    }
    if (ending.kind === 'done') {
      const { summary, figures } = toKept(ending.outcome);
      store.write((tx) =>
        endRun(tx, id, { state: 'done', summary, figuresJson: JSON.stringify(figures), nowMs }),
      );
      this.#count('done');
      log.info({ job: name, ...figures }, summary);
    } else if (ending.kind === 'cancelled') {
      store.write((tx) => endRun(tx, id, { state: 'cancelled', error: errorText(ending.error), nowMs }));
      this.#count('cancelled');
    } else {
      const isLast = store.write((tx) => this.#fail(tx, id, attempts, errorText(ending.error)));
      this.#count(isLast ? 'failed' : 'retried');
      log[isLast ? 'error' : 'warn']({ err: ending.error, job: name, attempts }, 'a job failed');
    }
    this.#tell(id);
  }

  /** Has a run wait for its next try. @returns true where there is none. */
  #fail(tx: Parameters<typeof endRun>[0], id: number, attempts: number, text: string): boolean {
    const nowMs = this.#options.clock.nowMs();
    const delayMs = retryDelayMs(attempts);
    const error = text.slice(0, MAX_ERROR);
    if (delayMs === undefined) endRun(tx, id, { state: 'failed', error, nowMs });
    else requeueRun(tx, id, { dueMs: nowMs + delayMs, nowMs, error });
    return delayMs === undefined;
  }

  #count(what: keyof JobCounters): void {
    this.#counters = { ...this.#counters, [what]: this.#counters[what] + 1 };
  }

  #tell(id: number): void {
    const waiter = this.#waiters.get(id);
    const run = waiter && readRun(this.#options.store.db, id);
    if (!run) return;
    this.#waiters.delete(id);
    waiter.resolve(run);
  }
}
