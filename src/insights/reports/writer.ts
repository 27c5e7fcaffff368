import type { Tx } from '../../base/db.ts';
import type { DeliveryState, DeliveryTarget, ReportKind, ReportPeriod } from './types.ts';

/** Puts a report in the place of one of the same period, also where the home had another time zone then. */
export function putReport(
  tx: Tx,
  { id, kind, startMs, endMs }: ReportPeriod,
  madeMs: number,
  json: string,
): void {
  tx.run(
    `DELETE FROM insights_report WHERE id = ? OR (kind = ? AND (period_start_ms = ? OR period_end_ms = ?))`,
    id,
    kind,
    startMs,
    endMs,
  );
  tx.run(
    `INSERT INTO insights_report (id, kind, period_start_ms, period_end_ms, made_ms, json) VALUES (?, ?, ?, ?, ?, ?)`,
    id,
    kind,
    startMs,
    endMs,
    madeMs,
    json,
  );
}

/** A report is to be sent to one place; an order of before is forgotten. */
export function orderDelivery(tx: Tx, id: string, to: DeliveryTarget, nowMs: number): void {
  tx.run(
    `INSERT INTO insights_report_delivery (report_id, target, state, attempts, order_no, round, due_ms, error, at_ms)
     VALUES (?, ?, 'queued', 0, 1, 0, NULL, NULL, ?)
     ON CONFLICT (report_id, target) DO UPDATE SET state = 'queued', attempts = 0, order_no = order_no + 1, round = 0,
       due_ms = NULL, error = NULL, at_ms = excluded.at_ms`,
    id,
    to,
    nowMs,
  );
}

/** A try begins: it counts, whatever becomes of it. */
export function beginTry(tx: Tx, id: string, to: DeliveryTarget, nowMs: number): void {
  tx.run(
    'UPDATE insights_report_delivery SET attempts = attempts + 1, at_ms = ? WHERE report_id = ? AND target = ?',
    nowMs,
    id,
    to,
  );
}

/** Writes how a try of one order ended; where it was ordered anew meanwhile, nothing. */
export function endTry(
  tx: Tx,
  { id, to, orderNo }: { id: string; to: DeliveryTarget; orderNo: number },
  end: { state: DeliveryState; error: string | null; round: number; dueMs: number | null; nowMs: number },
): void {
  tx.run(
    `UPDATE insights_report_delivery SET state = ?, error = ?, round = ?, due_ms = ?, at_ms = ?
     WHERE report_id = ? AND target = ? AND order_no = ?`,
    end.state,
    end.error,
    end.round,
    end.dueMs,
    end.nowMs,
    id,
    to,
    orderNo,
  );
}

/** Removes reports of a kind that ended before a time, at most `limit`. @returns how many. */
export function deleteReports(tx: Tx, kind: ReportKind, beforeMs: number, limit: number): number {
  const { changes } = tx.run(
    `DELETE FROM insights_report WHERE id IN
       (SELECT id FROM insights_report WHERE kind = ? AND period_end_ms < ? ORDER BY period_end_ms LIMIT ?)`,
    kind,
    beforeMs,
    limit,
  );
  if (changes > 0) {
    tx.run('DELETE FROM insights_report_delivery WHERE report_id NOT IN (SELECT id FROM insights_report)');
  }
  return changes;
}
