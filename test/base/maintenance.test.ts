import { openSync, closeSync, statSync, writeSync } from 'node:fs';
import { expect, test } from 'vitest';

import type { Store } from '../../src/base/store.ts';

import { findDamage, readFileSize, refreshStatistics, shrinkFile } from '../../src/base/maintenance.ts';
import { openTestStore, temporaryFolder } from '../support/store.ts';

const TABLE =
  'CREATE TABLE filler (key INTEGER PRIMARY KEY, kind INTEGER, text TEXT) STRICT; CREATE INDEX f ON filler (kind);';
const { signal } = new AbortController();

async function openFilled(folder: string, rows: number): Promise<Store> {
  const store = await openTestStore(folder, [{ owner: 'filler', steps: [TABLE] }]);
  store.write((tx) => {
    for (let i = 0; i < rows; i++) {
      tx.run('INSERT INTO filler (kind, text) VALUES (?, ?)', i % 10, 'x'.repeat(1000));
    }
  });
  return store;
}

test('free space goes back to the disk in short steps, but for what the next writes need', async () => {
  using folder = temporaryFolder();
  await using store = await openFilled(folder.path, 20_000);
  expect(await shrinkFile(store, signal)).toBe(0);
  store.write((tx) => tx.run('DELETE FROM filler WHERE key > 2000'));
  await store.checkpoint();
  const before = statSync(store.file).size;
  const returned = await shrinkFile(store, signal);
  await store.checkpoint();
  const { freeBytes, bytes } = readFileSize(store);
  expect(returned).toBeGreaterThan(10_000_000);
  expect(before - statSync(store.file).size).toBe(returned);
  expect(statSync(store.file).size).toBe(bytes);
  expect(freeBytes).toBeGreaterThan(3_900_000);
  expect(store.db.get('SELECT count(*) AS n FROM filler')).toEqual({ n: 2000 });
  await expect(shrinkFile(store, AbortSignal.abort(new Error('stop')))).resolves.toBe(0);
  expect(await findDamage(store.file, signal)).toEqual([]);
});

test('statistics are made once there is something to tell', async () => {
  using folder = temporaryFolder();
  await using store = await openFilled(folder.path, 2000);
  expect(await refreshStatistics(store, signal)).toBe(1);
  const stat = store.db.get<{ idx: string; stat: string }>('SELECT idx, stat FROM sqlite_stat1');
  expect(stat?.idx).toBe('f');
  expect(Number(stat?.stat.split(' ')[0])).toBeGreaterThan(1000);
  // Nothing has changed since, and small tables are left out for good.
  expect(await refreshStatistics(store, signal)).toBe(1);
});

test('damage is found by a thread of its own, which can be told to end', async () => {
  using folder = temporaryFolder();
  const { file } = await (async () => {
    await using store = await openFilled(folder.path, 5000);
    return store;
  })();
  const fd = openSync(file, 'r+');
  writeSync(fd, Buffer.alloc(2048, 0xff), 0, 2048, 2048 * 400);
  closeSync(fd);
  expect((await findDamage(file, signal)).length).toBeGreaterThan(0);
  const header = openSync(file, 'r+');
  writeSync(header, Buffer.alloc(64, 0xff), 0, 64, 0);
  closeSync(header);
  expect(await findDamage(file, signal)).toEqual([expect.stringContaining('not a database')]);
  const stop = new AbortController();
  const check = findDamage(file, stop.signal);
  stop.abort(new Error('The hub stops.'));
  await expect(check).rejects.toThrow('The hub stops.');
  await expect(findDamage(`${file}.not`, signal)).rejects.toThrow();
});
