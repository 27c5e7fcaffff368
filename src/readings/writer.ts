import type { Tx } from '../base/db.ts';
import type { AggregateTable, Progress } from './reader.ts';

import { slotOf } from './periods.ts';

/** @returns the key of the new series. */
export function insertSeries(
  tx: Tx,
  row: { entityId: string; capability: string; isCounter: boolean },
): number {
  return tx.run(
    `INSERT INTO reading_series (entity_id, capability, is_counter, intervals) VALUES (?, ?, ?, x'')`,
    row.entityId,
    row.capability,
    row.isCounter ? 1 : 0,
  ).lastInsertRowid;
}

export function updateCounter(tx: Tx, key: number, isCounter: boolean): void {
  tx.run('UPDATE reading_series SET is_counter = ? WHERE key = ?', isCounter ? 1 : 0, key);
}

export function updateIntervals(tx: Tx, key: number, intervals: Uint8Array): void {
  tx.run('UPDATE reading_series SET intervals = ? WHERE key = ?', intervals, key);
}

export function deleteSeries(tx: Tx, key: number): void {
  tx.run('DELETE FROM reading_series WHERE key = ?', key);
}

/** @returns the key of the batch, which is above that of every batch that is there. */
export function insertBatch(tx: Tx, writtenMs: number, data: Uint8Array): number {
  return tx.run('INSERT INTO reading_batch (written_ms, data) VALUES (?, ?)', writtenMs, data)
    .lastInsertRowid;
}

export function deleteBatches(tx: Tx, upToKey: number): void {
  tx.run('DELETE FROM reading_batch WHERE key <= ?', upToKey);
}

export function putChunk(tx: Tx, seriesKey: number, hour: number, data: Uint8Array): void {
  tx.run(
    'INSERT INTO reading_chunk (slot, data) VALUES (?, ?) ON CONFLICT (slot) DO UPDATE SET data = excluded.data',
    slotOf(seriesKey, hour),
    data,
  );
}

const PUT: Readonly<Record<AggregateTable, string>> = {
  '5m': 'INSERT INTO reading_5m (slot, data) VALUES (?, ?) ON CONFLICT (slot) DO UPDATE SET data = excluded.data',
  '1h': 'INSERT INTO reading_1h (slot, data) VALUES (?, ?) ON CONFLICT (slot) DO UPDATE SET data = excluded.data',
};
const DROP: Readonly<Record<AggregateTable, string>> = {
  '5m': 'DELETE FROM reading_5m WHERE slot = ?',
  '1h': 'DELETE FROM reading_1h WHERE slot = ?',
};

/** Null where nothing is known: then there is no row. */
export function putAggregates(
  tx: Tx,
  table: AggregateTable,
  seriesKey: number,
  period: number,
  data: Uint8Array | null,
): void {
  const slot = slotOf(seriesKey, period);
  if (data === null) tx.run(DROP[table], slot);
  else tx.run(PUT[table], slot, data);
}

export function putProgress(tx: Tx, { rolledHour, aliveMs, trustedMs }: Progress): void {
  tx.run(
    `INSERT INTO reading_progress (key, rolled_hour, alive_ms, trusted_ms) VALUES (1, ?, ?, ?)
     ON CONFLICT (key) DO UPDATE SET rolled_hour = excluded.rolled_hour, alive_ms = excluded.alive_ms,
       trusted_ms = excluded.trusted_ms`,
    Math.floor(rolledHour),
    Math.floor(aliveMs),
    Math.floor(trustedMs),
  );
}

const EXPIRE = {
  raw: `DELETE FROM reading_chunk WHERE slot IN
    (SELECT slot FROM reading_chunk WHERE slot >= ? AND slot < ? ORDER BY slot LIMIT ?)`,
  '5m': `DELETE FROM reading_5m WHERE slot IN
    (SELECT slot FROM reading_5m WHERE slot >= ? AND slot < ? ORDER BY slot LIMIT ?)`,
  '1h': `DELETE FROM reading_1h WHERE slot IN
    (SELECT slot FROM reading_1h WHERE slot >= ? AND slot < ? ORDER BY slot LIMIT ?)`,
} as const;

/** Removes up to `limit` of the oldest rows of before a period. @returns how many it removed. */
export function expireRows(
  tx: Tx,
  table: keyof typeof EXPIRE,
  seriesKey: number,
  beforePeriod: number,
  limit: number,
): number {
  return tx.run(EXPIRE[table], slotOf(seriesKey, 0), slotOf(seriesKey, beforePeriod), limit).changes;
}
