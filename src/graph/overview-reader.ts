import type { Db } from '../base/db.ts';
import type { EntityVersion, RelationshipVersion } from './types.ts';

import { COLUMNS as EDGE_COLUMNS, toRelationshipVersion, type RelationshipRow } from './edge-reader.ts';
import { AUTHOR, COLUMNS, toEntityVersion, type EntityRow } from './entity-reader.ts';

interface CountRow {
  type: string;
  n: number;
}

/** How many entities that are not deleted, and how many open edges, there are of each type. */
export function countByType(db: Db): {
  entities: Map<string, number>;
  relationships: Map<string, number>;
} {
  const entities = db.all<CountRow>(
    `SELECT e.entity_type AS type, count(*) AS n FROM entity e JOIN entity_latest l ON l.entity_key = e.key
     WHERE l.deleted = 0 GROUP BY e.entity_type ORDER BY e.entity_type`,
  );
  const relationships = db.all<CountRow>(
    `SELECT relationship_type AS type, count(*) AS n FROM relationship WHERE open = 1
     GROUP BY relationship_type ORDER BY relationship_type`,
  );
  return { entities: toMap(entities), relationships: toMap(relationships) };
}

/** How many entities that are not deleted have no open edge. */
export function countIsolated(db: Db): number {
  const row = db.get<{ n: number }>(
    `SELECT count(*) AS n FROM entity_latest l WHERE l.deleted = 0
       AND NOT EXISTS (SELECT 1 FROM relationship r WHERE r.from_key = l.entity_key AND r.open = 1)
       AND NOT EXISTS (SELECT 1 FROM relationship r WHERE r.to_key = l.entity_key AND r.open = 1)`,
  );
  return row?.n ?? 0;
}

export function countVersions(db: Db, id: string): number {
  const row = db.get<{ n: number }>(
    'SELECT count(*) AS n FROM entity_version WHERE entity_key = (SELECT key FROM entity WHERE id = ?)',
    id,
  );
  return row?.n ?? 0;
}

/** Internal keys of entities that are not deleted, of some types or (undefined) of all, in ascending order. */
export function readKeysOfTypes(
  db: Db,
  types: readonly string[] | undefined,
  { afterKey, limit, offset }: { afterKey: number; limit: number; offset: number },
): number[] {
  const ofTypes = types ? 'AND e.entity_type IN (SELECT value FROM json_each(?2))' : 'AND ?2 IS NULL';
  return db
    .all<{ key: number }>(
      `SELECT e.key FROM entity e JOIN entity_latest l ON l.entity_key = e.key
       WHERE e.key > ?1 AND l.deleted = 0 ${ofTypes} ORDER BY e.key LIMIT ?3 OFFSET ?4`,
      afterKey,
      types ? JSON.stringify(types) : null,
      limit,
      offset,
    )
    .map(({ key }) => key);
}

/** Internal keys of the open edges at one end, of some types or (undefined) of all, the one that changed last at the end. */
export function readOpenEdgeKeysAt(
  db: Db,
  entityId: string,
  end: 'from' | 'to',
  types: readonly string[] | undefined,
): number[] {
  const ofTypes = types ? 'relationship_type IN (SELECT value FROM json_each(?2))' : '?2 IS NULL';
  return db
    .all<{ key: number }>(
      `SELECT key FROM relationship WHERE ${end}_key = (SELECT key FROM entity WHERE id = ?1) AND ${ofTypes} AND open = 1
       ORDER BY latest_seq`,
      entityId,
      types ? JSON.stringify(types) : null,
    )
    .map(({ key }) => key);
}

/** Edges by internal key as they are now, in the order of the keys; those that have ended are left out. */
export function readOpenEdgesByKeys(db: Db, keys: readonly number[]): RelationshipVersion[] {
  // CROSS JOIN keeps the order, and keeps SQLite from looking through all edges for a few.
  return db
    .all<RelationshipRow>(
      `SELECT ${EDGE_COLUMNS} FROM json_each(?) j CROSS JOIN relationship r ON r.key = j.value
       JOIN relationship_version v ON v.seq = r.latest_seq JOIN entity f ON f.key = v.from_key
       JOIN entity t ON t.key = v.to_key ${AUTHOR} WHERE r.open = 1 ORDER BY j.key`,
      JSON.stringify(keys),
    )
    .map(toRelationshipVersion);
}

/** Entities by id as they are now, in the order of the ids; those that are deleted are left out. */
export function readByIds(db: Db, ids: readonly string[]): EntityVersion[] {
  return db
    .all<EntityRow>(
      `SELECT ${COLUMNS} FROM json_each(?) j CROSS JOIN entity e ON e.id = j.value
       JOIN entity_latest l ON l.entity_key = e.key JOIN entity_version v ON v.seq = l.seq ${AUTHOR}
       WHERE l.deleted = 0 ORDER BY j.key`,
      JSON.stringify(ids),
    )
    .map(toEntityVersion);
}

/** The seqs of the versions of an entity, losers of conflicts included, from either end. */
export function readVersionSeqs(
  db: Db,
  id: string,
  { newestFirst, limit, offset }: { newestFirst: boolean; limit: number; offset: number },
): number[] {
  return db
    .all<{ seq: number }>(
      `SELECT seq FROM entity_version WHERE entity_key = (SELECT key FROM entity WHERE id = ?)
       ORDER BY seq ${newestFirst ? 'DESC' : 'ASC'} LIMIT ? OFFSET ?`,
      id,
      limit,
      offset,
    )
    .map(({ seq }) => seq);
}

/** Versions by seq, in the order of the list. */
export function readVersionsBySeq(db: Db, seqs: readonly number[]): EntityVersion[] {
  return db
    .all<EntityRow>(
      `SELECT ${COLUMNS} FROM json_each(?) j CROSS JOIN entity_version v ON v.seq = j.value
       JOIN entity e ON e.key = v.entity_key ${AUTHOR} ORDER BY j.key`,
      JSON.stringify(seqs),
    )
    .map(toEntityVersion);
}

/** Ids of the edges that became something else after `seq`. */
export function readEdgesTouchedSince(db: Db, seq: number): string[] {
  return db.all<{ id: string }>('SELECT id FROM relationship WHERE latest_seq > ?', seq).map(({ id }) => id);
}

function toMap(rows: readonly CountRow[]): Map<string, number> {
  return new Map(rows.map(({ type, n }) => [type, n]));
}
