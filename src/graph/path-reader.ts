import type { Db } from '../base/db.ts';
import type { Moment } from './types.ts';

import { seqAt } from './entity-reader.ts';

/** An edge as the arrays need it. */
export interface BareEdge {
  readonly key: number;
  readonly fromKey: number;
  readonly toKey: number;
  readonly type: string;
  readonly seq: number;
  /** False where it has ended. */
  readonly open: boolean;
}

interface EdgeRow {
  key: number;
  from_key: number;
  to_key: number;
  relationship_type: string;
  latest_seq: number;
  open: number;
}

const COLUMNS = 'key, from_key, to_key, relationship_type, latest_seq, open';

/** Edges by internal key, as they are now. */
export function readEdgesByKey(db: Db, afterKey: number, limit: number): BareEdge[] {
  return db
    .all<EdgeRow>(`SELECT ${COLUMNS} FROM relationship WHERE key > ? ORDER BY key LIMIT ?`, afterKey, limit)
    .map(toBareEdge);
}

/** Edges whose current row is younger than `afterSeq`. */
export function readEdgesSince(db: Db, afterSeq: number): BareEdge[] {
  return db
    .all<EdgeRow>(`SELECT ${COLUMNS} FROM relationship WHERE latest_seq > ?`, afterSeq)
    .map(toBareEdge);
}

/** A version of an edge that was the state, with its stretch of time in us. */
export interface EdgeStretch {
  readonly key: number;
  readonly seq: number;
  readonly fromKey: number;
  readonly toKey: number;
  readonly type: string;
  readonly toMicros: number | null;
}

/** Versions of edges that begin at or before a moment, in the order of their seq: of one edge, the last one decides. */
export function readStretches(db: Db, afterSeq: number, moment: Moment, limit: number): EdgeStretch[] {
  return db.all(
    `SELECT relationship_key AS key, seq, from_key AS fromKey, to_key AS toKey, relationship_type AS type,
       valid_to_micros AS toMicros
     FROM relationship_version WHERE seq > ? AND seq <= ? AND current = 1 AND valid_from_micros <= ?
     ORDER BY seq LIMIT ?`,
    afterSeq,
    moment.seq,
    moment.micros,
    limit,
  );
}

/** Internal keys in (afterKey, untilKey] of the entities that were there at a moment. */
export function readLivingKeys(db: Db, afterKey: number, untilKey: number, moment: Moment): number[] {
  return db
    .all<{ key: number }>(
      `SELECT e.key FROM entity e JOIN entity_version v ON v.seq = ${seqAt('e.key')}
       WHERE e.key > ? AND e.key <= ? AND v.content IS NOT NULL`,
      moment.micros,
      moment.seq,
      afterKey,
      untilKey,
    )
    .map(({ key }) => key);
}

/** The ids of edges by internal key. */
export function readEdgeIds(db: Db, keys: readonly number[]): string[] {
  return keys.flatMap(
    (key) => db.get<{ id: string }>('SELECT id FROM relationship WHERE key = ?', key)?.id ?? [],
  );
}

function toBareEdge(row: EdgeRow): BareEdge {
  return {
    key: row.key,
    fromKey: row.from_key,
    toKey: row.to_key,
    type: row.relationship_type,
    seq: row.latest_seq,
    open: row.open === 1,
  };
}
