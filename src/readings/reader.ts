import type { Db } from '../base/db.ts';
import type { Resolution } from './types.ts';

import { periodOf, slotOf } from './periods.ts';

export interface SeriesRow {
  key: number;
  entityId: string;
  capability: string;
  isCounter: boolean;
  intervals: Uint8Array;
}

export interface Progress {
  rolledHour: number;
  aliveMs: number;
  trustedMs: number;
}

export interface BatchRow {
  key: number;
  writtenMs: number;
  data: Uint8Array;
}

/** A row of one series: an hour of readings or five-minute buckets, a day of hourly ones. */
export interface PeriodRow {
  period: number;
  data: Uint8Array;
}

export function readSeries(db: Db): SeriesRow[] {
  return db
    .all<{ key: number; entity_id: string; capability: string; is_counter: number; intervals: Uint8Array }>(
      'SELECT key, entity_id, capability, is_counter, intervals FROM reading_series ORDER BY key',
    )
    .map((row) => ({
      key: row.key,
      entityId: row.entity_id,
      capability: row.capability,
      isCounter: row.is_counter === 1,
      intervals: row.intervals,
    }));
}

export function readProgress(db: Db): Progress | undefined {
  const row = db.get<{ rolled_hour: number; alive_ms: number; trusted_ms: number }>(
    'SELECT rolled_hour, alive_ms, trusted_ms FROM reading_progress',
  );
  return row && { rolledHour: row.rolled_hour, aliveMs: row.alive_ms, trustedMs: row.trusted_ms };
}

/** Those that are not sorted into rows of series yet: an hour's worth, so that they may be in memory together. */
export function readBatches(db: Db): BatchRow[] {
  return db
    .all<{ key: number; written_ms: number; data: Uint8Array }>(
      'SELECT key, written_ms, data FROM reading_batch ORDER BY key',
    )
    .map((row) => ({ key: row.key, writtenMs: row.written_ms, data: row.data }));
}

export function readChunk(db: Db, seriesKey: number, hour: number): Uint8Array | undefined {
  return db.get<{ data: Uint8Array }>(
    'SELECT data FROM reading_chunk WHERE slot = ?',
    slotOf(seriesKey, hour),
  )?.data;
}

/** The nearest hour before that has readings. */
export function readChunkBefore(db: Db, seriesKey: number, hour: number): PeriodRow | undefined {
  const row = db.get<{ slot: number; data: Uint8Array }>(
    'SELECT slot, data FROM reading_chunk WHERE slot >= ? AND slot < ? ORDER BY slot DESC LIMIT 1',
    slotOf(seriesKey, 0),
    slotOf(seriesKey, hour),
  );
  return row && { period: periodOf(row.slot), data: row.data };
}

/** The hours that have readings, in order. */
export function readChunkHours(db: Db, seriesKey: number, fromHour: number, toHour: number): number[] {
  return db
    .all<{ slot: number }>(
      'SELECT slot FROM reading_chunk WHERE slot >= ? AND slot <= ? ORDER BY slot',
      slotOf(seriesKey, fromHour),
      slotOf(seriesKey, toHour),
    )
    .map(({ slot }) => periodOf(slot));
}

export type AggregateTable = Exclude<Resolution, 'raw'>;

const AGGREGATES: Readonly<Record<AggregateTable, string>> = {
  '5m': 'SELECT slot, data FROM reading_5m WHERE slot >= ? AND slot <= ? ORDER BY slot',
  '1h': 'SELECT slot, data FROM reading_1h WHERE slot >= ? AND slot <= ? ORDER BY slot',
};

/** Rows one by one; nothing else may read the same table before the loop ends. */
export function* iterateAggregates(
  db: Db,
  table: AggregateTable,
  seriesKey: number,
  [fromPeriod, toPeriod]: readonly [number, number],
): Generator<PeriodRow> {
  const rows = db.iterate<{ slot: number; data: Uint8Array }>(
    AGGREGATES[table],
    slotOf(seriesKey, fromPeriod),
    slotOf(seriesKey, toPeriod),
  );
  for (const { slot, data } of rows) yield { period: periodOf(slot), data };
}

export function readAggregates(
  db: Db,
  table: AggregateTable,
  seriesKey: number,
  period: number,
): Uint8Array | undefined {
  const slot = slotOf(seriesKey, period);
  return db.get<{ data: Uint8Array }>(AGGREGATES[table], slot, slot)?.data;
}

/** True where the series has a row of any kind, batches aside. */
export function hasRows(db: Db, seriesKey: number): boolean {
  const [from, to] = [slotOf(seriesKey, 0), slotOf(seriesKey, Number.MAX_SAFE_INTEGER)];
  const row = db.get<{ found: number }>(
    `SELECT EXISTS (SELECT 1 FROM reading_chunk WHERE slot BETWEEN ?1 AND ?2)
         OR EXISTS (SELECT 1 FROM reading_5m WHERE slot BETWEEN ?1 AND ?2)
         OR EXISTS (SELECT 1 FROM reading_1h WHERE slot BETWEEN ?1 AND ?2) AS found`,
    from,
    to,
  );
  return row?.found === 1;
}
