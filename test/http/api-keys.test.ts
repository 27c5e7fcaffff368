import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import type { JsonObject } from '../../src/base/json.ts';

import { callWith, logIn, makePerson, refusalOf } from './people.ts';
import { startTestApi, type TestApi } from './support.ts';

let api: TestApi;
beforeEach(async () => {
  api = await startTestApi();
});
afterEach(async () => {
  await api[Symbol.asyncDispose]();
});

interface Key extends JsonObject {
  readonly id: string;
  readonly secret: string;
  readonly user_id: string;
}

async function makeKey(scopes: string[], more: JsonObject = {}, token = api.token): Promise<Key> {
  const body = { name: 'panel', scopes, ...more };
  const response = await callWith(api, token, 'POST', '/api/auth/api-keys', body);
  expect(response.status).toBe(201);
  expect(response.headers.get('cache-control')).toBe('no-store');
  return (await response.json()) as Key;
}

async function statusOf(
  secret: string,
  path = '/api/auth/me',
  method = 'GET',
  body?: unknown,
): Promise<number> {
  return (await callWith(api, secret, method, path, body)).status;
}

async function listed(): Promise<JsonObject[]> {
  const { items } = (await (await api.call('GET', '/api/auth/api-keys')).json()) as { items: JsonObject[] };
  return items;
}

describe('an API key', () => {
  test('is told once and stands where a token does', async () => {
    const key = await makeKey(['home:read']);
    expect(key.secret).toMatch(new RegExp(`^fgk_${key.id}_[A-Za-z0-9_-]{43}$`));
    const { secret, ...told } = key;
    expect(await listed()).toEqual([told]);
    const me = await callWith(api, secret, 'GET', '/api/auth/me');
    expect(await me.json()).toMatchObject({
      user_id: `key:${key.id}`,
      username: 'panel',
      role: 'service',
      permissions: ['home:read'],
      expires_at: null,
    });
  });

  test('opens what its scopes say and nothing else', async () => {
    const opened = async (...scopes: string[]): Promise<boolean[]> => {
      const { secret } = await makeKey(scopes);
      const statuses = [
        await statusOf(secret, '/api/entities'),
        await statusOf(secret, '/api/entities/x/commands', 'POST', { capability: 'a', value: 1 }),
        await statusOf(secret, '/api/entities', 'POST', { entity_type: 'room', content: { name: 'A' } }),
        await statusOf(secret, '/api/sync/conflicts'),
        await statusOf(secret, '/api/users'),
      ];
      return statuses.map((status) => status !== 403);
    };
    expect(await opened('home:read')).toEqual([true, false, false, false, false]);
    expect(await opened('home:control')).toEqual([false, true, false, false, false]);
    expect(await opened('graph:write')).toEqual([false, false, true, false, false]);
    expect(await opened('sync')).toEqual([false, false, false, true, false]);
    expect(await opened('metrics')).toEqual([false, false, false, false, false]);
    expect(await opened('admin')).toEqual([true, true, true, true, true]);
    expect(await opened('home:read', 'sync')).toEqual([true, false, false, true, false]);
  });

  test('syncs under its own name only', async () => {
    api.sync.answer = null;
    const { secret, user_id: userId } = await makeKey(['sync']);
    const body = {
      protocol_version: 'inbetweenies-v1.1',
      device_id: 'script',
      user_id: userId,
      vector_clock: {},
      changes: [],
    };
    expect(await statusOf(secret, '/api/sync/inbetweenies', 'POST', body)).toBe(200);
    expect(await statusOf(secret, '/api/sync/inbetweenies', 'POST', { ...body, user_id: 'admin' })).toBe(403);
  });

  test('ends at its time, and says so', async () => {
    const { secret } = await makeKey(['home:read'], { expires_at: '2026-01-01T01:00:00Z' });
    expect((await api.access.verify(secret)).expiresAtMs).toBe(Date.UTC(2026, 0, 1, 1));
    api.clock.advance(3600_000 - 1);
    expect(await statusOf(secret)).toBe(200);
    api.clock.advance(1);
    expect(await refusalOf(await callWith(api, secret, 'GET', '/api/auth/me'))).toMatch(/401 .*has expired/);
  });

  test('ends at once when it is deleted, with what is open by it', async () => {
    const ended: string[] = [];
    api.access.followSessionEnds((id) => ended.push(id));
    const { id, secret } = await makeKey(['home:read']);
    expect((await api.access.verify(secret)).sessionId).toBe(`key:${id}`);
    expect((await api.call('DELETE', `/api/auth/api-keys/${id}`)).status).toBe(204);
    expect(await statusOf(secret)).toBe(401);
    expect(ended).toEqual([`key:${id}`]);
    expect((await api.call('DELETE', `/api/auth/api-keys/${id}`)).status).toBe(404);
  });

  test('is rotated with an overlap, in which both secrets are good', async () => {
    const first = await makeKey(['home:read']);
    const rotate = async (body?: unknown): Promise<Key> => {
      const owner = await logIn(api, 'admin');
      const response = await owner.call('POST', `/api/auth/api-keys/${first.id}/rotate`, body);
      expect(response.status).toBe(200);
      return (await response.json()) as Key;
    };
    const second = await rotate();
    expect(second).toMatchObject({ id: first.id, old_secret_until: '2026-01-02T00:00:00.000Z' });
    expect([await statusOf(first.secret), await statusOf(second.secret)]).toEqual([200, 200]);
    expect((await api.access.verify(first.secret)).expiresAtMs).toBe(Date.UTC(2026, 0, 2));
    api.clock.advance(24 * 3600_000);
    expect([await statusOf(first.secret), await statusOf(second.secret)]).toEqual([401, 200]);

    const third = await rotate({ overlap_seconds: 60 });
    const fourth = await rotate({ overlap_seconds: 0 });
    const statuses = [second, third, fourth].map(async ({ secret }) => await statusOf(secret));
    expect(await Promise.all(statuses)).toEqual([401, 401, 200]);
    for (const overlap_seconds of [7 * 24 * 3600 + 1, -1, 1.5]) {
      const owner = await logIn(api, 'admin');
      const refused = await owner.call('POST', `/api/auth/api-keys/${first.id}/rotate`, { overlap_seconds });
      expect(refused.status).toBe(400);
    }
  });

  test('notes its use at most once a minute', async () => {
    const { secret } = await makeKey(['home:read']);
    const lastUsed = async (): Promise<unknown> => (await listed())[0]?.['last_used_at'];
    expect(await lastUsed()).toBeNull();
    await statusOf(secret);
    const { commits } = api.store.counters;
    api.clock.advance(59_000);
    await statusOf(secret);
    expect(api.store.counters.commits).toBe(commits);
    expect(await lastUsed()).toBe('2026-01-01T00:00:00.000Z');
    api.clock.advance(1000);
    await statusOf(secret);
    expect(await lastUsed()).toBe('2026-01-01T00:01:00.000Z');
  });

  test('ends with who made it, and with what was made by it', async () => {
    const admin = await makePerson(api, 'ann', 'admin');
    const key = await makeKey(['admin'], {}, admin.token);
    const child = await makeKey(['admin'], {}, key.secret);
    expect(child['made_by']).toEqual({ user_id: admin.id, username: 'ann' });
    const ended: string[] = [];
    api.access.followSessionEnds((id) => ended.push(id));
    await api.call('PATCH', `/api/users/${admin.id}`, { role: 'member' });
    expect([await statusOf(key.secret), await statusOf(child.secret)]).toEqual([401, 401]);
    expect(ended).toEqual(expect.arrayContaining([`key:${key.id}`, `key:${child.id}`]));
  });

  test('with the scope admin is an admin, and no owner', async () => {
    const { secret } = await makeKey(['admin']);
    expect(await statusOf(secret, '/api/users', 'POST', { username: 'a', role: 'member' })).toBe(201);
    expect(await statusOf(secret, '/api/users', 'POST', { username: 'b', role: 'admin' })).toBe(403);
    expect(await statusOf(secret, '/api/auth/pairing-codes', 'POST', {})).toBe(400);
    expect(await statusOf(secret, '/api/auth/logout', 'POST')).toBe(409);
    expect(
      await statusOf(secret, '/api/auth/password', 'PUT', { current_password: '', new_password: '' }),
    ).toBe(409);
    expect(await statusOf(secret, '/api/v1/auth/refresh', 'POST')).toBe(403);
  });

  test.each([
    ['a made-up one', (secret: string) => `${secret.slice(0, -43)}${'A'.repeat(43)}`],
    ['one with another id', (secret: string) => secret.replace(/_[0-9a-f]{12}_/, '_000000000000_')],
    ['a shorter one', (secret: string) => secret.slice(0, -1)],
    ['one with more', (secret: string) => `${secret}A`],
  ])('%s is refused', async (_, forge) => {
    const { secret } = await makeKey(['home:read']);
    expect(await statusOf(forge(secret))).toBe(401);
    expect(await statusOf(secret)).toBe(200);
  });

  test.each([
    [{ name: '', scopes: ['home:read'] }],
    [{ name: 'a\u0000', scopes: ['home:read'] }],
    [{ name: 'a', scopes: [] }],
    [{ name: 'a', scopes: ['everything'] }],
    [{ name: 'a', scopes: ['sync'], expires_at: '2025-01-01T00:00:00Z' }],
  ])('%j makes none', async (body) => {
    expect((await api.call('POST', '/api/auth/api-keys', body)).status).toBe(400);
    expect(await listed()).toEqual([]);
  });
});
