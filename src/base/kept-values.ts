import type { Migrations } from './migrations.ts';
import type { Tx } from './db.ts';
import type { Store } from './store.ts';

export const keptValueTables: Migrations = {
  owner: 'kept',
  steps: [
    `CREATE TABLE kept_value (
      name  TEXT PRIMARY KEY,   -- what it is for: node_id, jwt_secret …
      value TEXT NOT NULL       -- made once, kept for the life of the home; some are secrets
    ) STRICT, WITHOUT ROWID;`,
  ],
};

/**
 * Reads the value kept under `name`, or makes it with `make` and keeps it. Identities and generated secrets live in
 * the database so that one file, and one backup, holds everything a home needs.
 */
export function keepValue(store: Store, name: string, make: () => string): string {
  return (
    readKeptValue(store, name) ??
    store.write((tx) => {
      const value = make();
      tx.run('INSERT INTO kept_value (name, value) VALUES (?, ?)', name, value);
      return value;
    })
  );
}

/** The value kept under `name`, or undefined when none was made yet. */
export function readKeptValue(store: Store, name: string): string | undefined {
  return store.db.get<{ value: string }>('SELECT value FROM kept_value WHERE name = ?', name)?.value;
}

/** The same for a value that is a secret: sealed where the store has a passphrase. */
export function keepSecret(store: Store, name: string, make: () => string): string {
  return store.secrets.open(
    nameOf(name),
    keepValue(store, name, () => store.secrets.seal(nameOf(name), make())),
  );
}

/** The secret kept under `name`, or undefined when none was made yet. */
export function readKeptSecret(store: Store, name: string): string | undefined {
  const kept = readKeptValue(store, name);
  return kept === undefined ? undefined : store.secrets.open(nameOf(name), kept);
}

/** Replaces (or with null removes) the value kept under `name`. */
export function replaceKeptValue(store: Store, name: string, value: string | null): void {
  store.write((tx) => writeKeptValue(tx, name, value));
}

/** The same in a transaction that is under way. */
export function writeKeptValue(tx: Tx, name: string, value: string | null): void {
  if (value === null) tx.run('DELETE FROM kept_value WHERE name = ?', name);
  else {
    tx.run(
      'INSERT INTO kept_value (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value',
      name,
      value,
    );
  }
}

function nameOf(name: string): string {
  return `kept_value/${name}`;
}
