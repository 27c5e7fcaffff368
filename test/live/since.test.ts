import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import { HUB_AUTHOR } from '../../src/graph/types.ts';
import { temporaryFolder } from '../support/store.ts';
import { HomeEdits, idsOf, seqOf } from './home-edits.ts';
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

describe('since', () => {
  test('what was missed comes first, also over a restart of the hub, each once and in order', async () => {
    edits.create('lamp');
    edits.create('plug');
    await hub.home.graph.settled();
    const client = await Client.connect(hub.port);
    const { cursor } = await client.next('connected');
    client.socket.terminate();
    edits.rename('lamp', 'Lamp 2');
    edits.rename('lamp', 'Lamp 3');
    edits.create('late');
    await hub.home.graph.settled();
    await hub[Symbol.asyncDispose]();
    hub = await openLiveHome(folder.path);

    const again = await Client.connect(hub.port);
    again.send({ type: 'subscribe', entity_id: '*', since: cursor });
    edits.create('live');
    await again.next('entity_change', ({ entity_id }) => entity_id === 'live');
    expect(again.of('entity_change').map(({ entity_id }) => entity_id)).toEqual(['lamp', 'late', 'live']);
    expect(again.of('entity_change')[0]).toMatchObject({ data: { content: { name: 'Lamp 3' } } });
    expect(again.messages.map(({ type }) => type).slice(0, 2)).toEqual(['connected', 'subscribed']);
  });

  test('what becomes durable while the missed is being sent comes once, after it', async () => {
    edits.create('missed');
    await hub.home.graph.settled();
    const client = await Client.connect(hub.port);
    const disk = Promise.withResolvers<void>();
    const durable = vi.spyOn(hub.home.store, 'durable').mockReturnValue(disk.promise);
    edits.create('live');
    durable.mockRestore();
    const parse = hub.home.sync.parse.bind(hub.home.sync);
    vi.spyOn(hub.home.sync, 'parse').mockImplementationOnce((since) => {
      disk.resolve();
      return parse(since);
    });
    const since = hub.home.sync.headCursor(0);
    client.send({ type: 'subscribe', entity_id: '*', since });
    await client.next('entity_change', ({ entity_id }) => entity_id === 'live');
    await edits.settle(client);
    expect(client.of('entity_change').map(({ entity_id }) => entity_id)).toEqual(['missed', 'live']);
  });

  // The hub reads 200 at a time.
  test.each([199, 200, 201, 400, 401])('%i missed changes come whole and in order', async (count) => {
    const ids = Array.from({ length: count }, (_, index) => `n${index}`);
    edits.createNotes(ids);
    await hub.home.graph.settled();
    const client = await Client.connect(hub.port);
    client.send({ type: 'subscribe', entity_id: '*', since: hub.home.sync.headCursor(0) });
    await vi.waitFor(() => expect(client.of('entity_change')).toHaveLength(count), QUICKLY);
    edits.create('live');
    await client.next('entity_change', ({ entity_id: id }) => id === 'live');
    expect(idsOf(client.of('entity_change'))).toEqual([...ids, 'live']);
  });

  test('what is written while the missed is being sent leaves no gap and changes no order', async () => {
    const ids = Array.from({ length: 600 }, (_, index) => `n${index}`);
    edits.createNotes(ids, 'x'.repeat(4000));
    await hub.home.graph.settled();
    const client = await Client.connect(hub.port);
    client.send({ type: 'subscribe', entity_id: '*', since: hub.home.sync.headCursor(0) });
    // Each write waits for a message of the replay, so that they go on beside each other.
    for (let round = 0; round < 20; round++) {
      await vi.waitFor(() => expect(client.of('entity_change').length).toBeGreaterThan(round * 10), QUICKLY);
      edits.createNotes([`during${round}`]);
      hub.home.graph.transaction((writer) =>
        writer.replaceContent(`n${599 - round}`, { text: 'again' }, HUB_AUTHOR),
      );
      await hub.home.graph.settled();
    }
    edits.createNotes(['last']);
    await client.next('entity_change', ({ entity_id: id }) => id === 'last');
    const heard = client.of('entity_change');
    const seqs = heard.map(seqOf);
    expect(seqs).toEqual([...new Set(seqs)].toSorted((a, b) => a - b));
    // Who keeps the last that was heard of each holds what the graph holds.
    const held = new Map(heard.map(({ entity_id: id, version }) => [String(id), version]));
    expect(held.size).toBe(621);
    for (const [id, version] of held) expect(hub.home.graph.latest(id)?.version, id).toBe(version);
  });

  test('several subscriptions with the same since are one stream, in order and each change once', async () => {
    edits.create('kitchen', 'room');
    edits.create('lamp');
    edits.create('plug');
    edits.create('hall', 'room');
    edits.rename('lamp', 'Lamp 2');
    await hub.home.graph.settled();
    const client = await Client.connect(hub.port);
    const since = hub.home.sync.headCursor(0);
    for (const target of [{ entity_id: 'plug' }, { entity_type: 'room' }, { entity_id: 'hall' }]) {
      client.send({ type: 'subscribe', ...target, since });
    }
    client.send({ type: 'subscribe', entity_id: 'lamp', since });
    await edits.settle(client);
    expect(idsOf(client.of('entity_change'))).toEqual(['kitchen', 'plug', 'hall', 'lamp']);
  });

  test('a since of now brings nothing, and what comes after it once', async () => {
    edits.create('lamp');
    await hub.home.graph.settled();
    const client = await Client.connect(hub.port);
    client.send({ type: 'subscribe', entity_id: '*', since: hub.home.sync.headCursor() });
    await edits.settle(client);
    expect(client.of('entity_change')).toEqual([]);
    edits.rename('lamp', 'Lamp 2');
    await edits.settle(client);
    expect(client.of('entity_change')).toHaveLength(1);
  });

  test('it brings only what the subscription is about', async () => {
    const client = await Client.connect(hub.port);
    const { cursor } = await client.next('connected');
    edits.create('lamp');
    edits.create('plug');
    await hub.home.graph.settled();
    const again = await Client.connect(hub.port);
    again.send({ type: 'subscribe', entity_id: 'plug', since: cursor });
    await again.next('entity_change');
    await edits.settle(again);
    expect(again.of('entity_change').map(({ entity_id }) => entity_id)).toEqual(['plug']);
  });

  test('a large replay does not make a healthy client slow', async () => {
    const client = await Client.connect(hub.port);
    const { cursor } = await client.next('connected');
    edits.createNotes(
      Array.from({ length: 100 }, (_, index) => `n${index}`),
      'x'.repeat(100 * 1024),
    );
    await hub.home.graph.settled();
    const again = await Client.connect(hub.port);
    again.send({ type: 'subscribe', entity_id: '*', since: cursor });
    await vi.waitFor(() => expect(again.of('entity_change')).toHaveLength(100), { timeout: 8000 });
    expect(again.of('resync_required')).toEqual([]);
  });

  test('a replay waits for a client that reads slowly, and leaves nothing out', async () => {
    const ids = Array.from({ length: 200 }, (_, index) => `n${index}`);
    // More than the kernel's buffers hold.
    edits.createNotes(ids, 'x'.repeat(100_000));
    await hub.home.graph.settled();
    const healthy = await Client.connect(hub.port, 'ben');
    const client = await Client.connect(hub.port);
    client.socket.pause();
    const read = vi.spyOn(hub.home.graph, 'changesSince');
    client.send({ type: 'subscribe', entity_id: '*', since: hub.home.sync.headCursor(0) });
    // Until the hub reads no further for it.
    for (let reads = 0; read.mock.calls.length > reads || reads === 0;) {
      reads = read.mock.calls.length;
      for (let turn = 0; turn < 5; turn++) await healthy.settle();
    }
    client.socket.resume();
    await vi.waitFor(() => expect(client.of('entity_change').length).toBeGreaterThanOrEqual(200), QUICKLY);
    expect(idsOf(client.of('entity_change'))).toEqual(ids);
    expect(client.of('resync_required')).toEqual([]);
  });

  test('a cursor of another epoch asks for a sync, and what is no cursor is refused', async () => {
    edits.create('lamp');
    await hub.home.graph.settled();
    const client = await Client.connect(hub.port);
    const since = hub.home.sync.headCursor().replace(hub.home.graph.epoch, '0123456789ab');
    client.send({ type: 'subscribe', entity_id: '*', since });
    expect(await client.next('resync_required')).toEqual({
      type: 'resync_required',
      cursor: since,
    });
    edits.rename('lamp', 'Lamp 2');
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
