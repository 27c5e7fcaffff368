import type { Db } from '../base/db.ts';

import { HASH_BITS, packVersion, versionHash } from './version-codec.ts';

/** A version, packed as it is stored, as far as the question goes whether its content is still needed. */
export interface CompactionRow {
  readonly seq: number;
  /** As in `entity_version`, as text: it has more digits than a number. */
  readonly moment: string;
  readonly version: string;
  readonly parents: string;
  readonly day: number;
  /** 1 where the hub wrote it by itself, as the state and with a content, and stored it before the horizon. */
  readonly plain: number;
}

const DAY_MICROS = 24 * 3600 * 1_000_000;

/** The keys of the next entities after one, whatever became of them. */
export function readEntityKeysAfter(db: Db, afterKey: number, limit: number): number[] {
  return db
    .all<{ key: number }>('SELECT key FROM entity WHERE key > ? ORDER BY key LIMIT ?', afterKey, limit)
    .map(({ key }) => key);
}

/** The next versions of an entity after a row, in the order of time; losers of conflicts are among them. */
export function readCompactionRows(
  db: Db,
  entityKey: number,
  horizonMicros: number,
  after: Pick<CompactionRow, 'moment' | 'seq'> | undefined,
  limit: number,
): CompactionRow[] {
  return db.all<CompactionRow>(
    `SELECT v.seq, CAST(v.moment AS TEXT) AS moment, v.version, v.parents, v.valid_micros / ${DAY_MICROS} AS day,
       (v.current = 1 AND v.content IS NOT NULL AND a.user_id = 'hub'
         AND v.valid_micros + v.stored_lag < CAST(?2 AS INTEGER)) AS plain
     FROM entity_version v JOIN author a ON a.key = v.author_key
     WHERE v.entity_key = ?1 AND v.moment >= CAST(?3 AS INTEGER) AND (v.moment > CAST(?3 AS INTEGER) OR v.seq > ?4)
     ORDER BY v.moment, v.seq LIMIT ?5`,
    entityKey,
    horizonMicros,
    after?.moment ?? '-1',
    after?.seq ?? 0,
    limit,
  );
}

/** Whether the content of a version was removed, so that the version itself is known and held no more. */
export function isCompacted(db: Db, id: string, version: string): boolean {
  return (
    db.get(
      `SELECT 1 FROM entity e JOIN compacted_version c ON c.entity_key = e.key
         AND (c.moment & ${(1 << HASH_BITS) - 1}) = CAST(? AS INTEGER) AND c.version = ? WHERE e.id = ?`,
      versionHash(version),
      packVersion(version),
      id,
    ) !== undefined
  );
}
