import type { Db } from '../base/db.ts';
import type { RunSpan } from './types.ts';

import { slotOf } from './periods.ts';

export interface SeriesRow {
  readonly key: number;
  readonly entityId: string;
  readonly capability: string;
}

export interface DataRow {
  /** A batch's own key, or a slot. */
  readonly key: number;
  readonly data: Uint8Array;
}

export function readSeries(db: Db): SeriesRow[] {
  return db
    .all<{ key: number; entity_id: string; capability: string }>(
      'SELECT key, entity_id, capability FROM activity_series ORDER BY key',
    )
    .map((row) => ({ key: row.key, entityId: row.entity_id, capability: row.capability }));
}

/** The keys of up to `limit` series that have no sorted day from `day` on. */
export function readSeriesBefore(db: Db, day: number, limit: number): number[] {
  return db
    .all<{ key: number }>('SELECT key FROM activity_series WHERE last_day < ? LIMIT ?', day, limit)
    .map(({ key }) => key);
}

/** Those that are not sorted yet: a day's worth, so that they may be in memory together. */
export function readBatches(db: Db): DataRow[] {
  return db.all<DataRow>('SELECT key, data FROM activity_batch ORDER BY key');
}

export function readBatchBytes(db: Db): number {
  return (
    db.get<{ bytes: number | null }>('SELECT sum(length(data)) AS bytes FROM activity_batch')?.bytes ?? 0
  );
}

export function readDay(db: Db, day: number, seriesKey: number): Uint8Array | undefined {
  return db.get<{ data: Uint8Array }>('SELECT data FROM activity_day WHERE slot = ?', slotOf(day, seriesKey))
    ?.data;
}

/** Up to `limit` series of a day, those after a key first. */
export function readWholeDay(db: Db, day: number, afterSeriesKey: number, limit: number): DataRow[] {
  return db.all<DataRow>(
    'SELECT slot AS key, data FROM activity_day WHERE slot > ? AND slot < ? ORDER BY slot LIMIT ?',
    slotOf(day, afterSeriesKey),
    slotOf(day + 1, 0),
    limit,
  );
}

export function readFirstSlot(db: Db): number | undefined {
  return db.get<{ slot: number }>('SELECT slot FROM activity_day ORDER BY slot LIMIT 1')?.slot;
}

export function readSize(db: Db): number {
  return db.get<{ bytes: number }>('SELECT bytes FROM activity_size')?.bytes ?? 0;
}

export function readSpans(db: Db): RunSpan[] {
  return db
    .all<{ start_ms: number; end_ms: number }>('SELECT start_ms, end_ms FROM activity_span ORDER BY start_ms')
    .map((row) => ({ startMs: row.start_ms, endMs: row.end_ms }));
}
