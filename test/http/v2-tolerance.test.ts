import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { startTestApi, type TestApi } from './support.ts';
import { logIn, type V2Client } from './v2-client.ts';

const AUTHOR = { userId: 'anna', deviceId: 'test' };

let api: TestApi;
let client: V2Client;
beforeEach(async () => {
  api = await startTestApi();
  client = await logIn(api);
});
afterEach(async () => {
  await api[Symbol.asyncDispose]();
});

function make(id: string, content: object = {}): void {
  api.graph.transaction((writer) =>
    writer.createEntity({
      id,
      entityType: 'note',
      content: { name: id, ...content },
      author: AUTHOR,
      sourceType: 'manual',
    }),
  );
}

describe('a relationship that is made again', () => {
  const join = async (properties?: unknown): Promise<Record<string, unknown>> => {
    const ends = { source_id: 'a', target_id: 'b', relationship_type: 'depends_on', user_id: 'oook-cli' };
    const { status, body } = await client.call('POST', '/graph/relationships', { ...ends, properties });
    expect(status).toBe(200);
    return body;
  };

  test('keeps its properties where none are sent, and is told from a new one', async () => {
    make('a');
    make('b');
    expect(await join({ shelf: 'top' })).toMatchObject({ created: true });
    for (const nothing of [undefined, null]) {
      expect(await join(nothing)).toMatchObject({
        relationship: { properties: { shelf: 'top' } },
        created: false,
      });
    }
    expect(await join({})).toMatchObject({ relationship: { properties: {} }, created: false });
  });
});

describe('a change of an entity', () => {
  test('that says neither name nor content is refused with what it takes', async () => {
    make('a');
    for (const body of [{}, { user_id: 'me' }, { name: null, content: null }, { changes: { name: 'x' } }]) {
      expect(await client.call('PUT', '/graph/entities/a', body)).toMatchObject({
        status: 422,
        body: { detail: expect.stringContaining('such as {"content": {"watts": 8}}') as string },
      });
    }
    expect(api.graph.versions('a')).toHaveLength(1);
  });

  test('that changes nothing makes no version', async () => {
    make('a', { watts: 8 });
    const { version } = api.graph.entity('a') ?? expect.fail();
    const { status, body } = await client.call('PUT', '/graph/entities/a', {
      name: 'a',
      content: { watts: 8 },
    });
    expect([status, body]).toMatchObject([200, { entity: { version }, previous_version: version }]);
    expect(api.graph.versions('a')).toHaveLength(1);
  });
});

describe('versions', () => {
  test('go on with an offset', async () => {
    make('a');
    api.graph.transaction((writer) => {
      for (let i = 1; i <= 1004; i++) writer.replaceContent('a', { name: `Name ${i}` }, AUTHOR);
    });
    const page = async (query: string): Promise<[unknown, unknown, unknown]> => {
      const { body } = await client.call('GET', `/graph/entities/a/versions${query}`);
      const names = (body['versions'] as { name: string }[]).map(({ name }) => name);
      return [body['count'], names.at(-1), body['truncated']];
    };
    expect(await page('')).toEqual([1000, 'Name 999', true]);
    expect(await page('?offset=1000')).toEqual([5, 'Name 1004', undefined]);
    expect(await page('?offset=1000&limit=2')).toEqual([2, 'Name 1001', true]);
    expect(await page('?offset=2000')).toEqual([0, undefined, undefined]);
    expect((await client.call('GET', '/graph/entities/a/versions?offset=-1')).status).toBe(422);
  });
});

test('search takes no types for all, and null for what is left to the hub', async () => {
  make('a', { text: 'RAL 9010' });
  const question = { query: 'ral', entity_types: [], limit: null };
  expect(await client.call('POST', '/graph/search', question)).toMatchObject({
    status: 200,
    body: { count: 1 },
  });
  const path = { from_entity_id: 'a', to_entity_id: 'a', max_depth: null };
  expect(await client.call('POST', '/graph/path', path)).toMatchObject({ body: { found: true } });
  expect((await client.call('POST', '/graph/search', { ...question, limit: 0 })).status).toBe(422);
});

test('connected tells that there is more than it lists', async () => {
  make('hub');
  api.graph.transaction((writer) => {
    for (let i = 0; i < 1000; i++) {
      const id = `n${i}`;
      const content = { name: id };
      writer.createEntity({ id, entityType: 'note', content, author: AUTHOR, sourceType: 'manual' });
      const ends = { fromEntityId: id, toEntityId: 'hub', relationshipType: 'depends_on' };
      writer.putRelationship({ ...ends, properties: {}, author: AUTHOR });
    }
  });
  const connected = await client.call('GET', '/graph/entities/hub/connected');
  expect(connected.body).toMatchObject({ count: 999, truncated: true });
});

test('statistics and entities take types by any name', async () => {
  const author = AUTHOR;
  api.graph.transaction((writer) => {
    writer.createEntity({
      id: 'a',
      entityType: '__proto__',
      content: { name: 'a' },
      author,
      sourceType: 'manual',
    });
  });
  const { body } = await client.call('GET', '/graph/statistics');
  expect(Object.entries(body['entity_types'] as object)).toEqual([['__proto__', 1]]);
  expect((await client.call('GET', '/graph/entities/a')).body['entity']).toMatchObject({
    entity_type: '__proto__',
  });
});
