import type { Db } from '../base/db.ts';
import type { JsonObject } from '../base/json.ts';
import type { ActionResult, Outcome, Run } from './types.ts';

export interface Approval {
  readonly hash: string;
  readonly approvedBy: string;
  readonly approvedMs: number;
}

export interface Hold {
  readonly sinceMs: number;
  readonly fired: boolean;
}

interface RunRow {
  key: number;
  entity_id: string;
  trigger: string;
  why: string;
  scheduled_ms: number | null;
  started_ms: number;
  finished_ms: number | null;
  outcome: string;
  actions: string;
}

const RUN_COLUMNS = 'key, entity_id, trigger, why, scheduled_ms, started_ms, finished_ms, outcome, actions';

export function readApprovals(db: Db): Map<string, Approval> {
  const rows = db.all<{ entity_id: string; hash: string; approved_by: string; approved_ms: number }>(
    'SELECT entity_id, hash, approved_by, approved_ms FROM automation_approval',
  );
  return new Map(
    rows.map((row) => [
      row.entity_id,
      { hash: row.hash, approvedBy: row.approved_by, approvedMs: row.approved_ms },
    ]),
  );
}

/** Newest first; before `beforeKey` where it is not 0. @param entityId null: of all. */
export function readRuns(db: Db, entityId: string | null, limit: number, beforeKey: number): Run[] {
  const before = beforeKey === 0 ? Number.MAX_SAFE_INTEGER : beforeKey;
  const rows =
    entityId === null
      ? db.all<RunRow>(
          `SELECT ${RUN_COLUMNS} FROM automation_run WHERE key < ? ORDER BY key DESC LIMIT ?`,
          before,
          limit,
        )
      : db.all<RunRow>(
          `SELECT ${RUN_COLUMNS} FROM automation_run WHERE entity_id = ? AND key < ? ORDER BY key DESC LIMIT ?`,
          entityId,
          before,
          limit,
        );
  return rows.map(toRun);
}

/** The ids of all that ever ran and of which something is kept. */
export function readRunOwners(db: Db): string[] {
  return db
    .all<{ entity_id: string }>('SELECT DISTINCT entity_id FROM automation_run')
    .map(({ entity_id: id }) => id);
}

export function readRun(db: Db, key: number): Run | undefined {
  const row = db.get<RunRow>(`SELECT ${RUN_COLUMNS} FROM automation_run WHERE key = ?`, key);
  return row && toRun(row);
}

export function hasFiring(db: Db, firing: string): boolean {
  return db.get('SELECT key FROM automation_run WHERE firing = ?', firing) !== undefined;
}

export function readProgress(db: Db): { lookedMs: number; furthestMs: number } | undefined {
  const row = db.get<{ looked_ms: number; furthest_ms: number }>(
    'SELECT looked_ms, furthest_ms FROM automation_progress',
  );
  return row && { lookedMs: row.looked_ms, furthestMs: row.furthest_ms };
}

export function readHolds(db: Db): Map<string, Hold> {
  const rows = db.all<{ id: string; since_ms: number; fired: number }>(
    'SELECT id, since_ms, fired FROM automation_hold',
  );
  return new Map(rows.map((row) => [row.id, { sinceMs: row.since_ms, fired: row.fired === 1 }]));
}

function toRun(row: RunRow): Run {
  return {
    id: row.key,
    automationId: row.entity_id,
    trigger: row.trigger,
    why: JSON.parse(row.why) as JsonObject,
    scheduledMs: row.scheduled_ms,
    startedMs: row.started_ms,
    finishedMs: row.finished_ms,
    outcome: row.outcome as Outcome,
    actions: JSON.parse(row.actions) as ActionResult[],
  };
}
