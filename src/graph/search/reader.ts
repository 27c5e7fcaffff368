import type { Db } from '../../base/db.ts';

export interface SearchState {
  readonly indexedSeq: number;
  readonly format: string;
}

/** How far the index is, as committed. */
export function readSearchState(db: Db): SearchState {
  const row = db.get<{ indexed_seq: number; format: string }>('SELECT indexed_seq, format FROM search_state');
  return { indexedSeq: row?.indexed_seq ?? 0, format: row?.format ?? '' };
}

/** An entity, by internal key, and the seq of its current version at the time of the look. */
export interface Pending {
  readonly key: number;
  readonly seq: number;
}

/** Entities whose current version has a seq in (afterSeq, untilSeq], by seq. Walks every version in between. */
export function readPendingNear(db: Db, afterSeq: number, untilSeq: number): Pending[] {
  // CROSS JOIN keeps SQLite from turning it round.
  return db.all<{ key: number; seq: number }>(
    `SELECT v.entity_key AS key, v.seq FROM entity_version v
     CROSS JOIN entity_latest l ON l.entity_key = v.entity_key AND l.seq = v.seq
     WHERE v.seq > ? AND v.seq <= ? ORDER BY v.seq`,
    afterSeq,
    untilSeq,
  );
}

/** Entities with keys in (afterKey, untilKey] whose current version is younger than `afterSeq`. */
export function readPendingAmong(db: Db, afterKey: number, untilKey: number, afterSeq: number): Pending[] {
  return db.all<{ key: number; seq: number }>(
    `SELECT entity_key AS key, seq FROM entity_latest WHERE entity_key > ? AND entity_key <= ? AND seq > ?`,
    afterKey,
    untilKey,
    afterSeq,
  );
}

/** What an entity says now. */
export interface CurrentContent {
  readonly entityType: string;
  /** Null for a tombstone. */
  readonly contentJson: string | null;
}

/** What an entity says now, by internal key. */
export function readCurrentContent(db: Db, key: number): CurrentContent | undefined {
  return db.get<{ entityType: string; contentJson: string | null }>(
    `SELECT e.entity_type AS entityType, v.content AS contentJson FROM entity e
     JOIN entity_latest l ON l.entity_key = e.key JOIN entity_version v ON v.seq = l.seq WHERE e.key = ?`,
    key,
  );
}

/** What the index says of an entity; a lower bm25 is better. */
export interface Ranked {
  readonly key: number;
  readonly bm25: number;
}

/** How many entities match, counted up to `limit`. */
export function countMatches(db: Db, ftsQuery: string, limit: number): number {
  const row = db.get<{ n: number }>(
    'SELECT count(*) AS n FROM (SELECT 1 FROM entity_search WHERE entity_search MATCH ? LIMIT ?)',
    ftsQuery,
    limit,
  );
  return row?.n ?? 0;
}

/** What matches, with its rank, in no particular order. A word in the name weighs ten times one in the rest. */
export function readRanked(db: Db, ftsQuery: string, limit: number): Ranked[] {
  return db.all(
    `SELECT rowid AS key, bm25(entity_search, 10.0, 1.0, 0.0) AS bm25 FROM entity_search
     WHERE entity_search MATCH ? LIMIT ?`,
    ftsQuery,
    limit,
  );
}

/** Internal keys of what matches, the entity that the hub met last first. */
export function readNewestKeys(db: Db, ftsQuery: string, limit: number): number[] {
  // As one text: thousands of rows one by one take ten times as long.
  const row = db.get<{ keys: string }>(
    `SELECT json_group_array(key) AS keys FROM
       (SELECT rowid AS key FROM entity_search WHERE entity_search MATCH ? ORDER BY rowid DESC LIMIT ?)`,
    ftsQuery,
    limit,
  );
  return JSON.parse(row?.keys ?? '[]') as number[];
}
