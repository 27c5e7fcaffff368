import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { temporaryFolder } from '../../support/store.ts';
import { openSyncHome, type SyncHome } from '../sync-home.ts';
import { entity, ids, served, TestClient } from './client.ts';

let folder: ReturnType<typeof temporaryFolder>;
let home: SyncHome;
let client: TestClient;

beforeEach(async () => {
  folder = temporaryFolder();
  home = await openSyncHome(folder.path);
  client = new TestClient(home);
});
afterEach(async () => {
  await home[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

describe('words', () => {
  test('Q, case is folded, and what nobody knows is imported', async () => {
    const answer = await client.push([
      entity('a', 'v-1', { entity_type: 'DEVICE', source_type: 'API' }),
      entity('b', 'v-1', { entity_type: 'Sensor', source_type: 'None' }),
      entity('c', 'v-1', { entity_type: 'AUTOMATION', source_type: 'HOMEKIT' }),
    ]);
    expect(
      answer.changes.map(({ entity: { entity_type, source_type } }) => [entity_type, source_type]),
    ).toEqual([
      ['device', 'imported'],
      ['sensor', 'imported'],
      ['automation', 'homekit'],
    ]);
  });

  test('an echo of a mapped word keeps the stored one, and a type never changes', async () => {
    const author = { userId: 'hub', deviceId: 'hub' };
    home.graph.transaction((writer) => {
      const content = { name: 'Bulb' };
      writer.createEntity({ id: 'bulb', entityType: 'accessory', content, author, sourceType: 'mqtt' });
    });
    await home.graph.settled();
    const told = served(await client.pull(), 'bulb')?.entity;
    expect(told).toMatchObject({ entity_type: 'device', source_type: 'imported', name: 'Bulb' });
    if (!told) return;
    await client.push([{ ...told, version: 'v-2', parent_versions: [told.version], name: 'Lamp' }]);
    expect(home.graph.latest('bulb')).toMatchObject({
      entityType: 'accessory',
      sourceType: 'mqtt',
      contentJson: '{"name":"Lamp"}',
    });
    await client.push([{ ...told, version: 'v-3', parent_versions: ['v-2'], source_type: 'MANUAL' }]);
    expect(home.graph.latest('bulb')?.sourceType).toBe('manual');
  });

  test('types that v2 has no word for are not told, except to whoever pushed them', async () => {
    const mine = await client.push([entity('snap', 'v-1', { entity_type: 'PHOTO' })]);
    expect(ids(mine)).toEqual(['snap']);
    expect(ids(await client.pull())).toEqual([]);
  });

  test('entity.name and content.name are one: entity.name wins', async () => {
    await client.push([entity('kitchen', 'v-1', { name: 'Kitchen', content: { name: 'Other', x: 1 } })]);
    expect(home.graph.latest('kitchen')?.contentJson).toBe('{"name":"Kitchen","x":1}');
  });

  test('nobody passes for the hub, or for somebody else of the home', async () => {
    await client.push([
      entity('kitchen', 'v-1', { user_id: 'hub' }),
      entity('hall', 'v-1', { user_id: 'ben' }),
      entity('attic', 'v-1', { user_id: 'carl' }),
    ]);
    expect(home.graph.latest('kitchen')).toMatchObject({ userId: 'anna', deviceId: 'client-1' });
    expect(home.graph.latest('hall')?.userId).toBe('ben');
    expect(home.graph.latest('attic')?.userId).toBe('anna');
  });

  test('a type rule never fails a batch', async () => {
    const answer = await client.push([
      entity('s', 'v-1', { entity_type: 'schedule', content: { cron: 'nonsense' } }),
    ]);
    expect(answer.applied).toEqual(['s']);
  });
});
