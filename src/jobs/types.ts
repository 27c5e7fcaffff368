import type { JsonObject } from '../base/json.ts';
import type { Logger } from '../base/log.ts';

/** What a job is given. */
export interface JobContext {
  /** Aborted when the hub stops, somebody cancels the run, or it takes longer than its limit. */
  readonly signal: AbortSignal;
  /** What was handed over with `enqueue`; `{}` for a scheduled run. */
  readonly payload: JsonObject;
  readonly log: Logger;
  /** 1 for the first try. */
  readonly attempt: number;
  /**
   * The time by which ages are to be reckoned, ms since the Unix epoch: the wall clock, except for a leap ahead that may
   * be a mistake. What is deleted by a wrong clock is gone when the clock is right again.
   */
  readonly believedMs: number;
}

/** What a run came to: a sentence for people, and numbers of its own (`removed`, `kept` …). */
export interface JobOutcome {
  readonly summary: string;
  readonly [figure: string]: string | number;
}

/** A kind of job, in the folder of whoever owns what it works on. */
export interface JobDefinition {
  /** Lower case, digits and hyphens, such as `audit-cleanup`. It is what history is kept under. */
  readonly name: string;
  /** For a person: what it does. */
  readonly title: string;
  /** Five cron fields in the time of the home, such as `30 3 * * *`; null for work that is only queued. */
  readonly schedule: string | null;
  /** After this a run is told to end and counts as failed. Default 30 minutes. */
  readonly limitMs?: number;
  /**
   * It may be run again after a run that a power cut ended in the middle: what it does must bear repetition.
   * @throws FoundProblem where trying again changes nothing and a person has to see to it; anything else has it tried
   *   again after 60 s and after 120 s, and then it has failed.
   */
  run(context: JobContext): Promise<JobOutcome>;
}

export const RUN_STATES = ['queued', 'running', 'done', 'failed', 'cancelled'] as const;
export type RunState = (typeof RUN_STATES)[number];

/** Who asked for a run: the schedule, another part of the hub, or a person. */
export const RUN_ORIGINS = ['schedule', 'queue', 'hand'] as const;
export type RunOrigin = (typeof RUN_ORIGINS)[number];

/** One run, waiting, under way or over. Times are ms since the Unix epoch. */
export interface JobRun {
  readonly id: number;
  readonly name: string;
  readonly origin: RunOrigin;
  /** The idempotency key that it was queued with. */
  readonly key: string | null;
  readonly state: RunState;
  /** Tries that were begun. */
  readonly attempts: number;
  /** When it may begin, or could have. */
  readonly dueMs: number;
  readonly createdMs: number;
  readonly startedMs: number | null;
  readonly endedMs: number | null;
  /** How long the last try took, by a clock that nobody sets; null where it is not over, or was cut off. */
  readonly busyMs: number | null;
  /** Of a run that is done. */
  readonly summary: string | null;
  readonly figures: Readonly<Record<string, number>>;
  /** Why the last try failed; stays when a later one succeeds. */
  readonly error: string | null;
  /** What a person is to do about it, where the job knows; null elsewhere. */
  readonly action: string | null;
}

/** A kind of job with what is known of it now. */
export interface JobView {
  readonly name: string;
  readonly title: string;
  readonly schedule: string | null;
  /** When the schedule comes next; null without one. */
  readonly nextMs: number | null;
  /** Runs that wait. */
  readonly queued: number;
  readonly running: boolean;
  /** The last run that is over; null where none is. */
  readonly last: JobRun | null;
}

export interface EnqueueOptions {
  /** Work with the same name and key is queued once, for as long as its history is kept; a failure frees the key. */
  readonly key?: string;
  /** Not before this time of the wall clock, ms since the Unix epoch. Default: now. */
  readonly runAtMs?: number;
}

export interface HistoryFilter {
  readonly name?: string | undefined;
  readonly state?: RunState | undefined;
}

/** Something about the jobs that a person has to see to. */
export interface JobProblem {
  /**
   * `failed`: the last run of a job failed for good. `stuck`: a run does not end although its limit is over. `storage`:
   * the job table cannot be written, so that nothing begins. `clock`: the clock leapt ahead so far that nothing is removed
   * by age until it has stood so for a while. Any other word is what a job found (FoundProblem), such as
   * `database_damaged`: it stands from then on, over restarts and other failures, until a later run of the job is done.
   */
  readonly kind: string;
  /** The name of the job; null where it is about all of them. */
  readonly job: string | null;
  /** One sentence or two for a person: what is wrong, */
  readonly message: string;
  /** and what to do. */
  readonly action: string;
  /** Ms since the Unix epoch. */
  readonly sinceMs: number;
}

/** What is wrong with the jobs now. */
export interface JobsHealth {
  /** There are no problems. */
  readonly ok: boolean;
  /** What jobs found comes first, each problem of a job once. */
  readonly problems: readonly JobProblem[];
}

/** What one kind of job came to since the hub was started: what only grows may be shown as counters. */
export interface JobFigures {
  readonly name: string;
  /** Runs that succeeded, failed for good, and were cancelled, */
  readonly done: number;
  readonly failed: number;
  readonly cancelled: number;
  /** and tries that failed and are tried again. */
  readonly retried: number;
  /** How long all tries together took that are over. */
  readonly busySeconds: number;
  readonly running: boolean;
  /** Runs that wait. */
  readonly queued: number;
  /** When a run last succeeded, this start or an earlier one, ms since the Unix epoch; null: never. */
  readonly lastDoneMs: number | null;
}

/** What doors and the other parts ask of the jobs. */
export interface JobDirectory {
  list(): readonly JobView[];
  /** Runs before the id `beforeId` (0: from the end), newest first; those that wait or run are among them. */
  history(filter: HistoryFilter, beforeId: number, limit: number): readonly JobRun[];
  /** @throws HubError `not_found`. */
  get(id: number): JobRun;
  /**
   * Runs a job now, besides its schedule; where it waits to be run now, or runs, that run is answered instead.
   * @throws HubError `not_found`, `storage`, `storage_full`.
   */
  run(name: string): Promise<JobRun>;
  /**
   * Resolves when a run is over, or its present try has failed and it waits for the next.
   * @throws HubError `not_found`, `unavailable` where the hub stops; the reason of the signal.
   */
  tried(id: number, signal: AbortSignal): Promise<JobRun>;
  /**
   * Takes back a run that waits; one that runs is told to end. Which of them it was, its state says.
   * @throws HubError `not_found`, `conflict` where it is over.
   */
  cancel(id: number): Promise<JobRun>;
  /** Some rows are read for each job: to be asked when somebody wants to know, and not for each request. */
  health(): JobsHealth;
  /** The same order as `list`. Some rows are read for each job. */
  figures(): readonly JobFigures[];
}

export interface JobQueue {
  /**
   * Queues work; it is durable when this resolves. It is run at least once: again where a power cut came in the middle.
   * @throws HubError `not_found` for an unknown job, `invalid` for a payload above 64 KiB, `storage`, `storage_full`.
   */
  enqueue(name: string, payload?: JsonObject, options?: EnqueueOptions): Promise<JobRun>;
}
