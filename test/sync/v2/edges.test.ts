import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { temporaryFolder } from '../../support/store.ts';
import { openSyncHome, TestPhone, type SyncHome } from '../sync-home.ts';
import { edge, entity, served, TestClient, type AnswerV2, type EdgeV2 } from './client.ts';

let folder: ReturnType<typeof temporaryFolder>;
let home: SyncHome;
let client: TestClient;

const lamp = entity('lamp', 'v-1', { entity_type: 'device' });
const hall = entity('hall', 'v-1');
const attic = entity('attic', 'v-1');

beforeEach(async () => {
  folder = temporaryFolder();
  home = await openSyncHome(folder.path);
  client = new TestClient(home);
  await client.push([lamp, hall, attic]);
});
afterEach(async () => {
  await home[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

/** Each edge of an answer, with the entity that it came along with. */
function told(answer: AnswerV2): [string, EdgeV2][] {
  return answer.changes.flatMap((change) =>
    change.relationships.map((sent): [string, EdgeV2] => [change.entity.id, sent]),
  );
}

function room(id = 'lamp-hall'): string | undefined {
  const found = home.graph.relationship(id);
  return found?.validToMicros === null ? found.toEntityId : undefined;
}

describe('4.6 relationships', () => {
  test('E1, E2: an edge may name an entity that comes later in the batch; its author is the request', async () => {
    const late = entity('late', 'v-1');
    const changes = [
      {
        change_type: 'update',
        entity: entity('early', 'v-1'),
        relationships: [edge(entity('early', 'v-1'), late)],
      },
      { change_type: 'update', entity: late, relationships: [] },
    ];
    const answer = await client.send(client.body({ changes }));
    expect(answer.applied).toEqual(['early', 'late']);
    expect(answer.applied_relationships).toEqual(['early-late']);
    expect(answer.sync_stats).toMatchObject({ entities_synced: 2, relationships_synced: 1 });
    expect(home.graph.relationship('early-late')).toMatchObject({ userId: 'system', deviceId: 'client-1' });
  });

  test('E2: the last write replaces type, ends and properties; an identical one writes nothing', async () => {
    await client.pushEdges(edge(lamp, hall));
    const seq = home.graph.committedSeq;
    expect((await client.pushEdges(edge(lamp, hall))).applied_relationships).toEqual(['lamp-hall']);
    expect(home.graph.committedSeq).toBe(seq);

    await client.pushEdges(edge(lamp, attic, { id: 'lamp-hall', properties: { wall: 'north' } }));
    expect(home.graph.relationship('lamp-hall')).toMatchObject({
      toEntityId: 'attic',
      propertiesJson: '{"wall":"north"}',
    });
    await client.pushEdges(edge(lamp, hall));
    expect(room()).toBe('hall');
    expect(home.graph.relationshipVersions('lamp-hall')).toHaveLength(3);
  });

  test('a thing is in one place: the edge pushed last stays', async () => {
    await client.pushEdges(edge(lamp, hall));
    home.clock.advance(1);
    await client.pushEdges(edge(lamp, attic));
    expect([room('lamp-hall'), room('lamp-attic')]).toEqual([undefined, 'attic']);
    home.clock.advance(1);
    await client.pushEdges(edge(lamp, hall));
    expect([room('lamp-hall'), room('lamp-attic')]).toEqual(['hall', undefined]);
  });

  test('E3: an end that is not stored in exactly that version is skipped without an error, a superseded one is', async () => {
    const answer = await client.pushEdges(
      edge(lamp, { ...hall, version: 'v-0' }, { id: 'never' }),
      edge(lamp, entity('nowhere', 'v-1'), { id: 'unknown' }),
    );
    expect(answer.applied_relationships).toEqual([]);
    await client.push([entity('hall', 'v-2', { parent_versions: ['v-1'] })]);
    expect((await client.pushEdges(edge(lamp, hall))).applied_relationships).toEqual(['lamp-hall']);
  });

  test('an edge of a thing to itself is skipped like one with a missing end: it holds up nothing else', async () => {
    const answer = await client.pushEdges(edge(lamp, lamp), edge(lamp, hall));
    expect(answer.applied_relationships).toEqual(['lamp-hall']);
    expect(home.graph.relationship('lamp-lamp')).toBeUndefined();
  });

  test('an edge to what is deleted waits until it is there again', async () => {
    await client.delete(entity('hall', 'v-2', { parent_versions: ['v-1'] }));
    expect((await client.pushEdges(edge(lamp, hall))).applied_relationships).toEqual([]);
    await client.push([entity('hall', 'v-3', { parent_versions: ['v-2'] })]);
    expect((await client.pushEdges(edge(lamp, hall))).applied_relationships).toEqual(['lamp-hall']);
  });

  test.each([
    [
      'E4',
      edge(lamp, hall, { relationship_type: 'hugs' }),
      'Unknown relationship_type: hugs (changes.1, lamp-hall)',
    ],
    [
      'large properties',
      edge(lamp, hall, { properties: { x: 'x'.repeat(300_000) } }),
      'changes.1: the properties of lamp-hall are larger than 256 KiB',
    ],
  ])('%s is refused together with the whole batch', async (_, bad, message) => {
    const changes = [
      { change_type: 'update', entity: entity('new', 'v-1'), relationships: [] },
      { change_type: 'update', relationships: [bad] },
    ];
    await expect(client.send(client.body({ changes }))).rejects.toMatchObject({ name: 'HubError', message });
    expect(home.graph.latest('new')).toBeUndefined();
  });

  test('E6: edges are told once, with their from-entity and the current versions of both ends', async () => {
    await client.pushEdges(edge(lamp, hall, { properties: { wall: 'north' } }));
    await client.push([entity('hall', 'v-2', { parent_versions: ['v-1'] })]);
    expect(told(await client.pull())).toMatchObject([
      ['lamp', edge(lamp, { ...hall, version: 'v-2' }, { properties: { wall: 'north' } })],
    ]);
  });

  test('E7: when an end changes its edges are told again, with whichever end is in the answer', async () => {
    await client.pushEdges(edge(lamp, hall));
    const { server_time: since } = await client.pull();
    await client.push([entity('hall', 'v-2', { parent_versions: ['v-1'] })]);
    expect(told(await client.pull(since))).toMatchObject([['hall', { to_entity_version: 'v-2' }]]);
    expect(home.graph.relationshipsOf('hall')).toHaveLength(1);
  });

  test('an edge that changed between things that did not brings its from-entity along', async () => {
    const { server_time: since } = await client.pull();
    await client.pushEdges(edge(lamp, hall), edge(hall, attic, { relationship_type: 'connects_to' }));
    const answer = await client.pull(since);
    expect(told(answer).map(([carrier, { id }]) => [carrier, id])).toEqual([
      ['lamp', 'lamp-hall'],
      ['hall', 'hall-attic'],
      ['hall', 'lamp-hall'],
    ]);
    const rooms = await client.pull(since, { entity_types: ['room'] });
    expect(told(rooms).map(([carrier]) => carrier)).toEqual(['hall', 'hall']);
    expect(told(await client.pull(answer.server_time))).toEqual([]);
  });

  test('E8 and words: any type of edge between any types; those that v2 has no word for are not told', async () => {
    const photo = entity('snap', 'v-1', { entity_type: 'photo' });
    await client.push([photo]);
    const pushed = await client.pushEdges(
      edge(hall, lamp, { relationship_type: 'PART_OF' }),
      edge(lamp, photo, { relationship_type: 'has_photo' }),
      edge(lamp, photo, { id: 'doc', relationship_type: 'documented_by' }),
    );
    expect(pushed.applied_relationships).toHaveLength(3);
    expect(told(pushed).map(([, { id, relationship_type }]) => [id, relationship_type])).toEqual([
      ['hall-lamp', 'part_of'],
    ]);
  });

  test('D9: the edges of what is deleted end, and are not told', async () => {
    await client.pushEdges(edge(lamp, hall));
    const answer = await client.delete(entity('hall', 'v-2', { parent_versions: ['v-1'] }));
    expect(told(answer)).toEqual([]);
    expect(home.graph.relationshipsOf('lamp')).toEqual([]);
  });

  test('a thing with hundreds of edges is told with all of them', async () => {
    const lamps = Array.from({ length: 350 }, (_, i) => entity(`l${i}`, 'v-1', { entity_type: 'device' }));
    await client.push(lamps);
    await client.pushEdges(...lamps.map((one) => edge(hall, one, { relationship_type: 'controls' })));
    expect(served(await client.pull(), 'hall')?.relationships).toHaveLength(350);
  });

  test('edges of phones come to v2 clients, and theirs to phones', async () => {
    const phone = new TestPhone(home, 'phone', { protocol: 'inbetweenies-v1.1' });
    await phone.sync([], { relationship_changes: [phone.edge('by-phone', 'lamp', 'hall')] });
    expect(told(await client.pull())).toMatchObject([['lamp', { id: 'by-phone' }]]);
    home.clock.advance(1);
    await client.pushEdges(edge(lamp, attic));
    const answer = await phone.sync();
    const open = answer.relationship_changes.filter(({ valid_to }) => valid_to === null);
    expect(open).toMatchObject([
      { relationship_id: 'lamp-attic', from_entity_id: 'lamp', to_entity_id: 'attic' },
    ]);
  });
});
