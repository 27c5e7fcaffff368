import { describe, expect, test } from 'vitest';

import type { EntityVersion, RelationshipVersion } from '../../src/graph/types.ts';

import {
  entityJsonV2,
  isV2EntityType,
  isV2RelationshipType,
  nameInContent,
  relationshipJsonV2,
  toStoredEntityTypes,
  toV2EntityType,
  toV2SourceType,
} from '../../src/graph/graph.ts';

const LAMP: EntityVersion = {
  seq: 7,
  id: 'lamp',
  version: 'v-1',
  entityType: 'accessory',
  changeType: 'update',
  heldAs: 'state',
  parentVersions: ['v-0'],
  contentJson: '{"name":"Lamp","watts":8.0}',
  userId: 'anna',
  deviceId: 'phone',
  sourceType: 'mqtt',
  timestamp: '2026-01-01T00:00:00Z',
  createdAtMs: Date.UTC(2026, 0, 1),
  modifiedAtMs: Date.UTC(2026, 0, 2),
  validMicros: Date.UTC(2026, 0, 2) * 1000,
  storedMicros: Date.UTC(2026, 0, 3) * 1000 + 42,
};

describe('an entity in v2', () => {
  test('has the words of v2, times in microseconds, and its stored content as it is', () => {
    const text = entityJsonV2(LAMP);
    expect(text).toContain('"content":{"name":"Lamp","watts":8.0}');
    expect(JSON.parse(text)).toEqual({
      id: 'lamp',
      version: 'v-1',
      entity_type: 'device',
      name: 'Lamp',
      content: { name: 'Lamp', watts: 8 },
      source_type: 'imported',
      user_id: 'anna',
      parent_versions: ['v-0'],
      created_at: '2026-01-01T00:00:00.000000+00:00',
      updated_at: '2026-01-03T00:00:00.000042+00:00',
    });
  });

  test('that is deleted shows what it was, and that it is deleted', () => {
    const tombstone = { ...LAMP, contentJson: null };
    expect(JSON.parse(entityJsonV2(tombstone, '{"name":"Lamp","watts":8}'))).toMatchObject({
      name: 'Lamp',
      content: { name: 'Lamp', watts: 8, deleted: true },
    });
    expect(JSON.parse(entityJsonV2(tombstone))).toMatchObject({ name: '', content: { deleted: true } });
  });
});

test.each([
  ['{"name":"Lamp"}', 'Lamp'],
  ['{"name":"a \\"b\\" \\u00e9 \\\\","x":1}', 'a "b" é \\'],
  ['{"x":{"name":"inner"},"name":"outer"}', 'outer'],
  ['{"name":7}', ''],
  ['{"name":null,"x":1}', ''],
  ['{"x":1}', ''],
  ['{}', ''],
  [`{"name":"${'x'.repeat(500)}"}`, 'x'.repeat(500)],
  ['{"__proto__":{"name":"no"}}', ''],
  [null, ''],
])('the name in %s', (content, name) => {
  expect(nameInContent(content)).toBe(name);
});

test('an edge in v2 has the versions of its ends', () => {
  const edge: RelationshipVersion = {
    seq: 8,
    id: 'edge',
    version: 'e-1',
    heldAs: 'state',
    parentVersions: [],
    fromEntityId: 'lamp',
    toEntityId: 'hall',
    relationshipType: 'located_in',
    propertiesJson: '{"shelf":1.0}',
    userId: 'anna',
    deviceId: 'phone',
    createdAtMs: 1,
    createdMicros: 1001,
    validFromMs: 2,
    validFromMicros: 2000,
    validToMs: null,
    validToMicros: null,
    storedMicros: 3003,
  };
  const text = relationshipJsonV2(edge, { from: 'v-1', to: 'v-9' });
  expect(text).toContain('"properties":{"shelf":1.0}');
  expect(JSON.parse(text)).toEqual({
    id: 'edge',
    from_entity_id: 'lamp',
    from_entity_version: 'v-1',
    to_entity_id: 'hall',
    to_entity_version: 'v-9',
    relationship_type: 'located_in',
    properties: { shelf: 1 },
    user_id: 'anna',
    created_at: '1970-01-01T00:00:00.001001+00:00',
    updated_at: '1970-01-01T00:00:00.003003+00:00',
  });
});

test('the vocabulary', () => {
  expect(['mqtt', 'google_home', 'alexa', 'homekit', 'manual', 'odd'].map(toV2SourceType)).toEqual([
    'imported',
    'imported',
    'imported',
    'homekit',
    'manual',
    'odd',
  ]);
  expect(['accessory', 'device', 'sensor'].map(toV2EntityType)).toEqual(['device', 'device', 'sensor']);
  expect(toStoredEntityTypes('device')).toEqual(['device', 'accessory']);
  expect(toStoredEntityTypes('room')).toEqual(['room']);
  expect(['service', 'photo', 'room', 'sensor'].map(isV2EntityType)).toEqual([false, false, true, true]);
  expect(['has_photo', 'has_blob'].map(isV2RelationshipType)).toEqual([false, true]);
});
