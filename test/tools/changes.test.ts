import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { openToolHome, type ToolHome } from './tool-home.ts';

let t: ToolHome;
beforeEach(async () => {
  t = await openToolHome();
});
afterEach(async () => {
  await t[Symbol.asyncDispose]();
});

test('create_entity makes a version that lasts, by whoever is logged in', async () => {
  const made = await t.call('create_entity', {
    entity_type: 'NOTE',
    name: 'Paint',
    content: { text: 'RAL 9010', name: 'something else' },
    user_id: 'mallory',
  });
  expect(made).toEqual({ entity: expect.anything() as unknown, created: true });
  const entity = made['entity'] as Record<string, string>;
  expect(entity).toMatchObject({
    entity_type: 'note',
    name: 'Paint',
    content: { text: 'RAL 9010', name: 'Paint' },
    source_type: 'manual',
    user_id: 'anna',
    parent_versions: [],
  });
  expect(entity['version']).toMatch(/^2026-01-01T00:00:00\.\d{6}\+00:00-\d{6}-v2$/);
  const stored = t.home.graph.entity(entity['id'] ?? '');
  expect(stored?.seq).toBeLessThanOrEqual(t.home.graph.headSeq);
  expect(stored?.deviceId).toBe('mcp');
});

test('create_entity takes what a type asks for in vain, and says so', async () => {
  const made = await t.call('create_entity', { entity_type: 'schedule', name: 'Mornings' });
  expect(made).toMatchObject({ created: true, warning: expect.stringContaining('cron') as string });
});

test.each([
  [{ name: 'x' }, 'create_entity needs entity_type'],
  [{ entity_type: 'note' }, 'create_entity needs name'],
  [{ entity_type: 'xxx', name: 'x' }, "entity_type: 'xxx' is not a valid EntityType"],
  [{ entity_type: 'note', name: '' }, 'name: '],
  [{ entity_type: 'note', name: 'x', content: [] }, 'content: must be a JSON object'],
  ['nothing', 'Invalid input'],
])('create_entity refuses %j', async (args, message) => {
  expect(await t.refusal('create_entity', args)).toContain(message);
  expect(t.home.graph.headSeq).toBe(0);
});

test('update_entity makes a version that follows the one before', async () => {
  t.make('device', 'lamp', { name: 'Lamp', watts: 8, room: 'hall' });
  const before = t.home.graph.entity('lamp')?.version ?? '';
  const changes = { name: 'Reading lamp', content: { watts: 9, colour: null } };
  const made = await t.call('update_entity', { entity_id: 'lamp', changes, user_id: 'whoever' });
  const after = t.home.graph.entity('lamp');
  expect(made).toEqual({
    entity_id: 'lamp',
    new_version: after?.version,
    changes_applied: changes,
    parent_versions: [before],
  });
  expect(after?.parentVersions).toEqual([before]);
  expect(JSON.parse(after?.contentJson ?? '')).toEqual({
    name: 'Reading lamp',
    watts: 9,
    room: 'hall',
    colour: null,
  });
  expect(t.home.graph.versions('lamp')).toHaveLength(2);
  expect(String(after?.version) > before).toBe(true);
  expect(await t.refusal('update_entity', { entity_id: 'x', changes: { name: 'y' } })).toBe(
    'Entity x not found',
  );
  expect(await t.refusal('update_entity', { entity_id: 'lamp' })).toBe('update_entity needs changes');
});

test('keys that are special to JavaScript are kept like others', async () => {
  const content = JSON.parse('{"__proto__":{"a":1},"constructor":2}') as object;
  const made = await t.call('create_entity', { entity_type: 'note', name: 'x', content });
  const { id } = made['entity'] as { id: string };
  await t.call('update_entity', { entity_id: id, changes: { content: { more: true } } });
  expect(t.home.graph.entity(id)?.contentJson).toBe(
    '{"__proto__":{"a":1},"constructor":2,"name":"x","more":true}',
  );
});

test('a content that is too large is refused', async () => {
  const content = { text: 'x'.repeat(300_000) };
  const refusal = await t.refusal('create_entity', { entity_type: 'note', name: 'x', content });
  expect(refusal).toContain('256 KiB');
});

test('create_relationship joins what is there', async () => {
  t.make('device', 'lamp');
  t.make('room', 'hall');
  const ends = { from_entity_id: 'lamp', to_entity_id: 'hall' };
  const made = await t.call('create_relationship', { ...ends, relationship_type: 'LOCATED_IN' });
  const edge = t.home.graph.relationshipsOf('lamp')[0];
  expect(made).toEqual({
    relationship: {
      id: edge?.id,
      from_entity: { id: 'lamp', name: 'lamp' },
      to_entity: { id: 'hall', name: 'hall' },
      type: 'located_in',
      properties: null,
    },
    created: true,
  });
  expect(edge?.userId).toBe('anna');
  const again = { ...ends, relationship_type: 'located_in', properties: { shelf: 'top' } };
  expect(await t.call('create_relationship', again)).toMatchObject({
    relationship: { id: edge?.id, properties: { shelf: 'top' } },
    created: false,
  });
  // Who says nothing about them does not mean to wipe them out.
  const seq = t.home.graph.committedSeq;
  expect(await t.call('create_relationship', { ...again, properties: undefined })).toMatchObject({
    relationship: { id: edge?.id, properties: { shelf: 'top' } },
    created: false,
  });
  expect(t.home.graph.committedSeq).toBe(seq);
  expect(t.home.graph.relationshipsOf('lamp')).toMatchObject([{ propertiesJson: '{"shelf":"top"}' }]);
});

test('create_relationship takes what is unusual with a warning, and no self-edges', async () => {
  t.make('home', 'house');
  t.make('device', 'lamp');
  const odd = { from_entity_id: 'house', to_entity_id: 'lamp', relationship_type: 'located_in' };
  expect(await t.call('create_relationship', odd)).toMatchObject({
    created: true,
    warning: expect.stringContaining('unusual') as string,
  });
  expect(await t.refusal('create_relationship', { ...odd, to_entity_id: 'house' })).toContain('itself');
  expect(await t.refusal('create_relationship', { ...odd, from_entity_id: 'x' })).toBe(
    'From entity x not found',
  );
  expect(await t.refusal('create_relationship', { ...odd, to_entity_id: 'y' })).toBe('To entity y not found');
  expect(await t.refusal('create_relationship', { ...odd, relationship_type: 'likes' })).toContain(
    "'likes' is not a valid RelationshipType",
  );
  const properties = { text: 'x'.repeat(20_000) };
  expect(await t.refusal('create_relationship', { ...odd, properties })).toContain('16 KiB');
});

describe('update_entity', () => {
  beforeEach(() => t.make('device', 'lamp', { watts: 8, at: { x: 1, y: 2 } }));

  test.each([{}, { watts: 9 }, { name: null }, { properties: { watts: 9 } }])(
    'refuses %j, which says neither name nor content, and shows what it takes',
    async (changes) => {
      const refusal = await t.refusal('update_entity', { entity_id: 'lamp', changes });
      expect(refusal).toBe(
        'changes: must hold a name (a text) or a content (an object), such as {"content": {"watts": 8}}',
      );
      expect(t.home.graph.versions('lamp')).toHaveLength(1);
    },
  );

  test.each([{ name: 'lamp' }, { content: {} }, { content: { at: { y: 2, x: 1 }, watts: 8 } }])(
    'makes no version of %j, which changes nothing',
    async (changes) => {
      const { version } = t.home.graph.entity('lamp') ?? expect.fail();
      expect(await t.call('update_entity', { entity_id: 'lamp', changes })).toEqual({
        entity_id: 'lamp',
        new_version: version,
        changes_applied: {},
        parent_versions: [],
      });
      expect(t.home.graph.versions('lamp')).toHaveLength(1);
    },
  );
});
