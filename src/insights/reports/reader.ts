import type { Db } from '../../base/db.ts';
import type { Delivery, DeliveryState, DeliveryTarget, ReportEntry, ReportKind } from './types.ts';

interface EntryRow {
  id: string;
  kind: string;
  period_start_ms: number;
  period_end_ms: number;
  made_ms: number;
}

interface DeliveryRow {
  report_id: string;
  target: string;
  state: string;
  attempts: number;
  order_no: number;
  round: number;
  due_ms: number | null;
  error: string | null;
  at_ms: number;
}

const ENTRY = 'id, kind, period_start_ms, period_end_ms, made_ms';
const DELIVERY = 'report_id, target, state, attempts, order_no, round, due_ms, error, at_ms';

/** A delivery that is not over, and when it may go on. */
export interface PendingDelivery extends Delivery {
  readonly dueMs: number | null;
}

/** The newest first, from below a place in that order; of one kind where it is given. */
export function readEntries(
  db: Db,
  kind: ReportKind | null,
  before: { readonly endMs: number; readonly kind: string },
  limit: number,
): ReportEntry[] {
  const { endMs, kind: beforeKind } = before;
  const rows =
    kind === null
      ? db.all<EntryRow>(
          `SELECT ${ENTRY} FROM insights_report WHERE (period_end_ms, kind) < (?, ?)
           ORDER BY period_end_ms DESC, kind DESC LIMIT ?`,
          endMs,
          beforeKind,
          limit,
        )
      : db.all<EntryRow>(
          `SELECT ${ENTRY} FROM insights_report WHERE (period_end_ms, kind) < (?, ?) AND kind = ?
           ORDER BY period_end_ms DESC, kind DESC LIMIT ?`,
          endMs,
          beforeKind,
          kind,
          limit,
        );
  return rows.map((row) => toEntry(db, row));
}

export function readEntry(db: Db, id: string): ReportEntry | undefined {
  const row = db.get<EntryRow>(`SELECT ${ENTRY} FROM insights_report WHERE id = ?`, id);
  return row && toEntry(db, row);
}

export function readJson(db: Db, id: string): string | undefined {
  return db.get<{ json: string }>('SELECT json FROM insights_report WHERE id = ?', id)?.json;
}

export function readDelivery(db: Db, id: string, to: DeliveryTarget): Delivery | undefined {
  const row = db.get<DeliveryRow>(
    `SELECT ${DELIVERY} FROM insights_report_delivery WHERE report_id = ? AND target = ?`,
    id,
    to,
  );
  return row && toDelivery(row);
}

/** Deliveries that are not over. There are few: each report has at most two, and gives up after a day. */
export function readPending(db: Db): PendingDelivery[] {
  return db
    .all<DeliveryRow>(
      `SELECT ${DELIVERY} FROM insights_report_delivery WHERE state IN ('queued', 'retrying') LIMIT 1000`,
    )
    .map((row) => ({ ...toDelivery(row), dueMs: row.due_ms }));
}

function toEntry(db: Db, row: EntryRow): ReportEntry {
  return {
    id: row.id,
    kind: row.kind as ReportKind,
    startMs: row.period_start_ms,
    endMs: row.period_end_ms,
    madeMs: row.made_ms,
    delivery: db
      .all<DeliveryRow>(
        `SELECT ${DELIVERY} FROM insights_report_delivery WHERE report_id = ? ORDER BY target`,
        row.id,
      )
      .map(toDelivery),
  };
}

function toDelivery(row: DeliveryRow): Delivery {
  return {
    reportId: row.report_id,
    to: row.target as DeliveryTarget,
    state: row.state as DeliveryState,
    attempts: row.attempts,
    error: row.error,
    atMs: row.at_ms,
    orderNo: row.order_no,
    round: row.round,
  };
}
