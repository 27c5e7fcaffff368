import type { Db } from '../base/db.ts';

import { HASH_BITS, packVersion, versionHash } from './version-codec.ts';

/** A version as far as the question goes whether its content is still needed. */
export interface CompactionRow {
  readonly seq: number;
  readonly version: string;
  readonly parents: string;
  readonly day: number;
  /** 1 where the hub wrote it by itself, as the state and with a content. */
  readonly plain: number;
}

const DAY_MICROS = 24 * 3600 * 1_000_000;

/** The next entities after a key that have a version from before the horizon. */
export function readEntitiesBefore(
  db: Db,
  afterKey: number,
  horizonMicros: number,
  limit: number,
): { key: number; old: number }[] {
  return db.all(
    `SELECT e.key, (SELECT count(*) FROM entity_version v WHERE v.entity_key = e.key
       AND v.moment < (CAST(?1 AS INTEGER) << ${HASH_BITS})) AS old
     FROM entity e WHERE e.key > ?2 ORDER BY e.key LIMIT ?3`,
    horizonMicros,
    afterKey,
    limit,
  );
}

/** The versions of an entity that held and were stored before the horizon, in the order of time. */
export function readCompactionRows(
  db: Db,
  entityKey: number,
  horizonMicros: number,
  limit: number,
): CompactionRow[] {
  return db.all<CompactionRow>(
    `SELECT v.seq, v.version, v.parents, v.valid_micros / ${DAY_MICROS} AS day,
       (v.current = 1 AND v.content IS NOT NULL AND a.user_id = 'hub') AS plain
     FROM entity_version v JOIN author a ON a.key = v.author_key
     WHERE v.entity_key = ?1 AND v.moment < (CAST(?2 AS INTEGER) << ${HASH_BITS})
       AND v.valid_micros + v.stored_lag < CAST(?2 AS INTEGER) ORDER BY v.moment LIMIT ?3`,
    entityKey,
    horizonMicros,
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
