import type { Db, Tx } from '../../src/base/db.ts';
import type { Migrations } from '../../src/base/migrations.ts';

import { Random } from './random.ts';

/*
 * The data that the workload writes. What transaction `n` does follows from `n` alone, so that the checker knows the
 * whole database for every number of transactions, and a state that is not one of them is damage.
 */

const STEPS = [
  `
  CREATE TABLE txn (n INTEGER PRIMARY KEY, last_seq INTEGER NOT NULL) STRICT;
  CREATE TABLE version (seq INTEGER PRIMARY KEY, entity INTEGER NOT NULL, content TEXT NOT NULL) STRICT;
  CREATE INDEX version_by_entity ON version (entity, seq);
  CREATE TABLE latest (entity INTEGER PRIMARY KEY, seq INTEGER NOT NULL) STRICT;
  CREATE TABLE slot (name TEXT PRIMARY KEY, n INTEGER NOT NULL, body BLOB NOT NULL) STRICT, WITHOUT ROWID;
  `,
  `
  CREATE TABLE label (seq INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT;
  INSERT INTO label SELECT seq, 'label ' || seq FROM version;
  ALTER TABLE latest ADD COLUMN seen INTEGER;
  `,
];

/** The tables as the first `steps` steps make them. */
export function householdTables(steps: number): Migrations {
  return { owner: 'household', steps: STEPS.slice(0, steps) };
}

export const ALL_STEPS = STEPS.length;

interface Change {
  entity: number;
  content: string;
}

interface Transaction {
  changes: Change[];
  slot: string;
  /** Null deletes the slot. */
  body: Uint8Array | null;
}

const ENTITIES = 300;
const SLOTS = 41;
const LARGE_EVERY = 97;

function transaction(n: number): Transaction {
  const random = new Random(n);
  const count = n % LARGE_EVERY === 0 ? 200 : 1 + random.below(3);
  const changes = Array.from({ length: count }, () => {
    const entity = random.below(ENTITIES);
    return { entity, content: `{"by":${n},"of":${entity},"text":"${'x'.repeat(random.below(500))}"}` };
  });
  const body = random.chance(0.1) ? null : new Uint8Array(random.below(1500)).fill(n % 256);
  return { changes, slot: `slot ${random.below(SLOTS)}`, body };
}

/** Transaction `n`, which must follow `n - 1`. */
export function writeTransaction(tx: Tx, n: number, steps: number): void {
  const { changes, slot, body } = transaction(n);
  let seq = tx.get<{ seq: number | null }>('SELECT max(seq) AS seq FROM version')?.seq ?? 0;
  for (const { entity, content } of changes) {
    seq += 1;
    tx.run('INSERT INTO version (seq, entity, content) VALUES (?, ?, ?)', seq, entity, content);
    tx.run(
      'INSERT INTO latest (entity, seq) VALUES (?, ?) ON CONFLICT (entity) DO UPDATE SET seq = excluded.seq',
      entity,
      seq,
    );
    if (steps > 1) tx.run('INSERT INTO label (seq, text) VALUES (?, ?)', seq, `label ${seq}`);
  }
  if (body === null) tx.run('DELETE FROM slot WHERE name = ?', slot);
  else {
    tx.run(
      'INSERT INTO slot (name, n, body) VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE SET n = excluded.n, body = excluded.body',
      slot,
      n,
      body,
    );
  }
  tx.run('INSERT INTO txn (n, last_seq) VALUES (?, ?)', n, seq);
}

export function countTransactions(db: Db): number {
  return db.get<{ n: number | null }>('SELECT max(n) AS n FROM txn')?.n ?? 0;
}

/** All rows, each table in a fixed order. */
export interface HouseholdState {
  txn: { n: number; last_seq: number }[];
  version: { seq: number; entity: number; content: string }[];
  byEntity: { entity: number; seq: number }[];
  latest: { entity: number; seq: number }[];
  slot: { name: string; n: number; length: number; last: string }[];
  label: { seq: number; text: string }[];
}

/** What `readHousehold` returns after the transactions 1 to `last`, worked out without a database. */
export function expectedHousehold(last: number, steps: number): HouseholdState {
  const latest = new Map<number, number>();
  const slots = new Map<string, HouseholdState['slot'][number]>();
  const state: HouseholdState = { txn: [], version: [], byEntity: [], latest: [], slot: [], label: [] };
  for (let n = 1; n <= last; n++) {
    const { changes, slot, body } = transaction(n);
    for (const { entity, content } of changes) {
      const seq = state.version.length + 1;
      state.version.push({ seq, entity, content });
      latest.set(entity, seq);
      if (steps > 1) state.label.push({ seq, text: `label ${seq}` });
    }
    const lastByte = body?.at(-1)?.toString(16).toUpperCase().padStart(2, '0') ?? '';
    if (body === null) slots.delete(slot);
    else slots.set(slot, { name: slot, n, length: body.length, last: lastByte });
    state.txn.push({ n, last_seq: state.version.length });
  }
  state.byEntity = state.version
    .map(({ entity, seq }) => ({ entity, seq }))
    .toSorted((a, b) => a.entity - b.entity || a.seq - b.seq);
  state.latest = [...latest]
    .map(([entity, seq]) => ({ entity, seq }))
    .toSorted((a, b) => a.entity - b.entity);
  state.slot = [...slots.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
  return state;
}

/** Every row of every table, after the first `steps` steps, in an order that does not depend on the file. */
export function readHousehold(db: Db, steps: number): HouseholdState {
  return {
    txn: db.all('SELECT n, last_seq FROM txn ORDER BY n'),
    version: db.all('SELECT seq, entity, content FROM version ORDER BY seq'),
    byEntity: db.all('SELECT entity, seq FROM version INDEXED BY version_by_entity ORDER BY entity, seq'),
    latest: db.all('SELECT entity, seq FROM latest ORDER BY entity'),
    slot: db.all(
      'SELECT name, n, length(body) AS length, hex(substr(body, -1)) AS last FROM slot ORDER BY name',
    ),
    label: steps > 1 ? db.all('SELECT seq, text FROM label ORDER BY seq') : [],
  };
}
