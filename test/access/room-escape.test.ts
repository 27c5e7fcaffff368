import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { makePerson, type Person } from '../http/people.ts';
import { startTestApi, type TestApi } from '../http/support.ts';

let api: TestApi;
let ben: Person;
beforeEach(async () => {
  api = await startTestApi();
  api.sync.answer = null;
  const things = { house: 'home', kitchen: 'room', crypt: 'room', lamp: 'device', vault: 'device' };
  for (const [id, entity_type] of Object.entries(things)) {
    await api.call('POST', '/api/entities', { id, entity_type, content: { name: id } });
  }
  for (const [from, to, type] of [
    ['kitchen', 'house', 'part_of'],
    ['crypt', 'house', 'part_of'],
    ['lamp', 'kitchen', 'located_in'],
    ['vault', 'crypt', 'located_in'],
  ] as const) {
    const body = { from_entity_id: from, to_entity_id: to, relationship_type: type };
    expect((await api.call('POST', '/api/relationships', body)).status).toBe(201);
  }
  ben = await makePerson(api, 'ben', 'member', { rooms: ['kitchen'] });
});
afterEach(async () => {
  await api[Symbol.asyncDispose]();
});

async function seen(): Promise<string[]> {
  const { items } = (await (await ben.call('GET', '/api/entities')).json()) as { items: { id: string }[] };
  return items.map(({ id }) => id).sort();
}

describe('somebody who is limited to a room', () => {
  test.each(['part_of', 'located_in'])(
    'does not put the home into it (%s) to see all of it',
    async (type) => {
      expect(await seen()).toEqual(['house', 'kitchen', 'lamp']);
      const answer = await ben.call('POST', '/api/sync/inbetweenies', {
        protocol_version: 'inbetweenies-v1.1',
        device_id: 'phone',
        user_id: ben.id,
        vector_clock: {},
        changes: [],
        relationship_changes: [
          {
            change_type: 'create',
            relationship_id: 'house-in-kitchen',
            relationship_version: '2026-01-01T00:00:00.000Z-phone',
            parent_versions: [],
            from_entity_id: 'house',
            to_entity_id: 'kitchen',
            relationship_type: type,
            properties: {},
            timestamp: new Date(api.clock.nowMs()).toISOString(),
            device_id: 'phone',
          },
        ],
      });
      expect(answer.status).toBe(200);
      const told = await answer.text();
      expect(told).not.toContain('vault');
      expect(await seen()).toEqual(['house', 'kitchen', 'lamp']);
      expect((await ben.call('GET', '/api/entities/vault')).status).toBe(404);
    },
  );

  test('changes neither the home nor how it is divided', async () => {
    const patched = await ben.call('PATCH', '/api/entities/house', { content: { name: "Ben's" } });
    expect([patched.status, await patched.text()]).toEqual([403, expect.stringContaining('not the home')]);
    const { items } = (await (await ben.call('GET', '/api/relationships?from_entity_id=kitchen')).json()) as {
      items: { id: string; version: string }[];
    };
    const [edge] = items;
    const answer = await ben.call('POST', '/api/sync/inbetweenies', {
      protocol_version: 'inbetweenies-v1.1',
      device_id: 'phone',
      user_id: ben.id,
      vector_clock: {},
      changes: [
        {
          change_type: 'update',
          entity_id: 'house',
          entity_version: '2026-01-01T00:00:00.000Z-phone',
          entity_type: 'home',
          content: { name: "Ben's" },
          timestamp: new Date(api.clock.nowMs()).toISOString(),
          parent_versions: [],
        },
      ],
      relationship_changes: [
        {
          change_type: 'delete',
          relationship_id: edge?.id,
          relationship_version: '2026-01-01T00:00:00.000Z-phone',
          parent_versions: [edge?.version],
          from_entity_id: 'kitchen',
          to_entity_id: 'house',
          relationship_type: 'part_of',
          properties: {},
          timestamp: new Date(api.clock.nowMs()).toISOString(),
          device_id: 'phone',
        },
      ],
    });
    const told = await answer.text();
    expect(told.match(/not the home or how it is divided/g)).toHaveLength(2);
    expect(await (await api.call('GET', '/api/entities/house')).json()).toMatchObject({
      content: { name: 'house' },
    });
    expect(await seen()).toEqual(['house', 'kitchen', 'lamp']);
    const own = await ben.call('PATCH', '/api/entities/lamp', { content: { name: 'Lamp' } });
    expect(own.status).toBe(200);
  });
});
