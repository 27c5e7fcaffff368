import type { Tx } from '../../base/db.ts';
import type { StoredSearch, StoredSuggestion } from './stored.ts';

export function putSuggestion(tx: Tx, one: StoredSuggestion): void {
  tx.run(
    `INSERT INTO suggestion (id, identity, status, shown, first_ms, last_ms, decided_ms, decided_by, reason, automation_id,
       runs, reverted)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (id) DO UPDATE SET identity = excluded.identity, status = excluded.status, shown = excluded.shown,
       last_ms = excluded.last_ms, decided_ms = excluded.decided_ms, decided_by = excluded.decided_by,
       reason = excluded.reason, automation_id = excluded.automation_id, runs = excluded.runs,
       reverted = excluded.reverted`,
    one.id,
    JSON.stringify(one.identity),
    one.status,
    JSON.stringify(one.shown),
    one.firstMs,
    one.lastMs,
    one.decidedMs,
    one.decidedBy,
    one.reason,
    one.automationId,
    one.runs,
    one.reverted,
  );
}

export function putSearch(tx: Tx, { computedMs, sinceMs, days, tried }: StoredSearch): void {
  tx.run(
    `INSERT INTO suggestion_search (key, computed_ms, since_ms, days, tried) VALUES (1, ?, ?, ?, ?)
     ON CONFLICT (key) DO UPDATE SET computed_ms = excluded.computed_ms, since_ms = excluded.since_ms,
       days = excluded.days, tried = excluded.tried`,
    computedMs,
    sinceMs,
    days,
    tried,
  );
}

/** Forgets what was withdrawn longest ago where there are too many. What people decided is never forgotten. */
export function trimWithdrawn(tx: Tx, keep: number): void {
  tx.run(
    `DELETE FROM suggestion WHERE status = 'withdrawn' AND id NOT IN
       (SELECT id FROM suggestion WHERE status = 'withdrawn' ORDER BY last_ms DESC LIMIT ?)`,
    keep,
  );
}
