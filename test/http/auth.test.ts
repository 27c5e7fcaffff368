import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import type { User } from '../../src/access/types.ts';

import { foldUsername } from '../../src/access/rules.ts';
import { insertUser } from '../../src/access/writer.ts';
import { PasswordHasher } from '../../src/access/password.ts';
import { allRoutes, PASSWORD, problemOf, startTestApi, type TestApi } from './support.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
});

const routes = allRoutes();
const PUBLIC = [
  'GET /',
  'GET /health',
  'GET /ready',
  'GET /openapi.json',
  'GET /setup',
  'POST /api/auth/setup',
  'POST /api/auth/login',
  'POST /api/auth/refresh',
  'POST /api/auth/pair',
  'POST /api/v1/auth/admin/login',
  'POST /api/v1/auth/guest/verify',
];
const nameOf = ({ method, path }: { method: string; path: string }): string => `${method} ${path}`;

async function tokenOf(role: User['role']): Promise<string> {
  const phc = await new PasswordHasher().hash(PASSWORD);
  const user: User = {
    id: `user-${role}`,
    username: role,
    role,
    createdAtMs: 0,
    expiresAtMs: null,
    grants: [],
  };
  api.store.write((tx) => insertUser(tx, user, foldUsername(role), phc));
  const tokens = await api.access.login({ username: role, password: PASSWORD, address: 'test' });
  return tokens.accessToken;
}

describe('every route of the table', () => {
  test('is public only where that is meant', () => {
    expect(routes.filter(({ authority }) => authority === 'public').map(nameOf)).toEqual(PUBLIC);
  });

  test.each(
    routes.filter((route) => route.authority !== 'public').map((route) => [nameOf(route), route] as const),
  )('%s wants a token that is valid now', async (_, { method, path }) => {
    const address = `${api.url}${path.replaceAll(/\{\w+\}/g, 'x')}`;
    const [header, payload] = api.token.split('.');
    const none = Buffer.from('{"alg":"none"}').toString('base64url');
    for (const authorization of [
      undefined,
      'Bearer',
      'Bearer garbage',
      `Bearer ${header}.${payload}.`,
      `Bearer ${none}.${payload}.`,
      `Basic ${Buffer.from(`admin:${PASSWORD}`).toString('base64')}`,
    ]) {
      const response = await fetch(address, {
        method,
        headers: authorization === undefined ? {} : { authorization },
      });
      expect(response.status, authorization).toBe(401);
      expect(response.headers.get('www-authenticate')).toMatch(/^Bearer realm="funkygibbon"/);
      expect((await problemOf(response)).code).toBe('AUTHENTICATION_FAILED');
    }
  });

  test('lets each role do what it was granted and refuses the rest with 403', async () => {
    const tokens = {
      member: await tokenOf('member'),
      guest: await tokenOf('guest'),
      service: await tokenOf('service'),
    };
    const refused = Object.fromEntries(Object.keys(tokens).map((role) => [role, [] as string[]]));
    for (const [role, token] of Object.entries(tokens)) {
      for (const route of routes.filter(
        ({ authority, path }) => authority !== 'public' && !path.endsWith('logout'),
      )) {
        const response = await api.call(route.method, route.path.replaceAll(/\{\w+\}/g, 'x'), undefined, {
          authorization: `Bearer ${token}`,
        });
        expect(response.status).not.toBe(401);
        expect(response.status).toBeLessThan(500);
        if (response.status === 403) refused[role]?.push(nameOf(route));
      }
    }
    const writes = [
      'POST /api/entities',
      'PUT /api/entities/{id}',
      'PATCH /api/entities/{id}',
      'DELETE /api/entities/{id}',
      'POST /api/entities/{id}/restore',
      'POST /api/relationships',
      'PATCH /api/relationships/{id}',
      'DELETE /api/relationships/{id}',
    ];
    const switches = ['POST /api/automations/{id}/enable', 'POST /api/automations/{id}/disable'];
    const habits = [
      'GET /api/analytics/suggestions',
      'POST /api/analytics/suggestions/{id}/accept',
      'POST /api/analytics/suggestions/{id}/dismiss',
      'POST /api/analytics/suggestions/{id}/restore',
    ];
    const accounts = [
      'GET /api/users',
      'POST /api/users',
      'GET /api/users/{id}',
      'PATCH /api/users/{id}',
      'DELETE /api/users/{id}',
      'GET /api/auth/api-keys',
      'POST /api/auth/api-keys',
      'POST /api/auth/api-keys/{id}/rotate',
      'DELETE /api/auth/api-keys/{id}',
      'POST /api/auth/pairing-codes',
      'GET /api/audit',
    ];
    const energy = [
      'POST /api/analytics/tariffs',
      'PUT /api/analytics/tariffs/{id}',
      'DELETE /api/analytics/tariffs/{id}',
      'PUT /api/analytics/prices',
      'DELETE /api/analytics/prices',
      'GET /api/analytics/energy/corrections',
      'POST /api/analytics/energy/corrections',
      'DELETE /api/analytics/energy/corrections/{id}',
    ];
    const forAdmins = [
      'GET /api/mqtt/ghosts',
      'POST /api/mqtt/ghosts/clear',
      'POST /api/mqtt/sniff',
      'GET /api/mqtt/users',
      'POST /api/mqtt/users',
      'PATCH /api/mqtt/users/{name}',
      'DELETE /api/mqtt/users/{name}',
      'GET /api/homekit',
      'PATCH /api/homekit/devices/{id}',
      'GET /api/homekit/accessories',
      'POST /api/homekit/accessories/{id}/pair',
      'POST /api/homekit/accessories/{id}/identify',
      'DELETE /api/homekit/accessories/{id}',
      'GET /api/devices/{id}/explain',
      'GET /api/sync/devices',
      'GET /metrics',
      'GET /api/system/logs',
      'PUT /api/system/logs/level',
      'GET /api/system/backups',
      'POST /api/system/backups',
      'GET /api/system/backups/{id}',
      'POST /api/system/backups/{id}/verify',
      'GET /api/system/backups/{id}/download',
      'DELETE /api/system/backups/{id}',
      'GET /api/system/jobs',
      'GET /api/system/jobs/history',
      'POST /api/system/jobs/{name}/run',
      'POST /api/system/jobs/history/{id}/cancel',
      'POST /api/analytics/reports',
      'POST /api/analytics/reports/{id}/send',
    ];
    const forAdminsV1 = [
      'POST /api/v1/auth/guest/generate-qr',
      'POST /api/v1/auth/guest/revoke',
      'GET /api/v1/auth/guest/list',
      'POST /api/v1/auth/refresh',
    ];
    const writesV1 = [
      'POST /api/v1/graph/entities',
      'PUT /api/v1/graph/entities/{id}',
      'POST /api/v1/graph/relationships',
    ];
    const notes = [
      '',
      '/{client_id}/sync-start',
      '/{client_id}/sync-success',
      '/{client_id}/sync-failure',
    ].map((step) => `POST /api/v1/sync-metadata${step}`);
    const forget = 'DELETE /api/v1/sync-metadata/{client_id}';
    const pushes = ['POST /api/sync/force/{device_id}', 'POST /api/sync/conflicts/{conflict_id}/resolve'];
    const expected: typeof refused = {
      member: [...accounts, ...energy, ...forAdmins, ...forAdminsV1],
      guest: [
        ...accounts,
        ...writes,
        'POST /api/entities/{id}/commands',
        ...energy,
        ...switches,
        ...habits,
        'POST /api/automations/{id}/run',
        ...pushes.slice(0, 1),
        ...forAdmins,
        ...pushes.slice(1),
        ...forAdminsV1,
        'POST /api/v1/sync/conflicts/{id}/resolve',
        ...writesV1,
        ...notes,
        forget,
      ],
      service: [
        ...accounts,
        ...writes,
        ...energy,
        ...switches,
        ...habits,
        'POST /api/sync/inbetweenies',
        'GET /api/sync/status/{device_id}',
        'POST /api/sync/force/{device_id}',
        ...forAdmins,
        'GET /api/sync/conflicts',
        'POST /api/sync/conflicts/{conflict_id}/resolve',
        ...forAdminsV1,
        'POST /api/v1/sync',
        'GET /api/v1/sync/status',
        'GET /api/v1/sync/conflicts',
        'POST /api/v1/sync/conflicts/{id}/resolve',
        ...writesV1,
        ...notes.slice(0, 1),
        'GET /api/v1/sync-metadata',
        'GET /api/v1/sync-metadata/{client_id}',
        ...notes.slice(1),
        'GET /api/v1/sync-metadata/{client_id}/status',
        forget,
      ],
    };
    const sorted = (lists: typeof refused): object =>
      Object.fromEntries(Object.entries(lists).map(([role, names]) => [role, names.toSorted()]));
    expect(sorted(refused)).toEqual(sorted(expected));
  });
});

describe('login', () => {
  test('answers with tokens that open the API, and no cache may keep them', async () => {
    const response = await api.call('POST', '/api/auth/login', {
      username: 'admin',
      password: PASSWORD,
      device_id: 'phone',
    });
    expect(response.status).toBe(200);
    expect(response.headers.get('cache-control')).toBe('no-store');
    const tokens = (await response.json()) as Record<string, string>;
    expect(tokens).toMatchObject({ token_type: 'bearer', expires_in: 3600, role: 'owner' });

    const me = await api.call('GET', '/api/auth/me', undefined, {
      authorization: `bearer ${tokens['access_token']}`,
    });
    expect(await me.json()).toMatchObject({
      user_id: tokens['user_id'],
      username: 'admin',
      role: 'owner',
      permissions: expect.arrayContaining(['system:admin', 'sync:push']) as string[],
    });
  });

  test('refresh gives a new pair, once', async () => {
    const login = await api.call('POST', '/api/auth/login', { username: 'admin', password: PASSWORD });
    const { refresh_token } = (await login.json()) as { refresh_token: string };
    const refreshed = await api.call('POST', '/api/auth/refresh', { refresh_token }, { authorization: '' });
    expect(refreshed.status).toBe(200);
    expect(await refreshed.json()).toMatchObject({ token_type: 'bearer', role: 'owner' });
    expect((await api.call('POST', '/api/auth/refresh', { refresh_token })).status).toBe(401);
  });

  test('logout makes the token worthless', async () => {
    const login = await api.call('POST', '/api/auth/login', { username: 'admin', password: PASSWORD });
    const { access_token } = (await login.json()) as { access_token: string };
    const authorization = `Bearer ${access_token}`;
    expect((await api.call('POST', '/api/auth/logout', undefined, { authorization })).status).toBe(200);
    expect((await api.call('GET', '/api/auth/me', undefined, { authorization })).status).toBe(401);
  });

  test('a wrong password is refused without repeating it, and a guesser has to wait', async () => {
    const guess = { username: 'nobody', password: 'secret-guess-1' };
    let response = await api.call('POST', '/api/auth/login', guess);
    expect(response.status).toBe(401);
    expect(JSON.stringify(await problemOf(response))).not.toContain('secret-guess');
    for (let i = 0; i < 5; i++) response = await api.call('POST', '/api/auth/login', guess);
    expect(response.status).toBe(429);
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await problemOf(response)).code).toBe('RATE_LIMIT_EXCEEDED');
  });

  test('a body that is not a login is refused by field', async () => {
    const response = await api.call('POST', '/api/auth/login', { username: 'admin', password: { $ne: '' } });
    expect(response.status).toBe(400);
    expect(await problemOf(response)).toMatchObject({ code: 'VALIDATION_ERROR', field: 'password' });
    const large = await api.call('POST', '/api/auth/login', {
      username: 'admin',
      password: 'x'.repeat(20_000),
    });
    expect(large.status).toBe(413);
  });

  test('a setup after the fact is refused', async () => {
    const response = await api.call('POST', '/api/auth/setup', {
      code: 'AAAA-AAAA-AAAA',
      username: 'mallory',
      password: PASSWORD,
    });
    expect(response.status).toBe(409);
  });
});

test('health and readiness are told to everybody', async () => {
  const health = await fetch(`${api.url}/health`);
  expect(health.status).toBe(200);
  expect(await health.json()).toEqual({
    status: 'healthy',
    service: 'funkygibbon',
    version: '1.2.3',
    timestamp: '2026-01-01T00:00:00.000Z',
  });
  expect((await fetch(`${api.url}/ready`)).status).toBe(200);

  await using troubled = await startTestApi({ notReady: () => 'the disk is read-only' });
  const ready = await fetch(`${troubled.url}/ready`);
  expect(ready.status).toBe(503);
  expect((await problemOf(ready)).detail).toBe('the disk is read-only');
  expect((await fetch(`${troubled.url}/health`)).status).toBe(200);
});
