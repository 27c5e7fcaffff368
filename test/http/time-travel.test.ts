import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { PASSWORD, problemOf, startTestApi, type TestApi } from './support.ts';

let api: TestApi;
beforeEach(async () => {
  api = await startTestApi();
  login = { atMs: Number.NaN, authorization: '' };
});
afterEach(async () => {
  await api[Symbol.asyncDispose]();
});

interface Entity {
  readonly id: string;
  readonly version: string;
  readonly parent_versions: readonly string[];
  readonly content: Readonly<Record<string, unknown>>;
  readonly deleted_at: string | null;
}
interface Edge {
  readonly id: string;
  readonly version: string;
  readonly from_entity_id: string;
  readonly to_entity_id: string;
  readonly properties: Readonly<Record<string, unknown>>;
  readonly valid_from: string;
  readonly valid_to: string | null;
  readonly warnings?: readonly string[];
}
interface Page<T> {
  readonly items: readonly T[];
  readonly next_cursor: string | null;
}

let login = { atMs: Number.NaN, authorization: '' };

/** Calls as the owner; a token of another day has expired. */
async function call(
  method: string,
  path: string,
  body?: unknown,
  headers?: Record<string, string>,
): Promise<Response> {
  const atMs = api.clock.nowMs();
  if (login.atMs !== atMs) {
    const tokens = await api.access.login({ username: 'admin', password: PASSWORD, address: 'test' });
    login = { atMs, authorization: `Bearer ${tokens.accessToken}` };
  }
  return await api.call(method, path, body, { authorization: login.authorization, ...headers });
}

async function answer<T>(method: string, path: string, body?: unknown, status = 200): Promise<T> {
  const response = await call(method, path, body);
  expect([method, path, response.status]).toEqual([method, path, status]);
  return (await response.json()) as T;
}

async function refused(method: string, path: string, body?: unknown): Promise<[number, string, string?]> {
  const response = await call(method, path, body);
  const { code, field } = await problemOf(response);
  return field === undefined ? [response.status, code] : [response.status, code, field];
}

async function make(id: string, entity_type: string, content: unknown): Promise<Entity> {
  return await answer('POST', '/api/entities', { id, entity_type, content }, 201);
}

async function join(from: string, to: string, type = 'located_in', extra = {}): Promise<Edge> {
  const edge = { from_entity_id: from, to_entity_id: to, relationship_type: type, ...extra };
  return await answer('POST', '/api/relationships', edge, 201);
}

function onDay(month: number, day = 1): string {
  api.clock.jumpTo(Date.UTC(2026, month - 1, day));
  return new Date(api.clock.nowMs()).toISOString();
}

/** A lamp that was in the kitchen in February, and is in the cellar since the tenth of March. */
async function movingLamp(): Promise<void> {
  onDay(1);
  await make('lamp', 'device', { name: 'Lamp' });
  await make('kitchen', 'room', { name: 'Kitchen' });
  await make('cellar', 'room', { name: 'Cellar' });
  onDay(2);
  await join('lamp', 'kitchen', 'located_in', { id: 'place-1' });
  onDay(3, 10);
  await answer('PATCH', '/api/entities/lamp', { content: { name: 'Cellar lamp' } });
  await join('lamp', 'cellar', 'located_in', { id: 'place-2' });
  onDay(6);
}

describe('the past', () => {
  test('every read takes a time', async () => {
    await movingLamp();
    const then = 'at=2026-02-15T00:00:00Z';
    const lamp = await answer<Entity>('GET', `/api/entities/lamp?${then}`);
    expect(lamp.content).toEqual({ name: 'Lamp' });
    const inKitchen = await answer<Page<Entity>>('GET', `/api/entities?room_id=kitchen&${then}`);
    expect(inKitchen.items.map(({ id }) => id)).toEqual(['lamp']);
    expect((await answer<Page<Entity>>('GET', '/api/entities?room_id=kitchen')).items).toEqual([]);
    const edges = await answer<Page<Edge>>('GET', `/api/entities/lamp/relationships?${then}`);
    expect(edges.items.map(({ id }) => id)).toEqual(['place-1']);
    const listed = await answer<Page<Edge>>('GET', `/api/relationships?to_entity_id=kitchen&${then}`);
    expect(listed.items).toEqual(edges.items);
    expect((await answer<Edge>('GET', `/api/relationships/place-1?${then}`)).to_entity_id).toBe('kitchen');
    expect(await refused('GET', `/api/relationships/place-2?${then}`)).toEqual([404, 'NOT_FOUND']);
    const found = await answer<Page<{ entity: Entity }>>('GET', `/api/search?q=lamp&${then}`);
    expect(found.items.map(({ entity }) => entity.content['name'])).toEqual(['Lamp']);
    const path = await answer<{ found: boolean }>('GET', `/api/graph/path?from=lamp&to=kitchen&${then}`);
    expect(path.found).toBe(true);
    expect(await answer('GET', '/api/graph/path?from=lamp&to=kitchen')).toMatchObject({
      found: false,
      length: null,
    });
    expect(await refused('GET', '/api/entities/lamp?at=2025-12-31T00:00:00Z')).toEqual([404, 'NOT_FOUND']);
  });

  test('history answers where the lamp was in March', async () => {
    await movingLamp();
    const march = await answer<Page<Edge>>(
      'GET',
      '/api/entities/lamp/relationships?relationship_type=located_in&from=2026-03-01T00:00:00Z&to=2026-04-01T00:00:00Z',
    );
    expect(march.items.map((edge) => [edge.to_entity_id, edge.valid_from, edge.valid_to])).toEqual([
      ['kitchen', '2026-02-01T00:00:00.000Z', '2026-03-10T00:00:00.000Z'],
      ['cellar', '2026-03-10T00:00:00.000Z', null],
    ]);
    const first = await answer<Page<Edge>>(
      'GET',
      '/api/relationships?entity_id=lamp&from=2026-01-01T00:00:00Z&limit=1',
    );
    expect(first.items.map(({ id }) => id)).toEqual(['place-1']);
    const rest = await answer<Page<Edge>>(
      'GET',
      `/api/relationships?entity_id=lamp&from=2026-01-01T00:00:00Z&limit=1&cursor=${first.next_cursor}`,
    );
    expect([rest.items.map(({ id }) => id), rest.next_cursor]).toEqual([['place-2'], null]);
    await call('DELETE', '/api/entities/lamp');
    const afterwards = await answer<Page<Edge>>(
      'GET',
      '/api/entities/lamp/relationships?from=2026-01-01T00:00:00Z',
    );
    expect(afterwards.items).toHaveLength(2);
  });

  test('a time with a zone may have its plus sign unencoded', async () => {
    await movingLamp();
    const lamp = await answer<Entity>('GET', '/api/entities/lamp?at=2026-02-15T00:00:00+01:00');
    expect(lamp.content).toEqual({ name: 'Lamp' });
  });

  test.each([
    ['/api/entities/lamp?at=yesterday', 'at'],
    ['/api/entities/lamp?at=2030-01-01T00:00:00Z', 'at'],
    ['/api/entities?at=2030-01-01T00:00:00Z', 'at'],
    ['/api/entities/lamp?at=2026-01-01T00:00:00Z&version=x', 'at'],
    ['/api/graph/snapshot?at=now', 'at'],
    ['/api/graph/snapshot?limit=5000', 'limit'],
    ['/api/graph/snapshot?cursor=rubbish', 'cursor'],
    ['/api/graph/diff?to=2026-01-01T00:00:00Z', 'from'],
    ['/api/graph/diff?from=2026-05-01T00:00:00Z&to=2026-01-01T00:00:00Z', 'from'],
    ['/api/graph/path?from=lamp', 'to'],
    ['/api/graph/path?from=lamp&to=kitchen&max_depth=99', 'max_depth'],
    ['/api/graph/path?from=lamp&to=kitchen&relationship_type=likes', 'relationship_type'],
    ['/api/graph/path?from=lamp&to=kitchen&direction=up', 'direction'],
    ['/api/relationships?from=2026-01-01T00:00:00Z', 'entity_id'],
    ['/api/relationships?entity_id=lamp&at=2026-01-01T00:00:00Z&from=2026-01-01T00:00:00Z', 'at'],
    ['/api/search', 'q'],
    ['/api/search?q=x&entity_type=spaceship', 'entity_type'],
  ])('%s is refused at %s', async (path, field) => {
    await movingLamp();
    expect(await refused('GET', path)).toEqual([400, 'VALIDATION_ERROR', field]);
  });
});

describe('snapshot and diff', () => {
  test('pages of a snapshot join into one moment, whatever happens meanwhile', async () => {
    await movingLamp();
    const entities: Entity[] = [];
    const edges: Edge[] = [];
    let path = '/api/graph/snapshot?at=2026-02-15T00:00:00Z&limit=2';
    for (let pages = 0; pages < 10; pages++) {
      const page = await answer<{
        at: string;
        entities: Entity[];
        relationships: Edge[];
        next_cursor: string | null;
      }>('GET', path);
      expect(page.at).toBe('2026-02-15T00:00:00.000Z');
      entities.push(...page.entities);
      edges.push(...page.relationships);
      if (page.next_cursor === null) break;
      await make(`late-${pages}`, 'note', {});
      path = `/api/graph/snapshot?limit=2&cursor=${page.next_cursor}`;
    }
    expect(entities.map(({ id }) => id)).toEqual(['lamp', 'kitchen', 'cellar']);
    expect(edges.map(({ id }) => id)).toEqual(['place-1']);
  });

  test('a diff names what appeared, changed and went', async () => {
    await movingLamp();
    await call('DELETE', '/api/entities/kitchen');
    const diff = await answer<{
      entities: { change: string; before: Entity | null; after: Entity | null }[];
      relationships: { change: string; before: Edge | null; after: Edge | null }[];
      next_cursor: string | null;
    }>('GET', '/api/graph/diff?from=2026-02-15T00:00:00Z');
    expect(diff.entities.map(({ change, before, after }) => [change, (before ?? after)?.id])).toEqual([
      ['changed', 'lamp'],
      ['removed', 'kitchen'],
    ]);
    expect(diff.relationships.map(({ change, before, after }) => [change, (before ?? after)?.id])).toEqual([
      ['removed', 'place-1'],
      ['added', 'place-2'],
    ]);
    expect(diff.next_cursor).toBeNull();
  });
});

describe('entities', () => {
  test('PUT replaces the whole content, guarded by If-Match', async () => {
    const { version } = await make('note', 'note', { name: 'Paint', text: 'red' });
    const replaced = await answer<Entity>('PUT', '/api/entities/note', { content: { name: 'Paint' } });
    expect(replaced.content).toEqual({ name: 'Paint' });
    expect(replaced.parent_versions).toEqual([version]);
    const again = await answer<Entity>('PUT', '/api/entities/note', { content: { name: 'Paint' } });
    expect(again.version).toBe(replaced.version);
    const stale = await call('PUT', '/api/entities/note', { content: {} }, { 'if-match': '"other"' });
    expect(stale.status).toBe(412);
    expect(await refused('PUT', '/api/entities/nobody', { content: {} })).toEqual([404, 'NOT_FOUND']);
  });

  test('what was deleted comes back with its edges, and an old version with its content', async () => {
    await movingLamp();
    await call('DELETE', '/api/entities/lamp');
    expect(await refused('GET', '/api/entities/lamp')).toEqual([404, 'NOT_FOUND']);
    const back = await call('POST', '/api/entities/lamp/restore');
    expect(back.status).toBe(200);
    expect(((await back.json()) as Entity).content).toEqual({ name: 'Cellar lamp' });
    const edges = await answer<Page<Edge>>('GET', '/api/entities/lamp/relationships');
    expect(edges.items.map(({ id }) => id)).toEqual(['place-2']);
    const { items } = await answer<Page<Entity>>('GET', '/api/entities/lamp/versions');
    const old = await answer<Entity>('POST', '/api/entities/lamp/restore', { version: items[0]?.version });
    expect(old.content).toEqual({ name: 'Lamp' });
    expect(await refused('POST', '/api/entities/lamp/restore', { version: 'x' })).toEqual([
      404,
      'NOT_FOUND',
      'version',
    ]);
    expect(await refused('POST', '/api/entities/nobody/restore', {})).toEqual([404, 'NOT_FOUND']);
  });

  test('one version is read by its name, with an ETag of its own', async () => {
    await movingLamp();
    const { items } = await answer<Page<Entity>>('GET', '/api/entities/lamp/versions');
    const [first] = items;
    const path = `/api/entities/lamp?version=${encodeURIComponent(first?.version ?? '')}`;
    const response = await call('GET', path);
    expect(await response.json()).toEqual(first);
    const etag = response.headers.get('etag') ?? '';
    expect((await call('GET', path, undefined, { 'if-none-match': etag })).status).toBe(304);
    expect((await call('GET', '/api/entities/lamp', undefined, { 'if-none-match': etag })).status).toBe(200);
    expect(await refused('GET', '/api/entities/lamp?version=x')).toEqual([404, 'NOT_FOUND', 'version']);
  });

  test('the lineage is told', async () => {
    await movingLamp();
    const lineage = await answer<{
      versions: { version: string; child_versions: string[]; held_as: string }[];
      heads: string[];
    }>('GET', '/api/entities/lamp/lineage');
    expect(lineage.versions.map(({ held_as }) => held_as)).toEqual(['past', 'current']);
    expect(lineage.heads).toEqual([lineage.versions[1]?.version]);
    expect(lineage.versions[0]?.child_versions).toEqual(lineage.heads);
  });

  test('lists are filtered by text, together with the other filters', async () => {
    await movingLamp();
    await make('note', 'note', { text: 'The lamp needs a new bulb' });
    const ids = async (query: string): Promise<string[]> =>
      (await answer<Page<Entity>>('GET', `/api/entities?${query}`)).items.map(({ id }) => id);
    expect(await ids('q=lam')).toEqual(['lamp', 'note']);
    expect(await ids('q=lam&entity_type=note')).toEqual(['note']);
    expect(await ids('q=lam&room_id=cellar')).toEqual(['lamp']);
    expect(await ids('q=nothing')).toEqual([]);
  });

  test.each([
    ['schedule', { name: 'Morning' }, 'content.cron'],
    ['automation', { name: 'Night', trigger: { time: '22:00' } }, 'content.action'],
    ['procedure', { steps: 'one, two' }, 'content.steps'],
  ])('a %s that lacks what it needs is refused by field', async (entity_type, content, field) => {
    expect(await refused('POST', '/api/entities', { entity_type, content })).toEqual([
      400,
      'VALIDATION_ERROR',
      field,
    ]);
  });
});

describe('relationships', () => {
  test('an unusual pair is stored, and the answer says that it is unusual', async () => {
    await make('lamp', 'device', { name: 'Lamp' });
    await make('kitchen', 'room', { name: 'Kitchen' });
    expect((await join('lamp', 'kitchen')).warnings).toEqual([]);
    const odd = await join('kitchen', 'lamp', 'located_in');
    expect(odd.warnings).toEqual([expect.stringContaining('located_in from a room to a device is unusual')]);
    expect((await answer<Edge>('GET', `/api/relationships/${odd.id}`)).to_entity_id).toBe('lamp');
  });

  test('a change ends one interval and begins another, guarded by If-Match', async () => {
    await movingLamp();
    onDay(7);
    const response = await call('PATCH', '/api/relationships/place-2', {
      properties: { shelf: 'upper' },
    });
    const changed = (await response.json()) as Edge;
    expect([changed.properties, changed.valid_from]).toEqual([
      { shelf: 'upper' },
      '2026-07-01T00:00:00.000Z',
    ]);
    const etag = response.headers.get('etag') ?? '';
    onDay(8);
    const moved = await call(
      'PATCH',
      '/api/relationships/place-2',
      { to_entity_id: 'kitchen', properties: { shelf: null } },
      { 'if-match': etag },
    );
    expect([moved.status, ((await moved.json()) as Edge).properties]).toEqual([200, {}]);
    const stale = await call('PATCH', '/api/relationships/place-2', { properties: {} }, { 'if-match': etag });
    expect(stale.status).toBe(412);
    expect((await call('DELETE', '/api/relationships/place-2', undefined, { 'if-match': etag })).status).toBe(
      412,
    );
    const history = await answer<Page<Edge>>(
      'GET',
      '/api/entities/lamp/relationships?from=2026-03-15T00:00:00Z',
    );
    expect(history.items.map((edge) => [edge.to_entity_id, edge.properties, edge.valid_to])).toEqual([
      ['cellar', {}, '2026-07-01T00:00:00.000Z'],
      ['cellar', { shelf: 'upper' }, '2026-08-01T00:00:00.000Z'],
      ['kitchen', {}, null],
    ]);
    const versions = await answer<Page<Edge>>('GET', '/api/relationships/place-2/versions?limit=2');
    expect(versions.items).toHaveLength(2);
    expect(versions.next_cursor).not.toBeNull();
    const same = await answer<Edge>('PATCH', '/api/relationships/place-2', { properties: {} });
    expect(same.version).toBe(history.items[2]?.version);
  });

  test('a change that cannot be is refused', async () => {
    await movingLamp();
    expect(await refused('PATCH', '/api/relationships/nothing', {})).toEqual([404, 'NOT_FOUND']);
    expect(await refused('PATCH', '/api/relationships/place-1', { properties: { a: 1 } })).toEqual([
      409,
      'CONFLICT',
    ]);
    expect(await refused('PATCH', '/api/relationships/place-2', { to_entity_id: 'lamp' })).toEqual([
      400,
      'VALIDATION_ERROR',
      'to_entity_id',
    ]);
    expect(await refused('PATCH', '/api/relationships/place-2', { to_entity_id: 'nowhere' })).toEqual([
      404,
      'NOT_FOUND',
    ]);
    expect(await refused('PATCH', '/api/relationships/place-2', { relationship_type: 'likes' })).toEqual([
      400,
      'VALIDATION_ERROR',
      'relationship_type',
    ]);
    const tooMuch = { properties: { text: 'x'.repeat(20_000) } };
    expect(await refused('PATCH', '/api/relationships/place-2', tooMuch)).toEqual([
      413,
      'TOO_LARGE',
      'properties',
    ]);
  });

  test('lists narrow by either end, both ends and type', async () => {
    await movingLamp();
    await join('lamp', 'kitchen', 'monitors', { id: 'watch' });
    const ids = async (query: string): Promise<string[]> =>
      (await answer<Page<Edge>>('GET', `/api/relationships?${query}`)).items.map(({ id }) => id);
    expect(await ids('')).toEqual(['place-2', 'watch']);
    expect(await ids('entity_id=kitchen')).toEqual(['watch']);
    expect(await ids('from_entity_id=lamp&to_entity_id=cellar')).toEqual(['place-2']);
    expect(await ids('from_entity_id=kitchen')).toEqual([]);
    expect(await ids('relationship_type=Monitors')).toEqual(['watch']);
    expect(await ids('to_entity_id=nobody')).toEqual([]);
  });
});

describe('paths and surroundings', () => {
  test('a path is told with its entities and relationships', async () => {
    await movingLamp();
    await make('home', 'home', { name: 'Home' });
    await join('cellar', 'home', 'part_of', { id: 'part' });
    const path = await answer<{ length: number; path: Entity[]; relationships: Edge[] }>(
      'GET',
      '/api/graph/path?from=lamp&to=home&relationship_type=located_in,part_of',
    );
    expect(path.path.map(({ id }) => id)).toEqual(['lamp', 'cellar', 'home']);
    expect(path.relationships.map(({ id }) => id)).toEqual(['place-2', 'part']);
    expect(path.length).toBe(2);
    expect(await answer('GET', '/api/graph/path?from=lamp&to=home&max_depth=1')).toMatchObject({
      found: false,
    });
    expect(await refused('GET', '/api/graph/path?from=lamp&to=nobody')).toEqual([404, 'NOT_FOUND']);
  });

  test('neighbours and surroundings', async () => {
    await movingLamp();
    const near = await answer<{ items: { entity: Entity; relationship: Edge }[]; truncated: boolean }>(
      'GET',
      '/api/graph/neighbours?entity_id=cellar',
    );
    expect(near.items.map(({ entity, relationship }) => [entity.id, relationship.id])).toEqual([
      ['lamp', 'place-2'],
    ]);
    const around = await answer<{ entities: { entity: Entity; distance: number }[]; relationships: Edge[] }>(
      'GET',
      '/api/graph/subgraph?entity_id=cellar&depth=3',
    );
    expect(around.entities.map(({ entity, distance }) => [entity.id, distance])).toEqual([
      ['cellar', 0],
      ['lamp', 1],
    ]);
    expect(around.relationships.map(({ id }) => id)).toEqual(['place-2']);
  });
});
