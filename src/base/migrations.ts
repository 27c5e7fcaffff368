import { createHash } from 'node:crypto';
import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

import type { Tx } from './db.ts';

import { StartError } from './errors.ts';

/**
 * The tables of one owner (a capability's folder) and how they came to be. Step `n` brings the owner from version
 * `n` to `n + 1`; a step that has been released is never edited, a further one is appended.
 */
export interface Migrations {
  readonly owner: string;
  readonly steps: readonly MigrationStep[];
}

export type MigrationStep = string | ((tx: Tx) => void);

export const VERSION_TABLE = `
CREATE TABLE IF NOT EXISTS schema_version (
  owner    TEXT PRIMARY KEY,    -- the folder that owns the tables
  version  INTEGER NOT NULL,    -- number of steps applied
  checksum TEXT NOT NULL        -- SHA-256 over the applied SQL steps, to notice a released step that was edited
) STRICT, WITHOUT ROWID;
`;

export interface PendingMigration {
  owner: string;
  from: number;
  steps: readonly MigrationStep[];
  checksum: string;
}

/**
 * What has to be done to bring the file up to date.
 * @throws StartError when the file was written by a newer version of the hub, or a released step was edited.
 */
export function pendingMigrations(tx: Tx, all: readonly Migrations[]): PendingMigration[] {
  const pending: PendingMigration[] = [];
  for (const { owner, steps } of all) {
    const row = tx.get<{ version: number; checksum: string }>(
      'SELECT version, checksum FROM schema_version WHERE owner = ?',
      owner,
    );
    const from = row?.version ?? 0;
    if (from > steps.length) {
      throw new StartError(
        'database',
        `the tables of "${owner}" have version ${from}, this program knows ${steps.length}: the database was written by ` +
          'a newer FunkyGibbon. Install that version again, or restore a backup that was made before the upgrade.',
      );
    }
    if (row && row.checksum !== checksumOf(steps.slice(0, from))) {
      throw new StartError(
        'database',
        `the tables of "${owner}" (version ${from}) were made by a different build of FunkyGibbon. ` +
          'Install the build that made them, or restore a backup of this build.',
      );
    }
    if (from < steps.length)
      pending.push({ owner, from, steps: steps.slice(from), checksum: checksumOf(steps) });
  }
  return pending;
}

/** Applies all pending steps; to be called in one transaction, so that a failure leaves the file as it was. */
export function applyMigrations(tx: Tx, pending: readonly PendingMigration[]): void {
  for (const { owner, from, steps, checksum } of pending) {
    for (const step of steps) {
      if (typeof step === 'string') tx.exec(step);
      else step(tx);
    }
    tx.run(
      `INSERT INTO schema_version (owner, version, checksum) VALUES (?, ?, ?)
       ON CONFLICT (owner) DO UPDATE SET version = excluded.version, checksum = excluded.checksum`,
      owner,
      from + steps.length,
      checksum,
    );
  }
}

/** Function steps count by position only: their text changes with every build. */
function checksumOf(steps: readonly MigrationStep[]): string {
  const hash = createHash('sha256');
  for (const step of steps) hash.update(typeof step === 'string' ? step : '\u0001');
  return hash.digest('hex');
}

/**
 * Copies the database to `<folder>/before-migration-<stamp>.db`, reads the copy in full and syncs it, so that a bad
 * migration can be undone. The name appears only when the copy is known to be good.
 * @returns the path of the copy.
 */
export function writeVerifiedCopy(connection: DatabaseSync, file: string, stamp: string): string {
  const folder = join(dirname(file), 'backups');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const target = join(folder, `before-migration-${stamp.replaceAll(':', '')}.db`);
  const partial = `${target}.part`;
  rmSync(partial, { force: true });
  connection.prepare('VACUUM INTO ?').run(partial);
  const copy = new DatabaseSync(partial, { readOnly: true });
  try {
    const row = copy.prepare('PRAGMA integrity_check(1)').get() as { integrity_check: string };
    if (row.integrity_check !== 'ok') throw new Error(`the copy is damaged: ${row.integrity_check}`);
  } finally {
    copy.close();
  }
  fsyncPath(partial);
  renameSync(partial, target);
  fsyncPath(folder);
  // The folder may be new: without this a power cut could leave the migrated database and no copy.
  fsyncPath(dirname(file));
  return target;
}

/** Syncs a file or a directory (a rename is durable only once its directory is). */
export function fsyncPath(path: string): void {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
