import type { DatabaseSync } from 'node:sqlite';

import type { Db } from '../../base/db.ts';
import type { BackupOrigin, BackupRow } from './types.ts';

interface Row {
  readonly id: number;
  readonly place: string;
  readonly name: string;
  readonly origin: string;
  readonly created_ms: number;
  readonly size_bytes: number;
  readonly sha256: string;
  readonly encrypted: number;
  readonly entities: number;
  readonly verified_ms: number;
  readonly problem: string | null;
}

/** All that are noted, the one that was made last first. */
export function readBackups(db: Db): BackupRow[] {
  return db.all<Row>('SELECT * FROM backup_made ORDER BY id DESC').map(toBackup);
}

function toBackup(row: Row): BackupRow {
  return {
    id: row.id,
    place: row.place,
    name: row.name,
    origin: row.origin as BackupOrigin,
    createdMs: row.created_ms,
    sizeBytes: row.size_bytes,
    sha256: row.sha256,
    encrypted: row.encrypted === 1,
    entities: row.entities,
    verifiedMs: row.verified_ms,
    problem: row.problem,
  };
}

/** What a copy of a database says of itself. */
export interface DatabaseFacts {
  /** Sentences of SQLite's; none where the file is sound. */
  readonly problems: readonly string[];
  readonly schemaVersions: Readonly<Record<string, number>>;
  readonly entities: number;
}

/** Reads a database in full. @param countSql counts the entities of the graph, in a column `n`. */
export function readDatabaseFacts(db: DatabaseSync, countSql: string): DatabaseFacts {
  const checked = db.prepare('PRAGMA quick_check(5)').all() as { quick_check: string }[];
  const problems = checked.map((row) => row.quick_check).filter((text) => text !== 'ok');
  if (problems.length > 0) return { problems, schemaVersions: {}, entities: 0 };
  const versions = db.prepare('SELECT owner, version FROM schema_version').all() as {
    owner: string;
    version: number;
  }[];
  const { n } = db.prepare(countSql).get() as { n: number };
  return {
    problems,
    schemaVersions: Object.fromEntries(versions.map(({ owner, version }) => [owner, version])),
    entities: n,
  };
}
