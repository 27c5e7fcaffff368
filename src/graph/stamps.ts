import type { Db, Tx } from '../base/db.ts';

import { MAX_MICROS } from './version-codec.ts';

/** Rows that the migration stamps between two looks at the file. */
const ROWS_AT_ONCE = 2000;

interface StampedRow {
  seq: number;
  stored_micros: number;
}

/** When a row of either table was stored; `?` is the seq at or below which the last one is wanted. */
const AT_OR_BELOW = `SELECT seq, stored_micros FROM (
    SELECT seq, valid_micros + stored_lag AS stored_micros FROM entity_version WHERE seq <= ?1 ORDER BY seq DESC LIMIT 1)
  UNION ALL SELECT seq, stored_micros FROM (
    SELECT seq, stored_micros FROM relationship_version WHERE seq <= ?1 ORDER BY seq DESC LIMIT 1)
  ORDER BY seq DESC LIMIT 1`;

/**
 * Notes when each row was stored: the one clock that grows with `seq`, which clients of Inbetweenies v2 read by. What is
 * there already gets its effective time, moved up where needed so that it grows.
 */
export function stampVersions(tx: Tx): void {
  tx.exec(`
    -- when it was stored is valid_micros + stored_lag, strictly increasing with seq over both tables
    ALTER TABLE entity_version ADD COLUMN stored_lag INTEGER NOT NULL DEFAULT 0;
    -- the same for edges, us since the Unix epoch
    ALTER TABLE relationship_version ADD COLUMN stored_micros INTEGER NOT NULL DEFAULT 0;
  `);
  let last: StampedRow = { seq: 0, stored_micros: 0 };
  for (;;) {
    const rows = tx.all<{ seq: number; is_edge: number; micros: number }>(
      `SELECT * FROM (SELECT seq, 0 AS is_edge, valid_micros AS micros FROM entity_version WHERE seq > ?1
         UNION ALL SELECT seq, 1, max(valid_from_micros, coalesce(valid_to_micros, 0)) FROM relationship_version
         WHERE seq > ?1) ORDER BY seq LIMIT ?2`,
      last.seq,
      ROWS_AT_ONCE,
    );
    for (const { seq, is_edge, micros } of rows) {
      last = { seq, stored_micros: Math.min(Math.max(micros, last.stored_micros + 1), MAX_MICROS) };
      const lag = last.stored_micros - micros;
      if (is_edge === 1) {
        tx.run('UPDATE relationship_version SET stored_micros = ? WHERE seq = ?', last.stored_micros, seq);
      } else if (lag !== 0) {
        tx.run('UPDATE entity_version SET stored_lag = ? WHERE seq = ?', lag, seq);
      }
    }
    if (rows.length < ROWS_AT_ONCE) return;
  }
}

/** When the last row up to `seq` was stored, us since the Unix epoch; 0 where there is none. */
export function readStoredMicros(db: Db, seq: number): number {
  return db.get<StampedRow>(AT_OR_BELOW, seq)?.stored_micros ?? 0;
}

/** The highest seq, up to `untilSeq`, of a row that was stored at `micros` or before; 0 where there is none. */
export function readSeqStoredBy(db: Db, micros: number, untilSeq: number): number {
  let low = 0;
  let high = untilSeq;
  while (low < high) {
    const row = db.get<StampedRow>(AT_OR_BELOW, Math.ceil((low + high) / 2));
    if (!row || row.seq <= low) low = Math.ceil((low + high) / 2);
    else if (row.stored_micros <= micros) low = row.seq;
    else high = row.seq - 1;
  }
  return low;
}
