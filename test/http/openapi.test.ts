import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import * as z from 'zod';

import type { JsonObject } from '../../src/base/json.ts';

import { allRoutes, PASSWORD, startTestApi, type TestApi } from './support.ts';

interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query';
  readonly required: boolean;
  readonly schema: JsonObject;
  readonly example?: string;
}
interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly security?: readonly unknown[];
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { content: { 'application/json': { schema: JsonObject; example?: unknown } } };
  readonly responses: Readonly<Record<string, { content?: Record<string, { schema: JsonObject }> }>>;
}
interface OpenApi {
  readonly openapi: string;
  readonly info: { version: string };
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { schemas: JsonObject };
}

let api: TestApi;
let document: OpenApi;

/** The home that the examples of the document are about. */
beforeEach(async () => {
  api = await startTestApi();
  const make = async (path: string, body: unknown): Promise<void> => {
    expect((await api.call('POST', path, body)).status).toBe(201);
  };
  await make('/api/entities', { id: 'home', entity_type: 'home', content: { name: 'Home' } });
  await make('/api/entities', { id: 'kitchen', entity_type: 'room', content: { name: 'Kitchen' } });
  await make('/api/entities', { id: 'cellar', entity_type: 'room', content: { name: 'Cellar' } });
  await make('/api/entities', { id: 'lamp', entity_type: 'device', content: { name: 'Lamp' } });
  await make('/api/relationships', {
    id: 'lamp-in-kitchen',
    from_entity_id: 'lamp',
    to_entity_id: 'kitchen',
    relationship_type: 'located_in',
  });
  api.devices.views = [
    {
      entityId: 'lamp',
      name: 'Lamp',
      manufacturer: null,
      model: null,
      swVersion: null,
      serialNumber: null,
      available: true,
      capabilities: [],
      values: new Map(),
    },
  ];
  document = (await (await fetch(`${api.url}/openapi.json`)).json()) as OpenApi;
});
afterEach(async () => {
  await api[Symbol.asyncDispose]();
});

/** A sync as the example of the document shows it, of the owner. */
async function syncBody(changes: readonly JsonObject[]): Promise<JsonObject> {
  const me = (await (await api.call('GET', '/api/auth/me')).json()) as { user_id: string };
  return {
    protocol_version: 'inbetweenies-v1.1',
    device_id: 'my-phone',
    user_id: me.user_id,
    vector_clock: {},
    changes,
  };
}

/** Lets a phone create what exists. @returns the id of the conflict. */
async function makeConflict(): Promise<string> {
  api.sync.answer = null;
  const change = {
    change_type: 'create',
    entity_id: 'cellar',
    entity_version: 'v1',
    entity_type: 'room',
    content: { name: 'Wine cellar' },
    timestamp: '2026-01-01T00:00:00Z',
    parent_versions: [],
  };
  const answer = await api.call('POST', '/api/sync/inbetweenies', await syncBody([change]));
  const { conflicts } = (await answer.json()) as { conflicts: { conflict_id: string }[] };
  return conflicts[0]?.conflict_id ?? 'none';
}

/** A validator for a schema of the document, with the components that it refers to. */
function validator(schema: JsonObject): z.ZodType {
  const text = JSON.stringify({ ...schema, $defs: document.components.schemas });
  return z.fromJSONSchema(JSON.parse(text.replaceAll('#/components/schemas/', '#/$defs/')));
}

function operations(): { method: string; path: string; operation: Operation }[] {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
  );
}

/** What the engines of other tests stand in for, or what needs a state of its own: what the walk sends instead. */
const INSTEAD: Readonly<
  Record<string, { body?: unknown; token?: string; status?: number; answer?: string }>
> = {
  'POST /api/auth/setup': { status: 409 },
  'POST /api/auth/login': { body: { username: 'admin', password: PASSWORD } },
  'POST /api/auth/refresh': { status: 401 },
  'POST /api/v1/sync/conflicts/{id}/resolve': { status: 404 },
  'POST /api/v1/auth/admin/login': { body: { password: PASSWORD } },
  'POST /api/v1/auth/guest/verify': { status: 401 },
  'POST /api/v1/auth/guest/revoke': { status: 404 },
  'POST /api/auth/pair': { status: 401 },
  // MQTT is off in this home.
  'GET /api/mqtt/ghosts': { status: 409 },
  'POST /api/mqtt/ghosts/clear': { status: 409 },
  'POST /api/mqtt/sniff': { status: 409 },
  'GET /api/mqtt/users': { status: 409 },
  'POST /api/mqtt/users': { status: 409 },
  'PATCH /api/mqtt/users/{name}': { status: 409 },
  'DELETE /api/mqtt/users/{name}': { status: 409 },
  // Nothing runs by itself in this home.
  'GET /api/automations': { status: 409 },
  'GET /api/automations/{id}': { status: 409 },
  'GET /api/automations/{id}/runs': { status: 409 },
  'POST /api/automations/check': { status: 409 },
  'POST /api/automations/{id}/enable': { status: 409 },
  'POST /api/automations/{id}/disable': { status: 409 },
  'POST /api/automations/{id}/run': { status: 409 },
  // And nothing is scheduled.
  'GET /metrics': { status: 409 },
  'GET /api/system/health': { status: 409 },
  'GET /api/system/logs': { status: 409 },
  'PUT /api/system/logs/level': { status: 409 },
  'GET /api/system/backups': { status: 409 },
  'POST /api/system/backups': { status: 409 },
  'GET /api/system/backups/{id}': { status: 409 },
  'POST /api/system/backups/{id}/verify': { status: 409 },
  'GET /api/system/backups/{id}/download': { status: 409 },
  'DELETE /api/system/backups/{id}': { status: 409 },
  'GET /api/system/jobs': { status: 409 },
  'GET /api/system/jobs/history': { status: 409 },
  'POST /api/system/jobs/{name}/run': { status: 409 },
  'POST /api/system/jobs/history/{id}/cancel': { status: 409 },
  // And no reports are kept.
  'GET /api/analytics/reports': { status: 409 },
  'POST /api/analytics/reports': { status: 409 },
  'GET /api/analytics/reports/{id}': { status: 409 },
  'POST /api/analytics/reports/{id}/send': { status: 409 },
  // HomeKit is off, too.
  'PATCH /api/homekit/devices/{id}': { status: 409 },
  // HomeKit is off, too.
  'GET /api/homekit/accessories': { status: 409 },
  'POST /api/homekit/accessories/{id}/pair': { status: 409 },
  'POST /api/homekit/accessories/{id}/identify': { status: 409 },
  'DELETE /api/homekit/accessories/{id}': { status: 409 },
  'GET /api/analytics/tariffs/{id}': { status: 404 },
  'POST /api/analytics/suggestions/{id}/accept': { status: 404 },
  'POST /api/analytics/suggestions/{id}/dismiss': { status: 404 },
  'POST /api/analytics/suggestions/{id}/restore': { status: 404 },
  'PUT /api/analytics/tariffs/{id}': { status: 404 },
  'DELETE /api/analytics/tariffs/{id}': { status: 404 },
  'POST /api/analytics/energy/corrections': { status: 404 },
  'DELETE /api/analytics/energy/corrections/{id}': { status: 404 },
  'PUT /api/auth/password': {
    body: { current_password: PASSWORD, new_password: 'eight others at least' },
  },
};

/** What stands in the paths of accounts: each path's own, for all are called `id`. */
async function accounts(): Promise<Record<string, string>> {
  const made = async (path: string, body: unknown): Promise<Record<string, string>> =>
    (await (await api.call('POST', path, body)).json()) as Record<string, string>;
  const user = await made('/api/users', { username: 'walker', role: 'member' });
  const key = await made('/api/auth/api-keys', { name: 'walker', scopes: ['sync'] });
  const login = await api.access.login({ username: 'admin', password: PASSWORD, address: 'elsewhere' });
  const { sessionId = '' } = await api.access.verify(login.accessToken);
  return {
    '/api/users/{id}': user['user_id'] ?? '',
    '/api/auth/api-keys/{id}': key['id'] ?? '',
    '/api/auth/devices/{id}': sessionId,
  };
}

/** Deletions, and the end of the login, come last. */
function lateness(method: string, path: string): number {
  return path.endsWith('/logout') ? 3 : path.endsWith('/password') ? 2 : method === 'DELETE' ? 1 : 0;
}

describe('the document', () => {
  test('is OpenAPI 3.1, with the version of the hub, a summary and a name of its own for each operation', () => {
    expect(document.openapi).toBe('3.1.0');
    expect(document.info.version).toBe('1.2.3');
    const ids = operations().map(({ operation }) => operation.operationId);
    expect(new Set(ids).size).toBe(ids.length);
    for (const { operation } of operations()) expect(operation.summary).toMatch(/^[A-Z].{5,}/);
    expect(JSON.stringify(document)).not.toContain('$defs');
  });

  test('holds every route, and no other', () => {
    const routes = allRoutes();
    expect(
      operations()
        .map(({ method, path }) => `${method} ${path}`)
        .toSorted(),
    ).toEqual(routes.map(({ method, path }) => `${method} ${path}`).toSorted());
    for (const { path, operation } of operations()) {
      const named = (operation.parameters ?? []).filter((parameter) => parameter.in === 'path');
      expect(named.map(({ name }) => `{${name}}`)).toEqual(path.match(/\{\w+\}/g) ?? []);
    }
  });

  test('walked from end to end, every operation answers as it says', async () => {
    const conflictId = await makeConflict();
    const examples: Record<string, string> = { conflict_id: conflictId };
    const own = await accounts();
    const walk = operations().toSorted((a, b) => lateness(a.method, a.path) - lateness(b.method, b.path));
    for (const { method, path, operation } of walk) {
      const name = `${method} ${path}`;
      const instead = INSTEAD[name];
      const parameters = operation.parameters ?? [];
      let url = path;
      const query = new URLSearchParams();
      for (const parameter of parameters) {
        if (parameter.in === 'path') {
          const value =
            examples[parameter.name] ?? own[path.replace('/rotate', '')] ?? String(parameter.example);
          url = url.replace(`{${parameter.name}}`, value);
        } else if (parameter.required) query.set(parameter.name, String(parameter.example));
      }
      const body =
        name === 'POST /api/sync/inbetweenies'
          ? await syncBody([])
          : (instead?.body ?? operation.requestBody?.content['application/json'].example);
      if (operation.requestBody) {
        const { schema } = operation.requestBody.content['application/json'];
        expect([name, validator(schema).safeParse(body).error]).toEqual([name, undefined]);
      }
      const response = await api.call(method, query.size > 0 ? `${url}?${query.toString()}` : url, body);
      const [documented = ''] = Object.keys(operation.responses);
      expect([name, response.status]).toEqual([name, instead?.status ?? Number(documented)]);
      const text = await response.text();
      const content = response.ok
        ? operation.responses[documented]?.content?.['application/json']
        : { schema: { $ref: '#/components/schemas/Problem' } };
      const [type = ''] = response.headers.get('content-type')?.split(';', 1) ?? [];
      if (type === 'text/html' || type === 'text/csv') {
        expect([name, Object.keys(operation.responses[documented]?.content ?? {})]).toEqual([name, [type]]);
      } else if (!content) expect([name, text]).toEqual([name, '']);
      else
        expect([name, validator(content.schema).safeParse(JSON.parse(text)).error]).toEqual([
          name,
          undefined,
        ]);
    }
  });

  test('every list answers with its parameters at their limits', async () => {
    for (const { method, path, operation } of operations()) {
      const limit = operation.parameters?.find(({ name }) => name === 'limit');
      if (method !== 'GET' || !limit || INSTEAD[`GET ${path}`]) continue;
      const { minimum, maximum, default: byDefault } = limit.schema as Record<string, number>;
      expect([path, minimum, typeof maximum, typeof byDefault]).toEqual([path, 1, 'number', 'number']);
      const query = (value: number): string => {
        const search = new URLSearchParams({ limit: String(value) });
        for (const { name, required, example, in: place } of operation.parameters ?? []) {
          if (place === 'query' && required) search.set(name, String(example));
        }
        return `${path.replace('{id}', path.includes('relationships/{id}') ? 'lamp-in-kitchen' : 'lamp')}?${search.toString()}`;
      };
      expect([path, (await api.call('GET', query(maximum ?? 0))).status]).toEqual([path, 200]);
      const refused = path.startsWith('/api/v1/') ? 422 : 400;
      expect([path, (await api.call('GET', query((maximum ?? 0) + 1))).status]).toEqual([path, refused]);
    }
  });

  test('a wrong answer would be noticed', () => {
    const entity = validator({ $ref: '#/components/schemas/Entity' });
    expect(entity.safeParse({ id: 'x' }).success).toBe(false);
    expect(validator({ $ref: '#/components/schemas/Problem' }).safeParse({ status: 'no' }).success).toBe(
      false,
    );
  });
});
