import type { DatabaseSync, SQLOutputValue, StatementSync } from 'node:sqlite';

import type { EdgeRow } from './edges.ts';
import type { VersionRow } from './lineage.ts';

import { toMicros, toTexts, toWord, versionMicros } from './python-values.ts';

type Row = Record<string, SQLOutputValue>;

/** SELECTs over a database of the Python FunkyGibbon, whose columns differ from one of its versions to the next. */
export class PythonReader {
  readonly #db: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  readonly #entityColumns: ReadonlySet<string>;
  readonly #edgeColumns: ReadonlySet<string>;

  constructor(db: DatabaseSync) {
    this.#db = db;
    this.#entityColumns = columnsOf(db, 'entities');
    this.#edgeColumns = columnsOf(db, 'entity_relationships');
  }

  /** The ids of the entities, in the order in which the old server met them; rows without an id are left out. */
  entityIds(): string[] {
    const created = this.#entityColumns.has('created_at') ? 'min(created_at), ' : '';
    return this.#all(
      `SELECT CAST(id AS TEXT) AS id FROM entities WHERE id IS NOT NULL GROUP BY id ORDER BY ${created}min(rowid)`,
    ).map(({ id }) => String(id));
  }

  /** How many rows have no id or no version. */
  namelessRows(): number {
    const [row] = this.#all('SELECT count(*) AS n FROM entities WHERE id IS NULL OR version IS NULL');
    return Number(row?.['n'] ?? 0);
  }

  /** The versions of an entity, without their contents. */
  versions(id: string): VersionRow[] {
    const has = this.#entityColumns;
    return this.#all(
      `SELECT rowid, CAST(version AS TEXT) AS version, entity_type, ${column(has, 'source_type')},
         ${column(has, 'user_id')}, ${column(has, 'parent_versions')}, ${column(has, 'created_at')},
         ${column(has, 'updated_at')}, ${column(has, 'server_seq')}, ${column(has, 'is_latest')},
         CASE WHEN json_valid(content) THEN json_type(content, '$.deleted') = 'true' END AS deleted
       FROM entities WHERE id = ? AND version IS NOT NULL ORDER BY rowid`,
      id,
    ).map(toVersionRow);
  }

  /** The name and the content of a version, as they stand in the columns. */
  content(rowid: number): { name: SQLOutputValue | undefined; content: SQLOutputValue | undefined } {
    const name = column(this.#entityColumns, 'name');
    const [row] = this.#all(`SELECT ${name}, content FROM entities WHERE rowid = ?`, rowid);
    return { name: row?.['name'], content: row?.['content'] };
  }

  /** All edges, without their properties. `currentOf` gives the current version of an entity that was taken. */
  edges(currentOf: (id: string) => string | undefined): EdgeRow[] {
    const has = this.#edgeColumns;
    return this.#all(
      `SELECT rowid, CAST(id AS TEXT) AS id, from_entity_id, to_entity_id, relationship_type,
         ${column(has, 'from_entity_version')}, ${column(has, 'to_entity_version')}, ${column(has, 'user_id')},
         ${column(has, 'created_at')}, ${column(has, 'updated_at')}, ${column(has, 'valid_from')}, ${column(has, 'valid_to')}
       FROM entity_relationships ORDER BY rowid`,
    ).map((row) => toEdgeRow(row, currentOf));
  }

  properties(rowid: number): SQLOutputValue | undefined {
    const properties = column(this.#edgeColumns, 'properties');
    return this.#all(`SELECT ${properties} FROM entity_relationships WHERE rowid = ?`, rowid)[0]?.[
      'properties'
    ];
  }

  /** The files that the database holds: how many, their bytes, and the names of some. */
  blobs(limit: number): { count: number; bytes: number; names: string[] } {
    const has = columnsOf(this.#db, 'blobs');
    if (has.size === 0) return { count: 0, bytes: 0, names: [] };
    const size = has.has('data') ? 'length(data)' : has.has('size') ? 'size' : '0';
    const [total] = this.#all(`SELECT count(*) AS n, total(${size}) AS bytes FROM blobs`);
    const names = this.#all(`SELECT ${column(has, 'name')} FROM blobs ORDER BY rowid LIMIT ?`, limit);
    return {
      count: Number(total?.['n'] ?? 0),
      bytes: Number(total?.['bytes'] ?? 0),
      names: names.map(({ name }) => (typeof name === 'string' ? name : 'without a name')),
    };
  }

  /** Tables that are not read, and have rows. */
  otherTables(): { name: string; rows: number }[] {
    const read = ['entities', 'entity_relationships', 'blobs', 'alembic_version'];
    return tablesOf(this.#db)
      .filter((name) => !read.includes(name) && !name.startsWith('sqlite_'))
      .map((name) => ({ name, rows: this.#countOf(name) }))
      .filter(({ rows }) => rows > 0);
  }

  #countOf(table: string): number {
    const [row] = this.#all(`SELECT count(*) AS n FROM "${table.replaceAll('"', '""')}"`);
    return Number(row?.['n'] ?? 0);
  }

  #all(sql: string, ...values: (string | number)[]): Row[] {
    let statement = this.#statements.get(sql);
    if (!statement) this.#statements.set(sql, (statement = this.#db.prepare(sql)));
    return statement.all(...values);
  }
}

export function tablesOf(db: DatabaseSync): string[] {
  return db
    .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
    .all()
    .map(({ name }) => String(name));
}

/** The names of a table's columns; none where there is no such table. */
export function columnsOf(db: DatabaseSync, table: string): ReadonlySet<string> {
  const rows = db.prepare('SELECT name FROM pragma_table_info(?)').all(table);
  return new Set(rows.map(({ name }) => String(name)));
}

function column(has: ReadonlySet<string>, name: string): string {
  return has.has(name) ? name : `NULL AS ${name}`;
}

function toVersionRow(row: Row): VersionRow {
  const version = String(row['version']);
  const created = toMicros(row['created_at']);
  const updated = toMicros(row['updated_at']);
  return {
    rowid: Number(row['rowid']),
    version,
    entityType: toText(row['entity_type']),
    sourceType: toText(row['source_type']),
    userId: toText(row['user_id']),
    parents: toTexts(row['parent_versions']),
    ownMicros: versionMicros(version),
    storedMicros: created ?? updated,
    touchedMicros:
      created === undefined && updated === undefined ? undefined : Math.max(created ?? 0, updated ?? 0),
    serverSeq: typeof row['server_seq'] === 'number' ? row['server_seq'] : null,
    isLatest: typeof row['is_latest'] === 'number' ? row['is_latest'] !== 0 : null,
    deleted: row['deleted'] === 1,
  };
}

function toEdgeRow(row: Row, currentOf: (id: string) => string | undefined): EdgeRow {
  const [from, to] = [toText(row['from_entity_id']), toText(row['to_entity_id'])];
  const isOld = (id: string, pin: SQLOutputValue | undefined): boolean =>
    typeof pin === 'string' && currentOf(id) !== undefined && currentOf(id) !== pin;
  return {
    rowid: Number(row['rowid']),
    id: toText(row['id']),
    from,
    to,
    relationshipType: toWord(row['relationship_type']),
    userId: toText(row['user_id']),
    isPinned: isOld(from, row['from_entity_version']) || isOld(to, row['to_entity_version']),
    createdMicros: toMicros(row['created_at']),
    updatedMicros: toMicros(row['updated_at']),
    validFromMicros: toMicros(row['valid_from']),
    validToMicros: toMicros(row['valid_to']),
  };
}

function toText(value: SQLOutputValue | undefined): string {
  return value === null || value === undefined || value instanceof Uint8Array ? '' : String(value);
}
