import { DatabaseSync } from 'node:sqlite';

/** The tables of the Python server, as INBETWEENIES-V2.md describes its models. */
const TABLES = `
  CREATE TABLE entities (id TEXT NOT NULL, version TEXT NOT NULL, entity_type TEXT NOT NULL, name TEXT NOT NULL,
    content TEXT, source_type TEXT, user_id TEXT, parent_versions TEXT, created_at TEXT, updated_at TEXT,
    server_seq INTEGER, is_latest INTEGER, PRIMARY KEY (id, version));
  CREATE TABLE entity_relationships (id TEXT PRIMARY KEY, from_entity_id TEXT, from_entity_version TEXT,
    to_entity_id TEXT, to_entity_version TEXT, relationship_type TEXT, properties TEXT, user_id TEXT,
    created_at TEXT, updated_at TEXT);
  CREATE TABLE blobs (id TEXT PRIMARY KEY, name TEXT, blob_type TEXT, mime_type TEXT, size INTEGER, data BLOB);
`;

export interface PythonEntity {
  readonly id: string;
  readonly version: string;
  readonly type?: string;
  readonly name?: string;
  readonly content?: unknown;
  readonly parents?: readonly string[];
  readonly at?: string;
  readonly seq?: number;
  readonly latest?: boolean;
}

export interface PythonEdge {
  readonly id: string;
  readonly from: string;
  readonly to: string;
  readonly type: string;
  readonly pin?: string;
  readonly at?: string;
}

/** When the server stored what has no time of its own here: after the phones made it. */
const STORED = '2026-02-09 00:00:00.000000';

/** Makes a database file as the Python server leaves it. */
export function writePythonFile(
  path: string,
  entities: readonly PythonEntity[],
  edges: readonly PythonEdge[],
  blobs: readonly { readonly name: string; readonly bytes: number }[] = [],
): void {
  using db = new DatabaseSync(path);
  db.exec(TABLES);
  const entity = db.prepare('INSERT INTO entities VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)');
  for (const [index, row] of entities.entries()) {
    const at = row.at ?? STORED;
    const content = typeof row.content === 'string' ? row.content : JSON.stringify(row.content ?? {});
    entity.run(
      row.id,
      row.version,
      row.type ?? 'DEVICE',
      row.name ?? row.id,
      content,
      'MANUAL',
      'local-user',
      JSON.stringify(row.parents ?? []),
      at,
      at,
      row.seq ?? index + 1,
      (row.latest ?? true) ? 1 : 0,
    );
  }
  const edge = db.prepare('INSERT INTO entity_relationships VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)');
  for (const { id, from, to, type, pin = 'x', at = STORED } of edges) {
    edge.run(id, from, pin, to, pin, type, 'null', 'local-user', at, at);
  }
  const blob = db.prepare("INSERT INTO blobs VALUES (?, ?, 'jpeg', 'image/jpeg', ?, zeroblob(?))");
  for (const { name, bytes } of blobs) blob.run(name, name, bytes, bytes);
}
