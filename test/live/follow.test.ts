import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import { HubError } from '../../src/base/errors.ts';
import { HUB_AUTHOR } from '../../src/graph/types.ts';
import { TestPhone } from '../sync/sync-home.ts';
import { temporaryFolder } from '../support/store.ts';
import { Client, openLiveHome, type LiveHome, type Message } from './live-home.ts';

let folder: ReturnType<typeof temporaryFolder>;
let hub: LiveHome;

beforeEach(async () => {
  folder = temporaryFolder();
  hub = await openLiveHome(folder.path);
});
afterEach(async () => {
  await hub[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

function create(id: string, entityType = 'device', name = id): void {
  hub.home.graph.transaction((writer) =>
    writer.createEntity({ id, entityType, content: { name }, author: HUB_AUTHOR, sourceType: 'manual' }),
  );
}

function rename(id: string, name: string): void {
  hub.home.graph.transaction((writer) => writer.replaceContent(id, { name }, HUB_AUTHOR));
}

function locate(from: string, to: string): string {
  return hub.home.graph.transaction(
    (writer) =>
      writer.putRelationship({
        fromEntityId: from,
        toEntityId: to,
        relationshipType: 'located_in',
        properties: {},
        author: HUB_AUTHOR,
      }).id,
  );
}

/** Waits until the hub has looked at everything that is in the graph, and the client has heard it. */
async function settle(client: Client): Promise<void> {
  await hub.home.graph.settled();
  await new Promise((resolve) => setImmediate(resolve));
  await new Promise((resolve) => setImmediate(resolve));
  await client.settle();
}

const seqOf = (message: Message): number => Number(String(message['cursor']).split('-').at(-1));

describe('facts', () => {
  test('a change is told with its version, its cursor and the whole entity', async () => {
    const client = await Client.connect(hub.port);
    await client.subscribe({ entity_id: '*' });
    create('lamp');
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
    rename('lamp', 'Lamp');
    expect(await client.next('entity_change', ({ change_type }) => change_type === 'updated')).toMatchObject({
      data: { content: { name: 'Lamp' } },
    });
    hub.home.graph.transaction((writer) => writer.deleteEntity('lamp', HUB_AUTHOR));
    expect(await client.next('entity_change', ({ change_type }) => change_type === 'deleted')).toMatchObject({
      data: { deleted_at: expect.any(String) },
    });
  });

  test('nothing is told before it is durable', async () => {
    const client = await Client.connect(hub.port);
    await client.subscribe({ entity_id: '*' });
    const disk = Promise.withResolvers<void>();
    const durable = vi.spyOn(hub.home.store, 'durable').mockReturnValue(disk.promise);
    create('lamp');
    await client.settle();
    expect(client.of('entity_change')).toEqual([]);
    durable.mockRestore();
    disk.resolve();
    await client.next('entity_change');
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
    await settle(listening);
    expect(listening.of('entity_change')).toHaveLength(1);
  });

  test('a connection hears what it subscribed to, and after unsubscribing no more', async () => {
    create('kitchen', 'room');
    create('lamp');
    create('other');
    await hub.home.graph.settled();
    const byId = await Client.connect(hub.port);
    const byType = await Client.connect(hub.port);
    const nothing = await Client.connect(hub.port);
    await byId.subscribe({ entity_id: 'lamp' });
    await byType.subscribe({ entity_type: 'ROOM' });
    rename('lamp', 'Lamp 2');
    rename('other', 'Other 2');
    rename('kitchen', 'Kitchen 2');
    await Promise.all([byId, byType, nothing].map(settle));
    expect(byId.of('entity_change').map(({ entity_id }) => entity_id)).toEqual(['lamp']);
    expect(byType.of('entity_change').map(({ entity_id }) => entity_id)).toEqual(['kitchen']);
    expect(nothing.of('entity_change')).toEqual([]);

    byId.send({ type: 'unsubscribe', entity_id: 'lamp' });
    expect(await byId.next('unsubscribed')).toMatchObject({ entity_id: 'lamp' });
    rename('lamp', 'Lamp 3');
    await settle(byId);
    expect(byId.of('entity_change')).toHaveLength(1);
  });

  test('a room’s subscriber hears what is in it, what comes, what leaves and what is deleted there', async () => {
    create('kitchen', 'room');
    create('lamp');
    create('other');
    await hub.home.graph.settled();
    const client = await Client.connect(hub.port);
    await client.subscribe({ room_id: 'kitchen' });
    rename('lamp', 'Lamp 2');
    await settle(client);
    locate('lamp', 'kitchen');
    await settle(client);
    expect(client.of('entity_change')).toEqual([]);
    expect(client.of('relationship_change')).toMatchObject([
      { change_type: 'created', from_entity_id: 'lamp', to_entity_id: 'kitchen' },
    ]);
    rename('lamp', 'Lamp 3');
    rename('other', 'Other 2');
    hub.devices.report('lamp', 'on_off', true);
    hub.devices.report('other', 'on_off', true);
    await settle(client);
    expect(client.of('entity_change').map(({ entity_id }) => entity_id)).toEqual(['lamp']);
    expect(client.of('state_change').map(({ entity_id }) => entity_id)).toEqual(['lamp']);
    hub.home.graph.transaction((writer) => writer.deleteEntity('lamp', HUB_AUTHOR));
    await settle(client);
    expect(client.of('entity_change').at(-1)).toMatchObject({ entity_id: 'lamp', change_type: 'deleted' });
    expect(client.of('relationship_change').at(-1)).toMatchObject({ change_type: 'deleted' });
  });

  test('a burst of 1500 changes arrives whole and in the order of seq', async () => {
    const clients = await Promise.all([1, 2, 3].map(async () => await Client.connect(hub.port)));
    for (const client of clients) await client.subscribe({ entity_id: '*' });
    hub.home.graph.transaction((writer) => {
      for (let index = 0; index < 1500; index++) {
        writer.createEntity({
          id: `d${index}`,
          entityType: 'note',
          content: { index },
          author: HUB_AUTHOR,
          sourceType: 'manual',
        });
      }
    });
    for (const client of clients) {
      await vi.waitFor(() => expect(client.of('entity_change')).toHaveLength(1500), { timeout: 8000 });
      const seqs = client.of('entity_change').map(seqOf);
      expect(seqs).toEqual(seqs.toSorted((a, b) => a - b));
    }
  });
});

describe('since', () => {
  test('what was missed comes first, also over a restart of the hub, each once and in order', async () => {
    create('lamp');
    create('plug');
    await hub.home.graph.settled();
    const client = await Client.connect(hub.port);
    const { cursor } = await client.next('connected');
    client.socket.terminate();
    rename('lamp', 'Lamp 2');
    rename('lamp', 'Lamp 3');
    create('late');
    await hub.home.graph.settled();
    await hub[Symbol.asyncDispose]();
    hub = await openLiveHome(folder.path);

    const again = await Client.connect(hub.port);
    again.send({ type: 'subscribe', entity_id: '*', since: cursor });
    create('live');
    await again.next('entity_change', ({ entity_id }) => entity_id === 'live');
    expect(again.of('entity_change').map(({ entity_id }) => entity_id)).toEqual(['lamp', 'late', 'live']);
    expect(again.of('entity_change')[0]).toMatchObject({ data: { content: { name: 'Lamp 3' } } });
    expect(again.messages.map(({ type }) => type).slice(0, 2)).toEqual(['connected', 'subscribed']);
  });

  test('what becomes durable while the missed is being sent comes once, after it', async () => {
    create('missed');
    await hub.home.graph.settled();
    const client = await Client.connect(hub.port);
    const disk = Promise.withResolvers<void>();
    const durable = vi.spyOn(hub.home.store, 'durable').mockReturnValue(disk.promise);
    create('live');
    durable.mockRestore();
    const parse = hub.home.sync.parse.bind(hub.home.sync);
    vi.spyOn(hub.home.sync, 'parse').mockImplementationOnce((since) => {
      disk.resolve();
      return parse(since);
    });
    const since = hub.home.sync.headCursor(0);
    client.send({ type: 'subscribe', entity_id: '*', since });
    await client.next('entity_change', ({ entity_id }) => entity_id === 'live');
    await settle(client);
    expect(client.of('entity_change').map(({ entity_id }) => entity_id)).toEqual(['missed', 'live']);
  });

  test('it brings only what the subscription is about', async () => {
    const client = await Client.connect(hub.port);
    const { cursor } = await client.next('connected');
    create('lamp');
    create('plug');
    await hub.home.graph.settled();
    const again = await Client.connect(hub.port);
    again.send({ type: 'subscribe', entity_id: 'plug', since: cursor });
    await again.next('entity_change');
    await settle(again);
    expect(again.of('entity_change').map(({ entity_id }) => entity_id)).toEqual(['plug']);
  });

  test('a large replay does not make a healthy client slow', async () => {
    const client = await Client.connect(hub.port);
    const { cursor } = await client.next('connected');
    hub.home.graph.transaction((writer) => {
      for (let index = 0; index < 100; index++) {
        writer.createEntity({
          id: `n${index}`,
          entityType: 'note',
          content: { text: 'x'.repeat(100 * 1024) },
          author: HUB_AUTHOR,
          sourceType: 'manual',
        });
      }
    });
    await hub.home.graph.settled();
    const again = await Client.connect(hub.port);
    again.send({ type: 'subscribe', entity_id: '*', since: cursor });
    await vi.waitFor(() => expect(again.of('entity_change')).toHaveLength(100), { timeout: 8000 });
    expect(again.of('resync_required')).toEqual([]);
  });

  test('a cursor of another epoch asks for a sync, and what is no cursor is refused', async () => {
    create('lamp');
    await hub.home.graph.settled();
    const client = await Client.connect(hub.port);
    const since = hub.home.sync.headCursor().replace(hub.home.graph.epoch, '0123456789ab');
    client.send({ type: 'subscribe', entity_id: '*', since });
    expect(await client.next('resync_required')).toEqual({
      type: 'resync_required',
      cursor: since,
    });
    rename('lamp', 'Lamp 2');
    await client.next('entity_change');
    client.send({ type: 'subscribe', entity_id: 'plug', since: 'yesterday' });
    expect(await client.next('error')).toMatchObject({ code: 'INVALID_VECTOR_CLOCK' });
  });

  test('a connection has at most 1000 subscriptions', async () => {
    const client = await Client.connect(hub.port);
    for (let index = 0; index <= 1000; index++) client.send({ type: 'subscribe', entity_id: `e${index}` });
    expect(await client.next('error')).toMatchObject({ code: 'TOO_MANY_SUBSCRIPTIONS' });
    expect(client.of('subscribed')).toHaveLength(1000);
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

describe('a client that reads too slowly', () => {
  test('it is told to sync from its last cursor, gets the last states, and goes on from there', async () => {
    const slow = await Client.connect(hub.port);
    const healthy = await Client.connect(hub.port, 'ben');
    await slow.subscribe({ entity_id: '*' });
    await healthy.subscribe({ entity_id: 'never' });
    slow.socket.pause();
    const text = 'x'.repeat(200 * 1024);
    // More than the kernel's buffers and the hub's limit hold together.
    for (let index = 0; index < 60; index++) {
      hub.home.graph.transaction((writer) =>
        writer.createEntity({
          id: `n${index}`,
          entityType: 'note',
          content: { text },
          author: HUB_AUTHOR,
          sourceType: 'manual',
        }),
      );
      await hub.home.graph.settled();
      await healthy.settle();
    }
    for (let level = 1; level <= 50; level++) hub.devices.report('lamp', 'brightness', level);
    await healthy.settle();
    slow.socket.resume();

    const resync = await slow.next('resync_required');
    const heard = slow.of('entity_change');
    expect(heard.length).toBeLessThan(60);
    expect(String(resync['cursor']).split('-').at(-1)).toBe(String(seqOf(heard.at(-1) as Message)));
    await slow.next('state_change', ({ value }) => value === 50);
    expect(slow.of('state_change')).toHaveLength(1);

    const phone = new TestPhone(hub.home, 'phone-1');
    phone.clock = { server: String(resync['cursor']) };
    const missed = (await phone.pullAll()).flatMap(({ changes }) =>
      changes.map(({ entity_id }) => entity_id),
    );
    const all = [...heard.map(({ entity_id }) => entity_id), ...missed];
    expect(all).toEqual(Array.from({ length: 60 }, (_, index) => `n${index}`));

    create('after');
    await slow.next('entity_change', ({ entity_id }) => entity_id === 'after');
  });

  test('one that only asks and never reads is cut off', async () => {
    const client = await Client.connect(hub.port);
    await vi.waitFor(() => expect(hub.live.connections).toBe(1));
    client.socket.pause();
    const ping = JSON.stringify({ type: 'ping' });
    const ended = once(client.socket, 'close');
    const feed = setInterval(() => {
      for (let index = 0; index < 5000 && client.socket.readyState === client.socket.OPEN; index++) {
        client.socket.send(ping);
      }
    }, 5);
    await vi.waitFor(() => expect(hub.live.connections).toBe(0), { timeout: 15_000 });
    clearInterval(feed);
    client.socket.resume();
    client.socket.terminate();
    await ended;
  });
});

describe('commands', () => {
  test('a command is passed on with its origin and answered with its status', async () => {
    const client = await Client.connect(hub.port);
    const { connection_id: connectionId } = await client.next('connected');
    client.send({ type: 'command', request_id: 'r1', entity_id: 'lamp', capability: 'on_off', value: true });
    expect(await client.next('command_result')).toEqual({
      type: 'command_result',
      request_id: 'r1',
      status: 'confirmed',
    });
    expect(hub.devices.commands).toMatchObject([
      {
        entityId: 'lamp',
        writes: [{ capability: 'on_off', value: true }],
        origin: `ws:${String(connectionId)}`,
      },
    ]);
  });

  test('what the device rules refuse is answered with code and message', async () => {
    const client = await Client.connect(hub.port);
    hub.devices.answer = async () =>
      await Promise.reject(new HubError('invalid', 'brightness must be 1 to 100', { field: 'value' }));
    client.send({ type: 'command', request_id: 1, entity_id: 'lamp', capability: 'brightness', value: 400 });
    expect(await client.next('command_result')).toEqual({
      type: 'command_result',
      request_id: 1,
      error: { code: 'VALIDATION_ERROR', message: 'brightness must be 1 to 100' },
    });
    hub.devices.answer = async () => await Promise.reject(new Error('secret detail'));
    client.send({ type: 'command', request_id: 2, entity_id: 'lamp', capability: 'brightness', value: 4 });
    const result = await client.next('command_result', ({ request_id }) => request_id === 2);
    expect(result['error']).toMatchObject({ code: 'INTERNAL_ERROR' });
    expect(JSON.stringify(result)).not.toContain('secret');
  });

  test('a guest may look and not switch', async () => {
    const guest = await Client.connect(hub.port, 'gast');
    await guest.subscribe({ entity_id: '*' });
    hub.devices.report('lamp', 'on_off', true);
    await guest.next('state_change');
    guest.send({ type: 'command', request_id: 'r1', entity_id: 'lamp', capability: 'on_off', value: true });
    expect(await guest.next('command_result')).toMatchObject({ error: { code: 'FORBIDDEN' } });
    expect(hub.devices.commands).toEqual([]);
  });

  test('a flood of commands without results is refused beyond 32', async () => {
    const client = await Client.connect(hub.port);
    const go = Promise.withResolvers<'sent'>();
    hub.devices.answer = async () => await go.promise;
    for (let index = 0; index < 40; index++) {
      client.send({
        type: 'command',
        request_id: index,
        entity_id: 'lamp',
        capability: 'on_off',
        value: true,
      });
    }
    await client.settle();
    expect(client.of('command_result')).toHaveLength(8);
    go.resolve('sent');
    await vi.waitFor(() => expect(client.of('command_result')).toHaveLength(40));
    client.socket.terminate();
  });
});
