import type { Db } from '../base/db.ts';
import type { EntityFilter, EntityVersion, HeldAs, RelationshipVersion, StoredVersion } from './types.ts';

import { changeTypeOf } from './rules.ts';

interface EntityRow {
  entity_key: number;
  seq: number;
  id: string;
  entity_type: string;
  version: string;
  change_type: number;
  parents: string;
  content: string | null;
  user_id: string;
  device_id: string;
  source_type: string;
  client_time: string;
  created_micros: number;
  valid_micros: number;
}

const ENTITY_COLUMNS = `v.entity_key, v.seq, e.id, e.entity_type, v.version, v.change_type, v.parents, v.content, a.user_id,
  a.device_id, v.source_type, v.client_time, e.created_micros, v.valid_micros`;
const LATEST_ENTITY = `SELECT ${ENTITY_COLUMNS} FROM entity e
  JOIN entity_version v ON v.seq = e.latest_seq JOIN author a ON a.key = v.author_key`;

/** The current version of an entity, a tombstone included, or undefined when the id was never used. */
export function readLatest(db: Db, id: string): EntityVersion | undefined {
  const row = db.get<EntityRow>(`${LATEST_ENTITY} WHERE e.id = ?`, id);
  return row && toEntityVersion(row);
}

/** The current version with its keys, for a batch that reads ahead of its transaction. */
export function readHead(db: Db, id: string): StoredVersion | undefined {
  const row = db.get<EntityRow>(`${LATEST_ENTITY} WHERE e.id = ?`, id);
  return row && { entity: toEntityVersion(row), entityKey: row.entity_key, validMicros: row.valid_micros };
}

/** Whether the version is in the file already, and as what. */
export function readHeldAs(db: Db, id: string, version: string): HeldAs | undefined {
  const row = db.get<{ current: number }>(
    `SELECT v.current FROM entity e JOIN entity_version v ON v.entity_key = e.key
     WHERE e.id = ? AND v.version = ?`,
    id,
    version,
  );
  return row && (row.current === 1 ? 'state' : 'loser');
}

/** The entities that got any version, losers of conflicts included, after `seq`. */
export function readTouchedSince(db: Db, seq: number): string[] {
  return db
    .all<{ id: string }>(
      'SELECT e.id FROM entity_version v JOIN entity e ON e.key = v.entity_key WHERE v.seq > ?',
      seq,
    )
    .map(({ id }) => id);
}

/** Ids and versions of what is not deleted, by id (bytes), after `afterId`. */
export function readCurrentVersions(
  db: Db,
  afterId: string,
  limit: number,
): { id: string; version: string }[] {
  return db.all(
    `SELECT e.id, v.version FROM entity e JOIN entity_version v ON v.seq = e.latest_seq
     WHERE e.id > ? AND e.deleted = 0 ORDER BY e.id LIMIT ?`,
    afterId,
    limit,
  );
}

/** One version of an entity, current or not. */
export function readVersion(db: Db, id: string, version: string): EntityVersion | undefined {
  const row = db.get<EntityRow>(
    `SELECT ${ENTITY_COLUMNS} FROM entity e JOIN entity_version v ON v.entity_key = e.key
     JOIN author a ON a.key = v.author_key WHERE e.id = ? AND v.version = ?`,
    id,
    version,
  );
  return row && toEntityVersion(row);
}

/** All versions of an entity above a seq, oldest first; losers of conflicts included. */
export function readVersions(db: Db, id: string, afterSeq: number, limit: number): EntityVersion[] {
  return db
    .all<EntityRow>(
      `SELECT ${ENTITY_COLUMNS} FROM entity e JOIN entity_version v ON v.entity_key = e.key
       JOIN author a ON a.key = v.author_key WHERE e.id = ? AND v.seq > ? ORDER BY v.seq LIMIT ?`,
      id,
      afterSeq,
      limit,
    )
    .map(toEntityVersion);
}

/** Current rows with `afterSeq` < seq <= `untilSeq`, oldest first. */
export function readEntityChanges(
  db: Db,
  afterSeq: number,
  untilSeq: number,
  limit: number,
): EntityVersion[] {
  return db
    .all<EntityRow>(
      `${LATEST_ENTITY} WHERE e.latest_seq > ? AND e.latest_seq <= ? ORDER BY e.latest_seq LIMIT ?`,
      afterSeq,
      untilSeq,
      limit,
    )
    .map(toEntityVersion);
}

/** How many current rows (entities, or with `edges` both) lie above `afterSeq`. */
export function countChanges(db: Db, afterSeq: number, untilSeq: number, edges: boolean): number {
  const entities = db.get<{ n: number }>(
    'SELECT count(*) AS n FROM entity WHERE latest_seq > ? AND latest_seq <= ?',
    afterSeq,
    untilSeq,
  );
  if (!edges) return entities?.n ?? 0;
  const relationships = db.get<{ n: number }>(
    'SELECT count(*) AS n FROM relationship WHERE latest_seq > ? AND latest_seq <= ?',
    afterSeq,
    untilSeq,
  );
  return (entities?.n ?? 0) + (relationships?.n ?? 0);
}

/** Entities that are not deleted, in the order in which the hub met them, after the internal key `afterKey`. */
export function readEntities(
  db: Db,
  filter: EntityFilter,
  afterKey: number,
  limit: number,
): { key: number; entity: EntityVersion }[] {
  const conditions = ['e.deleted = 0', 'e.key > ?'];
  const values: (string | number)[] = [afterKey];
  if (filter.entityType !== undefined) {
    conditions.push('e.entity_type = ?');
    values.push(filter.entityType);
  }
  if (filter.sourceType !== undefined) {
    conditions.push('v.source_type = ?');
    values.push(filter.sourceType);
  }
  if (filter.roomId !== undefined) {
    conditions.push(`e.key IN (SELECT r.from_key FROM relationship r JOIN entity room ON room.key = r.to_key
      WHERE room.id = ? AND r.relationship_type = 'located_in' AND r.open = 1)`);
    values.push(filter.roomId);
  }
  const rows = db.all<EntityRow & { key: number }>(
    `SELECT e.key, ${ENTITY_COLUMNS} FROM entity e JOIN entity_version v ON v.seq = e.latest_seq
     JOIN author a ON a.key = v.author_key WHERE ${conditions.join(' AND ')} ORDER BY e.key LIMIT ?`,
    ...values,
    limit,
  );
  return rows.map((row) => ({ key: row.key, entity: toEntityVersion(row) }));
}

interface RelationshipRow {
  seq: number;
  id: string;
  version: string;
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
}

const LATEST_RELATIONSHIP = `SELECT v.seq, r.id, v.version, v.parents, f.id AS from_id, t.id AS to_id,
  v.relationship_type, v.properties, a.user_id, a.device_id, v.created_micros, v.valid_from_micros, v.valid_to_micros
  FROM relationship r JOIN relationship_version v ON v.seq = r.latest_seq
  JOIN entity f ON f.key = v.from_key JOIN entity t ON t.key = v.to_key JOIN author a ON a.key = v.author_key`;

export function readRelationship(db: Db, id: string): RelationshipVersion | undefined {
  const row = db.get<RelationshipRow>(`${LATEST_RELATIONSHIP} WHERE r.id = ?`, id);
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
  const from = db.all<RelationshipRow>(
    `${LATEST_RELATIONSHIP} WHERE r.open = 1 AND r.from_key = (SELECT key FROM entity WHERE id = ?) ORDER BY v.seq`,
    direction === 'to' ? '' : entityId,
  );
  const to = db.all<RelationshipRow>(
    `${LATEST_RELATIONSHIP} WHERE r.open = 1 AND r.to_key = (SELECT key FROM entity WHERE id = ?) ORDER BY v.seq`,
    direction === 'from' ? '' : entityId,
  );
  return [...from, ...to].map(toRelationshipVersion);
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

export function readRelationshipChanges(
  db: Db,
  afterSeq: number,
  untilSeq: number,
  limit: number,
): RelationshipVersion[] {
  return db
    .all<RelationshipRow>(
      `${LATEST_RELATIONSHIP} WHERE r.latest_seq > ? AND r.latest_seq <= ? ORDER BY r.latest_seq LIMIT ?`,
      afterSeq,
      untilSeq,
      limit,
    )
    .map(toRelationshipVersion);
}

/** The highest seq in the file; 0 in an empty graph. */
export function readHeadSeq(db: Db): number {
  const row = db.get<{ head: number }>(
    `SELECT max(coalesce((SELECT max(seq) FROM entity_version), 0),
                coalesce((SELECT max(seq) FROM relationship_version), 0)) AS head`,
  );
  return row?.head ?? 0;
}

function toEntityVersion(row: EntityRow): EntityVersion {
  return {
    seq: row.seq,
    id: row.id,
    version: row.version,
    entityType: row.entity_type,
    changeType: changeTypeOf(row.change_type),
    parentVersions: JSON.parse(row.parents) as string[],
    contentJson: row.content,
    userId: row.user_id,
    deviceId: row.device_id,
    sourceType: row.source_type,
    timestamp: row.client_time,
    createdAtMs: Math.floor(row.created_micros / 1000),
    modifiedAtMs: Math.floor(row.valid_micros / 1000),
  };
}

function toRelationshipVersion(row: RelationshipRow): RelationshipVersion {
  return {
    seq: row.seq,
    id: row.id,
    version: row.version,
    parentVersions: JSON.parse(row.parents) as string[],
    fromEntityId: row.from_id,
    toEntityId: row.to_id,
    relationshipType: row.relationship_type,
    propertiesJson: row.properties,
    userId: row.user_id,
    deviceId: row.device_id,
    createdAtMs: Math.floor(row.created_micros / 1000),
    validFromMs: Math.floor(row.valid_from_micros / 1000),
    validToMs: row.valid_to_micros === null ? null : Math.floor(row.valid_to_micros / 1000),
  };
}
