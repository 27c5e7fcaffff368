import type { Clock } from '../base/clock.ts';
import type { HomeZone } from '../base/home-zone.ts';
import type { JsonObject } from '../base/json.ts';
import type { Logger } from '../base/log.ts';
import type { Store } from '../base/store.ts';
import type {
  EnqueueOptions,
  HistoryFilter,
  JobDefinition,
  JobDirectory,
  JobFigures,
  JobQueue,
  JobRun,
  JobsHealth,
  JobView,
} from './types.ts';

import { errorText, HubError } from '../base/errors.ts';
import { newId } from '../base/ids.ts';
import { BelievedTime, type Belief } from './believed-time.ts';
import { healthOf } from './health.ts';
import {
  countWaiting,
  readBelief,
  readByKey,
  readDue,
  readFirstDueMs,
  readHistory,
  readLastDoneMs,
  readLastEnded,
  readOpenOf,
  readRun,
} from './reader.ts';
import { Runner } from './runner.ts';
import { Schedules } from './schedules.ts';
import { endRun, insertRun, putBelief } from './writer.ts';

export { historyCleanup } from './history-cleanup.ts';

export interface JobsOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Logger;
  readonly zone: HomeZone;
  readonly definitions: readonly JobDefinition[];
}

/**
 * The longest that nobody looks at the clock. Timers go by the monotonic clock, so this is also how long it takes until a
 * clock that was set is noticed.
 */
const LOOK_EVERY_MS = 30_000;
const MIN_WAIT_MS = 50;
/** The wall clock has gone back when it lost so much against the monotonic one. */
const SET_BACK_MS = 1000;
const KEEP_BELIEF_EVERY_MS = 3600_000;
const MAX_PAYLOAD_BYTES = 64 * 1024;
const NAME = /^[a-z][a-z0-9-]{0,63}$/;

/**
 * Opens the job table, takes up what a process before this one left in the middle, and begins what is due.
 * @throws RangeError for a definition whose name or schedule is wrong.
 */
export function startJobs(options: JobsOptions): Jobs {
  const jobs = new Jobs(options);
  jobs.start();
  return jobs;
}

/**
 * Schedules and the queue of the hub. A timer only wakes it; what is due is asked of the rows, with the clock as it is
 * then, by a tick as by a restart: a clock that jumps loses nothing and makes no storm.
 */
export class Jobs implements JobDirectory, JobQueue, AsyncDisposable {
  readonly #options: JobsOptions;
  readonly #definitions: ReadonlyMap<string, JobDefinition>;
  readonly #names: readonly string[];
  readonly #schedules: Schedules;
  readonly #believed: BelievedTime;
  readonly #runner: Runner;
  #keptBelief: Belief;
  /** Wall clock minus monotonic clock when it was last looked at. */
  #offsetMs: number;
  #timer: NodeJS.Timeout | undefined;
  /** Why the job table could not be written when that was last tried. */
  #refused: { readonly message: string; readonly sinceMs: number } | undefined;
  #stopping: Promise<void> | undefined;

  constructor(options: JobsOptions) {
    const { store, clock, log, zone, definitions } = options;
    this.#options = options;
    this.#definitions = new Map(definitions.map((definition) => [definition.name, definition]));
    const wrong = definitions.find(({ name }) => !NAME.test(name));
    if (wrong) throw new RangeError(`"${wrong.name}" is no name for a job: lower case, digits and hyphens.`);
    if (this.#definitions.size < definitions.length) throw new RangeError('Two jobs have the same name.');
    this.#names = [...this.#definitions.keys()];
    this.#schedules = new Schedules(store, zone, definitions);
    this.#keptBelief = readBelief(store.db);
    this.#believed = new BelievedTime(clock, this.#keptBelief);
    this.#offsetMs = clock.nowMs() - clock.monotonicMs();
    this.#runner = new Runner({
      store,
      clock,
      log,
      owner: newId(),
      believedMs: () => this.#believed.nowMs(),
      onEnd: () => this.wake(),
    });
  }

  /** See `startJobs`. */
  start(): void {
    this.#runner.takeUp();
    this.#schedules.load(this.#options.clock.nowMs());
    this.wake();
  }

  /** Begins what is due. A timer calls it, and so may a test; it may be called at any time. */
  wake(): void {
    if (this.#stopping) return;
    const { clock, log } = this.#options;
    try {
      const nowMs = clock.nowMs();
      this.#noticeJump(nowMs);
      this.#keepBelief();
      this.#runner.writeEnds();
      this.#schedules.fire(nowMs);
      this.#begin(nowMs);
      this.#refused = undefined;
    } catch (error) {
      // The rows are as they were, and the next look finds the same due.
      if (!this.#refused) log.error({ err: error }, 'the job table could not be written; it is tried again');
      this.#refused ??= { message: errorText(error), sinceMs: clock.nowMs() };
    }
    this.#arm();
  }

  /** Resolves when nothing runs and nothing that is due waits. For tests. */
  async idle(): Promise<void> {
    this.wake();
    while (this.#runner.active.length > 0)
      await Promise.all(this.#runner.active.map(({ settled }) => settled));
  }

  async enqueue(name: string, payload: JsonObject = {}, options: EnqueueOptions = {}): Promise<JobRun> {
    this.#definition(name);
    const payloadJson = JSON.stringify(payload);
    if (Buffer.byteLength(payloadJson) > MAX_PAYLOAD_BYTES) {
      throw new HubError('invalid', `The payload of a job has at most ${MAX_PAYLOAD_BYTES / 1024} KiB.`);
    }
    const { store, clock } = this.#options;
    const nowMs = clock.nowMs();
    const { key = null, runAtMs } = options;
    const id = store.write((tx) => {
      const known = key === null ? undefined : readByKey(tx, name, key);
      return (
        known?.id ??
        insertRun(tx, {
          name,
          origin: 'queue',
          key,
          payloadJson,
          dueMs: runAtMs ?? nowMs,
          setMs: runAtMs === undefined ? nowMs : null,
          nowMs,
        })
      );
    });
    await store.durable();
    this.wake();
    return this.get(id);
  }

  async run(name: string): Promise<JobRun> {
    this.#definition(name);
    const { store, clock } = this.#options;
    const nowMs = clock.nowMs();
    const id = store.write((tx) => {
      const open = readOpenOf(tx, name);
      if (open?.state === 'running' || (open && open.attempts === 0)) return open.id;
      // A try that waits for its next one is not waited for by a person.
      if (open) endRun(tx, open.id, { state: 'cancelled', error: 'Somebody ran it anew.', nowMs });
      return insertRun(tx, {
        name,
        origin: 'hand',
        key: null,
        payloadJson: '{}',
        dueMs: nowMs,
        setMs: nowMs,
        nowMs,
      });
    });
    await store.durable();
    this.wake();
    return this.get(id);
  }

  async tried(id: number, signal: AbortSignal): Promise<JobRun> {
    return await this.#runner.tried(id, signal);
  }

  async cancel(id: number): Promise<JobRun> {
    const { store, clock } = this.#options;
    const run = this.get(id);
    if (run.state === 'queued') {
      store.write((tx) =>
        endRun(tx, id, { state: 'cancelled', error: 'It was cancelled.', nowMs: clock.nowMs() }),
      );
      this.#runner.tellCancelled(run);
      await store.durable();
    } else if (run.state !== 'running') {
      throw new HubError('conflict', `This run is over: it is ${run.state}.`);
    } else if (!this.#runner.cancel(id)) {
      throw new HubError('conflict', 'This run is over, but the disk has not taken down yet how it ended.');
    }
    return this.get(id);
  }

  list(): readonly JobView[] {
    const { db } = this.#options.store;
    return [...this.#definitions.values()].map(({ name, title, schedule }) => ({
      name,
      title,
      schedule,
      nextMs: this.#schedules.nextOf(name),
      queued: countWaiting(db, name),
      running: this.#runner.isRunning(name),
      last: readLastEnded(db, name) ?? null,
    }));
  }

  /** @throws HubError `not_found` naming the jobs that there are. */
  require(name: string): void {
    this.#definition(name);
  }

  history(filter: HistoryFilter, beforeId: number, limit: number): readonly JobRun[] {
    return readHistory(this.#options.store.db, filter, beforeId, limit);
  }

  get(id: number): JobRun {
    const run = readRun(this.#options.store.db, id);
    if (!run)
      throw new HubError('not_found', `There is no run ${id}. GET /api/system/jobs/history lists them.`);
    return run;
  }

  health(): JobsHealth {
    const { store, clock } = this.#options;
    return healthOf(store.db, {
      names: this.#names,
      stuck: this.#runner.stuck,
      refused: this.#refused,
      doubt: this.#believed.doubt,
      nowMs: clock.nowMs(),
    });
  }

  figures(): readonly JobFigures[] {
    const { db } = this.#options.store;
    return this.#names.map((name) => ({
      name,
      ...this.#runner.tallyOf(name),
      running: this.#runner.isRunning(name),
      queued: countWaiting(db, name),
      lastDoneMs: readLastDoneMs(db, name),
    }));
  }

  /** Tells what runs to end, and waits for it for some seconds. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping ??= this.#stop();
    await this.#stopping;
  }

  async #stop(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#runner.stop();
    try {
      this.#keepBelief();
    } catch (error) {
      this.#options.log.warn({ err: error }, 'how far the clock is believed could not be kept');
    }
  }

  #definition(name: string): JobDefinition {
    const definition = this.#definitions.get(name);
    if (definition) return definition;
    throw new HubError(
      'not_found',
      `There is no job "${name.slice(0, 64)}". There are: ${this.#names.join(', ')}.`,
    );
  }

  #begin(nowMs: number): void {
    const { db } = this.#options.store;
    const due = this.#idleNames().flatMap((name) => readDue(db, name, nowMs) ?? []);
    for (const { id, name } of due.toSorted((a, b) => a.dueMs - b.dueMs || a.id - b.id)) {
      if (this.#runner.isFull) return;
      this.#runner.begin(this.#definition(name), id);
    }
  }

  /** The jobs that may begin: a job never overlaps itself. */
  #idleNames(): string[] {
    return this.#runner.isFull ? [] : this.#names.filter((name) => !this.#runner.isRunning(name));
  }

  #noticeJump(nowMs: number): void {
    const offsetMs = nowMs - this.#options.clock.monotonicMs();
    if (offsetMs < this.#offsetMs - SET_BACK_MS) this.#schedules.setBack(nowMs);
    this.#offsetMs = offsetMs;
  }

  /** Looks whether the clock leapt. What is believed of it is kept once an hour, and when it changes. */
  #keepBelief(): void {
    this.#believed.nowMs();
    const { belief } = this.#believed;
    const kept = this.#keptBelief;
    const isSame = (belief.leapMs === null) === (kept.leapMs === null);
    const movedMs = Math.abs(belief.trustedMs - kept.trustedMs) + Math.abs(belief.stoodMs - kept.stoodMs);
    if (isSame && movedMs < KEEP_BELIEF_EVERY_MS) return;
    this.#options.store.write((tx) => putBelief(tx, belief));
    this.#keptBelief = belief;
  }

  #arm(): void {
    clearTimeout(this.#timer);
    const nowMs = this.#options.clock.nowMs();
    const { db } = this.#options.store;
    const waiting = this.#idleNames().flatMap((name) => readFirstDueMs(db, name) ?? []);
    const nextMs = Math.min(this.#schedules.firstMs ?? Infinity, ...waiting);
    // After a refusal of the disk what is due stays due; it is not asked for in a hurry.
    const waitMs = this.#refused ? LOOK_EVERY_MS : Math.max(nextMs - nowMs, MIN_WAIT_MS);
    this.#timer = setTimeout(() => this.wake(), Math.min(waitMs, LOOK_EVERY_MS));
  }
}
