import type { Tx } from '../base/db.ts';
import type { AuditRow } from './types.ts';

export function insertAudit(tx: Tx, row: Omit<AuditRow, 'id'>): void {
  tx.run(
    `INSERT INTO access_audit (time_ms, action, outcome, user_id, username, target, address, request_id, details)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    row.timeMs,
    row.action,
    row.outcome,
    row.userId,
    row.username,
    row.target,
    row.address,
    row.requestId,
    JSON.stringify(row.details),
  );
}

/** Removes rows from before `beforeMs`. @returns how many. */
export function deleteAuditBefore(tx: Tx, beforeMs: number): number {
  return tx.run('DELETE FROM access_audit WHERE time_ms < ?', beforeMs).changes;
}

/** How many rows of each sort are kept. */
export interface AuditCaps {
  readonly refused: number;
  /** What anybody with an account can repeat all day. */
  readonly everyday: number;
  /** Commands to what keeps the house shut. */
  readonly commands: number;
  /** The rest of what was done. */
  readonly acts: number;
}

const EVERYDAY = "action IN ('login', 'logout', 'guest_code.enter')";
const COMMANDS = "action = 'command'";
const SORTS: Readonly<Record<keyof AuditCaps, string>> = {
  refused: "outcome = 'refused'",
  everyday: `outcome = 'ok' AND ${EVERYDAY}`,
  commands: `outcome = 'ok' AND ${COMMANDS}`,
  acts: `outcome = 'ok' AND NOT ${EVERYDAY} AND NOT ${COMMANDS}`,
};

/** Keeps the newest rows of each sort. @returns how many were removed. */
export function trimAudit(tx: Tx, caps: AuditCaps): number {
  let removed = 0;
  for (const sort of ['refused', 'everyday', 'commands', 'acts'] as const) {
    const where = SORTS[sort];
    removed += tx.run(
      `DELETE FROM access_audit WHERE ${where} AND id <=
         (SELECT id FROM access_audit WHERE ${where} ORDER BY id DESC LIMIT 1 OFFSET ?)`,
      caps[sort],
    ).changes;
  }
  return removed;
}
