import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { readTogether } from '../../src/base/db.ts';
import { temporaryFolder } from '../support/store.ts';
import { openSyncHome, TestPhone, type SyncHome } from './sync-home.ts';

let folder: ReturnType<typeof temporaryFolder>;
let home: SyncHome;

beforeEach(async () => {
  folder = temporaryFolder();
  home = await openSyncHome(folder.path);
});
afterEach(async () => {
  await home[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

describe('a client that has seen everything before its push', () => {
  it('is past its own rows with the answer, and gets what others do after it', async () => {
    const [anna, ben] = [new TestPhone(home, 'anna-phone'), new TestPhone(home, 'bens-phone')];
    await anna.sync([anna.create('hall', { name: 'Hall' }), anna.create('attic', { name: 'Attic' })]);
    await ben.sync([ben.create('cellar', { name: 'Cellar' })]);
    expect((await anna.sync()).changes.map(({ entity_id }) => entity_id)).toEqual(['cellar']);
    expect((await ben.sync()).changes).toEqual([]);
  });

  it('gets what was written between its cursor and its push', async () => {
    const [anna, ben] = [new TestPhone(home, 'anna-phone'), new TestPhone(home, 'bens-phone')];
    await anna.sync();
    await ben.sync([ben.create('cellar', { name: 'Cellar' })]);
    const { changes } = await anna.sync([anna.create('hall', { name: 'Hall' })]);
    expect(changes.map(({ entity_id }) => entity_id)).toEqual(['cellar']);
    expect((await anna.sync()).changes).toEqual([]);
  });

  it('gets the edges that its deletion has ended', async () => {
    const anna = new TestPhone(home, 'anna-phone', { protocol: 'inbetweenies-v1.1' });
    const lamp = anna.create('lamp', { name: 'Lamp' }, 'device');
    const edge = anna.edge('e1', 'lamp', 'hall');
    await anna.sync([lamp, anna.create('hall', { name: 'Hall' })], { relationship_changes: [edge] });
    const { relationship_changes: edges } = await anna.sync([anna.delete(lamp)]);
    expect(edges).toMatchObject([{ relationship_id: 'e1', change_type: 'delete' }]);
  });

  it('gets the version that joins its own with another, once', async () => {
    const [anna, ben] = [new TestPhone(home, 'anna-phone'), new TestPhone(home, 'bens-phone')];
    const hall = anna.create('hall', { name: 'Hall', floor: 0 });
    await anna.sync([hall]);
    await ben.pullAll();
    await ben.sync([ben.update(hall, { name: 'Entrance' })]);
    await anna.sync();
    const late = anna.update(hall, { floor: 1 });
    const { changes } = await anna.sync([late]);
    expect(changes.map(({ content }) => content)).toEqual([{ name: 'Entrance', floor: 1 }]);
    expect((await anna.sync()).changes).toEqual([]);
  });
});

describe('reads under one lock', () => {
  it('give the lock back, also when one of them fails', () => {
    const { db } = home.store;
    expect(() =>
      readTogether(db, () => {
        throw new Error('a read failed');
      }),
    ).toThrow('a read failed');
    const seen: unknown[] = [];
    readTogether(db, () => seen.push(db.get('SELECT 1 AS one')));
    expect(seen).toEqual([{ one: 1 }]);
    // A checkpoint that may truncate needs that nobody reads.
    expect(db.get('PRAGMA wal_checkpoint(TRUNCATE)')).toMatchObject({ busy: 0 });
  });
});
