import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { HUB_AUTHOR } from '../../src/graph/types.ts';
import { startTestApi, type TestApi } from './support.ts';
import { logIn, type V2Client } from './v2-client.ts';

const TIME = /^2026-01-01T00:00:00\.\d{6}\+00:00$/;

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

describe('entities', () => {
  test('one is made and read as v2 knows it', async () => {
    const made = await make('NOTE', 'Paint', { text: 'RAL 9010' });
    const me = await client.call('GET', '/auth/me');
    expect(made).toEqual({
      id: expect.any(String) as string,
      version: expect.stringMatching(/^2026-01-01T00:00:00\.\d{6}\+00:00-\d{6}-/) as string,
      entity_type: 'note',
      name: 'Paint',
      content: { text: 'RAL 9010', name: 'Paint' },
      source_type: 'manual',
      user_id: me.body['user_id'],
      parent_versions: [],
      created_at: expect.stringMatching(TIME) as string,
      updated_at: expect.stringMatching(TIME) as string,
    });
    expect(await read(`/entities/${made.id}`)).toEqual({
      entity: made,
      relationships: { outgoing: [], incoming: [] },
    });
    expect(await read(`/entities/${made.id}?include_relationships=false`)).toEqual({ entity: made });
    // Both protocols look at the same home.
    const v1 = await api.call('GET', `/api/entities/${made.id}`);
    expect(await v1.json()).toMatchObject({ version: made.version, content: made.content });
  });

  test('types rules only warn, and a source that is not known was imported', async () => {
    const { status, body } = await client.call('POST', '/graph/entities', {
      entity_type: 'schedule',
      name: 'Mornings',
      source_type: 'API',
      user_id: 'me',
    });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      entity: { source_type: 'imported' },
      warning: expect.stringContaining('cron') as string,
    });
  });

  test.each([
    { name: 'x', user_id: 'u' },
    { entity_type: 'gizmo', name: 'x', user_id: 'u' },
    { entity_type: 'note', user_id: 'u' },
    { entity_type: 'note', name: '', user_id: 'u' },
    { entity_type: 'note', name: 'x', content: [], user_id: 'u' },
    [],
  ])('%j is not one', async (body) => {
    const answer = await client.call('POST', '/graph/entities', body);
    expect([answer.status, typeof answer.body['detail']]).toEqual([422, 'string']);
  });

  test('an update merges keys and names the version before', async () => {
    const lamp = await make('device', 'Lamp', { watts: 8, room: 'hall' });
    const { status, body } = await client.call('PUT', `/graph/entities/${lamp.id}`, {
      name: 'Reading lamp',
      content: { watts: 9 },
      user_id: 'oook-cli',
    });
    expect(status).toBe(200);
    const updated = body['entity'] as Entity;
    expect(body['previous_version']).toBe(lamp.version);
    expect(updated).toMatchObject({
      name: 'Reading lamp',
      content: { name: 'Reading lamp', watts: 9, room: 'hall' },
      parent_versions: [lamp.version],
    });
    expect(await read(`/entities/${lamp.id}/versions`)).toEqual({
      entity_id: lamp.id,
      versions: [lamp, updated],
      count: 2,
    });
    expect(await read(`/entities/${lamp.id}/versions?limit=1`)).toMatchObject({
      versions: [lamp],
      count: 1,
      truncated: true,
    });
    const old = await read(`/entities/${lamp.id}?version=${encodeURIComponent(lamp.version)}`);
    expect(old['entity']).toEqual(lamp);
  });

  test('a deleted one is gone, and its versions are not', async () => {
    const lamp = await make('device', 'Lamp', { watts: 8 });
    expect((await api.call('DELETE', `/api/entities/${lamp.id}`)).status).toBe(204);
    for (const [method, path] of [
      ['GET', ''],
      ['PUT', ''],
      ['GET', '/connected'],
      ['GET', '/similar'],
    ] as const) {
      const answer = await client.call(
        method,
        `/graph/entities/${lamp.id}${path}`,
        method === 'PUT' ? { name: 'x' } : undefined,
      );
      expect([path, answer.status, answer.body['detail']]).toEqual([path, 404, 'Entity not found']);
    }
    const versions = (await read(`/entities/${lamp.id}/versions`))['versions'] as Entity[];
    expect(versions.map(({ content }) => content)).toEqual([
      { watts: 8, name: 'Lamp' },
      { watts: 8, name: 'Lamp', deleted: true },
    ]);
    expect((await read('/entities'))['total']).toBe(0);
    expect((await client.call('GET', '/graph/entities/x/versions')).status).toBe(404);
    expect((await client.call('GET', `/graph/entities/${lamp.id}?version=x`)).status).toBe(404);
  });

  test('no route deletes', async () => {
    const response = await fetch(`${api.url}/api/v1/graph/entities/x`, {
      method: 'DELETE',
      headers: { authorization: `Bearer ${client.token}` },
    });
    expect(response.status).toBe(405);
    expect(response.headers.get('allow')).toContain('PUT');
  });

  test('lists go by offset, in the words of v2', async () => {
    for (const name of ['a', 'b', 'c']) await make('room', name);
    api.graph.transaction((writer) =>
      writer.createEntity({
        id: 'plug',
        entityType: 'accessory',
        content: { name: 'Plug' },
        author: HUB_AUTHOR,
        sourceType: 'mqtt',
      }),
    );
    const rooms = await read('/entities?entity_type=ROOM&limit=2&offset=1');
    expect(rooms).toMatchObject({
      entities: [{ name: 'b' }, { name: 'c' }],
      total: 3,
      limit: 2,
      offset: 1,
    });
    expect(await read('/entities?entity_type=device')).toMatchObject({
      entities: [{ id: 'plug', entity_type: 'device', source_type: 'imported' }],
      total: 1,
    });
    expect(await read('/entities')).toMatchObject({ total: 4, limit: 10, offset: 0 });
    for (const query of ['limit=0', 'limit=101', 'limit=x', 'offset=-1', 'entity_type=gizmo']) {
      expect([query, (await client.call('GET', `/graph/entities?${query}`)).status]).toEqual([query, 422]);
    }
  });
});

describe('relationships', () => {
  test('one names the current versions of its ends, whatever became of them', async () => {
    const lamp = await make('device', 'Lamp');
    const hall = await make('room', 'Hall');
    const { body } = await client.call('POST', '/graph/relationships', {
      source_id: lamp.id,
      target_id: hall.id,
      relationship_type: 'LOCATED_IN',
      properties: { shelf: 'top' },
      user_id: 'oook-cli',
    });
    const edge = body['relationship'] as Record<string, unknown>;
    expect(body).not.toHaveProperty('warning');
    expect(edge).toEqual({
      id: expect.any(String) as string,
      from_entity_id: lamp.id,
      from_entity_version: lamp.version,
      to_entity_id: hall.id,
      to_entity_version: hall.version,
      relationship_type: 'located_in',
      properties: { shelf: 'top' },
      user_id: lamp['user_id'],
      created_at: expect.stringMatching(TIME) as string,
      updated_at: expect.stringMatching(TIME) as string,
    });
    const updated = await client.call('PUT', `/graph/entities/${lamp.id}`, { name: 'Lamp 2' });
    const { version } = updated.body['entity'] as Entity;
    const all = await read('/relationships');
    expect(all).toEqual({ relationships: [{ ...edge, from_entity_version: version }], count: 1 });
    expect((await read(`/entities/${hall.id}`))['relationships']).toEqual({
      outgoing: [],
      incoming: all['relationships'],
    });
  });

  test('a list is narrowed by ends and type', async () => {
    const [lamp, oven, hall] = [
      await make('device', 'Lamp'),
      await make('device', 'Oven'),
      await make('room', 'Hall'),
    ];
    const a = await join(lamp, 'located_in', hall);
    const b = await join(oven, 'located_in', hall);
    const c = await join(lamp, 'controls', oven);
    const ids = async (query: string): Promise<unknown> =>
      ((await read(`/relationships?${query}`))['relationships'] as Entity[]).map(({ id }) => id);
    expect(await ids('')).toEqual([a, b, c]);
    expect(await ids(`from_entity_id=${lamp.id}`)).toEqual([a, c]);
    expect(await ids(`to_entity_id=${hall.id}`)).toEqual([a, b]);
    expect(await ids(`from_entity_id=${lamp.id}&to_entity_id=${hall.id}`)).toEqual([a]);
    expect(await ids('relationship_type=controls')).toEqual([c]);
    expect(await ids('from_entity_id=nobody')).toEqual([]);
    expect(await read('/relationships?limit=2')).toMatchObject({ count: 2, truncated: true });
    expect((await client.call('GET', '/graph/relationships?relationship_type=likes')).status).toBe(422);
    // The script of KittenKong that comes without a token.
    expect((await fetch(`${api.url}/api/v1/graph/relationships`)).status).toBe(401);
  });

  test('what is odd is said, what cannot be is refused', async () => {
    const lamp = await make('device', 'Lamp');
    const home = await make('home', 'House');
    const body = { source_id: home.id, target_id: lamp.id, relationship_type: 'located_in', user_id: 'u' };
    const odd = await client.call('POST', '/graph/relationships', body);
    expect(odd).toMatchObject({
      status: 200,
      body: { warning: expect.stringContaining('unusual') as string },
    });
    const missing = await client.call('POST', '/graph/relationships', { ...body, target_id: 'x' });
    expect([missing.status, missing.body['detail']]).toEqual([404, 'One or both entities not found']);
    const self = await client.call('POST', '/graph/relationships', { ...body, target_id: home.id });
    expect([self.status, self.body['detail']]).toEqual([400, expect.stringContaining('itself')]);
    const likes = await client.call('POST', '/graph/relationships', { ...body, relationship_type: 'likes' });
    expect([likes.status, likes.body['detail']]).toEqual([422, expect.stringContaining('RelationshipType')]);
  });
});
