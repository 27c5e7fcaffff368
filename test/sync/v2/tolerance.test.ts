import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import { GraphWriter } from '../../../src/graph/writer.ts';
import { temporaryFolder } from '../../support/store.ts';
import { openSyncHome, type SyncHome } from '../sync-home.ts';
import { digestOf, edge, entity, ids, served, TestClient, versionAt, type EdgeV2 } from './client.ts';

let folder: ReturnType<typeof temporaryFolder>;
let home: SyncHome;
let client: TestClient;

beforeEach(async () => {
  folder = temporaryFolder();
  home = await openSyncHome(folder.path);
  home.clock.advance(3_600_000);
  client = new TestClient(home);
});
afterEach(async () => {
  vi.restoreAllMocks();
  await home[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

const lamp = entity('lamp', 'v-1', { entity_type: 'device' });
const hall = entity('hall', 'v-1');
const attic = entity('attic', 'v-1');

describe('what would hold up a client for ever', () => {
  test('a thousand parents are kept, and of more the newest', async () => {
    const parents = Array.from({ length: 1200 }, (_, i) => versionAt(i));
    await client.push([entity('kitchen', versionAt(2000), { parent_versions: parents.toReversed() })]);
    const stored = home.graph.latest('kitchen')?.parentVersions;
    expect(stored).toHaveLength(1000);
    expect([stored?.[0], stored?.at(-1)]).toEqual([versionAt(1199), versionAt(200)]);
    await client.push([entity('hall', 'v-1', { parent_versions: parents.slice(0, 1000) })]);
    expect(home.graph.latest('hall')?.parentVersions).toHaveLength(1000);
  });

  test('parents without a name are none', async () => {
    await client.push([entity('kitchen', 'v-1', { parent_versions: ['', 'v-0'] })]);
    expect(home.graph.latest('kitchen')?.parentVersions).toEqual(['v-0']);
  });

  const change = (extra: object): object => ({ change_type: 'update', ...extra });
  const long = 'x'.repeat(257);
  test.each([
    ['a parent that is half a character', { parent_versions: ['a\ud800'] }, 'parent_versions.0'],
    ['a parent that is too long', { parent_versions: ['v-1', long] }, 'parent_versions.1'],
    ['a version that is too long', { version: long }, 'version'],
    ['a content that is none', { content: 7 }, 'content'],
  ])('%s is refused by its place and its id', async (_, extra, field) => {
    const changes = [change({ entity: hall }), change({ entity: { ...lamp, ...extra } })];
    await expect(client.send(client.body({ changes }))).rejects.toThrow(`changes.1.entity.${field} (lamp): `);
    expect(home.graph.headSeq).toBe(0);
  });

  test.each([
    ['an id with a space', { id: 'lamp hall' }, 'id (lamp hall)'],
    ['a version that is too long', { from_entity_version: long }, 'from_entity_version (lamp-hall)'],
    ['an end without a name', { to_entity_id: '' }, 'to_entity_id (lamp-hall)'],
  ])('an edge with %s is refused by its place and its id', async (_, extra, field) => {
    const relationships = [edge(hall, attic), edge(lamp, hall, extra)];
    const changes = [change({ entity: lamp }), change({ entity: hall, relationships })];
    await expect(client.send(client.body({ changes }))).rejects.toThrow(`changes.1.relationships.1.${field}`);
  });

  test('an id with a space, and a content that is too large, are named too', async () => {
    await expect(client.push([hall, entity('a b', 'v-1')])).rejects.toThrow('changes.1.entity.id (a b): ');
    const large = entity('cellar', 'v-1', { content: { text: 'x'.repeat(300_000) } });
    await expect(client.push([hall, large])).rejects.toThrow('changes.1 (cellar): ');
  });
});

test('A, words that every JavaScript object knows are words like others', async () => {
  const words = ['constructor', '__proto__', 'tostring'];
  const answer = await client.push(
    words.map((word, i) => entity(`e${i}`, 'v-1', { entity_type: word, source_type: word })),
  );
  expect(
    answer.changes.map(({ entity: { entity_type, source_type } }) => [entity_type, source_type]),
  ).toEqual(words.map((word) => [word, 'imported']));
  expect(ids(await client.pull(undefined, { entity_types: ['__proto__'] }))).toEqual(['e1']);
});

test('a name with half a character goes out whole', async () => {
  await client.push([entity('kitchen', 'v-1', { name: 'K\ud83d' })]);
  expect(served(await client.pull(), 'kitchen')?.entity.name).toBe('K\ufffd');
});

test('what v2 has no word for is told to whoever pushed it, once, and is in no digest', async () => {
  await client.push([hall]);
  const photo = entity('snap', 'v-1', { entity_type: 'photo' });
  const echo = await client.push([photo]);
  expect(ids(echo)).toEqual(['hall', 'snap']);
  const told = await client.pull();
  expect(ids(told)).toEqual(['hall']);
  expect(told.state_digest).toBe(digestOf([hall]));
  expect(echo.state_digest).toBe(told.state_digest);
});

test('since may be a day, or end with the minutes', async () => {
  await client.push([hall]);
  for (const since of ['2026-01-01', '2026-01-01T00:59', '2026-01-01T00:59Z', '2026-01-01 01:59+01:00']) {
    expect([since, ids(await client.pull(since))]).toEqual([since, ['hall']]);
  }
  for (const since of ['2026-01-02', '2026-01-01T01:01', '2026-01-01T02:01+01:00']) {
    expect([since, ids(await client.pull(since))]).toEqual([since, []]);
  }
  await expect(client.pull('2026-01')).rejects.toThrow('filters.since');
});

describe('a push of edges', () => {
  const opened = (): string[] =>
    home.graph
      .relationshipsOf('lamp')
      .map(({ id }) => id)
      .toSorted();

  test('looks nothing up inside its transaction that can be known before', async () => {
    await client.push([lamp, hall]);
    await client.pushEdges(edge(lamp, hall));
    const looks = (['head', 'heldAs', 'relationship'] as const).map((name) =>
      vi.spyOn(GraphWriter.prototype, name),
    );
    const changes = [
      { change_type: 'update', entity: attic, relationships: [] },
      {
        change_type: 'update',
        relationships: [
          edge(lamp, hall),
          edge(lamp, attic, { relationship_type: 'monitors' }),
          edge(hall, attic, { relationship_type: 'connects_to' }),
        ],
      },
    ];
    const answer = await client.send(client.body({ changes }));
    expect(answer.applied_relationships).toEqual(['lamp-hall', 'lamp-attic', 'hall-attic']);
    expect(looks.map((look) => look.mock.calls.length)).toEqual([0, 0, 0]);
  });

  test('sees what it has done itself: a place that was left, the same edge again, an end that goes', async () => {
    await client.push([lamp, hall, attic]);
    await client.pushEdges(edge(lamp, hall));
    home.clock.advance(1);
    // The second leaves the hall, so that the third is no repetition of what was there before.
    await client.pushEdges(edge(lamp, attic), edge(lamp, hall));
    expect(opened()).toEqual(['lamp-hall']);

    home.clock.advance(1);
    const twice: EdgeV2[] = [
      edge(lamp, hall, { properties: { wall: 'north' } }),
      edge(lamp, hall, { properties: { wall: 'south' } }),
    ];
    await client.pushEdges(...twice);
    expect(home.graph.relationship('lamp-hall')?.propertiesJson).toBe('{"wall":"south"}');

    home.clock.advance(1);
    const back = entity('hall', versionAt(3000), { parent_versions: [versionAt(2900)] });
    const gone = entity('hall', versionAt(2900), { parent_versions: ['v-1'] });
    const answer = await client.send(
      client.body({
        changes: [
          { change_type: 'delete', entity: gone, relationships: [] },
          { change_type: 'update', entity: back, relationships: [twice[1]] },
        ],
      }),
    );
    expect(answer.applied_relationships).toEqual(['lamp-hall']);
    expect(opened()).toEqual(['lamp-hall']);
  });

  test('sees what others wrote since it looked', async () => {
    await client.push([lamp, hall, attic]);
    await client.pushEdges(edge(lamp, hall));
    home.clock.advance(1);
    const others = new TestClient(home, 'client-2');
    await Promise.all([client.pushEdges(edge(lamp, attic)), others.pushEdges(edge(lamp, hall))]);
    expect(opened()).toHaveLength(1);
    const [id] = opened();
    const seq = home.graph.committedSeq;
    const last = id === 'lamp-hall' ? edge(lamp, hall) : edge(lamp, attic);
    expect((await client.pushEdges(last)).applied_relationships).toEqual([id]);
    expect(home.graph.committedSeq).toBe(seq);
  });
});

test('a room with more edges than are read at once is told with all of them, from either end', async () => {
  const lamps = Array.from({ length: 1200 }, (_, i) => entity(`l${i}`, 'v-1', { entity_type: 'device' }));
  await client.push([hall, ...lamps]);
  await client.pushEdges(...lamps.map((one) => edge(one, hall)));
  await client.pushEdges(...lamps.map((one) => edge(hall, one, { relationship_type: 'controls' })));
  const full = await client.pull();
  expect(served(full, 'hall')?.relationships).toHaveLength(1200);
  expect(full.changes.flatMap((change) => change.relationships)).toHaveLength(2400);
  const { server_time: since } = full;
  await client.push([entity('hall', 'v-2', { parent_versions: ['v-1'] })]);
  const [told] = (await client.pull(since)).changes;
  expect(told?.relationships).toHaveLength(2400);
  expect(new Set(told?.relationships.map(({ id }) => id)).size).toBe(2400);
});
