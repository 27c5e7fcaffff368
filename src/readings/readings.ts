import { setImmediate } from 'node:timers/promises';

import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/log.ts';
import type { Store } from '../base/store.ts';
import type {
  ExpiryResult,
  ReadingHistory,
  ReadingSource,
  ReadingsPage,
  ReadingsQuery,
  Retention,
  SeriesScan,
  SourceFollower,
} from './types.ts';

import { blocksOf } from './codec.ts';
import { compact } from './compaction.ts';
import { Expiry } from './expiry.ts';
import { DAY_MS, hourOf } from './periods.ts';
import { queryReadings } from './query.ts';
import { readBatches, readProgress, readSeries, type Progress } from './reader.ts';
import { Recorder } from './recorder.ts';
import { Scan } from './scan.ts';
import { SeriesSet, type Series } from './series.ts';
import { undamaged } from './timeline.ts';
import { MIN_HOLD_MS } from './usual-interval.ts';
import { putProgress } from './writer.ts';

export { MAX_PAGE } from './query.ts';

export interface ReadingsOptions extends Partial<Retention> {
  store: Store;
  source: ReadingSource;
  clock: Clock;
  log: Logger;
}

/** How long readings wait in memory, and what a power cut may cost. */
const FLUSH_EVERY_MS = 60_000;

/** Reports that are older than this by the time of the last sign of life are on the disk. */
const SURELY_WRITTEN_MS = 5 * FLUSH_EVERY_MS;

/** Where there is nothing to write, it is noted so often that the hub runs: a power cut leaves a gap from there on. */
const ALIVE_EVERY_MS = 15 * 60_000;

/** Batches are sorted every hour, or earlier under a flood: they are decoded together, and that takes memory. */
const SORT_AT_BYTES = 2 * 1024 * 1024;

const DEFAULT_RETENTION: Retention = { rawDays: 10, fiveMinuteDays: 90, hourlyDays: 3660 };

/**
 * The numeric history of the devices: every number that a capability reports, and the moments from which it is unknown.
 *
 * Readings wait in memory for up to a minute, go to the disk as one row for all series, and are sorted into a row for
 * each series and hour once an hour. From these, buckets of five minutes and of an hour are made, in UTC.
 *
 * Room, measured (`npm run bench -- readings`): a series that is reported once a minute takes 5.5 kB a day raw, 4.4 kB
 * in five minutes and 0.41 kB in hours, so 100 devices with four of them take
 * 400 * (5.5 kB * 10 + 4.4 kB * 90 + 0.41 kB * 365 * years): 180 MB and 60 MB for each year, 480 MB after five.
 * Writing takes 3 to 4 MB an hour, at 400 readings a minute as at 50 a second.
 */
export class Readings implements ReadingHistory, AsyncDisposable {
  readonly #options: ReadingsOptions;
  readonly #retention: Retention;
  readonly #series = new SeriesSet();
  readonly #recorder: Recorder;
  readonly #expiry: Expiry;
  #progress: Progress;
  #sortedHour: number | undefined;
  #follower: SourceFollower | undefined;
  #timer: NodeJS.Timeout | undefined;
  #compacting: Promise<void> | undefined;
  #tick: Promise<void> | undefined;
  #failed = false;
  #isStopping = false;

  private constructor(options: ReadingsOptions) {
    const { store, clock } = options;
    this.#options = options;
    this.#retention = {
      rawDays: options.rawDays ?? DEFAULT_RETENTION.rawDays,
      fiveMinuteDays: options.fiveMinuteDays ?? DEFAULT_RETENTION.fiveMinuteDays,
      hourlyDays: options.hourlyDays ?? DEFAULT_RETENTION.hourlyDays,
    };
    this.#progress = readProgress(store.db) ?? { rolledHour: 0, aliveMs: 0, trustedMs: 0 };
    const rawMs = this.#retention.rawDays * DAY_MS;
    this.#recorder = new Recorder({ ...options, series: this.#series, rawMs });
    this.#expiry = new Expiry({
      store,
      clock,
      series: this.#series,
      retention: this.#retention,
      trustedMs: this.#progress.trustedMs,
    });
  }

  static start(options: ReadingsOptions): Readings {
    const readings = new Readings(options);
    const aliveMs = readings.#load();
    readings.#resume(aliveMs);
    readings.#recorder.takeRepeated();
    const follower = options.source.follow(() => {
      for (const change of readings.#follower?.take() ?? []) readings.#recorder.take(change);
    });
    readings.#follower = follower;
    readings.#timer = setInterval(() => {
      readings.#tick ??= readings.tick().finally(() => (readings.#tick = undefined));
    }, FLUSH_EVERY_MS);
    return readings;
  }

  has(entityId: string, capability: string): boolean {
    return this.#series.find(entityId, capability) !== undefined;
  }

  /** Readings that were written since the hub was started, and those that wait in memory to be. */
  get counters(): { written: number; waiting: number } {
    return { written: this.#recorder.written, waiting: this.#recorder.waitingCount };
  }

  query(query: ReadingsQuery): ReadingsPage {
    const { store, clock, log } = this.#options;
    return queryReadings(
      {
        db: store.db,
        log,
        series: this.#series.find(query.entityId, query.capability),
        rolledHour: this.#progress.rolledHour,
        retention: this.#retention,
        nowMs: clock.nowMs(),
      },
      query,
    );
  }

  /** For how many days buckets of five minutes are kept; those of an hour stay for years. */
  get fiveMinuteDays(): number {
    return this.#retention.fiveMinuteDays;
  }

  /** Opens a reading of many series, as of now: it is for one use, within seconds. */
  scan(): SeriesScan {
    const { store, clock, log } = this.#options;
    return new Scan({
      db: store.db,
      log,
      find: (entityId, capability) => this.#series.find(entityId, capability),
      rolledHour: () => this.#progress.rolledHour,
      nowMs: clock.nowMs(),
    });
  }

  /** Writes what waits in memory, now. A disk that refuses keeps it waiting. */
  flush(): void {
    this.#recorder.takeRepeated();
    this.#recorder.flush();
  }

  /** What is done every minute: writes, and once an hour sorts and, once a day, removes what is too old. */
  async tick(): Promise<void> {
    const { clock, log } = this.#options;
    try {
      this.flush();
      const aliveMs = Math.max(this.#progress.aliveMs, this.#recorder.writtenMs);
      if (!this.#compacting && clock.nowMs() - aliveMs >= ALIVE_EVERY_MS) this.#noteAlive();
      if (hourOf(clock.nowMs()) === this.#sortedHour && this.#recorder.batchBytes < SORT_AT_BYTES) return;
      await this.compact();
      while (!this.#isStopping && !this.expire(clock.nowMs()).isDone) await setImmediate();
      this.#failed = false;
    } catch (error) {
      if (!this.#failed) log.error({ err: error }, 'readings could not be sorted; it is tried again');
      this.#failed = true;
    }
  }

  /**
   * Sorts what was written and brings the aggregates up to date, in short transactions. It may be called at any time.
   * @throws HubError `storage_full` or `storage`; what was done stays, and the next call does the rest.
   */
  async compact(): Promise<void> {
    this.#compacting ??= this.#compact().finally(() => (this.#compacting = undefined));
    await this.#compacting;
  }

  /** Removes what is too old, as much as one short transaction may: for a job, which calls until it is done. */
  expire(nowMs: number): ExpiryResult {
    return this.#expiry.expire(nowMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isStopping) return;
    this.#isStopping = true;
    clearInterval(this.#timer);
    this.#follower?.[Symbol.dispose]();
    await this.#compacting?.catch(() => undefined);
    await this.#tick;
    this.flush();
    this.#noteAlive();
  }

  async #compact(): Promise<void> {
    const { store, clock, log } = this.#options;
    const nowMs = clock.nowMs();
    this.#recorder.flush();
    const bytes = this.#recorder.batchBytes;
    const progress = await compact({
      store,
      log,
      series: [...this.#series.all()],
      progress: { ...this.#progress, trustedMs: this.#expiry.trustedMs },
      nowMs,
      isStopping: () => this.#isStopping,
    });
    if (!progress) return;
    this.#progress = progress;
    this.#recorder.batchBytes -= bytes;
    this.#sortedHour = hourOf(nowMs);
  }

  /** @returns when the hub was last known to run. */
  #load(): number {
    const { store, log } = this.#options;
    const byKey = new Map<number, Series>();
    for (const row of readSeries(store.db)) byKey.set(row.key, this.#series.load(row));
    let { aliveMs } = this.#progress;
    for (const batch of readBatches(store.db)) {
      const noteKeys = (): void => {
        for (const { key } of blocksOf(batch.data)) {
          const series = byKey.get(key);
          if (series) series.batchKey = batch.key;
        }
      };
      undamaged(log, `batch ${batch.key}`, noteKeys, undefined);
      this.#recorder.batchBytes += batch.data.length;
      aliveMs = Math.max(aliveMs, batch.writtenMs);
    }
    return aliveMs;
  }

  /**
   * Goes on where the last run stopped. A value that is believed for hours is not so while nobody listened: it may have
   * changed unheard. When it was said last is not known for certain after a power cut, because a repeated value is
   * written with its time at a stop only.
   */
  #resume(batchMs: number): void {
    const { source, clock } = this.#options;
    const devices = source.list();
    const nowMs = clock.nowMs();
    let aliveMs = batchMs;
    for (const { values } of devices) {
      for (const { timestampMs } of values.values()) {
        if (timestampMs !== null && timestampMs <= nowMs) aliveMs = Math.max(aliveMs, timestampMs);
      }
    }
    const untilMs = aliveMs + MIN_HOLD_MS;
    const wasDown = batchMs > 0 && nowMs > untilMs;
    for (const { entityId, values } of devices) {
      for (const [capability, { value, timestampMs }] of values) {
        const series = this.#series.find(entityId, capability);
        if (!series || typeof value !== 'number' || timestampMs === null) continue;
        // What is newer may have been lost with the last minute, and is taken again.
        if (timestampMs < batchMs - SURELY_WRITTEN_MS) series.seenMs = timestampMs;
        if (wasDown && series.interval.holdMs > MIN_HOLD_MS) this.#recorder.note(series, untilMs, null);
      }
    }
  }

  #noteAlive(): void {
    const { store, clock, log } = this.#options;
    const progress = { ...this.#progress, aliveMs: clock.nowMs(), trustedMs: this.#expiry.trustedMs };
    try {
      store.write((tx) => putProgress(tx, progress));
      this.#progress = progress;
    } catch (error) {
      log.error({ err: error }, 'that the readings go on could not be noted');
    }
  }
}
