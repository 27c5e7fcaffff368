import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import { TestPhone } from '../sync/sync-home.ts';
import { temporaryFolder } from '../support/store.ts';
import { HomeEdits, seqOf } from './home-edits.ts';
import { Client, openLiveHome, QUICKLY, type LiveHome } from './live-home.ts';

let folder: ReturnType<typeof temporaryFolder>;
let hub: LiveHome;
const edits = new HomeEdits(() => hub);

beforeEach(async () => {
  folder = temporaryFolder();
  hub = await openLiveHome(folder.path);
});
afterEach(async () => {
  await hub[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

describe('facts', () => {
  test('a change is told with its version, its cursor and the whole entity', async () => {
    const client = await Client.connect(hub.port);
    await client.subscribe({ entity_id: '*' });
    edits.create('lamp');
    const message = await client.next('entity_change');
    const lamp = hub.home.graph.entity('lamp');
    expect(message).toEqual({
      type: 'entity_change',
      change_type: 'created',
      entity_id: 'lamp',
      entity_type: 'device',
      version: lamp?.version,
      cursor: hub.home.sync.headCursor(1),
      timestamp: expect.any(String),
      data: expect.objectContaining({ id: 'lamp', content: { name: 'lamp' }, deleted_at: null }),
    });
    edits.rename('lamp', 'Lamp');
    expect(await client.next('entity_change', ({ change_type }) => change_type === 'updated')).toMatchObject({
      data: { content: { name: 'Lamp' } },
    });
    edits.delete('lamp');
    expect(await client.next('entity_change', ({ change_type }) => change_type === 'deleted')).toMatchObject({
      data: { deleted_at: expect.any(String) },
    });
  });

  test('nothing is told before it is durable', async () => {
    const client = await Client.connect(hub.port);
    await client.subscribe({ entity_id: '*' });
    const disk = Promise.withResolvers<void>();
    const durable = vi.spyOn(hub.home.store, 'durable').mockReturnValue(disk.promise);
    edits.create('lamp');
    await client.settle();
    expect(client.of('entity_change')).toEqual([]);
    durable.mockRestore();
    disk.resolve();
    await client.next('entity_change');
  });

  test('a push whose fsync is held back is neither acked nor told; then it is both', async () => {
    const client = await Client.connect(hub.port, 'ben');
    await client.subscribe({ entity_id: '*' });
    const disk = Promise.withResolvers<void>();
    const durable = vi.spyOn(hub.home.store, 'durable').mockReturnValue(disk.promise);
    const phone = new TestPhone(hub.home, 'phone-1');
    let acked = false;
    const pushing = phone.sync([phone.create('kitchen', { name: 'Kitchen' })]).then((answer) => {
      acked = true;
      return answer;
    });
    await vi.waitFor(() => expect(hub.home.graph.latest('kitchen')).toBeDefined(), QUICKLY);
    await client.settle();
    expect([acked, client.of('entity_change').length]).toEqual([false, 0]);
    durable.mockRestore();
    disk.resolve();
    const { applied } = await pushing;
    expect(await client.next('entity_change')).toMatchObject({ entity_id: 'kitchen', version: applied[0] });
  });

  test('two phones: what one pushes by sync the other hears', async () => {
    const listening = await Client.connect(hub.port, 'ben');
    await listening.subscribe({ entity_type: 'room' });
    const phone = new TestPhone(hub.home, 'phone-1');
    const kitchen = phone.create('kitchen', { name: 'Kitchen' });
    await phone.sync([kitchen, phone.create('lamp', { name: 'Lamp' }, 'device')]);
    expect(await listening.next('entity_change')).toMatchObject({
      entity_id: 'kitchen',
      version: kitchen.entity_version,
    });
    await edits.settle(listening);
    expect(listening.of('entity_change')).toHaveLength(1);
  });

  test('a connection hears what it subscribed to, and after unsubscribing no more', async () => {
    edits.create('kitchen', 'room');
    edits.create('lamp');
    edits.create('other');
    await hub.home.graph.settled();
    const byId = await Client.connect(hub.port);
    const byType = await Client.connect(hub.port);
    const nothing = await Client.connect(hub.port);
    await byId.subscribe({ entity_id: 'lamp' });
    await byType.subscribe({ entity_type: 'ROOM' });
    edits.rename('lamp', 'Lamp 2');
    edits.rename('other', 'Other 2');
    edits.rename('kitchen', 'Kitchen 2');
    await Promise.all([byId, byType, nothing].map(async (client) => await edits.settle(client)));
    expect(byId.of('entity_change').map(({ entity_id }) => entity_id)).toEqual(['lamp']);
    expect(byType.of('entity_change').map(({ entity_id }) => entity_id)).toEqual(['kitchen']);
    expect(nothing.of('entity_change')).toEqual([]);

    byId.send({ type: 'unsubscribe', entity_id: 'lamp' });
    expect(await byId.next('unsubscribed')).toMatchObject({ entity_id: 'lamp' });
    edits.rename('lamp', 'Lamp 3');
    await edits.settle(byId);
    expect(byId.of('entity_change')).toHaveLength(1);
  });

  test('a room’s subscriber hears what is in it, what comes, what leaves and what is deleted there', async () => {
    edits.create('kitchen', 'room');
    edits.create('lamp');
    edits.create('other');
    await hub.home.graph.settled();
    const client = await Client.connect(hub.port);
    await client.subscribe({ room_id: 'kitchen' });
    edits.rename('lamp', 'Lamp 2');
    await edits.settle(client);
    edits.locate('lamp', 'kitchen');
    await edits.settle(client);
    expect(client.of('entity_change')).toEqual([]);
    expect(client.of('relationship_change')).toMatchObject([
      { change_type: 'created', from_entity_id: 'lamp', to_entity_id: 'kitchen' },
    ]);
    edits.rename('lamp', 'Lamp 3');
    edits.rename('other', 'Other 2');
    hub.devices.report('lamp', 'on_off', true);
    hub.devices.report('other', 'on_off', true);
    await edits.settle(client);
    expect(client.of('entity_change').map(({ entity_id }) => entity_id)).toEqual(['lamp']);
    expect(client.of('state_change').map(({ entity_id }) => entity_id)).toEqual(['lamp']);
    edits.delete('lamp');
    await edits.settle(client);
    expect(client.of('entity_change').at(-1)).toMatchObject({ entity_id: 'lamp', change_type: 'deleted' });
    expect(client.of('relationship_change').at(-1)).toMatchObject({ change_type: 'deleted' });
  });

  test('a burst of 1500 changes arrives whole and in the order of seq', async () => {
    const clients = await Promise.all([1, 2, 3].map(async () => await Client.connect(hub.port)));
    for (const client of clients) await client.subscribe({ entity_id: '*' });
    edits.createNotes(Array.from({ length: 1500 }, (_, index) => `d${index}`));
    for (const client of clients) {
      await vi.waitFor(() => expect(client.of('entity_change')).toHaveLength(1500), { timeout: 8000 });
      const seqs = client.of('entity_change').map(seqOf);
      expect(seqs).toEqual(seqs.toSorted((a, b) => a - b));
    }
  });
});

describe('states', () => {
  test('a report reaches every subscriber, and nobody else', async () => {
    const one = await Client.connect(hub.port);
    const two = await Client.connect(hub.port, 'ben');
    const three = await Client.connect(hub.port);
    await one.subscribe({ entity_id: '*' });
    await two.subscribe({ entity_id: 'lamp' });
    await three.subscribe({ entity_id: 'plug' });
    hub.devices.report('lamp', 'on_off', true, Date.UTC(2026, 0, 1));
    for (const client of [one, two]) {
      expect(await client.next('state_change')).toEqual({
        type: 'state_change',
        entity_id: 'lamp',
        capability: 'on_off',
        value: true,
        timestamp: '2026-01-01T00:00:00.000Z',
      });
    }
    await three.settle();
    expect(three.of('state_change')).toEqual([]);
  });

  test('it is handed to the sockets on the very turn in which it was reported', async () => {
    const client = await Client.connect(hub.port);
    await client.subscribe({ entity_id: '*' });
    const written = vi.spyOn((await import('node:net')).Socket.prototype, 'write');
    hub.devices.report('lamp', 'on_off', false);
    expect(written).toHaveBeenCalled();
    written.mockRestore();
    await client.next('state_change');
  });

  test('every report is told, in order, to a client that reads', async () => {
    const client = await Client.connect(hub.port);
    await client.subscribe({ entity_id: '*' });
    for (let level = 1; level <= 100; level++) hub.devices.report('lamp', 'brightness', level);
    await client.settle();
    expect(client.of('state_change').map(({ value }) => value)).toEqual(
      Array.from({ length: 100 }, (_, index) => index + 1),
    );
  });
});
