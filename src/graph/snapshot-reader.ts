import type { Db } from '../base/db.ts';
import type { EntityVersion, RelationshipVersion } from './types.ts';

import {
  COLUMNS as EDGE_COLUMNS,
  LATEST as LATEST_EDGE,
  toRelationshipVersion,
  type RelationshipRow,
} from './edge-reader.ts';
import { AUTHOR, COLUMNS, toEntityVersion, type EntityRow } from './entity-reader.ts';
import { unpackVersion } from './version-codec.ts';

/** Where a page of rows ends. */
export interface PageLimit {
  readonly rows: number;
  /** Of content; the first row goes through whatever its size. */
  readonly bytes: number;
}

/** The seq of the version that was the state of the entity with key `column` when ?1 was the last row. */
function stateSeqAt(column: string): string {
  return `(SELECT max(x.seq) FROM entity_version x WHERE x.entity_key = ${column} AND x.current = 1
    AND x.seq <= CAST(?1 AS INTEGER))`;
}

/** Rows that are still the state. As of `readEntityChanges`, whoever is near the head walks the versions themselves. */
const STILL_STATE_NEAR = `SELECT ${COLUMNS} FROM entity_version v
  CROSS JOIN entity_latest l ON l.entity_key = v.entity_key AND l.seq = v.seq
  JOIN entity e ON e.key = v.entity_key ${AUTHOR} WHERE v.seq > ?2 AND v.seq <= ?1 ORDER BY v.seq LIMIT ?3`;
const STILL_STATE_FAR = `SELECT ${COLUMNS} FROM (SELECT entity_key, seq FROM entity_latest
    WHERE seq > ?2 AND seq <= ?1 ORDER BY seq LIMIT ?3) l
  CROSS JOIN entity_version v ON v.seq = l.seq JOIN entity e ON e.key = v.entity_key ${AUTHOR} ORDER BY v.seq`;
const NEAR_SEQS = 4000;

/** Rows that were the state at ?1 and have been superseded by a later row. */
const NO_LONGER_STATE = `SELECT ${COLUMNS} FROM (
    SELECT ${stateSeqAt('y.entity_key')} AS seq FROM entity_version y WHERE y.seq > ?1 AND y.current = 1
    GROUP BY y.entity_key) m
  JOIN entity_version v ON v.seq = m.seq JOIN entity e ON e.key = v.entity_key ${AUTHOR}
  WHERE v.seq > ?2 ORDER BY v.seq LIMIT ?3`;

/**
 * What was the state at `untilSeq` and was stored after `afterSeq`, tombstones included, oldest first; `moved` says
 * whether anything was written after `untilSeq`.
 */
export function readStateRows(
  db: Db,
  span: { readonly afterSeq: number; readonly untilSeq: number; readonly moved: boolean },
  limit: PageLimit,
): EntityVersion[] {
  const { afterSeq, untilSeq } = span;
  const still = untilSeq - afterSeq <= NEAR_SEQS ? STILL_STATE_NEAR : STILL_STATE_FAR;
  const read = (sql: string): EntityVersion[] => {
    const rows: EntityVersion[] = [];
    let bytes = 0;
    for (const row of db.iterate<EntityRow>(sql, untilSeq, afterSeq, limit.rows)) {
      rows.push(toEntityVersion(row));
      bytes += row.content?.length ?? 0;
      if (bytes >= limit.bytes) break;
    }
    return rows;
  };
  const rows = read(still);
  if (!span.moved) return rows;
  // Either list may have been cut off, but not below the row that it ends with.
  const superseded = read(NO_LONGER_STATE);
  const merged = [...rows, ...superseded].sort((a, b) => a.seq - b.seq);
  const ends = [rows, superseded].filter((list) => list.length > 0).map((list) => list.at(-1)?.seq ?? 0);
  return merged.filter(({ seq }) => ends.length < 2 || seq <= Math.min(...ends));
}

/** The state of an entity at `untilSeq`, a tombstone included. */
export function readStateOf(db: Db, id: string, untilSeq: number): EntityVersion | undefined {
  const row = db.get<EntityRow>(
    `SELECT ${COLUMNS} FROM entity e JOIN entity_version v ON v.seq = ${stateSeqAt('e.key')} ${AUTHOR} WHERE e.id = ?2`,
    untilSeq,
    id,
  );
  return row && toEntityVersion(row);
}

/** What an edge's end is, without its content. */
export interface StateBrief {
  readonly seq: number;
  readonly version: string;
  readonly entityType: string;
  readonly userId: string;
}

interface BriefRow {
  seq: number;
  version: string;
  entity_type: string;
  user_id: string;
}

/** The state of an entity at `untilSeq` without its content. */
export function readStateBrief(db: Db, id: string, untilSeq: number): StateBrief | undefined {
  const columns = 'v.seq, v.version, e.entity_type, a.user_id';
  const latest = db.get<BriefRow>(
    `SELECT ${columns} FROM entity e JOIN entity_latest l ON l.entity_key = e.key
     JOIN entity_version v ON v.seq = l.seq ${AUTHOR} WHERE e.id = ?`,
    id,
  );
  if (!latest || latest.seq <= untilSeq) return latest && toBrief(latest);
  const before = db.get<BriefRow>(
    `SELECT ${columns} FROM entity e JOIN entity_version v ON v.seq = ${stateSeqAt('e.key')} ${AUTHOR} WHERE e.id = ?2`,
    untilSeq,
    id,
  );
  return before && toBrief(before);
}

/** The last content that an entity had as its state before `seq`. */
export function readContentBefore(db: Db, id: string, seq: number): string | null {
  const row = db.get<{ content: string }>(
    `SELECT v.content FROM entity e JOIN entity_version v ON v.entity_key = e.key
     WHERE e.id = ? AND v.current = 1 AND v.content IS NOT NULL AND v.seq < ? ORDER BY v.moment DESC LIMIT 1`,
    id,
    seq,
  );
  return row?.content ?? null;
}

/** One line of a digest: an entity, deleted or not, and the version that was its state. */
export interface StateName {
  readonly id: string;
  readonly entityType: string;
  /** Undefined where the entity had no state yet. */
  readonly version: string | undefined;
}

/** The names of all that there was at `untilSeq`, by id (bytes), after `afterId`. */
export function readStateNames(db: Db, untilSeq: number, afterId: string, limit: number): StateName[] {
  const rows = db.all<{ id: string; entity_type: string; seq: number; version: string }>(
    `SELECT e.id, e.entity_type, v.seq, v.version FROM entity e JOIN entity_latest l ON l.entity_key = e.key
     JOIN entity_version v ON v.seq = l.seq WHERE e.id > ? ORDER BY e.id LIMIT ?`,
    afterId,
    limit,
  );
  return rows.map(({ id, entity_type, seq, version }) => ({
    id,
    entityType: entity_type,
    version: seq <= untilSeq ? unpackVersion(version) : readStateBrief(db, id, untilSeq)?.version,
  }));
}

/** Internal keys of the edges at one end that are open and that nobody has touched after `untilSeq`. */
export function readOpenEdgeKeys(db: Db, entityId: string, end: 'from' | 'to', untilSeq: number): number[] {
  // Most entities have a few edges or none: sorting would cost more than reading.
  return db
    .all<{ key: number }>(
      `SELECT key FROM relationship
       WHERE ${end}_key = (SELECT key FROM entity WHERE id = ?) AND open = 1 AND +latest_seq <= ?`,
      entityId,
      untilSeq,
    )
    .map(({ key }) => key);
}

/** An edge by its internal key, or undefined when it is not open any more or was touched after `untilSeq`. */
export function readOpenEdge(db: Db, key: number, untilSeq: number): RelationshipVersion | undefined {
  const row = db.get<RelationshipRow>(
    `SELECT ${EDGE_COLUMNS} ${LATEST_EDGE} WHERE r.key = ? AND r.open = 1 AND r.latest_seq <= ?`,
    key,
    untilSeq,
  );
  return row && toRelationshipVersion(row);
}

/**
 * What `readOpenEdgeKeys` and `readOpenEdge` give for many entities, in one read: their open edges by entity. Undefined
 * where that is more than `limit`, to be read one by one then.
 */
export function readOpenEdgesOf(
  db: Db,
  ids: readonly string[],
  { end, untilSeq, limit }: { end: 'from' | 'to'; untilSeq: number; limit: PageLimit },
): Map<string, RelationshipVersion[]> | undefined {
  const found = new Map<string, RelationshipVersion[]>(ids.map((id) => [id, []]));
  let rows = 0;
  let bytes = 0;
  const sql = `SELECT ${EDGE_COLUMNS} FROM json_each(?) j CROSS JOIN entity x ON x.id = j.value
    CROSS JOIN relationship r ON r.${end}_key = x.key AND r.open = 1 AND +r.latest_seq <= ?
    JOIN relationship_version v ON v.seq = r.latest_seq JOIN entity f ON f.key = v.from_key
    JOIN entity t ON t.key = v.to_key ${AUTHOR} LIMIT ?`;
  for (const row of db.iterate<RelationshipRow>(sql, JSON.stringify(ids), untilSeq, limit.rows + 1)) {
    rows += 1;
    bytes += row.properties.length;
    if (rows > limit.rows || bytes > limit.bytes) return undefined;
    found.get(end === 'from' ? row.from_id : row.to_id)?.push(toRelationshipVersion(row));
  }
  return found;
}

/** The ends of open edges whose latest row lies in (afterSeq, untilSeq], oldest first. */
export function readChangedEdgeEnds(
  db: Db,
  afterSeq: number,
  untilSeq: number,
  limit: number,
): { seq: number; fromEntityId: string; toEntityId: string }[] {
  return db
    .all<{ seq: number; from_id: string; to_id: string }>(
      `SELECT r.latest_seq AS seq, f.id AS from_id, t.id AS to_id FROM relationship r
       JOIN entity f ON f.key = r.from_key JOIN entity t ON t.key = r.to_key
       WHERE r.latest_seq > ? AND r.latest_seq <= ? AND r.open = 1 ORDER BY r.latest_seq LIMIT ?`,
      afterSeq,
      untilSeq,
      limit,
    )
    .map(({ seq, from_id, to_id }) => ({ seq, fromEntityId: from_id, toEntityId: to_id }));
}

function toBrief(row: BriefRow): StateBrief {
  return {
    seq: row.seq,
    version: unpackVersion(row.version),
    entityType: row.entity_type,
    userId: row.user_id,
  };
}
