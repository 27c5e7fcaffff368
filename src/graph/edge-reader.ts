import type { Db, SqlValue } from '../base/db.ts';
import type { HeldAs, Moment, RelationshipFilter, RelationshipVersion } from './types.ts';

import { seqAt } from './entity-reader.ts';

/** A version as SQLite returns it, with the columns that `COLUMNS` names. */
export interface RelationshipRow {
  key: number;
  seq: number;
  id: string;
  version: string;
  current: number;
  parents: string;
  from_id: string;
  to_id: string;
  relationship_type: string;
  properties: string;
  user_id: string;
  device_id: string;
  created_micros: number;
  valid_from_micros: number;
  valid_to_micros: number | null;
  stored_micros: number;
}

export const COLUMNS = `r.key, v.seq, r.id, v.version, v.current, v.parents, f.id AS from_id, t.id AS to_id, v.relationship_type,
  v.properties, a.user_id, a.device_id, v.created_micros, v.valid_from_micros, v.valid_to_micros,
  v.stored_micros`;
const JOINS = `JOIN entity f ON f.key = v.from_key JOIN entity t ON t.key = v.to_key JOIN author a ON a.key = v.author_key`;
/** Every edge with its latest version. */
export const LATEST = `FROM relationship r JOIN relationship_version v ON v.seq = r.latest_seq ${JOINS}`;

/**
 * The seq of the version of the edge `r` that decides what was true at a moment: of those that begin before it, the last.
 * A later version says what holds from its own beginning on, and leaves alone what was before.
 */
const EDGE_SEQ_AT = `(SELECT max(x.seq) FROM relationship_version x WHERE x.relationship_key = r.key AND x.current = 1
  AND x.valid_from_micros <= CAST(?1 AS INTEGER) AND x.seq <= CAST(?2 AS INTEGER))`;

/** True where the entity with key `column` was there and not deleted at the moment. */
function livedAt(column: string): string {
  return `EXISTS (SELECT 1 FROM entity_version d WHERE d.seq = ${seqAt(column)} AND d.content IS NOT NULL)`;
}

/** Edges with the version that held at a moment, both ends of which were there; binds the moment to ?1 and ?2. */
const HELD_AT = `FROM relationship r JOIN relationship_version v ON v.seq = ${EDGE_SEQ_AT}
  AND (v.valid_to_micros IS NULL OR v.valid_to_micros > CAST(?1 AS INTEGER))
  AND ${livedAt('v.from_key')} AND ${livedAt('v.to_key')} ${JOINS}`;

/** Every edge that ever had the entity as an end. Binds its key three times. */
const EVER_AT_ENTITY = `(SELECT key FROM relationship WHERE from_key = ? UNION SELECT key FROM relationship WHERE to_key = ?
  UNION SELECT relationship_key FROM relationship_former_end WHERE entity_key = ?)`;

/** The latest version of an edge, open or ended. */
export function readRelationship(db: Db, id: string): RelationshipVersion | undefined {
  const row = db.get<RelationshipRow>(`SELECT ${COLUMNS} ${LATEST} WHERE r.id = ?`, id);
  return row && toRelationshipVersion(row);
}

/** The edge as it held at a moment, or undefined when it did not. */
export function readRelationshipAt(db: Db, id: string, moment: Moment): RelationshipVersion | undefined {
  const row = db.get<RelationshipRow>(
    `SELECT ${COLUMNS} ${HELD_AT} WHERE r.id = ?`,
    moment.micros,
    moment.seq,
    id,
  );
  return row && toRelationshipVersion(row);
}

/** Whether the version of the edge is in the file already, and as what. */
export function readRelationshipHeldAs(db: Db, id: string, version: string): HeldAs | undefined {
  const row = db.get<{ current: number }>(
    `SELECT v.current FROM relationship r JOIN relationship_version v ON v.relationship_key = r.key
     WHERE r.id = ? AND v.version = ?`,
    id,
    version,
  );
  return row && (row.current === 1 ? 'state' : 'loser');
}

/** Open edges at one entity, oldest first. */
export function readOpenRelationships(
  db: Db,
  entityId: string,
  direction: 'from' | 'to' | 'both',
): RelationshipVersion[] {
  const at = (end: 'from_key' | 'to_key'): RelationshipRow[] =>
    db.all<RelationshipRow>(
      `SELECT ${COLUMNS} ${LATEST} WHERE r.open = 1 AND r.${end} = (SELECT key FROM entity WHERE id = ?)
       ORDER BY v.seq`,
      entityId,
    );
  const rows = [...(direction === 'to' ? [] : at('from_key')), ...(direction === 'from' ? [] : at('to_key'))];
  return rows.map(toRelationshipVersion);
}

/** Whether the entity ever had an edge of this type, open or ended. */
export function hadRelationship(db: Db, fromId: string, type: string): boolean {
  return (
    db.get(
      `SELECT 1 AS yes FROM relationship r JOIN entity e ON e.key = r.from_key
       WHERE e.id = ? AND r.relationship_type = ? LIMIT 1`,
      fromId,
      type,
    ) !== undefined
  );
}

/**
 * Edges in the order in which the hub met them, after the internal key `afterKey`: those open now, or those that held at
 * a moment.
 */
export function readRelationships(
  db: Db,
  filter: RelationshipFilter,
  afterKey: number,
  limit: number,
  moment?: Moment,
): { key: number; relationship: RelationshipVersion }[] {
  const conditions: string[] = [];
  const values: SqlValue[] = [];
  if (filter.entityKey !== undefined) {
    conditions.push(`r.key IN ${EVER_AT_ENTITY}`);
    values.push(filter.entityKey, filter.entityKey, filter.entityKey);
    const ends = { from: 'v.from_key = ?', to: 'v.to_key = ?', both: '? IN (v.from_key, v.to_key)' };
    conditions.push(ends[filter.direction ?? 'both']);
    values.push(filter.entityKey);
  }
  if (filter.otherKey !== undefined) {
    conditions.push('? IN (v.from_key, v.to_key)');
    values.push(filter.otherKey);
  }
  if (filter.withinKeys !== undefined) {
    for (const end of ['v.from_key', 'v.to_key']) {
      conditions.push(`${end} IN (SELECT value FROM json_each(?))`);
      values.push(JSON.stringify(filter.withinKeys));
    }
  }
  if (filter.relationshipType !== undefined) {
    conditions.push('v.relationship_type = ?');
    values.push(filter.relationshipType);
  }
  conditions.push('r.key > ?');
  values.push(afterKey);
  if (filter.untilKey !== undefined) {
    conditions.push('r.key <= ?');
    values.push(filter.untilKey);
  }
  const held = moment ? HELD_AT : LATEST;
  if (!moment) conditions.push('r.open = 1');
  const rows = db.all<RelationshipRow>(
    `SELECT ${COLUMNS} ${held} WHERE ${conditions.join(' AND ')} ORDER BY r.key LIMIT ?`,
    ...(moment ? [moment.micros, moment.seq] : []),
    ...values,
    limit,
  );
  return rows.map((row) => ({ key: row.key, relationship: toRelationshipVersion(row) }));
}

/** One version of an edge, current or not. */
export function readRelationshipVersion(
  db: Db,
  id: string,
  version: string,
): RelationshipVersion | undefined {
  const row = db.get<RelationshipRow>(
    `SELECT ${COLUMNS} FROM relationship r JOIN relationship_version v ON v.relationship_key = r.key ${JOINS}
     WHERE r.id = ? AND v.version = ?`,
    id,
    version,
  );
  return row && toRelationshipVersion(row);
}

/** All versions of an edge that are or were the state, oldest first. */
export function readRelationshipVersions(
  db: Db,
  id: string,
  afterSeq = 0,
  limit = 500,
): RelationshipVersion[] {
  return db
    .all<RelationshipRow>(
      `SELECT ${COLUMNS} FROM relationship r JOIN relationship_version v ON v.relationship_key = r.key ${JOINS}
       WHERE r.id = ? AND v.seq > ? ORDER BY v.seq LIMIT ?`,
      id,
      afterSeq,
      limit,
    )
    .map(toRelationshipVersion);
}

/** All state versions of all edges that ever had the entity as an end, edge by edge, in the order of their seq. */
export function readEdgeHistory(db: Db, entityKey: number, limit: number): RelationshipVersion[] {
  return db
    .all<RelationshipRow>(
      `SELECT ${COLUMNS} FROM relationship r JOIN relationship_version v ON v.relationship_key = r.key ${JOINS}
       WHERE r.key IN ${EVER_AT_ENTITY} AND v.current = 1 ORDER BY r.key, v.seq LIMIT ?`,
      entityKey,
      entityKey,
      entityKey,
      limit,
    )
    .map(toRelationshipVersion);
}

/** All versions above a seq, of every edge, in the order of their seq. */
export function readAllRelationshipVersions(
  db: Db,
  afterSeq: number,
  untilSeq: number,
  limit: number,
): RelationshipVersion[] {
  return db
    .all<RelationshipRow>(
      `SELECT ${COLUMNS} FROM relationship_version v JOIN relationship r ON r.key = v.relationship_key ${JOINS}
       WHERE v.seq > ? AND v.seq <= ? ORDER BY v.seq LIMIT ?`,
      afterSeq,
      untilSeq,
      limit,
    )
    .map(toRelationshipVersion);
}

/** Current rows with `afterSeq` < seq <= `untilSeq`, oldest first. */
export function readRelationshipChanges(
  db: Db,
  afterSeq: number,
  untilSeq: number,
  limit: number,
): RelationshipVersion[] {
  return db
    .all<RelationshipRow>(
      `SELECT ${COLUMNS} ${LATEST} WHERE r.latest_seq > ? AND r.latest_seq <= ? ORDER BY r.latest_seq LIMIT ?`,
      afterSeq,
      untilSeq,
      limit,
    )
    .map(toRelationshipVersion);
}

/** How many edges have their current row above `afterSeq`. */
export function countRelationshipChanges(db: Db, afterSeq: number, untilSeq: number): number {
  const row = db.get<{ n: number }>(
    'SELECT count(*) AS n FROM relationship WHERE latest_seq > ? AND latest_seq <= ?',
    afterSeq,
    untilSeq,
  );
  return row?.n ?? 0;
}

/** The current version of an edge in the file's own terms, as the next version needs it. */
export interface EdgeRow {
  readonly id: string;
  readonly from_key: number;
  readonly to_key: number;
  readonly relationship_type: string;
  readonly valid_from_micros: number;
  readonly valid_to_micros: number | null;
  readonly created_micros: number;
  readonly version: string;
  readonly properties: string;
}

const EDGE_ROW = `SELECT r.id, v.from_key, v.to_key, v.relationship_type, v.valid_from_micros, v.valid_to_micros,
  v.created_micros, v.version, v.properties
  FROM relationship r JOIN relationship_version v ON v.seq = r.latest_seq`;

export function readEdgeRow(db: Db, id: string): EdgeRow | undefined {
  return db.get<EdgeRow>(`${EDGE_ROW} WHERE r.id = ?`, id);
}

/** Edges at an entity that a tombstone of either end ended, and whose ends are both there now. */
export function readEdgesToReopen(db: Db, entityKey: number): EdgeRow[] {
  return db.all<EdgeRow>(
    `${EDGE_ROW}
     JOIN entity_latest f ON f.entity_key = r.from_key JOIN entity_latest t ON t.entity_key = r.to_key
     WHERE r.key IN (SELECT key FROM relationship WHERE from_key = ?1 AND open = 0
                     UNION SELECT key FROM relationship WHERE to_key = ?1 AND open = 0)
       AND f.deleted = 0 AND t.deleted = 0
       -- The rows that a tombstone adds follow it at once.
       AND EXISTS (SELECT 1 FROM entity_version d
                   WHERE d.seq = (SELECT max(x.seq) FROM entity_version x WHERE x.seq < v.seq)
                   AND d.entity_key IN (r.from_key, r.to_key) AND d.change_type = 2 AND d.current = 1
                   AND v.valid_to_micros = max(v.valid_from_micros, d.valid_micros))
     ORDER BY v.seq`,
    entityKey,
  );
}

/** Open edges whose current row lies in (afterSeq, untilSeq], and whether an end is deleted. */
export function readOpenEdgesBetween(
  db: Db,
  afterSeq: number,
  untilSeq: number,
): { id: string; from_key: number; relationship_type: string; dead: number }[] {
  return db.all(
    `SELECT r.id, r.from_key, r.relationship_type, (f.deleted OR t.deleted) AS dead FROM relationship r
     JOIN entity_latest f ON f.entity_key = r.from_key JOIN entity_latest t ON t.entity_key = r.to_key
     WHERE r.latest_seq > ? AND r.latest_seq <= ? AND r.open = 1 ORDER BY r.latest_seq`,
    afterSeq,
    untilSeq,
  );
}

/** The open \`located_in\` edges of a thing, the latest by (time, version) first. */
export function readPlaces(db: Db, fromKey: number): { id: string; valid_from_micros: number }[] {
  return db.all(
    `SELECT r.id, v.valid_from_micros FROM relationship r JOIN relationship_version v ON v.seq = r.latest_seq
     WHERE r.from_key = ? AND r.relationship_type = 'located_in' AND r.open = 1
     ORDER BY v.valid_from_micros DESC, v.version DESC`,
    fromKey,
  );
}

export function toRelationshipVersion(row: RelationshipRow): RelationshipVersion {
  return {
    seq: row.seq,
    id: row.id,
    version: row.version,
    heldAs: row.current === 1 ? 'state' : 'loser',
    parentVersions: JSON.parse(row.parents) as string[],
    fromEntityId: row.from_id,
    toEntityId: row.to_id,
    relationshipType: row.relationship_type,
    propertiesJson: row.properties,
    userId: row.user_id,
    deviceId: row.device_id,
    createdAtMs: Math.floor(row.created_micros / 1000),
    createdMicros: row.created_micros,
    validFromMs: Math.floor(row.valid_from_micros / 1000),
    validFromMicros: row.valid_from_micros,
    validToMs: row.valid_to_micros === null ? null : Math.floor(row.valid_to_micros / 1000),
    validToMicros: row.valid_to_micros,
    storedMicros: row.stored_micros,
  };
}
