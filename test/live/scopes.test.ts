import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import { HUB_AUTHOR } from '../../src/graph/types.ts';
import { principal } from '../sync/sync-home.ts';
import { temporaryFolder } from '../support/store.ts';
import { HomeEdits, idsOf } from './home-edits.ts';
import { Client, openLiveHome, person, QUICKLY, type LiveHome } from './live-home.ts';

let folder: ReturnType<typeof temporaryFolder>;
let hub: LiveHome;
let ben: Client;
const edits = new HomeEdits(() => hub);

beforeEach(async () => {
  folder = temporaryFolder();
  hub = await openLiveHome(folder.path);
  limit(['kitchen']);
  edits.create('house', 'home');
  edits.create('kitchen', 'room');
  edits.create('cellar', 'room');
  for (const id of ['lamp', 'boiler']) edits.create(id);
  edits.locate('lamp', 'kitchen');
  edits.locate('boiler', 'cellar');
  await hub.home.graph.settled();
  ben = await Client.connect(hub.port, 'ben');
});
afterEach(async () => {
  await hub[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

function limit(rooms: readonly string[] | null): void {
  hub.tokens.set('ben-token', { ...person('ben'), ...(rooms ? { rooms } : {}) });
}

/** The cursor that a sync of Ben's gives now. */
async function cursorOfSync(rooms: readonly string[], cursor?: unknown): Promise<[string, boolean]> {
  const body = {
    protocol_version: 'inbetweenies-v1.1',
    device_id: 'ben-phone',
    user_id: 'ben',
    vector_clock: cursor === undefined ? {} : { server: cursor },
    changes: [],
  };
  const answer = JSON.parse(await hub.home.sync.exchange({ ...principal('ben'), rooms }, body)) as {
    vector_clock: { server: string };
    resync: boolean;
  };
  return [answer.vector_clock.server, answer.resync];
}

describe('a connection of somebody who is limited to rooms', () => {
  test('hears of what is in them, and of nothing else, whatever it subscribes to', async () => {
    const anna = await Client.connect(hub.port);
    for (const client of [anna, ben]) {
      await client.subscribe({ entity_id: '*' });
      await client.subscribe({ entity_id: 'boiler' });
      await client.subscribe({ entity_type: 'device' });
      await client.subscribe({ room_id: 'cellar' });
    }
    edits.rename('boiler', 'Boiler');
    edits.rename('lamp', 'Lamp');
    edits.create('mower');
    hub.devices.report('boiler', 'on_off', true);
    hub.devices.report('lamp', 'on_off', true);
    await edits.settle(anna);
    await edits.settle(ben);
    expect(idsOf(anna.of('entity_change'))).toEqual(['boiler', 'lamp', 'mower']);
    expect(idsOf(ben.of('entity_change'))).toEqual(['lamp']);
    expect(idsOf(anna.of('state_change'))).toEqual(['boiler', 'lamp']);
    expect(idsOf(ben.of('state_change'))).toEqual(['lamp']);
    expect(ben.of('resync_required')).toEqual([]);
  });

  test('has cursors that a sync within the same rooms takes, and no other', async () => {
    await ben.subscribe({ entity_id: '*' });
    edits.rename('lamp', 'Lamp');
    const { cursor } = await ben.next('entity_change');
    expect((await cursorOfSync(['kitchen'], cursor))[1]).toBe(false);
    expect((await cursorOfSync(['cellar'], cursor))[1]).toBe(true);
    const anna = await Client.connect(hub.port);
    const [connected] = anna.of('connected');
    expect((await cursorOfSync(['kitchen'], connected?.['cursor']))[1], 'of the whole home').toBe(true);
  });

  test('is told to sync when something comes into the rooms, and hears of it from then on', async () => {
    await ben.subscribe({ entity_id: '*' });
    const [before] = await cursorOfSync(['kitchen']);
    const edge = edits.locate('boiler', 'kitchen');
    const { cursor } = await ben.next('resync_required');
    expect((await cursorOfSync(['kitchen'], cursor))[1]).toBe(true);
    expect((await cursorOfSync(['kitchen'], before))[1]).toBe(true);
    expect((await ben.next('relationship_change'))['relationship_id']).toBe(edge);
    edits.rename('boiler', 'Boiler');
    hub.devices.report('boiler', 'on_off', true);
    await ben.next('entity_change', ({ entity_id: id }) => id === 'boiler');
    await ben.next('state_change', ({ entity_id: id }) => id === 'boiler');
    expect(ben.of('resync_required')).toHaveLength(1);
  });

  test('is told to sync when something leaves the rooms, and hears no more of it at once', async () => {
    await ben.subscribe({ entity_id: '*' });
    edits.locate('lamp', 'cellar');
    // Before any of it is durable.
    hub.devices.report('lamp', 'on_off', true);
    edits.rename('lamp', 'Lamp');
    await ben.next('resync_required');
    await edits.settle(ben);
    expect(ben.messages.map(({ type }) => type)).toEqual([
      'connected',
      'subscribed',
      'resync_required',
      'pong',
    ]);
  });

  test('is told to sync when its limit changes while it is open', async () => {
    await ben.subscribe({ entity_id: '*' });
    limit(['cellar']);
    hub.live.verifyUser('ben');
    await ben.next('resync_required');
    edits.rename('lamp', 'Lamp');
    edits.rename('boiler', 'Boiler');
    await edits.settle(ben);
    expect(idsOf(ben.of('entity_change'))).toEqual(['boiler']);

    limit(null);
    hub.live.verifyUser('ben');
    await vi.waitFor(() => expect(ben.of('resync_required')).toHaveLength(2), QUICKLY);
    edits.rename('lamp', 'The lamp');
    await ben.next('entity_change', ({ entity_id: id }) => id === 'lamp');
  });

  test('is sent what it missed of the rooms, and has to sync when that would not be all', async () => {
    const [since] = await cursorOfSync(['kitchen']);
    edits.rename('lamp', 'Lamp');
    edits.rename('boiler', 'Boiler');
    await hub.home.graph.settled();
    const back = await Client.connect(hub.port, 'ben');
    await back.subscribe({ entity_id: '*', since });
    await edits.settle(back);
    expect(idsOf(back.of('entity_change'))).toEqual(['lamp']);

    edits.locate('boiler', 'kitchen');
    await hub.home.graph.settled();
    const late = await Client.connect(hub.port, 'ben');
    await late.subscribe({ entity_id: '*', since });
    expect(await late.next('resync_required')).toMatchObject({ cursor: since });
    const whole = await Client.connect(hub.port, 'ben');
    await whole.subscribe({ entity_id: '*', since: hub.home.sync.headCursor(1) });
    expect(await whole.next('resync_required')).toBeDefined();
  });

  test('commands what is in the rooms; the rest is not there', async () => {
    for (const [index, id] of ['lamp', 'boiler', 'nothing'].entries()) {
      ben.send({ type: 'command', request_id: index, entity_id: id, capability: 'on_off', value: true });
      await ben.next('command_result', ({ request_id: of }) => of === index);
    }
    expect(ben.of('command_result')).toEqual([
      { type: 'command_result', request_id: 0, status: 'confirmed' },
      {
        type: 'command_result',
        request_id: 1,
        error: { code: 'NOT_FOUND', message: 'there is no device boiler' },
      },
      {
        type: 'command_result',
        request_id: 2,
        error: { code: 'NOT_FOUND', message: 'there is no device nothing' },
      },
    ]);
    expect(hub.devices.commands.map(({ entityId }) => entityId)).toEqual(['lamp']);
  });

  test('shares its way with connections that see all, which get the same frames as ever', async () => {
    const anna = await Client.connect(hub.port);
    await anna.subscribe({ entity_id: '*' });
    await ben.subscribe({ entity_id: '*' });
    hub.home.graph.transaction((writer) => writer.replaceContent('lamp', { name: 'Lamp' }, HUB_AUTHOR));
    const told = await anna.next('entity_change');
    const toldBen = await ben.next('entity_change');
    expect(told['cursor']).toBe(hub.home.sync.headCursor(hub.home.graph.headSeq));
    expect({ ...told, cursor: '' }).toEqual({ ...toldBen, cursor: '' });
    expect(told['cursor']).not.toBe(toldBen['cursor']);
  });

  test('is told nothing of the rest of the home by any message, in answer to any message', async () => {
    const since = hub.home.sync.headCursor(0);
    const askFor = async (entity: string, room: string): Promise<string> => {
      const client = await Client.connect(hub.port, 'ben');
      for (const message of [
        { type: 'subscribe', entity_id: '*', since },
        { type: 'subscribe', entity_id: entity, since },
        { type: 'subscribe', room_id: room, since },
        { type: 'subscribe', entity_type: 'device', since },
        { type: 'command', request_id: 1, entity_id: entity, capability: 'on_off', value: true },
        { type: 'unsubscribe', entity_id: entity },
        { type: 'unsubscribe', room_id: room },
        { type: 'auth', token: 'ben-token' },
        { type: 'no-such-type', entity_id: entity },
      ]) {
        client.send(message);
      }
      await client.next('command_result');
      await vi.waitFor(() => expect(client.of('connected')).toHaveLength(2), QUICKLY);
      await client.subscribe({ entity_id: '*' });
      edits.rename('boiler', 'Boiler');
      hub.devices.report('boiler', 'on_off', true);
      edits.locate('lamp', 'kitchen');
      await edits.settle(client);
      return client.messages
        .map((message) => JSON.stringify({ ...message, connection_id: '', cursor: '', timestamp: '' }))
        .sort()
        .join('\n');
    };
    const ofHidden = await askFor('boiler', 'cellar');
    const ofNothing = await askFor('nothing', 'nowhere');
    expect(ofHidden.replaceAll('boiler', 'nothing').replaceAll('cellar', 'nowhere')).toBe(ofNothing);
    for (const hidden of ['Boiler', 'boiler', 'cellar']) expect(ofNothing).not.toContain(hidden);
  });
});
