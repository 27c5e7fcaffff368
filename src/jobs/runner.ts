import type { Clock } from '../base/clock.ts';
import type { Tx } from '../base/db.ts';
import type { JsonObject } from '../base/json.ts';
import type { Logger } from '../base/log.ts';
import type { Store } from '../base/store.ts';
import type { JobDefinition, JobFigures, JobRun } from './types.ts';

import { errorText, HubError } from '../base/errors.ts';
import { FoundProblem } from './errors.ts';
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

/** What the tries of one job came to since the start. */
export type Tally = Pick<JobFigures, 'done' | 'failed' | 'cancelled' | 'retried' | 'busySeconds'>;

const NO_TALLY: Tally = { done: 0, failed: 0, cancelled: 0, retried: 0, busySeconds: 0 };

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
  readonly #tallies = new Map<string, Tally>();

  constructor(options: RunnerOptions) {
    this.#options = options;
  }

  get active(): readonly Under[] {
    return [...this.#active.values()];
  }

  /** One that does not end although it was told to must not keep the others from running for ever. */
  get isFull(): boolean {
    return this.active.filter(({ run }) => !run.isOverdue).length >= MAX_AT_ONCE;
  }

  /** Runs that do not end although their limit is over. */
  get stuck(): ActiveRun[] {
    return this.active.map(({ run }) => run).filter(({ isOverdue }) => isOverdue);
  }

  tallyOf(name: string): Tally {
    return this.#tallies.get(name) ?? NO_TALLY;
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
        this.#fail(tx, id, attempts, new Error('The hub ended in the middle of it.'));
      }
    });
    log.warn({ jobs: left.map(({ name }) => name) }, 'the hub had ended in the middle of jobs');
  }

  begin(definition: JobDefinition, id: number): void {
    const { store, clock, log, owner } = this.#options;
    const nowMs = clock.nowMs();
    const leaseMs = nowMs + limitOf(definition);
    const claimed = store.write((tx) => {
      if (!claimRun(tx, id, { owner, leaseMs, nowMs })) return undefined;
      const run = readRun(tx, id);
      // Within the transaction: what cannot be read is not claimed either.
      return run && { attempt: run.attempts, payload: JSON.parse(readPayload(tx, id)) as JsonObject };
    });
    if (!claimed) return;
    const active = new ActiveRun(definition, {
      id,
      ...claimed,
      believedMs: this.#options.believedMs(),
      log: log.child({ job: definition.name, run: id }),
    });
    this.#active.set(definition.name, { run: active, settled: this.#follow(active, claimed.attempt) });
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
  tellCancelled({ id, name }: Pick<JobRun, 'id' | 'name'>): void {
    this.#count(name, 'cancelled');
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
    const { busyMs } = ending;
    if (ending.kind === 'done') {
      const { summary, figures } = toKept(ending.outcome);
      const figuresJson = JSON.stringify(figures);
      store.write((tx) => endRun(tx, id, { state: 'done', summary, figuresJson, busyMs, nowMs }));
      this.#count(name, 'done', busyMs);
      log.info({ job: name, ...figures }, summary);
    } else if (ending.kind === 'cancelled') {
      const error = errorText(ending.error);
      store.write((tx) => endRun(tx, id, { state: 'cancelled', error, busyMs, nowMs }));
      this.#count(name, 'cancelled', busyMs);
    } else {
      const { error } = ending;
      const isLast = store.write((tx) => this.#fail(tx, id, attempts, error, busyMs));
      this.#count(name, isLast ? 'failed' : 'retried', busyMs);
      log[isLast ? 'error' : 'warn']({ err: error, job: name, attempts }, 'a job failed');
    }
    this.#tell(id);
  }

  /** Has a run wait for its next try. @returns true where there is none. */
  #fail(tx: Tx, id: number, attempts: number, error: unknown, busyMs?: number): boolean {
    const nowMs = this.#options.clock.nowMs();
    const found = error instanceof FoundProblem ? error : undefined;
    const delayMs = found ? undefined : retryDelayMs(attempts);
    const told = {
      error: errorText(error).slice(0, MAX_ERROR),
      nowMs,
      ...(busyMs !== undefined && { busyMs }),
    };
    if (delayMs === undefined) endRun(tx, id, { state: 'failed', ...told, ...(found && { found }) });
    else requeueRun(tx, id, { dueMs: nowMs + delayMs, ...told });
    return delayMs === undefined;
  }

  #count(name: string, what: Exclude<keyof Tally, 'busySeconds'>, busyMs = 0): void {
    const tally = this.tallyOf(name);
    const busySeconds = tally.busySeconds + busyMs / 1000;
    this.#tallies.set(name, { ...tally, [what]: tally[what] + 1, busySeconds });
  }

  #tell(id: number): void {
    const waiter = this.#waiters.get(id);
    const run = waiter && readRun(this.#options.store.db, id);
    if (!run) return;
    this.#waiters.delete(id);
    waiter.resolve(run);
  }
}
