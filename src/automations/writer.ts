import type { Tx } from '../base/db.ts';
import type { JsonObject } from '../base/json.ts';
import type { Approval, Hold } from './reader.ts';
import type { ActionResult, Outcome } from './types.ts';

export interface NewRun {
  readonly automationId: string;
  readonly firing: string | null;
  readonly trigger: string;
  readonly why: JsonObject;
  readonly scheduledMs: number | null;
  readonly startedMs: number;
  readonly outcome: Outcome;
}

/** @returns the key of the run; undefined where this firing is there already. */
export function insertRun(tx: Tx, run: NewRun): number | undefined {
  const isOver = run.outcome !== 'claimed';
  const { changes, lastInsertRowid } = tx.run(
    `INSERT INTO automation_run (entity_id, firing, trigger, why, scheduled_ms, started_ms, finished_ms, outcome, actions)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, '[]') ON CONFLICT (firing) DO NOTHING`,
    run.automationId,
    run.firing,
    run.trigger,
    JSON.stringify(run.why),
    run.scheduledMs === null ? null : Math.floor(run.scheduledMs),
    Math.floor(run.startedMs),
    isOver ? Math.floor(run.startedMs) : null,
    run.outcome,
  );
  return changes === 0 ? undefined : lastInsertRowid;
}

export function finishRun(
  tx: Tx,
  key: number,
  {
    finishedMs,
    outcome,
    why,
    actions,
  }: { finishedMs: number; outcome: Outcome; why: JsonObject; actions: readonly ActionResult[] },
): void {
  tx.run(
    'UPDATE automation_run SET finished_ms = ?, outcome = ?, why = ?, actions = ? WHERE key = ?',
    Math.floor(finishedMs),
    outcome,
    JSON.stringify(why),
    JSON.stringify(actions),
    key,
  );
}

/** What was begun before this start will not be ended: whether its commands went out is not known. */
export function interruptRuns(tx: Tx): number {
  return tx.run("UPDATE automation_run SET outcome = 'interrupted' WHERE outcome = 'claimed'").changes;
}

/** Which runs of an automation are kept. Times are ms since the Unix epoch. */
export interface Keep {
  /** The newest so many, */
  readonly most: number;
  /** and however many what was due after this: its name keeps it from firing again when the clock is set back. */
  readonly dueAfterMs: number;
  /** Of those the newest so many however old they are, */
  readonly least: number;
  /** and the others when they began after this. */
  readonly beforeMs: number;
}

export function expireRuns(tx: Tx, entityId: string, { most, dueAfterMs, least, beforeMs }: Keep): void {
  tx.run(
    `DELETE FROM automation_run WHERE entity_id = ? AND outcome <> 'claimed'
       AND (firing IS NULL OR scheduled_ms <= ?) AND key <=
       (SELECT key FROM automation_run WHERE entity_id = ? ORDER BY key DESC LIMIT 1 OFFSET ?)`,
    entityId,
    Math.floor(dueAfterMs),
    entityId,
    most,
  );
  tx.run(
    `DELETE FROM automation_run WHERE entity_id = ? AND outcome <> 'claimed' AND started_ms < ? AND key <=
       (SELECT key FROM automation_run WHERE entity_id = ? ORDER BY key DESC LIMIT 1 OFFSET ?)`,
    entityId,
    Math.floor(beforeMs),
    entityId,
    least,
  );
}

export function putApproval(tx: Tx, entityId: string, approval: Approval): void {
  tx.run(
    `INSERT INTO automation_approval (entity_id, hash, approved_by, approved_ms) VALUES (?, ?, ?, ?)
     ON CONFLICT (entity_id) DO UPDATE SET hash = excluded.hash, approved_by = excluded.approved_by,
       approved_ms = excluded.approved_ms`,
    entityId,
    approval.hash,
    approval.approvedBy,
    Math.floor(approval.approvedMs),
  );
}

export function deleteApproval(tx: Tx, entityId: string): void {
  tx.run('DELETE FROM automation_approval WHERE entity_id = ?', entityId);
}

export function putProgress(tx: Tx, progress: { lookedMs: number; furthestMs: number }): void {
  tx.run(
    `INSERT INTO automation_progress (key, looked_ms, furthest_ms) VALUES (1, ?, ?)
     ON CONFLICT (key) DO UPDATE SET looked_ms = excluded.looked_ms, furthest_ms = excluded.furthest_ms`,
    Math.floor(progress.lookedMs),
    Math.floor(progress.furthestMs),
  );
}

export function replaceHolds(tx: Tx, holds: ReadonlyMap<string, Hold>): void {
  tx.run('DELETE FROM automation_hold');
  for (const [id, { sinceMs, fired }] of holds) {
    tx.run(
      'INSERT INTO automation_hold (id, since_ms, fired) VALUES (?, ?, ?)',
      id,
      Math.floor(sinceMs),
      fired ? 1 : 0,
    );
  }
}
