import type { Tx } from '../base/db.ts';
import type { Belief } from './believed-time.ts';
import type { ScheduleRow } from './reader.ts';
import type { RunOrigin } from './types.ts';

export interface NewRun {
  readonly name: string;
  readonly origin: RunOrigin;
  readonly key: string | null;
  readonly payloadJson: string;
  readonly dueMs: number;
  /** Null where somebody named the time itself. */
  readonly setMs: number | null;
  readonly nowMs: number;
}

export function putSchedule(tx: Tx, { name, cron, zone, nextMs, lastMs }: ScheduleRow): void {
  tx.run(
    `INSERT INTO job_schedule (name, cron, zone, next_ms, last_ms) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (name) DO UPDATE SET cron = excluded.cron, zone = excluded.zone, next_ms = excluded.next_ms,
       last_ms = excluded.last_ms`,
    name,
    cron,
    zone,
    nextMs,
    lastMs,
  );
}

export function deleteSchedule(tx: Tx, name: string): void {
  tx.run('DELETE FROM job_schedule WHERE name = ?', name);
}

/** @returns the id of the run. */
export function insertRun(tx: Tx, run: NewRun): number {
  return tx.run(
    `INSERT INTO job_run (name, origin, key, payload, state, attempts, due_ms, set_ms, created_ms)
     VALUES (?, ?, ?, ?, 'queued', 0, ?, ?, ?)`,
    run.name,
    run.origin,
    run.key,
    run.payloadJson,
    run.dueMs,
    run.setMs,
    run.nowMs,
  ).lastInsertRowid;
}

/** Takes the lease of a run that waits. @returns false where it does not wait any more. */
export function claimRun(
  tx: Tx,
  id: number,
  { owner, leaseMs, nowMs }: { owner: string; leaseMs: number; nowMs: number },
): boolean {
  return (
    tx.run(
      `UPDATE job_run SET state = 'running', attempts = attempts + 1, owner = ?, lease_ms = ?, started_ms = ?
       WHERE id = ? AND state = 'queued'`,
      owner,
      leaseMs,
      nowMs,
      id,
    ).changes > 0
  );
}

export function endRun(
  tx: Tx,
  id: number,
  end: {
    state: 'done' | 'failed' | 'cancelled';
    summary?: string;
    figuresJson?: string;
    error?: string;
    /** What only a person can mend, and how. */
    found?: { readonly kind: string; readonly action: string };
    /** How long the try took. */
    busyMs?: number;
    nowMs: number;
  },
): void {
  tx.run(
    `UPDATE job_run SET state = ?, summary = ?, figures = ?, error = coalesce(?, error), problem = ?, action = ?,
       busy_ms = ?, ended_ms = ?, owner = NULL, lease_ms = NULL WHERE id = ?`,
    end.state,
    end.summary ?? null,
    end.figuresJson ?? '{}',
    end.error ?? null,
    end.found?.kind ?? null,
    end.found?.action ?? null,
    end.busyMs === undefined ? null : Math.round(end.busyMs),
    end.nowMs,
    id,
  );
}

/** Has a run wait once more, after a try that failed. */
export function requeueRun(
  tx: Tx,
  id: number,
  at: { dueMs: number; nowMs: number; error: string; busyMs?: number },
): void {
  tx.run(
    `UPDATE job_run SET state = 'queued', due_ms = ?, set_ms = ?, error = ?, busy_ms = ?, owner = NULL, lease_ms = NULL WHERE id = ?`,
    at.dueMs,
    at.nowMs,
    at.error,
    at.busyMs === undefined ? null : Math.round(at.busyMs),
    id,
  );
}

/** Gives a run back that the hub itself ended because it stops: that was no try. */
export function releaseRun(tx: Tx, id: number): void {
  tx.run(
    `UPDATE job_run SET state = 'queued', attempts = attempts - 1, owner = NULL, lease_ms = NULL WHERE id = ?`,
    id,
  );
}

/**
 * Removes runs that are over, and those that nothing has taken up for as long as that: their job is gone from the hub.
 * @returns how many.
 */
export function deleteOldRuns(
  tx: Tx,
  limits: {
    /** All that ended before this, */
    readonly beforeMs: number;
    /** and beyond the `keep` newest of a job those that ended before this. */
    readonly surplusBeforeMs: number;
    readonly keep: number;
    readonly limit: number;
  },
): number {
  return tx.run(
    `DELETE FROM job_run WHERE id IN (
       SELECT r.id FROM job_run r WHERE (r.state IN ('done', 'failed', 'cancelled') AND (r.ended_ms < ?1
         OR (r.ended_ms < ?2 AND r.id <= (
           SELECT x.id FROM job_run x WHERE x.name = r.name ORDER BY x.id DESC LIMIT 1 OFFSET ?3))))
         OR (r.state = 'queued' AND r.due_ms < ?1)
       LIMIT ?4)`,
    limits.beforeMs,
    limits.surplusBeforeMs,
    limits.keep,
    limits.limit,
  ).changes;
}

export function putBelief(tx: Tx, { trustedMs, leapMs, stoodMs }: Belief): void {
  tx.run(
    `INSERT INTO job_clock (key, trusted_ms, leap_ms, stood_ms) VALUES (1, ?, ?, ?)
     ON CONFLICT (key) DO UPDATE SET trusted_ms = excluded.trusted_ms, leap_ms = excluded.leap_ms,
       stood_ms = excluded.stood_ms`,
    trustedMs,
    leapMs,
    Math.round(stoodMs),
  );
}
