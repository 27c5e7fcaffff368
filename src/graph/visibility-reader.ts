import type { Db } from '../base/db.ts';

/** Edges that say where something is, or of what it is a part. */
export const PLACING_TYPES: readonly string[] = ['located_in', 'part_of'];
const PLACING = PLACING_TYPES.map((type) => `'${type}'`).join(', ');

/** An entity by its two names. */
export interface KeyedId {
  readonly key: number;
  readonly id: string;
}

/** The homes, and those of the rooms that are there. */
export function readRoots(db: Db, rooms: readonly string[]): KeyedId[] {
  return db.all<{ key: number; id: string }>(
    `SELECT e.key, e.id FROM entity e JOIN entity_latest l ON l.entity_key = e.key
     WHERE l.deleted = 0 AND (e.entity_type = 'home' OR e.id IN (SELECT value FROM json_each(?))) ORDER BY e.key`,
    JSON.stringify(rooms),
  );
}

/**
 * The rooms that are there and everything that open `located_in` and `part_of` edges lead from to one of them. A home is
 * in no room, whatever an edge says: everybody sees it, so that somebody could put it into theirs and have all of it.
 */
export function readWithin(db: Db, rooms: readonly string[]): Map<number, string> {
  const rows = db.all<{ key: number; id: string }>(
    `WITH RECURSIVE within (key) AS (
       SELECT e.key FROM json_each(?) room JOIN entity e ON e.id = room.value
         JOIN entity_latest l ON l.entity_key = e.key WHERE l.deleted = 0
       UNION
       SELECT r.from_key FROM within w CROSS JOIN relationship r ON r.to_key = w.key
         AND r.relationship_type IN (${PLACING}) AND r.open = 1
         JOIN entity f ON f.key = r.from_key AND f.entity_type <> 'home'
     ) SELECT w.key, e.id FROM within w JOIN entity e ON e.key = w.key`,
    JSON.stringify(rooms),
  );
  return new Map(rows.map(({ key, id }) => [key, id]));
}

/** An edge that had an end elsewhere once, with its ends of now. */
export interface LedEdge {
  readonly edgeKey: number;
  readonly fromKey: number;
  readonly toKey: number;
}

/** The edges that had one of the entities as an end once and may have another one now, in the order of their keys. */
export function readFormerEnds(db: Db, entityKeys: readonly number[]): LedEdge[] {
  return db.all(
    `SELECT DISTINCT r.key AS edgeKey, r.from_key AS fromKey, r.to_key AS toKey
     FROM json_each(?) k CROSS JOIN relationship_former_end f ON f.entity_key = k.value
     JOIN relationship r ON r.key = f.relationship_key ORDER BY r.key`,
    JSON.stringify(entityKeys),
  );
}

/** What an edge says, or said once, of how two entities are joined. */
export interface JoinedEnds {
  readonly edgeKey: number;
  readonly fromKey: number;
  readonly toKey: number;
  readonly type: string;
}

/** For each edge whose current row is younger than `seq`: everything that it ever said. */
export function readEndsTouchedSince(db: Db, seq: number, limit: number): JoinedEnds[] {
  return db.all(
    `SELECT DISTINCT r.key AS edgeKey, v.from_key AS fromKey, v.to_key AS toKey, v.relationship_type AS type
     FROM relationship r CROSS JOIN relationship_version v ON v.relationship_key = r.key
     WHERE r.latest_seq > ? LIMIT ?`,
    seq,
    limit,
  );
}

/** Whether a home or one of the rooms has its current row after `seq`. */
export function rootsTouchedSince(db: Db, rooms: readonly string[], seq: number): boolean {
  const row = db.get(
    `SELECT 1 AS yes FROM entity e JOIN entity_latest l ON l.entity_key = e.key
     WHERE (e.entity_type = 'home' OR e.id IN (SELECT value FROM json_each(?))) AND l.seq > ? LIMIT 1`,
    JSON.stringify(rooms),
    seq,
  );
  return row !== undefined;
}
