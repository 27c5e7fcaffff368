import type { Db } from '../base/db.ts';
import type { JsonObject } from '../base/json.ts';
import type { AuditAction, AuditOutcome, AuditRow } from './types.ts';

/** What is asked of the log; null is everything. */
export interface AuditFilter {
  readonly action: AuditAction | null;
  readonly userId: string | null;
  /** From here, */
  readonly fromMs: number | null;
  /** up to but not at this time. */
  readonly toMs: number | null;
}

interface Row {
  id: number;
  time_ms: number;
  action: AuditAction;
  outcome: AuditOutcome;
  user_id: string | null;
  username: string | null;
  target: string | null;
  address: string | null;
  request_id: string | null;
  details: string;
}

/** Rows before the id `beforeId` (0: from the end), newest first. */
export function readAudit(db: Db, filter: AuditFilter, beforeId: number, limit: number): AuditRow[] {
  const { action, userId, fromMs, toMs } = filter;
  return db
    .all<Row>(
      `SELECT * FROM access_audit
       WHERE (? = 0 OR id < ?) AND (? IS NULL OR action = ?) AND (? IS NULL OR user_id = ?)
         AND (? IS NULL OR time_ms >= ?) AND (? IS NULL OR time_ms < ?)
       ORDER BY id DESC LIMIT ?`,
      beforeId,
      beforeId,
      action,
      action,
      userId,
      userId,
      fromMs,
      fromMs,
      toMs,
      toMs,
      limit,
    )
    .map((row) => ({
      id: row.id,
      timeMs: row.time_ms,
      action: row.action,
      outcome: row.outcome,
      userId: row.user_id,
      username: row.username,
      target: row.target,
      address: row.address,
      requestId: row.request_id,
      details: JSON.parse(row.details) as JsonObject,
    }));
}
