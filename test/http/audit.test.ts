import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import type { JsonObject } from '../../src/base/json.ts';

import { createLogger } from '../../src/base/log.ts';
import { callWith, logIn, makePerson } from './people.ts';
import { PASSWORD, startTestApi, type TestApi } from './support.ts';

let api: TestApi;
beforeEach(async () => {
  api = await startTestApi();
});
afterEach(async () => {
  await api[Symbol.asyncDispose]();
});

async function audit(query = ''): Promise<JsonObject[]> {
  const response = await api.call('GET', `/api/audit${query}`);
  expect(response.status).toBe(200);
  return ((await response.json()) as { items: JsonObject[] }).items;
}

async function idOf(response: Response): Promise<string> {
  const { id, user_id: userId } = (await response.json()) as { id?: string; user_id?: string };
  return id ?? userId ?? '';
}

describe('GET /api/audit', () => {
  test('tells who did what from where, newest first', async () => {
    const made = await api.call(
      'POST',
      '/api/users',
      { username: 'ben', role: 'member' },
      { 'x-request-id': 'r-1' },
    );
    const [row, login] = await audit();
    expect(row).toEqual({
      id: expect.any(Number) as number,
      time: '2026-01-01T00:00:00.000Z',
      action: 'user.create',
      outcome: 'ok',
      user_id: expect.any(String) as string,
      username: 'admin',
      target: await idOf(made),
      address: '127.0.0.1',
      request_id: 'r-1',
      details: { username: 'ben', role: 'member', expires_ms: null, grants: [] },
    });
    expect(login).toMatchObject({ action: 'login', username: 'admin' });
  });

  test('has a row for each of the acts', async () => {
    const ben = await makePerson(api, 'ben', 'member');
    await ben.call('PUT', '/api/auth/password', { current_password: PASSWORD, new_password: `${PASSWORD}2` });
    await api.call('PATCH', `/api/users/${ben.id}`, { grants: ['lock'] });
    const key = await idOf(await api.call('POST', '/api/auth/api-keys', { name: 'a', scopes: ['sync'] }));
    await api.call('POST', `/api/auth/api-keys/${key}/rotate`);
    await api.call('DELETE', `/api/auth/api-keys/${key}`);
    const code = (await (await api.call('POST', '/api/auth/pairing-codes', {})).json()) as { code: string };
    await api.call('POST', '/api/auth/pair', { code: code.code, device_id: 'phone' });
    const [phone] = (await audit('?action=pair')) as { target: string }[];
    await api.call('DELETE', `/api/auth/devices/${phone?.target}`);
    const guest = (await (await api.call('POST', '/api/v1/auth/guest/generate-qr', {})).json()) as {
      qr_data: { token: string };
    };
    await api.call('POST', '/api/v1/auth/guest/verify', { token: guest.qr_data.token });
    await api.call('POST', `/api/v1/auth/guest/revoke?token=${guest.qr_data.token}`);
    await ben.call('POST', '/api/users', { username: 'x', role: 'owner' });
    await ben.call('POST', '/api/auth/logout');
    await api.call('DELETE', `/api/users/${ben.id}`);
    const actions = (await audit()).map(({ action }) => action).toReversed();
    expect(actions).toEqual([
      'login',
      'user.create',
      'login',
      'password.change',
      'user.change',
      'api_key.create',
      'api_key.rotate',
      'api_key.delete',
      'pairing_code.create',
      'pair',
      'device.revoke',
      'guest_code.create',
      'guest_code.enter',
      'guest_code.revoke',
      'forbidden',
      'logout',
      'user.delete',
    ]);
  });

  test('pages, and filters by action, person and time', async () => {
    const ben = await makePerson(api, 'ben', 'member');
    api.clock.advance(60_000);
    await ben.call('POST', '/api/auth/logout');
    const all = await audit();
    const paged: JsonObject[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const page: Response = await api.call('GET', `/api/audit?limit=2${cursor && `&cursor=${cursor}`}`);
      const told = (await page.json()) as { items: JsonObject[]; next_cursor: string | null };
      paged.push(...told.items);
      cursor = told.next_cursor;
    }
    expect(paged).toEqual(all);
    expect(await audit('?action=user.create')).toHaveLength(1);
    expect(await audit(`?user_id=${ben.id}`)).toHaveLength(2);
    expect(await audit('?from=2026-01-01T00:01:00Z')).toHaveLength(1);
    expect(await audit('?to=2026-01-01T00:01:00Z')).toHaveLength(all.length - 1);
    for (const query of ['?action=breathe', '?from=yesterday', '?cursor=x', '?limit=0', '?who=ben']) {
      expect((await api.call('GET', `/api/audit${query}`)).status).toBe(400);
    }
  });

  test('tells of forbidden writes once a minute, by the gate or by a handler, and of no reads', async () => {
    const ann = await makePerson(api, 'ann', 'admin');
    const ben = await makePerson(api, 'ben', 'member');
    await ben.call('GET', '/api/users');
    for (let i = 0; i < 3; i++) await ben.call('DELETE', `/api/users/${ann.id}?really=yes`);
    await ann.call('PATCH', `/api/users/${ann.id}`, { role: 'owner' });
    expect(await audit('?action=forbidden')).toMatchObject([
      { username: 'ann', target: 'PATCH /api/users/{id}', outcome: 'refused', details: { count: 1 } },
      { username: 'ben', target: `DELETE /api/users/${ann.id}`, details: { count: 1 } },
    ]);
    api.clock.advance(60_000);
    expect((await audit('?action=forbidden'))[0]).toMatchObject({ username: 'ben', details: { count: 2 } });
  });

  test('tells who decided a conflict', async () => {
    const { user_id } = (await (await api.call('GET', '/api/auth/me')).json()) as { user_id: string };
    await api.call('POST', '/api/entities', {
      id: 'cellar',
      entity_type: 'room',
      content: { name: 'Cellar' },
    });
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
    const synced = await api.call('POST', '/api/sync/inbetweenies', {
      protocol_version: 'inbetweenies-v1.1',
      device_id: 'phone',
      user_id,
      vector_clock: {},
      changes: [change],
    });
    const { conflicts } = (await synced.json()) as { conflicts: { conflict_id: string }[] };
    const id = conflicts[0]?.conflict_id ?? '';
    const resolved = await api.call('POST', `/api/sync/conflicts/${id}/resolve`, {
      resolution: 'keep_local',
    });
    expect(resolved.status).toBe(200);
    expect(await audit('?action=conflict.resolve')).toMatchObject([
      { target: id, details: { resolution: 'keep_local', entity_id: 'cellar' } },
    ]);
  });
});

test('neither a table nor the log holds a password, a token, a key or a code', async () => {
  const lines: string[] = [];
  const log = createLogger({
    level: 'trace',
    format: 'json',
    destination: { write: (line: string) => void lines.push(line) },
  });
  await using logged = await startTestApi({ log }, log);
  const tell = async (method: string, path: string, body?: unknown): Promise<Record<string, string>> =>
    (await (await logged.call(method, path, body)).json()) as Record<string, string>;
  const ben = await makePerson(logged, 'ben', 'member');
  const key = await tell('POST', '/api/auth/api-keys', { name: 'a', scopes: ['admin'] });
  const rotated = await tell('POST', `/api/auth/api-keys/${key['id']}/rotate`);
  const open = await tell('POST', '/api/auth/pairing-codes', {});
  const used = await tell('POST', '/api/auth/pairing-codes', {});
  const phone = await tell('POST', '/api/auth/pair', { code: used['code'], device_id: 'phone' });
  const guest = (await tell('POST', '/api/v1/auth/guest/generate-qr', {}))['qr_data'] as unknown as {
    token: string;
  };
  await tell('POST', '/api/v1/auth/guest/verify', { token: guest.token });
  const refreshed = await tell('POST', '/api/auth/refresh', { refresh_token: ben.refreshToken });
  await tell('POST', '/api/auth/refresh', { refresh_token: ben.refreshToken });
  await tell('POST', '/api/auth/login', { username: 'ben', password: 'a wrong guess' });
  await tell('POST', '/api/auth/pair', { code: 'K7QF-2MXA-9RTD', device_id: 'phone' });
  const again = await logIn(logged, 'ben');
  const changed = { current_password: PASSWORD, new_password: 'my new password' };
  await again.call('PUT', '/api/auth/password', changed);
  await callWith(logged, String(key['secret']), 'GET', '/api/users');

  const tables = logged.store.db.all<{ name: string }>("SELECT name FROM sqlite_schema WHERE type = 'table'");
  const dump = tables.flatMap(({ name }) =>
    // The signing secret is kept on purpose; nothing else of its kind is.
    logged.store.db
      .all<Record<string, unknown>>(`SELECT * FROM "${name}"`)
      .flatMap((row) =>
        row['name'] === 'jwt_secret' ? [] : [JSON.stringify(Object.values(row).map(readable))],
      ),
  );
  const everything = [...dump, ...lines].join('\n');
  expect(everything).toContain('$argon2id$');
  expect(everything).toContain(String(key['id']));
  expect(lines.length).toBeGreaterThan(10);
  const secrets = [
    PASSWORD,
    'a wrong guess',
    'my new password',
    logged.token,
    ben.token,
    ben.refreshToken,
    again.token,
    again.refreshToken,
    guest.token,
    'K7QF-2MXA-9RTD',
    ...[key, rotated].map(({ secret }) => secret),
    ...[open, used].flatMap(({ code }) => [code, code?.replaceAll('-', '')]),
    ...[phone, refreshed].flatMap((tokens) => [tokens['access_token'], tokens['refresh_token']]),
  ];
  for (const secret of secrets) {
    expect(String(secret).length).toBeGreaterThan(8);
    expect(everything).not.toContain(secret);
  }
});

function readable(value: unknown): unknown {
  return value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : value;
}
