import type { Db, SqlValue } from '../base/db.ts';
import type { EntityFilter, EntityVersion, HeldAs, Moment, StoredVersion } from './types.ts';

import { toIso } from '../base/clock.ts';
import { isCompacted } from './compaction-reader.ts';
import { changeTypeOf } from './rules.ts';
import { HASH_BITS, packVersion, unpackParents, unpackVersion, versionHash } from './version-codec.ts';

/** A version as SQLite returns it, with the columns that `COLUMNS` names. */
export interface EntityRow {
  entity_key: number;
  seq: number;
  id: string;
  entity_type: string;
  version: string;
  change_type: number;
  current: number;
  parents: string;
  content: string | null;
  user_id: string;
  device_id: string;
  source_type: string;
  client_time: string | null;
  created_micros: number;
  valid_micros: number;
  stored_lag: number;
}

export const COLUMNS = `v.entity_key, v.seq, e.id, e.entity_type, v.version, v.change_type, v.current, v.parents, v.content,
  a.user_id, a.device_id, v.source_type, v.client_time, e.created_micros, v.valid_micros, v.stored_lag`;
export const AUTHOR = 'JOIN author a ON a.key = v.author_key';

/** Every entity with its current version, tombstones included. */
const LATEST = `FROM entity e JOIN entity_latest l ON l.entity_key = e.key JOIN entity_version v ON v.seq = l.seq ${AUTHOR}`;

/**
 * The seq of the version of the entity with key `column` that held at a moment, which is bound to two parameters: `at` in
 * us, `seq` the last row that may count. A `?` after ?1 and ?2 is ?3, so values of a moment come first.
 */
export function seqAt(column: string, at = '?1', seq = '?2'): string {
  return `(SELECT x.seq FROM entity_version x WHERE x.entity_key = ${column}
    AND x.moment < ((CAST(${at} AS INTEGER) + 1) << ${HASH_BITS}) AND x.current = 1
    AND x.seq <= CAST(${seq} AS INTEGER) ORDER BY x.moment DESC LIMIT 1)`;
}

/** Every entity with the version that held at a moment, tombstones included. */
const HELD_AT = `FROM entity e JOIN entity_version v ON v.seq = ${seqAt('e.key')} ${AUTHOR}`;

function heldAt(moment: Moment | undefined): { from: string; values: SqlValue[] } {
  return moment ? { from: HELD_AT, values: [moment.micros, moment.seq] } : { from: LATEST, values: [] };
}

/** The current version of an entity, or the one that held at a moment, a tombstone included. */
export function readLatest(db: Db, id: string, moment?: Moment): EntityVersion | undefined {
  const held = heldAt(moment);
  const row = db.get<EntityRow>(`SELECT ${COLUMNS} ${held.from} WHERE e.id = ?`, ...held.values, id);
  return row && toEntityVersion(row);
}

/** The current version with its key, for a batch that reads ahead of its transaction. */
export function readHead(db: Db, id: string): StoredVersion | undefined {
  const row = db.get<EntityRow>(`SELECT ${COLUMNS} ${LATEST} WHERE e.id = ?`, id);
  return row && { entity: toEntityVersion(row), entityKey: row.entity_key };
}

/** What a next version needs to know of the current one. */
export interface EntityHead {
  readonly key: number;
  readonly entityType: string;
  readonly version: string;
  readonly sourceType: string;
  /** True for a tombstone. */
  readonly deleted: boolean;
  /** us since the Unix epoch. */
  readonly createdMicros: number;
  readonly validMicros: number;
}

interface HeadRow {
  key: number;
  entity_type: string;
  version: string;
  source_type: string;
  deleted: number;
  created_micros: number;
  valid_micros: number;
}

/** The head of an entity, without its content. */
export function readBareHead(db: Db, id: string): EntityHead | undefined {
  const row = db.get<HeadRow>(
    `SELECT e.key, e.entity_type, v.version, v.source_type, l.deleted, e.created_micros, v.valid_micros
     FROM entity e JOIN entity_latest l ON l.entity_key = e.key JOIN entity_version v ON v.seq = l.seq WHERE e.id = ?`,
    id,
  );
  return (
    row && {
      key: row.key,
      entityType: row.entity_type,
      version: unpackVersion(row.version),
      sourceType: row.source_type,
      deleted: row.deleted === 1,
      createdMicros: row.created_micros,
      validMicros: row.valid_micros,
    }
  );
}

/** Current versions by internal key, tombstones left out, in no particular order. */
export function readByKeys(db: Db, keys: readonly number[]): Map<number, EntityVersion> {
  const found = new Map<number, EntityVersion>();
  for (const key of keys) {
    const row = db.get<EntityRow>(`SELECT ${COLUMNS} ${LATEST} WHERE e.key = ? AND l.deleted = 0`, key);
    if (row) found.set(key, toEntityVersion(row));
  }
  return found;
}

/** The entity as it held at a moment, by internal key; a tombstone included. */
export function readByKeyAt(db: Db, key: number, moment: Moment): EntityVersion | undefined {
  const held = heldAt(moment);
  const row = db.get<EntityRow>(`SELECT ${COLUMNS} ${held.from} WHERE e.key = ?`, ...held.values, key);
  return row && toEntityVersion(row);
}

/** The internal key of an id, whatever became of the entity. */
export function readEntityKey(db: Db, id: string): number | undefined {
  return db.get<{ key: number }>('SELECT key FROM entity WHERE id = ?', id)?.key;
}

const OF_VERSION = `FROM entity e JOIN entity_version v ON v.entity_key = e.key
  AND (v.moment & ${(1 << HASH_BITS) - 1}) = CAST(? AS INTEGER) AND v.version = ?`;

/** Whether the version is in the file already, and as what. */
export function readHeldAs(db: Db, id: string, version: string): HeldAs | undefined {
  const row = db.get<{ current: number }>(
    `SELECT v.current ${OF_VERSION} WHERE e.id = ?`,
    versionHash(version),
    packVersion(version),
    id,
  );
  if (row) return row.current === 1 ? 'state' : 'loser';
  return isCompacted(db, id, version) ? 'state' : undefined;
}

/** One version of an entity, current or not. */
export function readVersion(db: Db, id: string, version: string): EntityVersion | undefined {
  const row = db.get<EntityRow>(
    `SELECT ${COLUMNS} ${OF_VERSION} ${AUTHOR} WHERE e.id = ?`,
    versionHash(version),
    packVersion(version),
    id,
  );
  return row && toEntityVersion(row);
}

/** The effective time of a version, or undefined when the entity has none of that name. */
export function readVersionMicros(db: Db, entityKey: number, version: string): number | undefined {
  return db.get<{ valid_micros: number }>(
    `SELECT v.valid_micros ${OF_VERSION} WHERE e.key = ?`,
    versionHash(version),
    packVersion(version),
    entityKey,
  )?.valid_micros;
}

/** The last version of an entity that was the state and is no tombstone. */
export function readLastWithContent(db: Db, id: string): EntityVersion | undefined {
  const row = db.get<EntityRow>(
    `SELECT ${COLUMNS} FROM entity e JOIN entity_version v ON v.entity_key = e.key ${AUTHOR}
     WHERE e.id = ? AND v.current = 1 AND v.content IS NOT NULL ORDER BY v.moment DESC LIMIT 1`,
    id,
  );
  return row && toEntityVersion(row);
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
  const rows = db.all<{ id: string; version: string }>(
    `SELECT e.id, v.version FROM entity e JOIN entity_latest l ON l.entity_key = e.key
     JOIN entity_version v ON v.seq = l.seq WHERE e.id > ? AND l.deleted = 0 ORDER BY e.id LIMIT ?`,
    afterId,
    limit,
  );
  return rows.map(({ id, version }) => ({ id, version: unpackVersion(version) }));
}

/** All versions of an entity above a seq, oldest first; losers of conflicts included. */
export function readVersions(db: Db, id: string, afterSeq: number, limit: number): EntityVersion[] {
  return db
    .all<EntityRow>(
      `SELECT ${COLUMNS} FROM entity e JOIN entity_version v ON v.entity_key = e.key ${AUTHOR}
       WHERE e.id = ? AND v.seq > ? ORDER BY v.seq LIMIT ?`,
      id,
      afterSeq,
      limit,
    )
    .map(toEntityVersion);
}

/** All versions above a seq, of every entity, in the order of their seq. */
export function readAllVersions(db: Db, afterSeq: number, untilSeq: number, limit: number): EntityVersion[] {
  return db
    .all<EntityRow>(
      `SELECT ${COLUMNS} FROM entity_version v JOIN entity e ON e.key = v.entity_key ${AUTHOR}
       WHERE v.seq > ? AND v.seq <= ? ORDER BY v.seq LIMIT ?`,
      afterSeq,
      untilSeq,
      limit,
    )
    .map(toEntityVersion);
}

/**
 * A reader that is this near to the head walks the versions themselves, which costs no index; one that is further behind
 * looks through the pointers to the current versions, so that the cost does not grow with history.
 */
const NEAR_SEQS = 4000;

/** Current rows with `afterSeq` < seq <= `untilSeq`, oldest first. */
export function readEntityChanges(
  db: Db,
  afterSeq: number,
  untilSeq: number,
  limit: number,
): EntityVersion[] {
  const source =
    untilSeq - afterSeq <= NEAR_SEQS
      ? // CROSS JOIN keeps SQLite from turning it round.
        `FROM entity_version v CROSS JOIN entity_latest l ON l.entity_key = v.entity_key AND l.seq = v.seq
         JOIN entity e ON e.key = v.entity_key ${AUTHOR} WHERE v.seq > ? AND v.seq <= ? ORDER BY v.seq LIMIT ?`
      : `FROM (SELECT entity_key, seq FROM entity_latest WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?) l
         CROSS JOIN entity_version v ON v.seq = l.seq JOIN entity e ON e.key = v.entity_key ${AUTHOR} ORDER BY v.seq`;
  return db.all<EntityRow>(`SELECT ${COLUMNS} ${source}`, afterSeq, untilSeq, limit).map(toEntityVersion);
}

/** How many entities have their current row above `afterSeq`. */
export function countEntityChanges(db: Db, afterSeq: number, untilSeq: number): number {
  const row = db.get<{ n: number }>(
    'SELECT count(*) AS n FROM entity_latest WHERE seq > ? AND seq <= ?',
    afterSeq,
    untilSeq,
  );
  return row?.n ?? 0;
}

/** Entities that are not deleted, in the order in which the hub met them, after the internal key `afterKey`. */
export function readEntities(
  db: Db,
  filter: EntityFilter,
  afterKey: number,
  limit: number,
  moment?: Moment,
): { key: number; entity: EntityVersion }[] {
  const held = heldAt(moment);
  const conditions = ['v.content IS NOT NULL', 'e.key > ?'];
  const values: SqlValue[] = [...held.values, afterKey];
  if (filter.entityType !== undefined) {
    conditions.push('e.entity_type = ?');
    values.push(filter.entityType);
  }
  if (filter.sourceType !== undefined) {
    conditions.push('v.source_type = ?');
    values.push(filter.sourceType);
  }
  if (filter.keys !== undefined) {
    conditions.push('e.key IN (SELECT value FROM json_each(?))');
    values.push(JSON.stringify(filter.keys));
  }
  if (filter.untilKey !== undefined) {
    conditions.push('e.key <= ?');
    values.push(filter.untilKey);
  }
  const rows = db.all<EntityRow>(
    `SELECT ${COLUMNS} ${held.from} WHERE ${conditions.join(' AND ')} ORDER BY e.key LIMIT ?`,
    ...values,
    limit,
  );
  return rows.map((row) => ({ key: row.entity_key, entity: toEntityVersion(row) }));
}

/** The highest seq in the file; 0 in an empty graph. */
export function readHeadSeq(db: Db): number {
  const row = db.get<{ head: number }>(
    `SELECT max(coalesce((SELECT max(seq) FROM entity_version), 0),
                coalesce((SELECT max(seq) FROM relationship_version), 0)) AS head`,
  );
  return row?.head ?? 0;
}

export function toEntityVersion(row: EntityRow): EntityVersion {
  const modifiedAtMs = Math.floor(row.valid_micros / 1000);
  return {
    seq: row.seq,
    id: row.id,
    version: unpackVersion(row.version),
    entityType: row.entity_type,
    changeType: changeTypeOf(row.change_type),
    heldAs: row.current === 1 ? 'state' : 'loser',
    parentVersions: unpackParents(row.parents),
    contentJson: row.content,
    userId: row.user_id,
    deviceId: row.device_id,
    sourceType: row.source_type,
    timestamp: row.client_time ?? isoOf(modifiedAtMs),
    createdAtMs: Math.floor(row.created_micros / 1000),
    modifiedAtMs,
    validMicros: row.valid_micros,
    storedMicros: row.valid_micros + row.stored_lag,
  };
}

/** Rows that are read together were often written together, and have one time. */
const lastIso = { ms: Number.NaN, text: '' };

function isoOf(ms: number): string {
  if (ms !== lastIso.ms) {
    lastIso.text = toIso(ms);
    lastIso.ms = ms;
  }
  return lastIso.text;
}
