import type { Tx } from '../base/db.ts';

import { slotOf } from './periods.ts';

/** @returns the key of the new series. */
export function insertSeries(tx: Tx, entityId: string, capability: string, day: number): number {
  return tx.run(
    'INSERT INTO activity_series (entity_id, capability, last_day) VALUES (?, ?, ?)',
    entityId,
    capability,
    day,
  ).lastInsertRowid;
}

/** Forgets a series of which nothing is kept. */
export function deleteSeries(tx: Tx, key: number): void {
  tx.run('DELETE FROM activity_series WHERE key = ?', key);
}

export function insertBatch(tx: Tx, data: Uint8Array): void {
  tx.run('INSERT INTO activity_batch (data) VALUES (?)', data);
}

export function deleteBatches(tx: Tx, upToKey: number): void {
  tx.run('DELETE FROM activity_batch WHERE key <= ?', upToKey);
}

/** Puts the events of a series and a day in the place of those that were there. */
export function putDay(tx: Tx, day: number, seriesKey: number, data: Uint8Array, bytesBefore: number): void {
  tx.run(
    'INSERT INTO activity_day (slot, data) VALUES (?, ?) ON CONFLICT (slot) DO UPDATE SET data = excluded.data',
    slotOf(day, seriesKey),
    data,
  );
  tx.run('UPDATE activity_series SET last_day = ? WHERE key = ? AND last_day < ?', day, seriesKey, day);
  addSize(tx, data.length - bytesBefore);
}

/** Removes up to `limit` of the oldest rows of before a day. @returns how many it removed. */
export function expireDays(tx: Tx, beforeDay: number, limit: number): number {
  const removed = tx.all<{ bytes: number }>(
    `DELETE FROM activity_day WHERE slot IN (SELECT slot FROM activity_day WHERE slot < ? ORDER BY slot LIMIT ?)
     RETURNING length(data) AS bytes`,
    slotOf(beforeDay, 0),
    limit,
  );
  addSize(tx, -removed.reduce((sum, { bytes }) => sum + bytes, 0));
  return removed.length;
}

/** Forgets stretches that ended before anything that is kept. */
export function expireSpans(tx: Tx, beforeMs: number): void {
  tx.run('DELETE FROM activity_span WHERE end_ms < ?', beforeMs);
}

/** Begins a stretch, or makes it longer. */
export function putSpan(tx: Tx, startMs: number, endMs: number): void {
  tx.run(
    `INSERT INTO activity_span (start_ms, end_ms) VALUES (?, ?)
     ON CONFLICT (start_ms) DO UPDATE SET end_ms = max(end_ms, excluded.end_ms)`,
    startMs,
    endMs,
  );
}

function addSize(tx: Tx, bytes: number): void {
  tx.run('UPDATE activity_size SET bytes = max(0, bytes + ?)', bytes);
}
