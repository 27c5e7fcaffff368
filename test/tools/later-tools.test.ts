import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { ANNA, openToolHome, type ToolHome } from './tool-home.ts';

const NOON = '2026-01-01T12:00:00Z';
const HOUR_MS = 3600_000;

let t: ToolHome;
beforeEach(async () => {
  t = await openToolHome();
});
afterEach(async () => {
  await t[Symbol.asyncDispose]();
});

/** A lamp that moves from the hall to the kitchen at one o'clock. */
async function move(): Promise<void> {
  t.home.clock.jumpTo(Date.parse(NOON));
  t.make('room', 'hall');
  t.make('room', 'kitchen');
  t.make('accessory', 'lamp');
  t.join('lamp', 'located_in', 'hall');
  t.home.clock.advance(HOUR_MS);
  t.join('lamp', 'located_in', 'kitchen');
  await t.home.graph.settled();
}

function ids(list: unknown): unknown[] {
  return (list as Record<string, unknown>[]).map(({ id }) => id);
}

test('get_statistics counts in the words of v2', async () => {
  expect(await t.call('get_statistics')).toEqual({
    total_entities: 0,
    total_relationships: 0,
    entity_types: {},
    relationship_types: {},
    average_degree: 0,
    isolated_entities: 0,
  });
  await move();
  t.make('device', 'oven');
  t.make('note', 'gone');
  t.home.graph.transaction((writer) => writer.deleteEntity('gone', ANNA));
  expect(await t.call('get_statistics')).toEqual({
    total_entities: 4,
    total_relationships: 1,
    entity_types: { device: 2, room: 2 },
    relationship_types: { located_in: 1 },
    average_degree: 0.5,
    isolated_entities: 2,
  });
});

test('list_entities goes page by page', async () => {
  await move();
  const all = await t.call('list_entities');
  expect(all).toMatchObject({ count: 3, total: 3 });
  expect(ids(all['entities'])).toEqual(['hall', 'kitchen', 'lamp']);
  const second = await t.call('list_entities', { entity_type: 'room', limit: 1, offset: 1 });
  expect(second).toMatchObject({ entities: [{ id: 'kitchen' }], count: 1, total: 2 });
  const device = await t.call('list_entities', { entity_type: 'device', limit: null });
  expect(device).toMatchObject({ entities: [{ id: 'lamp', entity_type: 'device' }], total: 1 });
});

test('get_entity_versions has the newest first, the tombstone too', async () => {
  t.make('note', 'paint', { name: 'Paint' });
  await t.call('update_entity', { entity_id: 'paint', changes: { name: 'Colour' } });
  t.home.graph.transaction((writer) => writer.deleteEntity('paint', ANNA));
  const answer = await t.call('get_entity_versions', { entity_id: 'paint' });
  expect(answer).toMatchObject({ entity_id: 'paint', version_count: 3 });
  expect(answer['versions']).toMatchObject([
    { name: '', deleted: true, user_id: 'anna', parent_versions: [expect.any(String)] },
    { name: 'Colour', deleted: false },
    { name: 'Paint', deleted: false, parent_versions: [] },
  ]);
  expect(await t.refusal('get_entity_versions', { entity_id: 'x' })).toBe('Entity x not found');
});

test('get_connected keeps to type and direction', async () => {
  await move();
  t.make('device', 'switch');
  t.join('switch', 'controls', 'lamp');
  const connected = async (args: object): Promise<unknown> => {
    const answer = await t.call('get_connected', { entity_id: 'lamp', ...args });
    return (answer['connected'] as Record<string, Record<string, unknown>>[]).map((one) => [
      one['entity']?.['id'],
      one['relationship_type'],
      one['direction'],
    ]);
  };
  const inKitchen = ['kitchen', 'located_in', 'outgoing'];
  const bySwitch = ['switch', 'controls', 'incoming'];
  expect(await connected({ direction: 'outgoing' })).toEqual([inKitchen]);
  expect(await connected({ direction: 'incoming' })).toEqual([bySwitch]);
  expect(await connected({ relationship_type: 'controls' })).toEqual([bySwitch]);
  expect(await connected({})).toHaveLength(2);
});

describe('list_relationships', () => {
  beforeEach(move);

  test('tells what holds now', async () => {
    const answer = await t.call('list_relationships', { from_entity_id: 'lamp' });
    expect(answer).toMatchObject({
      relationships: [
        {
          from_entity_id: 'lamp',
          from_entity_version: t.home.graph.entity('lamp')?.version,
          to_entity_id: 'kitchen',
          to_entity_version: t.home.graph.entity('kitchen')?.version,
          relationship_type: 'located_in',
          properties: {},
          valid_from: '2026-01-01T13:00:00.000000+00:00',
          valid_to: null,
        },
      ],
      count: 1,
    });
    expect(await t.call('list_relationships', { to_entity_id: 'hall' })).toMatchObject({ count: 0 });
    expect(await t.call('list_relationships', {})).toMatchObject({ count: 1 });
    const both = { from_entity_id: 'lamp', to_entity_id: 'hall' };
    expect(await t.call('list_relationships', both)).toMatchObject({ count: 0 });
    expect(await t.call('list_relationships', { relationship_type: 'controls' })).toMatchObject({ count: 0 });
  });

  test('tells what held', async () => {
    const at = '2026-01-01T12:30:00Z';
    expect(await t.call('list_relationships', { from_entity_id: 'lamp', at })).toMatchObject({
      relationships: [{ to_entity_id: 'hall', valid_from: '2026-01-01T12:00:00.000000+00:00' }],
    });
    expect(await t.call('list_relationships', { at })).toMatchObject({ count: 1 });
    const history = await t.call('list_relationships', { from_entity_id: 'lamp', include_history: true });
    expect(history['relationships']).toMatchObject([
      { to_entity_id: 'hall', valid_to: '2026-01-01T13:00:00.000000+00:00' },
      { to_entity_id: 'kitchen', valid_to: null },
    ]);
    expect(await t.refusal('list_relationships', { include_history: true })).toContain(
      'needs from_entity_id',
    );
    expect(await t.refusal('list_relationships', { at: 'then' })).toContain('RFC 3339');
  });

  test('is the only tool that answers about the past when asked; the others say so', async () => {
    const refusal = await t.refusal('get_connected', { entity_id: 'lamp', at: NOON });
    expect(refusal).toBe('get_connected tells about the present only; leave `at` out');
  });
});

test('end_relationship ends it once', async () => {
  await move();
  const id = t.home.graph.relationshipsOf('lamp')[0]?.id;
  t.home.clock.advance(HOUR_MS);
  const ended = { relationship_id: id, ended_at: '2026-01-01T14:00:00.000000+00:00' };
  expect(await t.call('end_relationship', { relationship_id: id, reason: 'sold' })).toEqual(ended);
  const edge = t.home.graph.relationship(String(id));
  expect(edge).toMatchObject({
    propertiesJson: '{"ended_reason":"sold"}',
    validFromMicros: Date.parse('2026-01-01T13:00:00Z') * 1000,
    validToMicros: Date.parse('2026-01-01T14:00:00Z') * 1000,
  });
  expect(t.home.graph.relationshipVersions(String(id)).map(({ version }) => version)).toEqual([
    edge?.parentVersions[0],
    edge?.version,
  ]);
  t.home.clock.advance(HOUR_MS);
  expect(await t.call('end_relationship', { relationship_id: id })).toEqual({
    ...ended,
    already_ended: true,
  });
  expect(await t.refusal('end_relationship', { relationship_id: 'x' })).toBe('Relationship x not found');
});

test('tombstone_entity keeps why, and everything before', async () => {
  await move();
  const before = t.home.graph.entity('lamp')?.version;
  const answer = await t.call('tombstone_entity', { entity_id: 'lamp', reason: 'broken', is_error: true });
  const tombstone = t.home.graph.latest('lamp');
  expect(answer).toEqual({
    entity_id: 'lamp',
    tombstone_version: tombstone?.version,
    reason: 'broken',
    marked_as_error: true,
    previous_version: before,
    ended_relationships: 1,
  });
  expect(tombstone?.contentJson).toBeNull();
  expect(t.home.graph.relationshipsOf('lamp')).toEqual([]);
  expect(JSON.parse(t.tools.reads.toJson(tombstone ?? expect.fail()).text)).toMatchObject({
    name: 'lamp',
    content: { name: 'lamp', deleted_reason: 'broken', deleted_as_error: true, deleted: true },
  });
  expect(await t.call('tombstone_entity', { entity_id: 'lamp', reason: 'again' })).toEqual({
    entity_id: 'lamp',
    already_tombstoned: true,
    version: tombstone?.version,
  });
  expect(await t.refusal('tombstone_entity', { entity_id: 'x', reason: 'y' })).toBe('Entity x not found');
  expect(await t.refusal('tombstone_entity', { entity_id: 'x' })).toBe('tombstone_entity needs reason');
});

test('get_graph_diff tells what changed between two times', async () => {
  await move();
  t.home.clock.advance(HOUR_MS);
  t.make('note', 'new');
  await t.call('update_entity', { entity_id: 'hall', changes: { content: { m2: 9 } } });
  await t.call('tombstone_entity', { entity_id: 'kitchen', reason: 'rebuilt' });
  const since = '2026-01-01T12:30:00Z';
  const diff = await t.call('get_graph_diff', { since });
  expect(diff).toMatchObject({ since, until: null, truncated: false });
  expect(ids(diff['entities_created'])).toEqual(['new']);
  expect(ids(diff['entities_changed'])).toEqual(['hall']);
  expect(ids(diff['entities_deleted'])).toEqual(['kitchen']);
  expect(diff['edges_ended']).toMatchObject([{ to_entity_id: 'hall' }]);
  const moved = await t.call('get_graph_diff', { since, until: '2026-01-01T13:30:00Z' });
  expect(moved['edges_started']).toMatchObject([{ to_entity_id: 'kitchen' }]);
  expect(moved['entities_deleted']).toEqual([]);
  expect(await t.refusal('get_graph_diff', { since, until: NOON })).toContain('later');
});
