import type { Db } from '../base/db.ts';
import type { EntityVersion, Moment, RelationshipVersion } from './types.ts';

import { readRelationships } from './edge-reader.ts';
import { readByKeyAt, seqAt } from './entity-reader.ts';

/** One thing at two moments; undefined where it was not there, or deleted. */
export interface Pair<T> {
  readonly key: number;
  readonly before: T | undefined;
  readonly after: T | undefined;
}

/** The internal keys in use: rows are never removed, so they are nearly dense. */
export function readMaxKeys(db: Db): { entity: number; relationship: number } {
  const row = db.get<{ entity: number; relationship: number }>(
    `SELECT coalesce((SELECT max(key) FROM entity), 0) AS entity,
            coalesce((SELECT max(key) FROM relationship), 0) AS relationship`,
  );
  return row ?? { entity: 0, relationship: 0 };
}

/** Entities with keys in (afterKey, untilKey] that are not the same at two moments. */
export function readEntityPairs(
  db: Db,
  afterKey: number,
  untilKey: number,
  from: Moment,
  to: Moment,
): Pair<EntityVersion>[] {
  const rows = db.all<{ key: number; a: number | null; b: number | null }>(
    `SELECT e.key, ${seqAt('e.key')} AS a, ${seqAt('e.key', '?3', '?4')} AS b FROM entity e WHERE e.key > ? AND e.key <= ? ORDER BY e.key`,
    from.micros,
    from.seq,
    to.micros,
    to.seq,
    afterKey,
    untilKey,
  );
  const pairs: Pair<EntityVersion>[] = [];
  for (const { key, a, b } of rows) {
    if (a === b) continue;
    const before = a === null ? undefined : alive(readByKeyAt(db, key, from));
    const after = b === null ? undefined : alive(readByKeyAt(db, key, to));
    if (before || after) pairs.push({ key, before, after });
  }
  return pairs;
}

/** Edges with keys in (afterKey, untilKey] that are not the same at two moments. */
export function readRelationshipPairs(
  db: Db,
  afterKey: number,
  untilKey: number,
  from: Moment,
  to: Moment,
): Pair<RelationshipVersion>[] {
  const limit = untilKey - afterKey;
  const read = (moment: Moment): Map<number, RelationshipVersion> =>
    new Map(
      readRelationships(db, { untilKey }, afterKey, limit, moment).map(({ key, relationship }) => [
        key,
        relationship,
      ]),
    );
  const before = read(from);
  const after = read(to);
  const keys = [...new Set([...before.keys(), ...after.keys()])].sort((a, b) => a - b);
  return keys
    .map((key) => ({ key, before: before.get(key), after: after.get(key) }))
    .filter((pair) => pair.before?.version !== pair.after?.version);
}

function alive(entity: EntityVersion | undefined): EntityVersion | undefined {
  return entity?.contentJson === null ? undefined : entity;
}
