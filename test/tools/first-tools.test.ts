import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { ENTITY_TYPES, RELATIONSHIP_TYPES } from '../../src/graph/types.ts';
import { ANNA, openToolHome, type ToolHome } from './tool-home.ts';

const TIME = /^2026-01-01T00:00:00\.\d{6}\+00:00$/;

let t: ToolHome;
beforeEach(async () => {
  t = await openToolHome();
});
afterEach(async () => {
  await t[Symbol.asyncDispose]();
});

/** A kitchen and a hall with a lamp, what belongs to it, and what it says about them. */
function furnish(): void {
  t.make('home', 'house');
  t.make('room', 'kitchen');
  t.make('room', 'hall');
  t.make('door', 'back-door');
  t.make('device', 'lamp', { name: 'Ceiling lamp', capabilities: ['on', 'level'], services: ['light'] });
  t.make('device', 'switch');
  t.make('accessory', 'plug');
  t.make('procedure', 'change-bulb', { steps: ['off', 'on'] });
  t.make('manual', 'lamp-manual', { pages: 4 });
  t.make('note', 'paint', { text: 'The walls are RAL 9010' });
  t.make('automation', 'evening', { trigger: { at: 'sunset' }, action: { turn: 'on' } });
  t.join('kitchen', 'located_in', 'house');
  t.join('lamp', 'located_in', 'kitchen');
  t.join('plug', 'located_in', 'kitchen');
  t.join('switch', 'located_in', 'hall');
  t.join('switch', 'controls', 'lamp');
  t.join('kitchen', 'connects_to', 'hall', { via: 'archway' });
  t.join('back-door', 'connects_to', 'kitchen');
  t.join('change-bulb', 'procedure_for', 'lamp');
  t.join('lamp', 'documented_by', 'lamp-manual');
  t.join('kitchen', 'documented_by', 'paint');
  t.join('evening', 'automates', 'lamp');
  t.join('evening', 'automates', 'kitchen');
}

test('the first twelve are there by name, with schemas that say what they want', () => {
  const tools = t.tools.list();
  expect(
    tools
      .slice(0, 12)
      .map(({ name }) => name)
      .toSorted(),
  ).toEqual(
    [
      'get_devices_in_room',
      'find_device_controls',
      'get_room_connections',
      'search_entities',
      'create_entity',
      'create_relationship',
      'find_path',
      'get_entity_details',
      'find_similar_entities',
      'get_procedures_for_device',
      'get_automations_in_room',
      'update_entity',
    ].toSorted(),
  );
  for (const { name, description } of tools) {
    expect(description, name).toMatch(/^[A-Z].{5,}/);
    // The rule of those who made them: nothing is ever erased.
    expect(name).not.toMatch(/delete|remove/);
  }
  expect(t.tools.describe('get_devices_in_room')?.parameters).toMatchObject({
    type: 'object',
    required: ['room_id'],
    properties: { room_id: { type: 'string' }, user_id: {} },
  });
  expect(t.tools.describe('create_entity')?.parameters).toMatchObject({
    required: ['entity_type', 'name'],
    properties: {
      entity_type: {
        type: 'string',
        enum: ENTITY_TYPES.filter((type) => !['accessory', 'service'].includes(type)),
      },
    },
  });
  expect(t.tools.describe('create_relationship')?.parameters).toMatchObject({
    required: ['from_entity_id', 'to_entity_id', 'relationship_type'],
    properties: { relationship_type: { enum: RELATIONSHIP_TYPES } },
  });
  expect(t.tools.describe('find_path')?.parameters).toMatchObject({
    required: ['from_entity_id', 'to_entity_id'],
    properties: { max_depth: { default: 10 } },
  });
  expect(t.tools.describe('nothing')).toBeUndefined();
  expect(
    t.tools
      .list()
      .filter(({ name }) => t.tools.mutates(name))
      .map(({ name }) => name),
  ).toEqual([
    'create_entity',
    'create_relationship',
    'update_entity',
    'end_relationship',
    'tombstone_entity',
  ]);
});

describe('about places', () => {
  beforeEach(furnish);

  test('get_devices_in_room', async () => {
    const found = await t.call('get_devices_in_room', { room_id: 'kitchen', user_id: 'whoever' });
    expect(found).toEqual({
      room_id: 'kitchen',
      devices: [
        {
          id: 'lamp',
          version: expect.stringMatching(/-hub$/) as string,
          entity_type: 'device',
          name: 'Ceiling lamp',
          content: { name: 'Ceiling lamp', capabilities: ['on', 'level'], services: ['light'] },
          source_type: 'manual',
          user_id: 'anna',
          parent_versions: [],
          created_at: expect.stringMatching(TIME) as string,
          updated_at: expect.stringMatching(TIME) as string,
        },
        expect.objectContaining({ id: 'plug', entity_type: 'device' }),
      ],
      count: 2,
    });
  });

  test('find_device_controls', async () => {
    expect(await t.call('find_device_controls', { device_id: 'switch' })).toEqual({
      device_id: 'switch',
      device_name: 'switch',
      capabilities: [],
      controlled_devices: [{ id: 'lamp', name: 'Ceiling lamp', type: 'device' }],
      services: [],
    });
    expect(await t.call('find_device_controls', { device_id: 'lamp' })).toMatchObject({
      capabilities: ['on', 'level'],
      controlled_devices: [],
      services: ['light'],
    });
  });

  test('get_room_connections', async () => {
    const found = await t.call('get_room_connections', { room_id: 'kitchen' });
    expect(found).toEqual({
      room_id: 'kitchen',
      room_name: 'kitchen',
      connections: [
        { id: 'hall', name: 'hall', connection_type: 'archway' },
        { id: 'back-door', name: 'back-door', connection_type: 'direct' },
      ],
      connection_count: 2,
    });
  });

  test('get_procedures_for_device', async () => {
    expect(await t.call('get_procedures_for_device', { device_id: 'lamp' })).toEqual({
      device_id: 'lamp',
      device_name: 'Ceiling lamp',
      procedures: [
        { id: 'change-bulb', name: 'change-bulb', content: { name: 'change-bulb', steps: ['off', 'on'] } },
      ],
      manuals: [{ id: 'lamp-manual', name: 'lamp-manual', content: { name: 'lamp-manual', pages: 4 } }],
      total_documentation: 2,
    });
  });

  test('get_automations_in_room', async () => {
    expect(await t.call('get_automations_in_room', { room_id: 'kitchen' })).toMatchObject({
      room_id: 'kitchen',
      room_name: 'kitchen',
      automations: [
        {
          id: 'evening',
          name: 'evening',
          content: { trigger: { at: 'sunset' } },
          affects_devices: [{ id: 'lamp', name: 'Ceiling lamp' }],
        },
      ],
      automation_count: 1,
    });
    expect(await t.call('get_automations_in_room', { room_id: 'hall' })).toMatchObject({
      automations: [],
      automation_count: 0,
    });
  });

  test('what is not there is named', async () => {
    expect(await t.refusal('get_devices_in_room', { room_id: 'attic' })).toBe('Room attic not found');
    expect(await t.refusal('find_device_controls', { device_id: 'x' })).toBe('Device x not found');
    expect(await t.refusal('get_entity_details', { entity_id: 'x' })).toBe('Entity x not found');
    t.home.graph.transaction((writer) => writer.deleteEntity('kitchen', ANNA));
    expect(await t.refusal('get_devices_in_room', { room_id: 'kitchen' })).toBe('Room kitchen not found');
  });
});

describe('search_entities', () => {
  beforeEach(furnish);

  test('looks at names and contents', async () => {
    expect(await t.call('search_entities', { query: 'ceiling' })).toEqual({
      query: 'ceiling',
      results: [
        {
          id: 'lamp',
          version: expect.any(String) as string,
          entity_type: 'device',
          name: 'Ceiling lamp',
          score: expect.any(Number) as number,
          highlights: { name: ['Ceiling lamp'], content: [] },
          content_preview: expect.stringContaining('"capabilities"') as string,
        },
      ],
      count: 1,
    });
    expect(await t.call('search_entities', { query: 'RAL' })).toMatchObject({
      results: [{ id: 'paint', highlights: { name: [], content: ['The walls are RAL 9010'] } }],
    });
  });

  test('keeps to types and to the limit', async () => {
    const lamps = await t.call('search_entities', { query: 'lamp', entity_types: ['MANUAL'] });
    expect(lamps['results']).toMatchObject([{ id: 'lamp-manual' }]);
    const plugs = await t.call('search_entities', { query: 'plug', entity_types: ['device'] });
    expect(plugs['results']).toMatchObject([{ id: 'plug', entity_type: 'device' }]);
    expect((await t.call('search_entities', { query: 'lamp', limit: 1 }))['count']).toBe(1);
    expect((await t.call('search_entities', { query: '' }))['results']).toEqual([]);
    expect(await t.refusal('search_entities', { query: 'x', limit: 0 })).toContain('limit');
    expect(await t.refusal('search_entities', { query: 'x', entity_types: ['gizmo'] })).toContain(
      "'gizmo' is not a valid EntityType",
    );
  });
});

describe('find_path', () => {
  beforeEach(furnish);

  test('finds the way that there is', async () => {
    expect(await t.call('find_path', { from_entity_id: 'switch', to_entity_id: 'house' })).toEqual({
      from: 'switch',
      to: 'house',
      path: [
        { id: 'switch', name: 'switch', type: 'device' },
        expect.anything(),
        { id: 'kitchen', name: 'kitchen', type: 'room' },
        { id: 'house', name: 'house', type: 'home' },
      ],
      length: 3,
      found: true,
    });
  });

  test('says that there is none', async () => {
    const none = { path: [], length: 0, found: false };
    const ends = { from_entity_id: 'switch', to_entity_id: 'house' };
    expect(await t.call('find_path', { ...ends, max_depth: 2 })).toMatchObject(none);
    expect(await t.call('find_path', { ...ends, to_entity_id: 'nowhere' })).toMatchObject(none);
    expect(await t.call('find_path', { from_entity_id: 'lamp', to_entity_id: 'lamp' })).toMatchObject({
      path: [{ id: 'lamp' }],
      length: 0,
      found: true,
    });
  });
});

describe('get_entity_details', () => {
  beforeEach(furnish);

  test('tells of relationships and versions', async () => {
    const details = await t.call('get_entity_details', { entity_id: 'kitchen' });
    expect(details).toMatchObject({
      entity: { id: 'kitchen', entity_type: 'room' },
      version_count: 1,
      current_version: t.home.graph.entity('kitchen')?.version,
    });
    expect(details['relationships']).toEqual({
      outgoing: [
        { to: 'house', type: 'located_in', properties: {} },
        { to: 'hall', type: 'connects_to', properties: { via: 'archway' } },
        { to: 'paint', type: 'documented_by', properties: {} },
      ],
      incoming: expect.arrayContaining([{ from: 'lamp', type: 'located_in', properties: {} }]) as unknown,
    });
    expect(details).not.toHaveProperty('connected_entities');
  });

  test('tells what is connected, when asked', async () => {
    const details = await t.call('get_entity_details', { entity_id: 'lamp', include_connected: true });
    const connected = details['connected_entities'] as Record<string, Record<string, unknown>>[];
    const told = connected.map((one) => [one['entity']?.['id'], one['direction'], one['relationship_type']]);
    expect(told).toHaveLength(5);
    expect(told).toEqual(
      expect.arrayContaining([
        ['change-bulb', 'incoming', 'procedure_for'],
        ['evening', 'incoming', 'automates'],
        ['kitchen', 'outgoing', 'located_in'],
        ['lamp-manual', 'outgoing', 'documented_by'],
        ['switch', 'incoming', 'controls'],
      ]),
    );
  });
});

describe('find_similar_entities', () => {
  test('compares with the same type by words and keys, and keeps to threshold and limit', async () => {
    t.make('device', 'a', { name: 'Kitchen lamp', maker: 'Acme', watts: 8 });
    t.make('device', 'b', { name: 'Kitchen lamp', maker: 'Acme', watts: 8 });
    t.make('device', 'c', { name: 'Hall lamp', maker: 'Acme', watts: 8 });
    t.make('device', 'd', { name: 'Oven', cooks: true });
    t.make('note', 'e', { name: 'Kitchen lamp', maker: 'Acme', watts: 8 });
    const similar = async (args: object): Promise<unknown[]> => {
      const answer = await t.call('find_similar_entities', { entity_id: 'a', ...args });
      expect(answer).toMatchObject({ reference_entity_id: 'a' });
      const found = answer['similar_entities'] as Record<string, unknown>[];
      expect(answer['count']).toBe(found.length);
      return found.map(({ id, score }) => [id, Math.round(Number(score) * 100) / 100]);
    };
    expect(await similar({})).toEqual([['b', 1]]);
    expect(await similar({ threshold: 0.5 })).toEqual([
      ['b', 1],
      ['c', 0.67],
    ]);
    expect(await similar({ threshold: 0 })).toHaveLength(2);
    expect(await similar({ threshold: 0, limit: 1 })).toEqual([['b', 1]]);
    expect(await t.refusal('find_similar_entities', { entity_id: 'a', threshold: 2 })).toContain('threshold');
    expect(await t.refusal('find_similar_entities', { entity_id: 'x' })).toBe('Entity x not found');
  });

  test('looks at all of a type, however many', async () => {
    for (let i = 0; i < 250; i++) t.make('note', `n${i}`, { name: `Number ${i}` });
    t.make('note', 'last', { name: 'Number 0' });
    const answer = await t.call('find_similar_entities', { entity_id: 'n0', threshold: 0.9 });
    expect(answer['similar_entities']).toMatchObject([{ id: 'last', score: 1 }]);
  });
});

test('an unknown tool is named', async () => {
  expect(await t.refusal('make_coffee', {})).toBe('Unknown tool: make_coffee');
});
