import type { Db } from '../base/db.ts';

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

function toMap(rows: readonly CountRow[]): Map<string, number> {
  return new Map(rows.map(({ type, n }) => [type, n]));
}
