import { setImmediate } from 'node:timers/promises';

import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/log.ts';
import type { Store } from '../base/store.ts';
import type { HistoryContext } from './history.ts';
import type {
  ActivityExpiry,
  ActivityHistory,
  ActivityPage,
  ActivityQuery,
  ActivitySource,
  RunSpan,
  SeriesEvents,
  SourceFollower,
} from './types.ts';

import { queryActivity, scanActivity } from './history.ts';
import { dayOf } from './periods.ts';
import { readBatchBytes, readSeries, readSpans } from './reader.ts';
import { Recorder } from './recorder.ts';
import { RunSpans } from './run-spans.ts';
import { SeriesSet } from './series.ts';
import { Expiry, sortBatches, type UpkeepOptions } from './upkeep.ts';

export interface ActivityOptions {
  store: Store;
  source: ActivitySource;
  clock: Clock;
  log: Logger;
  /** 0: nothing is written down, and what was is removed. Default 400. */
  keepDays?: number;
  /** Of the sorted history; beyond it the oldest days go. Default 64 MiB. */
  maxBytes?: number;
}

/** How long events wait in memory, and what a power cut may cost. */
const FLUSH_EVERY_MS = 60_000;
/** Batches are sorted every day, or earlier under a flood. */
const SORT_AT_BYTES = 1024 * 1024;
const KEEP_DAYS = 400;
const MAX_BYTES = 64 * 1024 * 1024;

/**
 * What happened in the home and is no number: values that changed, presses, devices that went away, and commands, each
 * with who brought it about. It waits in memory for up to a minute, goes to the disk as one row for the whole home, and
 * is sorted into a row for each capability and day once a day.
 *
 * Room, measured with 4600 events a day of 80 capabilities: 5.5 bytes of data and 7.5 bytes of disk for each event, so
 * 35 kB a day and 14 MB in 400 days. One capability tells at most MAX_EVENTS_PER_DAY, and all data is at most `maxBytes`.
 */
export class Activity implements ActivityHistory, AsyncDisposable {
  readonly #options: ActivityOptions;
  readonly #series = new SeriesSet();
  readonly #spans: RunSpans;
  readonly #recorder: Recorder;
  readonly #expiry: Expiry;
  readonly #upkeep: UpkeepOptions;
  #sortedDay: number | undefined;
  #follower: SourceFollower | undefined;
  #commands: Disposable | undefined;
  #timer: NodeJS.Timeout | undefined;
  #tick: Promise<void> | undefined;
  #sorting: Promise<void> | undefined;
  #failed = false;
  #isStopping = false;

  private constructor(options: ActivityOptions) {
    const { store, clock, log } = options;
    this.#options = options;
    for (const row of readSeries(store.db)) this.#series.load(row);
    this.#spans = new RunSpans(store, clock);
    this.#recorder = new Recorder({ ...options, series: this.#series });
    this.#recorder.batchBytes = readBatchBytes(store.db);
    this.#upkeep = {
      store,
      clock,
      log,
      series: this.#series,
      keepDays: options.keepDays ?? KEEP_DAYS,
      maxBytes: options.maxBytes ?? MAX_BYTES,
      trustedMs: readSpans(store.db).reduce((latest, { endMs }) => Math.max(latest, endMs), 0),
      isStopping: () => this.#isStopping,
    };
    this.#expiry = new Expiry(this.#upkeep);
  }

  static start(options: ActivityOptions): Activity {
    const activity = new Activity(options);
    if (activity.#upkeep.keepDays > 0) {
      activity.#follow();
      activity.#noteAlive();
    }
    activity.#timer = setInterval(() => {
      activity.#tick ??= activity.tick().finally(() => (activity.#tick = undefined));
    }, FLUSH_EVERY_MS);
    return activity;
  }

  has(entityId: string): boolean {
    return [...this.#series.ofEntity(entityId)].length > 0;
  }

  query(query: ActivityQuery): ActivityPage {
    return queryActivity(this.#context, query);
  }

  scan(fromMs: number, toMs: number): Generator<readonly SeriesEvents[]> {
    return scanActivity(this.#context, fromMs, toMs);
  }

  spans(): readonly RunSpan[] {
    return this.#spans.list();
  }

  /** Writes what waits in memory, now. A disk that refuses keeps it waiting. */
  flush(): void {
    this.#recorder.flush((tx) => this.#spans.touch(tx));
  }

  /** What is done every minute: writes, and once a day sorts and removes what is too old. */
  async tick(): Promise<void> {
    const { clock, log } = this.#options;
    try {
      this.flush();
      if (this.#upkeep.keepDays > 0) this.#spans.tick();
      const day = dayOf(clock.nowMs());
      if (day === this.#sortedDay && this.#recorder.batchBytes < SORT_AT_BYTES) return;
      // After a start in the middle of a day there is nothing to hurry for.
      const isUrgent = this.#sortedDay !== undefined || this.#recorder.batchBytes >= SORT_AT_BYTES;
      await (isUrgent ? this.cleanUp(clock.nowMs()) : this.#expireAll(clock.nowMs()));
      this.#sortedDay = day;
      this.#failed = false;
    } catch (error) {
      if (!this.#failed) log.error({ err: error }, 'activity could not be sorted; it is tried again');
      this.#failed = true;
    }
  }

  /** Sorts what was written, in short transactions. @throws HubError `storage_full` or `storage`. */
  async sort(): Promise<void> {
    this.#sorting ??= this.#sort().finally(() => (this.#sorting = undefined));
    await this.#sorting;
  }

  /**
   * Sorts, and removes what is too old, in short transactions.
   * @param signal ends it between two of them.
   * @returns how many rows were removed.
   * @throws HubError `storage_full` or `storage`; the signal's reason.
   */
  async cleanUp(nowMs: number, signal?: AbortSignal): Promise<number> {
    await this.sort();
    return await this.#expireAll(nowMs, signal);
  }

  /** Removes what is too old, as much as one short transaction may: call it until it is done. */
  expire(nowMs: number): ActivityExpiry {
    return this.#expiry.expire(nowMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isStopping) return;
    this.#isStopping = true;
    clearInterval(this.#timer);
    this.#follower?.[Symbol.dispose]();
    this.#commands?.[Symbol.dispose]();
    await Promise.allSettled([this.#tick, this.#sorting]);
    this.flush();
    if (this.#upkeep.keepDays > 0) this.#noteAlive();
  }

  async #sort(): Promise<void> {
    this.#recorder.batchBytes -= await sortBatches(this.#upkeep);
  }

  async #expireAll(nowMs: number, signal?: AbortSignal): Promise<number> {
    let removed = 0;
    while (!this.#isStopping) {
      signal?.throwIfAborted();
      const { deletedRows, isDone } = this.expire(nowMs);
      removed += deletedRows;
      if (isDone) break;
      await setImmediate();
    }
    return removed;
  }

  #noteAlive(): void {
    try {
      this.#spans.tick(true);
    } catch (error) {
      this.#options.log.error({ err: error }, 'that the hub runs could not be noted');
    }
  }

  get #context(): HistoryContext {
    return { db: this.#options.store.db, log: this.#options.log, series: this.#series };
  }

  #follow(): void {
    const { source } = this.#options;
    const follower = source.follow(() => {
      for (const change of this.#follower?.take() ?? []) this.#recorder.take(change);
    });
    this.#follower = follower;
    this.#commands = source.followCommands((command, stage) => this.#recorder.takeCommand(command, stage));
  }
}
