import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import type { JsonObject } from '../../src/base/json.ts';
import type { DeviceView } from '../../src/devices/types.ts';

import { logIn, makePerson, refusalOf, type Person } from './people.ts';
import { PASSWORD, startTestApi, type TestApi } from './support.ts';

let api: TestApi;
beforeEach(async () => {
  api = await startTestApi();
});
afterEach(async () => {
  await api[Symbol.asyncDispose]();
});

async function ownerId(): Promise<string> {
  return ((await (await api.call('GET', '/api/auth/me')).json()) as { user_id: string }).user_id;
}

async function isSignedIn(person: Pick<Person, 'call'>): Promise<boolean> {
  return (await person.call('GET', '/api/auth/me')).status === 200;
}

const LATER = '2026-06-01T00:00:00.000Z';

describe('users', () => {
  test('are made, listed by page, read, changed and removed', async () => {
    const made = await api.call('POST', '/api/users', {
      username: 'Ben',
      password: PASSWORD,
      role: 'member',
      grants: ['lock'],
    });
    expect(made.status).toBe(201);
    const ben = (await made.json()) as JsonObject;
    expect(ben).toEqual({
      user_id: expect.any(String) as string,
      username: 'Ben',
      role: 'member',
      grants: ['lock'],
      rooms: null,
      expires_at: null,
      created_at: '2026-01-01T00:00:00.000Z',
      has_password: true,
    });
    const first = (await (await api.call('GET', '/api/users?limit=1')).json()) as JsonObject;
    expect(first['items']).toMatchObject([{ username: 'admin', role: 'owner' }]);
    const next = await api.call('GET', `/api/users?limit=1&cursor=${String(first['next_cursor'])}`);
    expect(await next.json()).toEqual({ items: [ben], next_cursor: null });

    const path = `/api/users/${String(ben['user_id'])}`;
    const changed = await api.call('PATCH', path, { username: 'Benjamin', grants: [] });
    expect(await changed.json()).toEqual({ ...ben, username: 'Benjamin', grants: [] });
    expect(await (await api.call('GET', path)).json()).toMatchObject({ username: 'Benjamin' });
    expect((await api.call('DELETE', path)).status).toBe(204);
    expect((await api.call('GET', path)).status).toBe(404);
    expect((await api.call('DELETE', path)).status).toBe(404);
  });

  test.each([
    ['username', { username: ' ', role: 'member' }],
    ['password', { username: 'ben', password: 'short', role: 'member' }],
    ['role', { username: 'ben', role: 'king' }],
    ['expires_at', { username: 'ben', role: 'guest' }],
    ['expires_at', { username: 'ben', role: 'owner', expires_at: LATER }],
    ['expires_at', { username: 'ben', role: 'guest', expires_at: '2025-01-01T00:00:00Z' }],
    ['expires_at', { username: 'ben', role: 'guest', expires_at: 'tomorrow' }],
    ['grants.0', { username: 'ben', role: 'member', grants: ['cellar'] }],
    ['', { username: 'ben', role: 'member', admin: true }],
  ])('a wrong %s is refused by name: %j', async (field, body) => {
    const response = await api.call('POST', '/api/users', body);
    expect(response.status).toBe(400);
    expect(((await response.json()) as JsonObject)['field'] ?? '').toBe(field);
  });

  test('a name is taken once, in any case', async () => {
    await makePerson(api, 'ben', 'member');
    expect((await api.call('POST', '/api/users', { username: 'BEN', role: 'member' })).status).toBe(409);
    const anna = await makePerson(api, 'anna', 'member');
    expect((await api.call('PATCH', `/api/users/${anna.id}`, { username: ' Ben ' })).status).toBe(409);
    expect((await api.call('PATCH', `/api/users/${anna.id}`, { username: 'ANNA' })).status).toBe(200);
  });
});

describe('who decides about whom', () => {
  test('an admin sees to members, guests and services, and not to admins and owners', async () => {
    const admin = await makePerson(api, 'ann', 'admin');
    const other = await makePerson(api, 'other', 'admin');
    const member = await makePerson(api, 'ben', 'member');
    const owner = await ownerId();
    for (const role of ['owner', 'admin']) {
      expect((await admin.call('POST', '/api/users', { username: role, role })).status).toBe(403);
      expect((await admin.call('PATCH', `/api/users/${member.id}`, { role })).status).toBe(403);
      expect((await admin.call('PATCH', `/api/users/${admin.id}`, { role })).status).toBe(403);
    }
    for (const id of [owner, other.id]) {
      expect((await admin.call('PATCH', `/api/users/${id}`, { password: 'new password' })).status).toBe(403);
      expect((await admin.call('PATCH', `/api/users/${id}`, { role: 'guest' })).status).toBe(403);
      expect((await admin.call('DELETE', `/api/users/${id}`)).status).toBe(403);
    }
    expect((await admin.call('POST', '/api/users', { username: 'kid', role: 'member' })).status).toBe(201);
    expect((await admin.call('PATCH', `/api/users/${member.id}`, { grants: ['alarm'] })).status).toBe(200);
    expect((await admin.call('DELETE', `/api/users/${member.id}`)).status).toBe(204);
    expect(await isSignedIn(other)).toBe(true);
  });

  test('a member sees to nobody', async () => {
    const member = await makePerson(api, 'ben', 'member');
    for (const [method, path] of [
      ['GET', '/api/users'],
      ['POST', '/api/users'],
      ['GET', `/api/users/${member.id}`],
      ['PATCH', `/api/users/${member.id}`],
      ['DELETE', `/api/users/${member.id}`],
    ] as const) {
      const body = method === 'GET' || method === 'DELETE' ? undefined : { role: 'admin' };
      expect((await member.call(method, path, body)).status).toBe(403);
    }
  });

  test('a home always has an owner', async () => {
    const owner = await ownerId();
    expect(await refusalOf(await api.call('DELETE', `/api/users/${owner}`))).toMatch(
      /409 .*always has an owner/,
    );
    expect((await api.call('PATCH', `/api/users/${owner}`, { role: 'admin' })).status).toBe(409);
    expect((await api.call('GET', '/api/auth/me')).status).toBe(200);

    const heir = await makePerson(api, 'heir', 'owner');
    expect((await api.call('PATCH', `/api/users/${owner}`, { role: 'member' })).status).toBe(200);
    expect((await api.call('GET', '/api/auth/me')).status).toBe(401);
    expect((await heir.call('DELETE', `/api/users/${heir.id}`)).status).toBe(409);
  });
});

describe('what takes effect at once', () => {
  test.each([
    ['deleting', 'DELETE', undefined],
    ['demoting', 'PATCH', { role: 'service' }],
    ['a new password', 'PATCH', { password: 'another password' }],
  ])('%s ends the logins of a user, refresh tokens included', async (_, method, body) => {
    const ben = await makePerson(api, 'ben', 'member');
    const ended: string[] = [];
    api.access.followSessionEnds((id) => ended.push(id));
    expect((await api.call(method, `/api/users/${ben.id}`, body)).ok).toBe(true);
    expect(await isSignedIn(ben)).toBe(false);
    expect(ended).toHaveLength(1);
    const refreshed = await api.call('POST', '/api/auth/refresh', { refresh_token: ben.refreshToken });
    expect(refreshed.status).toBe(401);
  });

  test('promoting and granting leave the logins', async () => {
    const ben = await makePerson(api, 'ben', 'member');
    await api.call('PATCH', `/api/users/${ben.id}`, { role: 'admin', grants: ['lock'] });
    const me = (await (await ben.call('GET', '/api/auth/me')).json()) as JsonObject;
    expect(me).toMatchObject({ role: 'admin', grants: ['lock'] });
    expect((await ben.call('GET', '/api/users')).status).toBe(200);
  });

  test('a guest whose time is over is refused, logs in no more and comes back when prolonged', async () => {
    const guest = await makePerson(api, 'guest', 'guest');
    const { expires_at: expiresAt } = (await (await guest.call('GET', '/api/auth/me')).json()) as JsonObject;
    expect(expiresAt).toBe('2026-01-01T01:00:00.000Z');
    const cut = await api.call('PATCH', `/api/users/${guest.id}`, { expires_at: '2026-01-01T00:10:00Z' });
    expect(cut.status).toBe(200);
    expect((await api.access.verify(guest.token)).expiresAtMs).toBe(Date.UTC(2026, 0, 1, 0, 10));
    api.clock.advance(10 * 60_000);
    expect(await refusalOf(await guest.call('GET', '/api/auth/me'))).toMatch(/401 .*expired/);
    const login = { username: 'guest', password: PASSWORD };
    expect(await refusalOf(await api.call('POST', '/api/auth/login', login))).toMatch(/401 .*Ask an admin/);
    const wrong = { ...login, password: 'wrong password' };
    expect(await refusalOf(await api.call('POST', '/api/auth/login', wrong))).not.toMatch(/expired/);
    const refresh = { refresh_token: guest.refreshToken };
    expect((await api.call('POST', '/api/auth/refresh', refresh)).status).toBe(401);
    await api.call('PATCH', `/api/users/${guest.id}`, { expires_at: LATER });
    expect(await isSignedIn(guest)).toBe(true);
  });

  test('a guest who becomes a member stays', async () => {
    const guest = await makePerson(api, 'guest', 'guest');
    const changed = await api.call('PATCH', `/api/users/${guest.id}`, { role: 'member' });
    expect(await changed.json()).toMatchObject({ role: 'member', expires_at: null });
    const back = await api.call('PATCH', `/api/users/${guest.id}`, { role: 'guest' });
    expect(back.status).toBe(400);
  });
});

describe('one’s own password', () => {
  test('is changed with the current one; other logins end, this one stays', async () => {
    const ben = await makePerson(api, 'ben', 'member');
    const phone = await logIn(api, 'ben');
    const change = { current_password: PASSWORD, new_password: 'another password' };
    const wrong = await phone.call('PUT', '/api/auth/password', { ...change, current_password: 'wrong one' });
    expect(wrong.status).toBe(401);
    expect((await phone.call('PUT', '/api/auth/password', { ...change, new_password: 'short' })).status).toBe(
      400,
    );
    expect((await phone.call('PUT', '/api/auth/password', change)).status).toBe(200);
    expect([await isSignedIn(ben), await isSignedIn(phone)]).toEqual([false, true]);
    expect((await api.call('POST', '/api/auth/login', { username: 'ben', password: PASSWORD })).status).toBe(
      401,
    );
    expect(await isSignedIn(await logIn(api, 'ben', 'another password'))).toBe(true);
  });

  test('cannot be set past the current one by an owner, and is guessed as slowly as at a login', async () => {
    const own = await api.call('PATCH', `/api/users/${await ownerId()}`, { password: 'another password' });
    expect(await refusalOf(own)).toMatch(/400 .*PUT \/api\/auth\/password/);
    const guess = { current_password: 'wrong password', new_password: 'another password' };
    let status = 0;
    for (let i = 0; i < 6; i++) status = (await api.call('PUT', '/api/auth/password', guess)).status;
    expect(status).toBe(429);
  });
});

describe('commands', () => {
  const view = (id: string, type: string): DeviceView => ({
    entityId: id,
    name: id,
    manufacturer: null,
    model: null,
    swVersion: null,
    serialNumber: null,
    available: true,
    values: new Map(),
    capabilities: [
      {
        name: 'on_off',
        kind: 'on_off',
        unit: null,
        range: null,
        writable: true,
        component: `${type}/${id}`,
        component_type: type,
        device_class: null,
        category: null,
        label: null,
        enabled_by_default: true,
      },
    ],
  });
  const order = { capability: 'on_off', value: true };

  test('reach what the role and the grants allow, and nothing else', async () => {
    api.devices.views = [view('lamp', 'light'), view('door', 'lock')];
    const reached = async (person: Pick<Person, 'call'>): Promise<number[]> => [
      (await person.call('POST', '/api/entities/lamp/commands', order)).status,
      (await person.call('POST', '/api/entities/door/commands', order)).status,
    ];
    expect(await reached({ call: api.call })).toEqual([200, 200]);
    expect(await reached(await makePerson(api, 'ann', 'admin'))).toEqual([200, 200]);
    expect(await reached(await makePerson(api, 'ben', 'member'))).toEqual([200, 403]);
    expect(await reached(await makePerson(api, 'eva', 'member', { grants: ['lock'] }))).toEqual([200, 200]);
    const guest = await makePerson(api, 'guest', 'guest');
    expect(await reached(guest)).toEqual([403, 403]);
    await api.call('PATCH', `/api/users/${guest.id}`, { grants: ['light'] });
    expect(await reached(guest)).toEqual([200, 403]);
    expect(api.devices.commands.map(({ entityId }) => entityId)).toEqual([
      'lamp',
      'door',
      'lamp',
      'door',
      'lamp',
      'lamp',
      'door',
      'lamp',
    ]);
    const refused = await guest.call('POST', '/api/entities/door/commands', order);
    expect(await refusalOf(refused)).toMatch(/may not command: lock\. An admin can grant it/);
  });
});
