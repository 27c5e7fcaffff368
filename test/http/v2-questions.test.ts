import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { startTestApi, type TestApi } from './support.ts';
import { logIn, logInAsGuest, type V2Client } from './v2-client.ts';

let api: TestApi;
let client: V2Client;
beforeEach(async () => {
  api = await startTestApi();
  client = await logIn(api);
});
afterEach(async () => {
  await api[Symbol.asyncDispose]();
});

type Entity = Record<string, unknown> & { id: string; version: string; content: Record<string, unknown> };

/** A creation as oook sends it. */
async function make(entityType: string, name: string, content: object = {}): Promise<Entity> {
  const { status, body } = await client.call('POST', '/graph/entities', {
    entity_type: entityType,
    name,
    content,
    source_type: 'manual',
    user_id: 'oook-cli',
  });
  expect(status).toBe(200);
  return body['entity'] as Entity;
}

async function join(from: Entity, type: string, to: Entity, properties?: object): Promise<string> {
  const { status, body } = await client.call('POST', '/graph/relationships', {
    source_id: from.id,
    target_id: to.id,
    relationship_type: type,
    ...(properties ? { properties } : {}),
    user_id: 'oook-cli',
  });
  expect(status).toBe(200);
  return (body['relationship'] as { id: string }).id;
}

async function read(path: string): Promise<Record<string, unknown>> {
  const { status, body } = await client.call('GET', `/graph${path}`);
  expect(status, path).toBe(200);
  return body;
}

describe('questions', () => {
  let lamp: Entity;
  let kitchen: Entity;
  let house: Entity;
  beforeEach(async () => {
    lamp = await make('device', 'Ceiling lamp', { maker: 'Acme', notes: 'bought in Oslo' });
    kitchen = await make('room', 'Kitchen');
    house = await make('home', 'House');
    await join(lamp, 'located_in', kitchen);
    await join(kitchen, 'part_of', house);
  });

  test('search, as oook asks', async () => {
    const { status, body } = await client.call('POST', '/graph/search', { query: 'ceiling', limit: 10 });
    expect(status).toBe(200);
    expect(body).toEqual({
      query: 'ceiling',
      results: [
        {
          entity: lamp,
          score: expect.any(Number) as number,
          highlights: ['Ceiling lamp'],
          matched_fields: ['name'],
        },
      ],
      count: 1,
    });
    const inContent = await client.call('POST', '/graph/search', { query: 'oslo', entity_types: ['device'] });
    expect(inContent.body['results']).toMatchObject([
      { matched_fields: ['content'], highlights: ['bought in Oslo'] },
    ]);
    const rooms = await client.call('POST', '/graph/search', { query: 'oslo', entity_types: ['room'] });
    expect(rooms.body['count']).toBe(0);
    for (const wrong of [{}, { query: 'x', limit: 101 }, { query: 'x', entity_types: ['gizmo'] }]) {
      expect((await client.call('POST', '/graph/search', wrong)).status).toBe(422);
    }
  });

  test('path', async () => {
    const ends = { from_entity_id: lamp.id, to_entity_id: house.id };
    expect((await client.call('POST', '/graph/path', ends)).body).toEqual({
      from: lamp.id,
      to: house.id,
      path: [
        { id: lamp.id, name: 'Ceiling lamp', type: 'device' },
        { id: kitchen.id, name: 'Kitchen', type: 'room' },
        { id: house.id, name: 'House', type: 'home' },
      ],
      length: 2,
      found: true,
    });
    const short = await client.call('POST', '/graph/path', { ...ends, max_depth: 1 });
    expect(short.body).toMatchObject({ path: [], found: false });
    const nowhere = await client.call('POST', '/graph/path', { ...ends, to_entity_id: 'x' });
    expect(nowhere).toMatchObject({ status: 200, body: { found: false } });
    expect((await client.call('POST', '/graph/path', { ...ends, max_depth: 21 })).status).toBe(422);
  });

  test('connected', async () => {
    const connected = async (query: string): Promise<unknown> => {
      const body = await read(`/entities/${kitchen.id}/connected${query}`);
      const found = body['connected'] as Record<string, unknown>[];
      expect(body).toMatchObject({ entity_id: kitchen.id, count: found.length });
      return found.map((one) => [
        (one['entity'] as Entity)['name'],
        one['relationship_type'],
        one['direction'],
        one['distance'],
      ]);
    };
    const lampHere = ['Ceiling lamp', 'located_in', 'incoming', 1];
    const house1 = ['House', 'part_of', 'outgoing', 1];
    expect(await connected('')).toEqual(expect.arrayContaining([lampHere, house1]));
    expect(await connected('?direction=incoming')).toEqual([lampHere]);
    expect(await connected('?relationship_type=part_of')).toEqual([house1]);
    const far = await read(`/entities/${lamp.id}/connected?max_depth=5`);
    expect(far['connected']).toMatchObject([{ distance: 1 }, { distance: 2, entity: { name: 'House' } }]);
    for (const query of ['?max_depth=6', '?max_depth=0', '?direction=up']) {
      expect((await client.call('GET', `/graph/entities/${lamp.id}/connected${query}`)).status).toBe(422);
    }
  });

  test('similar', async () => {
    const twin = await make('device', 'Ceiling lamp', { maker: 'Acme', notes: 'bought in Oslo' });
    await make('device', 'Oven');
    const body = await read(`/entities/${lamp.id}/similar`);
    expect(body).toMatchObject({
      reference_entity_id: lamp.id,
      similar_entities: [{ entity: twin, score: 1 }],
      count: 1,
    });
    for (const query of ['?threshold=2', '?limit=51', '?limit=0']) {
      expect((await client.call('GET', `/graph/entities/${lamp.id}/similar${query}`)).status).toBe(422);
    }
  });

  test('statistics', async () => {
    await make('note', 'Alone');
    expect(await read('/statistics')).toEqual({
      total_entities: 4,
      total_relationships: 2,
      entity_types: { device: 1, home: 1, note: 1, room: 1 },
      relationship_types: { located_in: 1, part_of: 1 },
      average_degree: 1,
      isolated_entities: 1,
    });
  });

  test('guests may ask, and change nothing', async () => {
    const guest = await logInAsGuest(api, client);
    expect((await guest.call('GET', `/graph/entities/${lamp.id}`)).status).toBe(200);
    expect((await guest.call('POST', '/graph/search', { query: 'lamp' })).status).toBe(200);
    expect((await guest.call('POST', '/graph/path', { from_entity_id: 'a', to_entity_id: 'b' })).status).toBe(
      200,
    );
    const head = api.graph.headSeq;
    for (const [method, path] of [
      ['POST', '/graph/entities'],
      ['PUT', `/graph/entities/${lamp.id}`],
      ['POST', '/graph/relationships'],
    ] as const) {
      const answer = await guest.call(method, path, { entity_type: 'note', name: 'x', user_id: 'u' });
      expect([path, answer.status, typeof answer.body['detail']]).toEqual([path, 403, 'string']);
    }
    expect(api.graph.headSeq).toBe(head);
  });
});
