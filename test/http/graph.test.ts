import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { problemOf, startTestApi, type TestApi } from './support.ts';

let api: TestApi;
beforeEach(async () => {
  api = await startTestApi();
});
afterEach(async () => {
  await api[Symbol.asyncDispose]();
});

interface Entity {
  readonly id: string;
  readonly version: string;
  readonly entity_type: string;
  readonly parent_versions: readonly string[];
  readonly content: Readonly<Record<string, unknown>>;
  readonly user_id: string;
  readonly source_type: string;
  readonly created_at: string;
  readonly last_modified: string;
  readonly deleted_at: string | null;
}
interface Page<T> {
  readonly items: readonly T[];
  readonly next_cursor: string | null;
}

async function make(type: string, content: unknown, id?: string): Promise<Entity> {
  const response = await api.call('POST', '/api/entities', { entity_type: type, content, id });
  expect(response.status).toBe(201);
  return (await response.json()) as Entity;
}

describe('entities', () => {
  test('one is made, read, and answered as the seed describes it', async () => {
    const response = await api.call('POST', '/api/entities', {
      entity_type: 'ROOM',
      content: { name: 'Kitchen' },
    });
    expect(response.status).toBe(201);
    const made = (await response.json()) as Entity;
    const me = (await (await api.call('GET', '/api/auth/me')).json()) as { user_id: string };
    expect(made).toEqual({
      id: expect.any(String) as string,
      version: expect.stringMatching(/-hub$/) as string,
      entity_type: 'room',
      parent_versions: [],
      content: { name: 'Kitchen' },
      user_id: me.user_id,
      source_type: 'manual',
      created_at: '2026-01-01T00:00:00.000Z',
      last_modified: '2026-01-01T00:00:00.000Z',
      deleted_at: null,
    });
    expect(response.headers.get('location')).toBe(`/api/entities/${made.id}`);
    const read = await api.call('GET', `/api/entities/${made.id}`);
    expect(await read.json()).toEqual(made);
    expect(read.headers.get('etag')).toBe(response.headers.get('etag'));
  });

  test('a write is answered only once it is durable', async () => {
    const { syncs } = api.store.counters;
    await make('room', { name: 'Kitchen' });
    expect(api.store.counters.syncs).toBeGreaterThan(syncs);
    expect(api.graph.headSeq).toBe(api.graph.committedSeq);
  });

  test('a client that holds the version is told so with 304', async () => {
    const { id } = await make('room', { name: 'Kitchen' });
    const etag = (await api.call('GET', `/api/entities/${id}`)).headers.get('etag') ?? '';
    expect(etag).toMatch(/^"[\w-]{43}"$/);
    for (const held of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
      const again = await api.call('GET', `/api/entities/${id}`, undefined, { 'if-none-match': held });
      expect(again.status).toBe(304);
      expect(await again.text()).toBe('');
    }
    await api.call('PATCH', `/api/entities/${id}`, { content: { name: 'Big kitchen' } });
    const changed = await api.call('GET', `/api/entities/${id}`, undefined, { 'if-none-match': etag });
    expect(changed.status).toBe(200);
  });

  test('a merge patch replaces, adds, removes and goes deep', async () => {
    const { id, version } = await make('room', {
      name: 'Kitchen',
      floor: 1,
      paint: { wall: 'red', door: 'blue' },
    });
    const response = await api.call('PATCH', `/api/entities/${id}`, {
      content: { floor: null, area: 12, paint: { wall: 'white' } },
    });
    expect(response.status).toBe(200);
    const patched = (await response.json()) as Entity;
    expect(patched.content).toEqual({ name: 'Kitchen', area: 12, paint: { wall: 'white', door: 'blue' } });
    expect(patched.parent_versions).toEqual([version]);
  });

  test('a patch that changes nothing makes no version', async () => {
    const { id, version } = await make('room', { name: 'Kitchen' });
    const response = await api.call('PATCH', `/api/entities/${id}`, {
      content: { name: 'Kitchen', gone: null },
    });
    expect(((await response.json()) as Entity).version).toBe(version);
  });

  test('a key named __proto__ stays a key and changes nobody', async () => {
    const { id } = await make('note', { name: 'n' });
    const patch = '{"content":{"__proto__":{"polluted":true}}}';
    await fetch(`${api.url}/api/entities/${id}`, {
      method: 'PATCH',
      headers: { authorization: `Bearer ${api.token}` },
      body: patch,
    });
    const text = await (await api.call('GET', `/api/entities/${id}`)).text();
    expect(text).toContain('"__proto__":{"polluted":true}');
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });

  test('If-Match guards changes and deletions', async () => {
    const { id } = await make('room', { name: 'Kitchen' });
    const etag = (await api.call('GET', `/api/entities/${id}`)).headers.get('etag') ?? '';
    const stale = { 'if-match': etag };
    const first = await api.call('PATCH', `/api/entities/${id}`, { content: { floor: 1 } }, stale);
    expect(first.status).toBe(200);
    const second = await api.call('PATCH', `/api/entities/${id}`, { content: { floor: 2 } }, stale);
    expect(second.status).toBe(412);
    expect((await problemOf(second)).code).toBe('PRECONDITION_FAILED');
    expect((await api.call('DELETE', `/api/entities/${id}`, undefined, stale)).status).toBe(412);
    const current = { 'if-match': first.headers.get('etag') ?? '' };
    expect((await api.call('DELETE', `/api/entities/${id}`, undefined, current)).status).toBe(204);
  });

  test('a deleted entity is gone from reads and lists, its history is not', async () => {
    const { id } = await make('room', { name: 'Kitchen' });
    await api.call('PATCH', `/api/entities/${id}`, { content: { floor: 1 } });
    const deleted = await api.call('DELETE', `/api/entities/${id}`);
    expect([deleted.status, await deleted.text()]).toEqual([204, '']);
    for (const [method, path] of [
      ['GET', `/api/entities/${id}`],
      ['PATCH', `/api/entities/${id}`],
      ['DELETE', `/api/entities/${id}`],
      ['GET', `/api/entities/${id}/relationships`],
    ] as const) {
      const response = await api.call(method, path, method === 'PATCH' ? { content: {} } : undefined);
      expect([method, response.status]).toEqual([method, 404]);
    }
    expect(await (await api.call('GET', '/api/entities')).json()).toEqual({ items: [], next_cursor: null });
    const versions = (await (await api.call('GET', `/api/entities/${id}/versions`)).json()) as Page<Entity>;
    expect(versions.items.map(({ content }) => content)).toEqual([
      { name: 'Kitchen' },
      { name: 'Kitchen', floor: 1 },
      {},
    ]);
    expect(versions.items.at(-1)?.deleted_at).toBe('2026-01-01T00:00:00.000Z');
  });

  test('lists are filtered, and pages join without a gap or a repetition', async () => {
    for (let i = 0; i < 7; i++) await make('note', { name: `note ${i}` });
    await make('room', { name: 'Kitchen' });
    const names: unknown[] = [];
    let path = '/api/entities?entity_type=Note&source_type=manual&limit=3';
    for (let pages = 1; ; pages++) {
      const page = (await (await api.call('GET', path)).json()) as Page<Entity>;
      names.push(...page.items.map(({ content }) => content['name']));
      if (page.next_cursor === null) {
        expect(pages).toBe(3);
        break;
      }
      path = `/api/entities?entity_type=note&limit=3&cursor=${page.next_cursor}`;
    }
    expect(names).toEqual(Array.from({ length: 7 }, (_, i) => `note ${i}`));
  });

  test('versions are paged too', async () => {
    const { id } = await make('note', { n: 0 });
    for (let n = 1; n < 5; n++) await api.call('PATCH', `/api/entities/${id}`, { content: { n } });
    const first = (await (
      await api.call('GET', `/api/entities/${id}/versions?limit=3`)
    ).json()) as Page<Entity>;
    const cursor = first.next_cursor ?? '';
    const second = (await (
      await api.call('GET', `/api/entities/${id}/versions?limit=3&cursor=${cursor}`)
    ).json()) as Page<Entity>;
    expect([...first.items, ...second.items].map(({ content }) => content['n'])).toEqual([0, 1, 2, 3, 4]);
    expect(second.next_cursor).toBeNull();
  });

  test.each([
    ['limit=0', 'limit'],
    ['limit=501', 'limit'],
    ['limit=many', 'limit'],
    ['cursor=bm9wZQ', 'cursor'],
    ['entity_type=spaceship', 'entity_type'],
    ['source_type=guess', 'source_type'],
  ])('a list asked for with %s is refused by name', async (query, field) => {
    const response = await api.call('GET', `/api/entities?${query}`);
    expect(response.status).toBe(400);
    expect(await problemOf(response)).toMatchObject({ code: 'VALIDATION_ERROR', field });
  });

  test.each([
    [{ entity_type: 'spaceship', content: {} }, 'entity_type', 400],
    [{ content: {} }, 'entity_type', 400],
    [{ entity_type: 'room' }, 'content', 400],
    [{ entity_type: 'room', content: [] }, 'content', 400],
    [{ entity_type: 'device', content: { name: ' ' } }, 'content.name', 400],
    [{ entity_type: 'room', content: {}, id: 'a b' }, 'id', 400],
    [{ entity_type: 'room', content: {}, source_type: 'x' }, 'source_type', 400],
    [{ entity_type: 'note', content: { text: 'x'.repeat(300_000) } }, 'content', 413],
  ])('a bad entity is refused by field (case %#)', async (body, field, status) => {
    const response = await api.call('POST', '/api/entities', body);
    expect(response.status).toBe(status);
    expect((await problemOf(response)).field).toBe(field);
    expect(api.graph.headSeq).toBe(0);
  });

  test('an id that is in use is a conflict', async () => {
    await make('room', { name: 'Kitchen' }, 'kitchen');
    const response = await api.call('POST', '/api/entities', {
      entity_type: 'room',
      content: {},
      id: 'kitchen',
    });
    expect(response.status).toBe(409);
    expect((await problemOf(response)).code).toBe('CONFLICT');
  });
});

describe('relationships', () => {
  async function edges(id: string, direction: string): Promise<unknown[]> {
    const response = await api.call('GET', `/api/entities/${id}/relationships?direction=${direction}`);
    return [...((await response.json()) as Page<unknown>).items];
  }

  test('an edge is made, seen from both ends, and ended', async () => {
    await make('room', { name: 'Kitchen' }, 'kitchen');
    await make('device', { name: 'Lamp' }, 'lamp');
    const response = await api.call('POST', '/api/relationships', {
      from_entity_id: 'lamp',
      to_entity_id: 'kitchen',
      relationship_type: 'located_in',
    });
    expect(response.status).toBe(201);
    const { warnings, ...edge } = (await response.json()) as { id: string; warnings: string[] };
    expect(warnings).toEqual([]);
    expect(edge).toMatchObject({
      from_entity_id: 'lamp',
      to_entity_id: 'kitchen',
      relationship_type: 'located_in',
      properties: {},
      valid_from: '2026-01-01T00:00:00.000Z',
      valid_to: null,
    });
    expect(await edges('lamp', 'from')).toEqual([edge]);
    expect(await edges('lamp', 'to')).toEqual([]);
    expect(await edges('kitchen', 'to')).toEqual([edge]);
    expect(await edges('kitchen', 'both')).toEqual([edge]);
    const inRoom = (await (await api.call('GET', '/api/entities?room_id=kitchen')).json()) as Page<Entity>;
    expect(inRoom.items.map(({ id }) => id)).toEqual(['lamp']);

    expect((await api.call('DELETE', `/api/relationships/${edge.id}`)).status).toBe(204);
    expect(await edges('lamp', 'both')).toEqual([]);
    const ended = (await (await api.call('GET', `/api/relationships/${edge.id}`)).json()) as {
      valid_to: string;
    };
    expect(ended.valid_to).toBe('2026-01-01T00:00:00.000Z');
  });

  test('unknown ends, types and edges are refused', async () => {
    await make('room', { name: 'Kitchen' }, 'kitchen');
    const edge = { from_entity_id: 'kitchen', to_entity_id: 'nowhere', relationship_type: 'located_in' };
    expect((await api.call('POST', '/api/relationships', edge)).status).toBe(404);
    const loop = await api.call('POST', '/api/relationships', { ...edge, to_entity_id: 'kitchen' });
    expect([loop.status, (await problemOf(loop)).field]).toEqual([400, 'to_entity_id']);
    const odd = await api.call('POST', '/api/relationships', { ...edge, relationship_type: 'likes' });
    expect([odd.status, (await problemOf(odd)).field]).toEqual([400, 'relationship_type']);
    expect((await api.call('DELETE', '/api/relationships/nothing')).status).toBe(404);
    expect((await api.call('GET', '/api/entities/kitchen/relationships?direction=up')).status).toBe(400);
  });
});
