import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import type { JsonObject } from '../../src/base/json.ts';
import type { DeviceView } from '../../src/devices/types.ts';
import type { Route } from '../../src/http/route.ts';

import { makePerson, type Person } from './people.ts';
import { allRoutes, startTestApi, type TestApi } from './support.ts';

/** What nobody who is limited to the kitchen may hear of, by id and by name. */
const HIDDEN = ['vault-7731', 'crypt-7731', 'vault-in-crypt-7731', 'Diamonds', 'Undercroft'];

let api: TestApi;
let ben: Person;

beforeEach(async () => {
  api = await startTestApi();
  api.sync.answer = null;
  await make('house', 'home', 'House');
  await make('kitchen', 'room', 'Kitchen');
  await make('crypt-7731', 'room', 'Undercroft');
  await make('lamp', 'device', 'Lamp');
  await make('vault-7731', 'device', 'Diamonds');
  await join('lamp-in-kitchen', 'lamp', 'kitchen');
  await join('vault-in-crypt-7731', 'vault-7731', 'crypt-7731');
  await join('lamp-and-vault-7731', 'lamp', 'vault-7731', 'controls');
  await join('crypt-7731-of-house', 'crypt-7731', 'house', 'part_of');
  api.devices.views = [viewOf('lamp', 'Lamp'), viewOf('vault-7731', 'Diamonds')];
  ben = await makePerson(api, 'ben', 'member', { rooms: ['kitchen'] });
});
afterEach(async () => {
  await api[Symbol.asyncDispose]();
});

async function make(id: string, entityType: string, name: string): Promise<void> {
  const answer = await api.call('POST', '/api/entities', { id, entity_type: entityType, content: { name } });
  expect(answer.status).toBe(201);
}

async function join(id: string, from: string, to: string, type = 'located_in'): Promise<void> {
  const body = { id, from_entity_id: from, to_entity_id: to, relationship_type: type };
  expect((await api.call('POST', '/api/relationships', body)).status).toBe(201);
}

function viewOf(entityId: string, name: string): DeviceView {
  return {
    entityId,
    name,
    manufacturer: null,
    model: null,
    swVersion: null,
    serialNumber: null,
    available: true,
    capabilities: [],
    values: new Map(),
  };
}

async function idsAt(path: string): Promise<unknown[]> {
  const answer = await ben.call('GET', path);
  expect(answer.status, path).toBe(200);
  const { items } = (await answer.json()) as { items: JsonObject[] };
  return items.map((item) => item['id'] ?? item['entity_id'] ?? (item['entity'] as JsonObject)['id']);
}

describe('an account that is limited to rooms', () => {
  test('lists what is in them', async () => {
    expect(await idsAt('/api/entities')).toEqual(['house', 'kitchen', 'lamp']);
    expect(await idsAt('/api/entities?limit=2')).toEqual(['house', 'kitchen']);
    expect(await idsAt('/api/entities?room_id=kitchen')).toEqual(['lamp']);
    expect(await idsAt('/api/entities?room_id=crypt-7731')).toEqual([]);
    expect(await idsAt('/api/entities?entity_type=device')).toEqual(['lamp']);
    expect(await idsAt('/api/entities?q=lam')).toEqual(['lamp']);
    expect(await idsAt('/api/entities?q=diamonds')).toEqual([]);
    expect(await idsAt('/api/devices')).toEqual(['lamp']);
    expect(await idsAt('/api/relationships')).toEqual(['lamp-in-kitchen']);
    expect(await idsAt('/api/relationships?entity_id=vault-7731')).toEqual([]);
    expect(await idsAt('/api/entities/lamp/relationships')).toEqual(['lamp-in-kitchen']);
    expect(await idsAt('/api/search?q=lam')).toEqual(['lamp']);
    expect(await idsAt('/api/search?q=diamonds')).toEqual([]);
  });

  test('finds as much in its rooms however much else there is', async () => {
    api.graph.transaction((writer) => {
      for (let index = 0; index < 1500; index++) {
        writer.createEntity({
          entityType: 'note',
          content: { name: `lamp ${index}` },
          author: { userId: 'anna', deviceId: 'phone' },
          sourceType: 'manual',
        });
      }
    });
    await api.graph.search.tidy();
    expect(await idsAt('/api/search?q=lamp&limit=1')).toEqual(['lamp']);
    expect(await idsAt('/api/entities?q=lamp&limit=1')).toEqual(['lamp']);
  });

  test('reads and changes what is in them; the rest is not there', async () => {
    for (const path of ['', '/versions', '/relationships', '/state']) {
      expect((await ben.call('GET', `/api/entities/lamp${path}`)).status, path).toBe(200);
      expect((await ben.call('GET', `/api/entities/vault-7731${path}`)).status, path).toBe(404);
    }
    expect((await ben.call('GET', '/api/relationships/lamp-in-kitchen')).status).toBe(200);
    expect((await ben.call('GET', '/api/relationships/lamp-and-vault-7731')).status).toBe(404);
    const content = { content: { name: 'Mine' } };
    for (const method of ['PUT', 'PATCH', 'DELETE']) {
      const body = method === 'DELETE' ? undefined : content;
      expect((await ben.call(method, '/api/entities/vault-7731', body)).status, method).toBe(404);
      expect((await ben.call(method, '/api/entities/lamp', body)).status, method).toBeLessThan(300);
    }
    expect(api.graph.entity('vault-7731')?.contentJson).toBe('{"name":"Diamonds"}');
    expect(api.graph.entity('lamp')).toBeUndefined();
    expect((await ben.call('GET', '/api/entities/lamp')).status, 'it is in no room any more').toBe(404);
  });

  test('commands what is in them', async () => {
    const command = { capability: 'on_off', value: true };
    expect((await ben.call('POST', '/api/entities/lamp/commands', command)).status).toBe(200);
    expect((await ben.call('POST', '/api/entities/vault-7731/commands', command)).status).toBe(404);
    expect(api.devices.commands.map(({ entityId }) => entityId)).toEqual(['lamp']);
  });

  test('takes away neither its rooms nor the home, makes nothing, and sees no lists of the past', async () => {
    for (const id of ['kitchen', 'house']) {
      expect((await ben.call('DELETE', `/api/entities/${id}`)).status).toBe(403);
      expect(api.graph.entity(id)).toBeDefined();
    }
    const made = await ben.call('POST', '/api/entities', { entity_type: 'note', content: {} });
    expect(made.status).toBe(403);
    expect(await made.json()).toMatchObject({ detail: 'your account is limited to some rooms' });
    const now = encodeURIComponent(new Date(api.clock.nowMs()).toISOString());
    for (const path of [
      `/api/entities?at=${now}`,
      `/api/search?q=lamp&at=${now}`,
      `/api/relationships?at=${now}`,
      `/api/relationships?entity_id=lamp&from=${now}`,
      `/api/relationships/lamp-in-kitchen?at=${now}`,
      `/api/entities/lamp/relationships?to=${now}`,
    ]) {
      expect((await ben.call('GET', path)).status, path).toBe(403);
    }
  });

  test('follows a thing through the house', async () => {
    await api.call('PATCH', '/api/relationships/lamp-in-kitchen', { to_entity_id: 'crypt-7731' });
    expect(await idsAt('/api/entities')).toEqual(['house', 'kitchen']);
    await api.call('PATCH', '/api/relationships/vault-in-crypt-7731', { to_entity_id: 'kitchen' });
    expect(await idsAt('/api/entities')).toEqual(['house', 'kitchen', 'vault-7731']);
    expect((await ben.call('GET', '/api/entities/vault-7731')).status).toBe(200);
  });

  test('knows its limit, which admins set to rooms that are there', async () => {
    expect(await (await ben.call('GET', '/api/auth/me')).json()).toMatchObject({ rooms: ['kitchen'] });
    expect(await (await api.call('GET', `/api/users/${ben.id}`)).json()).toMatchObject({
      rooms: ['kitchen'],
    });
    for (const rooms of [['attic'], ['lamp']]) {
      const refused = await api.call('PATCH', `/api/users/${ben.id}`, { rooms });
      expect(refused.status).toBe(400);
      expect(await refused.json()).toMatchObject({ field: 'rooms' });
    }
    const lifted = await api.call('PATCH', `/api/users/${ben.id}`, { rooms: null });
    expect(await lifted.json()).toMatchObject({ rooms: null });
    expect(await idsAt('/api/entities')).toHaveLength(5);
    expect(await (await ben.call('GET', '/api/auth/me')).json()).toMatchObject({ rooms: null });
  });

  test('is a guest’s as well as a member’s', async () => {
    const guest = await makePerson(api, 'gina', 'guest', { rooms: ['kitchen'], grants: ['light'] });
    const answer = await guest.call('GET', '/api/entities');
    expect(await answer.text()).not.toContain('Diamonds');
    const command = { capability: 'on_off', value: true };
    const refusals = await Promise.all(
      ['vault-7731', 'nothing'].map(
        async (id) => (await guest.call('POST', `/api/entities/${id}/commands`, command)).status,
      ),
    );
    expect(refusals).toEqual([404, 404]);
  });
});

describe('every route of the table', () => {
  const routes = allRoutes();

  test('keeps to the rooms only where that is meant', () => {
    expect(routes.filter(({ scoped }) => scoped).map(({ method, path }) => `${method} ${path}`)).toEqual([
      'GET /api/auth/me',
      'POST /api/auth/logout',
      'PUT /api/auth/password',
      'GET /api/auth/devices',
      'DELETE /api/auth/devices/{id}',
      'GET /api/entities',
      'GET /api/entities/{id}',
      'PUT /api/entities/{id}',
      'PATCH /api/entities/{id}',
      'DELETE /api/entities/{id}',
      'GET /api/entities/{id}/versions',
      'GET /api/entities/{id}/relationships',
      'GET /api/relationships',
      'GET /api/relationships/{id}',
      'GET /api/search',
      'GET /api/devices',
      'GET /api/entities/{id}/state',
      'POST /api/entities/{id}/commands',
      'GET /api/entities/{id}/readings',
      'GET /api/entities/{id}/activity',
      'GET /api/analytics/energy',
      'GET /api/analytics/energy.csv',
      'POST /api/sync/inbetweenies',
      'GET /api/sync/conflicts',
      'GET /api/v1/auth/me',
    ]);
  });

  /** Ids for the parameters of a path: of what is seen, of what is not, of what there never was. */
  const IDS = {
    seen: { entity: 'lamp', edge: 'lamp-in-kitchen' },
    hidden: { entity: 'vault-7731', edge: 'vault-in-crypt-7731' },
    nothing: { entity: 'nothing', edge: 'nothing-at-all' },
  };
  const QUERIES = [
    '',
    'capability=temperature',
    'q=Diamonds',
    'q=lamp',
    'room_id=crypt-7731',
    'entity_id=vault-7731',
    'limit=500',
  ];

  async function send(route: Route, which: keyof typeof IDS, query: string): Promise<[number, string]> {
    const { entity, edge } = IDS[which];
    const path = route.path.replaceAll(/\{\w+\}/g, route.path.includes('relationships/{id}') ? edge : entity);
    const example = JSON.stringify(route.docs.example ?? {}).replace('the user_id of the login', ben.id);
    const body = route.body === null ? undefined : (JSON.parse(example) as unknown);
    const answer = await ben.call(route.method, query === '' ? path : `${path}?${query}`, body);
    return [answer.status, await answer.text()];
  }

  /** What an answer says besides the names that were asked by, its own request id and times. */
  function essence([status, text]: [number, string], which: keyof typeof IDS): string {
    const { entity, edge } = IDS[which];
    return `${status} ${text
      .replaceAll(edge, 'EDGE')
      .replaceAll(entity, 'ENTITY')
      .replaceAll(/"request_id":"[^"]*"/g, '')}`;
  }

  // Deletions come last, and the end of the login last of all.
  const lateness = ({ method, path }: Route): number =>
    path.endsWith('/logout') ? 2 : method === 'DELETE' ? 1 : 0;
  const inOrder = routes
    .filter(({ authority }) => authority !== 'public')
    .sort((a, b) => lateness(a) - lateness(b));

  test('tells nothing of what is elsewhere in the home', async () => {
    for (const route of inOrder) {
      const name = `${route.method} ${route.path}`;
      for (const query of route.method === 'GET' ? QUERIES : ['']) {
        const seen = await send(route, 'seen', query);
        for (const word of HIDDEN) {
          // What was asked for may be said again.
          if (!query.includes(word)) expect(seen[1], `${name}?${query}`).not.toContain(word);
        }
        const isPlain =
          query === '' &&
          !['/api/search', '/api/auth/devices/{id}', '/api/entities/{id}/readings'].includes(route.path);
        if (route.scoped && route.method === 'GET' && isPlain) expect(seen[0], name).toBe(200);
        if (!route.scoped) expect(seen[0], `${name}?${query}`).toBe(403);
        if (!route.path.includes('{')) continue;
        const hidden = essence(await send(route, 'hidden', query), 'hidden');
        expect(hidden, `${name}?${query}`).toBe(essence(await send(route, 'nothing', query), 'nothing'));
        for (const word of ['Diamonds', 'Undercroft']) expect(hidden).not.toContain(word);
      }
    }
    expect(api.graph.entity('vault-7731')?.contentJson).toBe('{"name":"Diamonds"}');
  });
});
