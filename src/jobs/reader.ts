import type { Db } from '../base/db.ts';
import type { Belief } from './believed-time.ts';
import type { HistoryFilter, JobProblem, JobRun, RunOrigin, RunState } from './types.ts';

interface RunRow {
  id: number;
  name: string;
  origin: RunOrigin;
  key: string | null;
  payload: string;
  state: RunState;
  attempts: number;
  due_ms: number;
  set_ms: number | null;
  created_ms: number;
  started_ms: number | null;
  ended_ms: number | null;
  busy_ms: number | null;
  summary: string | null;
  figures: string;
  error: string | null;
  action: string | null;
}

export interface ScheduleRow {
  readonly name: string;
  readonly cron: string;
  readonly zone: string;
  readonly nextMs: number | null;
  readonly lastMs: number;
}

/** A run that waits. */
export interface WaitingRun {
  readonly id: number;
  readonly name: string;
  readonly dueMs: number;
}

export function readSchedules(db: Db): ScheduleRow[] {
  return db
    .all<{ name: string; cron: string; zone: string; next_ms: number | null; last_ms: number }>(
      'SELECT * FROM job_schedule ORDER BY name',
    )
    .map(({ name, cron, zone, next_ms, last_ms }) => ({
      name,
      cron,
      zone,
      nextMs: next_ms,
      lastMs: last_ms,
    }));
}

/** The run of a job that is due first: after its delay, or at once where the delay was reckoned by a clock set back since. */
export function readDue(db: Db, name: string, nowMs: number): WaitingRun | undefined {
  const row = db.get<{ id: number; due_ms: number }>(
    `SELECT id, due_ms FROM job_run WHERE name = ?1 AND state = 'queued' AND (due_ms <= ?2 OR set_ms > ?2)
     ORDER BY due_ms, id LIMIT 1`,
    name,
    nowMs,
  );
  return row && { id: row.id, name, dueMs: row.due_ms };
}

/** When the first run of a job that waits may begin; undefined where none waits. */
export function readFirstDueMs(db: Db, name: string): number | undefined {
  const row = db.get<{ due_ms: number | null }>(
    `SELECT min(due_ms) AS due_ms FROM job_run WHERE name = ? AND state = 'queued'`,
    name,
  );
  return row?.due_ms ?? undefined;
}

/** The runs that a process before this one left in the middle. */
export function readLeft(db: Db): { id: number; name: string; attempts: number }[] {
  return db.all(`SELECT id, name, attempts FROM job_run WHERE state = 'running' ORDER BY id`);
}

export function readRun(db: Db, id: number): JobRun | undefined {
  const row = db.get<RunRow>('SELECT * FROM job_run WHERE id = ?', id);
  return row && toRun(row);
}

export function readPayload(db: Db, id: number): string {
  return db.get<{ payload: string }>('SELECT payload FROM job_run WHERE id = ?', id)?.payload ?? '{}';
}

/** The run that holds an idempotency key. */
export function readByKey(db: Db, name: string, key: string): JobRun | undefined {
  const row = db.get<RunRow>(
    `SELECT * FROM job_run WHERE name = ? AND key = ? AND state IN ('queued', 'running', 'done')`,
    name,
    key,
  );
  return row && toRun(row);
}

/** The run that waits or runs without a key and payload of its own: of a schedule, or asked for by hand. */
export function readOpenOf(db: Db, name: string): JobRun | undefined {
  const row = db.get<RunRow>(
    `SELECT * FROM job_run WHERE name = ? AND state IN ('queued', 'running') AND origin <> 'queue'
     ORDER BY id LIMIT 1`,
    name,
  );
  return row && toRun(row);
}

export function countWaiting(db: Db, name: string): number {
  return (
    db.get<{ n: number }>(`SELECT count(*) AS n FROM job_run WHERE name = ? AND state = 'queued'`, name)?.n ??
    0
  );
}

/** The last run of a job that succeeded, or failed for good. */
export function readLastEnded(db: Db, name: string): JobRun | undefined {
  const row = db.get<RunRow>(
    `SELECT * FROM job_run WHERE name = ? AND state IN ('done', 'failed') ORDER BY id DESC LIMIT 1`,
    name,
  );
  return row && toRun(row);
}

/** Runs before the id `beforeId` (0: from the end), newest first. */
export function readHistory(db: Db, filter: HistoryFilter, beforeId: number, limit: number): JobRun[] {
  const name = filter.name ?? null;
  const state = filter.state ?? null;
  return db
    .all<RunRow>(
      `SELECT * FROM job_run WHERE (?1 = 0 OR id < ?1) AND (?2 IS NULL OR name = ?2) AND (?3 IS NULL OR state = ?3)
       ORDER BY id DESC LIMIT ?4`,
      beforeId,
      name,
      state,
      limit,
    )
    .map(toRun);
}

/** What a job found since it was last done, newest first and each once; it is there since it was found first. */
export function readFound(db: Db, name: string): JobProblem[] {
  const rows = db.all<{ kind: string; message: string; action: string; ended_ms: number }>(
    `SELECT problem AS kind, coalesce(error, problem) AS message, coalesce(action, '') AS action, ended_ms FROM job_run
     WHERE name = ?1 AND problem IS NOT NULL
       AND id > coalesce((SELECT max(id) FROM job_run WHERE name = ?1 AND state = 'done'), 0) ORDER BY id DESC`,
    name,
  );
  return [...Map.groupBy(rows, ({ kind }) => kind).values()].flatMap((same) => {
    const [newest, oldest] = [same[0], same.at(-1)];
    if (!newest || !oldest) return [];
    const { kind, message, action } = newest;
    return [{ kind, job: name, message, action, sinceMs: oldest.ended_ms }];
  });
}

/** When a run of the job last succeeded. */
export function readLastDoneMs(db: Db, name: string): number | null {
  return (
    db.get<{ ended_ms: number | null }>(
      `SELECT ended_ms FROM job_run WHERE name = ? AND state = 'done' ORDER BY id DESC LIMIT 1`,
      name,
    )?.ended_ms ?? null
  );
}

export function readBelief(db: Db): Belief {
  const row = db.get<{ trusted_ms: number; leap_ms: number | null; stood_ms: number }>(
    'SELECT * FROM job_clock',
  );
  return { trustedMs: row?.trusted_ms ?? 0, leapMs: row?.leap_ms ?? null, stoodMs: row?.stood_ms ?? 0 };
}

function toRun(row: RunRow): JobRun {
  return {
    id: row.id,
    name: row.name,
    origin: row.origin,
    key: row.key,
    state: row.state,
    attempts: row.attempts,
    dueMs: row.due_ms,
    createdMs: row.created_ms,
    startedMs: row.started_ms,
    endedMs: row.ended_ms,
    busyMs: row.busy_ms,
    summary: row.summary,
    figures: JSON.parse(row.figures) as Record<string, number>,
    error: row.error,
    action: row.action,
  };
}
