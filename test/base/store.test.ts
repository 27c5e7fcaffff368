import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import type { Migrations } from '../../src/base/migrations.ts';

import { ManualClock } from '../../src/base/clock.ts';
import { HubError, StartError } from '../../src/base/errors.ts';
import { keepValue, keptValueTables } from '../../src/base/kept-values.ts';
import { silentLogger } from '../../src/base/log.ts';
import { Store } from '../../src/base/store.ts';

const notes: Migrations = {
  owner: 'notes',
  steps: ['CREATE TABLE note (key INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT;'],
};

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'store-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

async function openStore(
  migrations: readonly Migrations[] = [notes],
  walLimitBytes?: number,
): Promise<Store> {
  return await Store.open({
    file: join(folder, 'hub.db'),
    clock: new ManualClock(),
    log: silentLogger,
    migrations,
    ...(walLimitBytes === undefined ? {} : { walLimitBytes }),
  });
}

describe('transactions', () => {
  test('a body that throws leaves nothing behind', async () => {
    await using store = await openStore();
    expect(() =>
      store.write((tx) => {
        tx.run('INSERT INTO note (text) VALUES (?)', 'lost');
        throw new Error('no');
      }),
    ).toThrow('no');
    expect(store.db.all('SELECT * FROM note')).toEqual([]);
    store.write((tx) => tx.run('INSERT INTO note (text) VALUES (?)', 'kept'));
    expect(store.db.get<{ text: string }>('SELECT text FROM note')?.text).toBe('kept');
  });

  test('a body that returns a promise is refused and rolled back', async () => {
    await using store = await openStore();
    expect(() =>
      store.write(async (tx) => {
        tx.run('INSERT INTO note (text) VALUES (?)', 'half');
        await Promise.resolve();
      }),
    ).toThrow(TypeError);
    expect(store.db.all('SELECT * FROM note')).toEqual([]);
  });

  test('a transaction inside a transaction is refused', async () => {
    await using store = await openStore();
    expect(() => store.write(() => store.write(() => 1))).toThrow('already open');
  });

  test('a write after the store was closed says that the hub is shutting down', async () => {
    const store = await openStore();
    await store[Symbol.asyncDispose]();
    await store[Symbol.asyncDispose]();
    expect(() => store.write(() => 1)).toThrow(HubError);
  });
});

describe('durability', () => {
  test('commits that wait together share a sync, and one that is durable already needs none', async () => {
    await using store = await openStore();
    for (let i = 0; i < 50; i++) store.write((tx) => tx.run('INSERT INTO note (text) VALUES (?)', `n${i}`));
    const before = store.counters.syncs;
    await Promise.all(Array.from({ length: 50 }, async () => await store.durable()));
    expect(store.counters.syncs - before).toBe(1);
    await store.durable();
    expect(store.counters.syncs - before).toBe(1);
  });

  test('a commit made while a sync runs waits for the next one', async () => {
    await using store = await openStore();
    const before = store.counters.syncs;
    store.write((tx) => tx.run('INSERT INTO note (text) VALUES (?)', 'a'));
    const first = store.durable();
    store.write((tx) => tx.run('INSERT INTO note (text) VALUES (?)', 'b'));
    await Promise.all([first, store.durable()]);
    expect(store.counters.syncs - before).toBe(2);
  });

  test('a checkpoint empties the log off the event loop and loses nothing', async () => {
    await using store = await openStore([notes], 64 * 1024);
    for (let i = 0; i < 200; i++)
      store.write((tx) => tx.run('INSERT INTO note (text) VALUES (?)', 'x'.repeat(2000)));
    const result = await store.checkpoint();
    expect(result.complete).toBe(true);
    store.write((tx) => tx.run('INSERT INTO note (text) VALUES (?)', 'after'));
    await store.durable();
    expect(store.db.get<{ n: number }>('SELECT count(*) AS n FROM note')?.n).toBe(201);
  });

  test('closing leaves one database file that holds everything', async () => {
    const store = await openStore();
    store.write((tx) => tx.run('INSERT INTO note (text) VALUES (?)', 'kept'));
    await store[Symbol.asyncDispose]();
    expect(readdirSync(folder)).toEqual(['hub.db']);
  });
});

describe('migrations', () => {
  test('a new step is applied after a verified copy was made', async () => {
    {
      await using store = await openStore();
      store.write((tx) => tx.run('INSERT INTO note (text) VALUES (?)', 'old'));
    }
    const next = {
      ...notes,
      steps: [...notes.steps, `ALTER TABLE note ADD COLUMN colour TEXT NOT NULL DEFAULT 'red';`],
    };
    await using store = await openStore([next]);
    expect(store.db.get('SELECT text, colour FROM note')).toEqual({ text: 'old', colour: 'red' });
    const [copy] = readdirSync(join(folder, 'backups'));
    using before = new DatabaseSync(join(folder, 'backups', String(copy)), { readOnly: true });
    expect(before.prepare('SELECT * FROM note').all()).toEqual([{ key: 1, text: 'old' }]);
  });

  test('a step that fails leaves the database as it was', async () => {
    await (await openStore())[Symbol.asyncDispose]();
    const broken = {
      ...notes,
      steps: [...notes.steps, 'CREATE TABLE other (x INTEGER) STRICT; SELECT no_such(1);'],
    };
    await expect(openStore([broken])).rejects.toThrow(StartError);
    await using store = await openStore();
    expect(store.db.all(`SELECT name FROM sqlite_schema WHERE name = 'other'`)).toEqual([]);
  });

  test('a database of a newer version is refused with what to do', async () => {
    const newer = { ...notes, steps: [...notes.steps, 'ALTER TABLE note ADD COLUMN a INTEGER;'] };
    await (await openStore([newer]))[Symbol.asyncDispose]();
    await expect(openStore()).rejects.toThrow(/newer FunkyGibbon.*Install that version again/);
  });

  test('a released step that was edited is noticed', async () => {
    await (await openStore())[Symbol.asyncDispose]();
    const edited = { ...notes, steps: ['CREATE TABLE note (key INTEGER PRIMARY KEY) STRICT;'] };
    await expect(openStore([edited])).rejects.toThrow(/different build/);
  });

  test('a file that is not a database is refused and left alone', async () => {
    writeFileSync(
      join(folder, 'hub.db'),
      'this is not a database, but it is long enough to be taken for one'.repeat(20),
    );
    await expect(openStore()).rejects.toThrow(/not a SQLite database/);
    expect(readdirSync(folder)).toEqual(['hub.db']);
  });
});

test('a kept value is made once', async () => {
  {
    await using store = await openStore([keptValueTables]);
    expect(keepValue(store, 'node_id', () => 'first')).toBe('first');
  }
  await using store = await openStore([keptValueTables]);
  expect(keepValue(store, 'node_id', () => 'second')).toBe('first');
});
