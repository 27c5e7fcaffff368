import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

import { systemClock } from '../../src/base/clock.ts';
import { errorText } from '../../src/base/errors.ts';
import { silentLogger } from '../../src/base/log.ts';
import { Store } from '../../src/base/store.ts';
import {
  type HouseholdState,
  countTransactions,
  expectedHousehold,
  householdTables,
  readHousehold,
} from './household.ts';

/** What the process had told the world before the power went. */
export interface Told {
  /** The migrations of the program that ran last. */
  steps: number;
  /** The migrations that it had reported as done; 0 before the first. */
  openedSteps: number;
  /** The highest transaction that was acknowledged. */
  acked: number;
}

export type Verdict =
  | { kind: 'ok' }
  /** Cannot be opened, fails SQLite's check, or holds a state that no number of transactions leads to. */
  | { kind: 'corrupt'; detail: string }
  /** The tables that the process had reported as made are not there. */
  | { kind: 'schema gone'; detail: string }
  /** The last `missing` acknowledged transactions are gone, so sequence numbers that were told will be used again. */
  | { kind: 'acked missing'; missing: number; detail: string }
  /** Migrated, and the copy made before is not there or not whole. */
  | { kind: 'copy missing'; detail: string };

/** Opens the image as the hub would after the power is back, and compares it with what was told. */
export async function checkImage(folder: string, told: Told): Promise<Verdict> {
  const copies = listCopies(folder);
  try {
    // Read aside, so that the store itself has to recover the files as the power cut left them.
    const { schema, integrity } = inspectAside(folder);
    if (integrity !== 'ok') return { kind: 'corrupt', detail: integrity };
    if (schema < told.openedSteps) {
      return { kind: 'schema gone', detail: `version ${schema}, told ${told.openedSteps}` };
    }
    if (schema > 1 && !copies.some(isWhole))
      return { kind: 'copy missing', detail: `${copies.length} copies` };

    await using store = await Store.open({
      file: join(folder, 'hub.db'),
      clock: systemClock,
      log: silentLogger,
      migrations: [householdTables(told.steps)],
    });
    const recovered = countTransactions(store.db);
    const difference = firstDifference(
      readHousehold(store.db, told.steps),
      expectedHousehold(recovered, told.steps),
    );
    if (difference !== undefined)
      return { kind: 'corrupt', detail: `not a state after ${recovered}: ${difference}` };
    if (recovered < told.acked) {
      const missing = told.acked - recovered;
      return { kind: 'acked missing', missing, detail: `${recovered} recovered, ${told.acked} acknowledged` };
    }
    return { kind: 'ok' };
  } catch (error) {
    return { kind: 'corrupt', detail: errorText(error) };
  }
}

/** Opens a copy of the image with plain SQLite. */
function inspectAside(folder: string): { schema: number; integrity: string } {
  const aside = mkdtempSync(`${folder}-aside-`);
  try {
    for (const name of readdirSync(folder)) {
      if (name.startsWith('hub.db')) cpSync(join(folder, name), join(aside, name));
    }
    if (!existsSync(join(aside, 'hub.db'))) return { schema: 0, integrity: 'ok' };
    const db = new DatabaseSync(join(aside, 'hub.db'));
    try {
      return { schema: schemaVersion(db), integrity: integrityOf(db) };
    } finally {
      db.close();
    }
  } finally {
    rmSync(aside, { recursive: true });
  }
}

function schemaVersion(db: DatabaseSync): number {
  if (!db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'schema_version'").get()) return 0;
  const row = db.prepare("SELECT version FROM schema_version WHERE owner = 'household'").get();
  return typeof row?.['version'] === 'number' ? row['version'] : 0;
}

function integrityOf(db: DatabaseSync): string {
  return String(db.prepare('PRAGMA integrity_check(1)').get()?.['integrity_check']);
}

/** Copies that the store made before it migrated. */
function listCopies(folder: string): string[] {
  const backups = join(folder, 'backups');
  if (!existsSync(backups)) return [];
  return readdirSync(backups)
    .filter((name) => name.endsWith('.db'))
    .map((name) => join(backups, name));
}

function isWhole(copy: string): boolean {
  try {
    const db = new DatabaseSync(copy, { readOnly: true });
    try {
      return integrityOf(db) === 'ok' && schemaVersion(db) === 1;
    } finally {
      db.close();
    }
  } catch {
    return false;
  }
}

function firstDifference(found: HouseholdState, expected: HouseholdState): string | undefined {
  for (const table of Object.keys(expected) as (keyof HouseholdState)[]) {
    const rows = expected[table];
    const foundRows = found[table];
    if (JSON.stringify(foundRows) === JSON.stringify(rows)) continue;
    return `${table} has ${foundRows.length} rows, expected ${rows.length}, or their contents differ`;
  }
  return undefined;
}
