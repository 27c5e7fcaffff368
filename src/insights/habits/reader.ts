import type { Db } from '../../base/db.ts';
import type { JsonObject } from '../../base/json.ts';
import type { ShownSuggestion, StoredSearch, StoredSuggestion } from './stored.ts';
import type { SuggestionStatus } from './types.ts';

/** All that are remembered; the writer bounds them. */
export function readSuggestions(db: Db): StoredSuggestion[] {
  return db
    .all<{
      id: string;
      identity: string;
      status: string;
      shown: string;
      first_ms: number;
      last_ms: number;
      decided_ms: number | null;
      decided_by: string | null;
      reason: string | null;
      automation_id: string | null;
      runs: number;
      reverted: number;
    }>(
      `SELECT id, identity, status, shown, first_ms, last_ms, decided_ms, decided_by, reason, automation_id,
              runs, reverted
       FROM suggestion ORDER BY first_ms, id`,
    )
    .map((row) => ({
      id: row.id,
      identity: JSON.parse(row.identity) as JsonObject,
      status: row.status as SuggestionStatus,
      shown: JSON.parse(row.shown) as ShownSuggestion,
      firstMs: row.first_ms,
      lastMs: row.last_ms,
      decidedMs: row.decided_ms,
      decidedBy: row.decided_by,
      reason: row.reason,
      automationId: row.automation_id,
      runs: row.runs,
      reverted: row.reverted,
    }));
}

export function readIds(db: Db): Set<string> {
  return new Set(db.all<{ id: string }>('SELECT id FROM suggestion').map(({ id }) => id));
}

/** What the last search looked at; undefined while there was none. */
export function readSearch(db: Db): StoredSearch | undefined {
  const row = db.get<{ computed_ms: number; since_ms: number | null; days: number; tried: number }>(
    'SELECT computed_ms, since_ms, days, tried FROM suggestion_search',
  );
  return row && { computedMs: row.computed_ms, sinceMs: row.since_ms, days: row.days, tried: row.tried };
}
