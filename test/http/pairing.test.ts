import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import type { JsonObject } from '../../src/base/json.ts';

import { callWith, makePerson, refusalOf } from './people.ts';
import { scanQr } from './png.ts';
import { startTestApi, type TestApi } from './support.ts';

let api: TestApi;
beforeEach(async () => {
  api = await startTestApi({ urlForOthers: () => 'http://192.168.1.10:8000' });
});
afterEach(async () => {
  await api[Symbol.asyncDispose]();
});

interface Code {
  readonly code: string;
  readonly uri: string;
  readonly qr_svg: string;
  readonly qr_png: string;
  readonly expires_at: string;
}
interface Tokens {
  readonly access_token: string;
  readonly refresh_token: string;
  readonly user_id: string;
}

async function makeCode(body: JsonObject = {}, token = api.token): Promise<Code> {
  const response = await callWith(api, token, 'POST', '/api/auth/pairing-codes', body);
  expect(response.status).toBe(201);
  return (await response.json()) as Code;
}

/** As a phone does it: without a token. */
async function redeem(code: string, deviceId = 'phone', more: JsonObject = {}): Promise<Response> {
  return await fetch(`${api.url}/api/auth/pair`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ code, device_id: deviceId, ...more }),
  });
}

async function pair(code: string, deviceId = 'phone'): Promise<Tokens> {
  const response = await redeem(code, deviceId);
  expect(response.status).toBe(200);
  return (await response.json()) as Tokens;
}

async function devices(token = api.token): Promise<JsonObject[]> {
  const response = await callWith(api, token, 'GET', '/api/auth/devices');
  return ((await response.json()) as { items: JsonObject[] }).items;
}

describe('a pairing code', () => {
  test('is shown as text and as pictures, with where the hub is', async () => {
    const made = await makeCode();
    expect(made.code).toMatch(/^[2-9A-Z]{4}(-[2-9A-Z]{4}){2}$/);
    expect(made.expires_at).toBe('2026-01-01T00:10:00.000Z');
    expect(made.uri).toBe(`funkygibbon://pair?v=1&url=http%3A%2F%2F192.168.1.10%3A8000&code=${made.code}`);
    expect(scanQr(Buffer.from(made.qr_png, 'base64'))).toBe(made.uri);
    expect(made.qr_svg).toMatch(/^<svg /);
  });

  test('names the TLS address and its fingerprint where there is TLS', async () => {
    await using secured = await startTestApi({
      tlsUrlForOthers: () => 'https://192.168.1.10:8443',
      tlsFingerprint: () => 'sha256/a+b/c=',
    });
    const made = (await (await secured.call('POST', '/api/auth/pairing-codes', {})).json()) as Code;
    const said = new URL(made.uri).searchParams;
    expect([said.get('url'), said.get('fp')]).toEqual(['https://192.168.1.10:8443', 'sha256/a+b/c=']);
  });

  test('is good once, typed in any way, for ten minutes', async () => {
    const { code } = await makeCode();
    const tokens = await pair(code.toLowerCase().replaceAll('-', ' '));
    expect((await callWith(api, tokens.access_token, 'GET', '/api/auth/me')).status).toBe(200);
    expect(await refusalOf(await redeem(code))).toMatch(/401 .*Ask an admin/);

    const late = await makeCode();
    api.clock.advance(10 * 60_000);
    expect((await redeem(late.code)).status).toBe(401);
  });

  test('two phones that show it at once make one pairing', async () => {
    const { code } = await makeCode();
    const statuses = [await redeem(code, 'a'), await redeem(code, 'b')].map(({ status }) => status);
    expect(statuses).toEqual([200, 401]);
  });

  test('cannot be guessed at speed', async () => {
    let response = await redeem('AAAA-AAAA-AAAA');
    for (let i = 0; i < 5; i++) response = await redeem('AAAA-AAAA-AAAA');
    expect(response.status).toBe(429);
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);
  });

  test('at most twenty are open', async () => {
    for (let i = 0; i < 20; i++) await makeCode();
    expect((await api.call('POST', '/api/auth/pairing-codes', {})).status).toBe(409);
    api.clock.advance(10 * 60_000);
    await makeCode();
  });

  test('gives nobody more rights than its maker may give', async () => {
    const admin = await makePerson(api, 'ann', 'admin');
    const other = await makePerson(api, 'other', 'admin');
    const ben = await makePerson(api, 'ben', 'member');
    const { user_id: owner } = (await (await api.call('GET', '/api/auth/me')).json()) as Tokens;
    for (const user_id of [owner, other.id]) {
      expect((await admin.call('POST', '/api/auth/pairing-codes', { user_id })).status).toBe(403);
    }
    expect((await ben.call('POST', '/api/auth/pairing-codes', {})).status).toBe(403);
    expect((await api.call('POST', '/api/auth/pairing-codes', { user_id: 'nobody' })).status).toBe(404);
    const { code } = await makeCode({ user_id: ben.id }, admin.token);
    expect((await pair(code)).user_id).toBe(ben.id);
    const own = await makeCode({}, admin.token);
    expect((await pair(own.code, 'ann-phone')).user_id).toBe(admin.id);
  });

  test('ends with its user', async () => {
    const ben = await makePerson(api, 'ben', 'member');
    const { code } = await makeCode({ user_id: ben.id });
    await api.call('DELETE', `/api/users/${ben.id}`);
    expect((await redeem(code)).status).toBe(401);
  });

  test.each([[''], ['a\u0000b'], ['x'.repeat(129)]])('no phone is called %j', async (deviceId) => {
    const { code } = await makeCode();
    expect((await redeem(code, deviceId)).status).toBe(400);
    await pair(code);
  });
});

describe('a paired phone', () => {
  test('syncs as the device that was paired, and as no other', async () => {
    api.sync.answer = null;
    const { access_token: token, user_id } = await pair((await makeCode()).code);
    const v1 = async (device_id: string): Promise<number> => {
      const body = {
        protocol_version: 'inbetweenies-v1.1',
        device_id,
        user_id,
        vector_clock: {},
        changes: [],
      };
      return (await callWith(api, token, 'POST', '/api/sync/inbetweenies', body)).status;
    };
    expect([await v1('phone'), await v1('other')]).toEqual([200, 403]);
    const v2 = async (device_id: string): Promise<number> => {
      const body = {
        protocol_version: 'inbetweenies-v2',
        device_id,
        user_id,
        sync_type: 'full',
        vector_clock: { clocks: {} },
        changes: [],
      };
      return (await callWith(api, token, 'POST', '/api/v1/sync', body)).status;
    };
    expect([await v2('phone'), await v2('other')]).toEqual([200, 403]);
  });

  test('refreshes as itself, and not as another device', async () => {
    const { refresh_token } = await pair((await makeCode()).code);
    const refresh = async (device_id?: string): Promise<Response> =>
      await api.call('POST', '/api/auth/refresh', { refresh_token, device_id });
    expect((await refresh('other')).status).toBe(403);
    const refreshed = await refresh('phone');
    expect(refreshed.status).toBe(200);
    const { access_token: token } = (await refreshed.json()) as Tokens;
    expect((await api.access.verify(token)).boundDeviceId).toBe('phone');
  });

  test('is listed with its name, and revoked at once', async () => {
    const { code } = await makeCode({ device_name: 'Anna’s phone' });
    const { access_token: token } = await pair(code);
    const phone = (await devices()).find(({ bound }) => bound === true);
    expect(phone).toEqual({
      id: expect.any(String) as string,
      device_id: 'phone',
      name: 'Anna’s phone',
      user_id: expect.any(String) as string,
      username: 'admin',
      created_at: '2026-01-01T00:00:00.000Z',
      last_used_at: '2026-01-01T00:00:00.000Z',
      bound: true,
      current: false,
    });
    const ended: string[] = [];
    api.access.followSessionEnds((id) => ended.push(id));
    expect((await api.call('DELETE', `/api/auth/devices/${String(phone?.['id'])}`)).status).toBe(204);
    expect((await callWith(api, token, 'GET', '/api/auth/me')).status).toBe(401);
    expect(ended).toEqual([phone?.['id']]);
    expect((await devices()).some(({ bound }) => bound === true)).toBe(false);
  });

  test('that is paired anew loses its earlier pairing; another person’s device keeps its name', async () => {
    const first = await pair((await makeCode()).code);
    const second = await pair((await makeCode()).code);
    expect((await callWith(api, first.access_token, 'GET', '/api/auth/me')).status).toBe(401);
    expect((await callWith(api, second.access_token, 'GET', '/api/auth/me')).status).toBe(200);
    const ben = await makePerson(api, 'ben', 'member');
    const { code } = await makeCode({ user_id: ben.id });
    expect(await refusalOf(await redeem(code))).toMatch(/409 .*paired for somebody else/);
    expect((await redeem(code, 'bens-phone')).status).toBe(200);
  });
});

describe('the list of devices', () => {
  test('shows a member their own, an admin all', async () => {
    const ben = await makePerson(api, 'ben', 'member');
    await api.access.login({
      username: 'ben',
      password: 'correct horse battery',
      deviceId: 'pc',
      address: 'x',
    });
    const own = await devices(ben.token);
    expect(own.map(({ username, device_id }) => [username, device_id])).toEqual([
      ['ben', 'pc'],
      ['ben', null],
    ]);
    expect(own.map(({ current }) => current)).toEqual([false, true]);
    expect(await devices()).toHaveLength(3);
  });

  test('a member ends their own logins and no others; an admin not those of the owner', async () => {
    const ben = await makePerson(api, 'ben', 'member');
    const ann = await makePerson(api, 'ann', 'admin');
    const ids = Object.fromEntries((await devices()).map(({ id, username }) => [username, String(id)]));
    expect((await ben.call('DELETE', `/api/auth/devices/${ids['ann']}`)).status).toBe(404);
    expect((await ann.call('DELETE', `/api/auth/devices/${ids['admin']}`)).status).toBe(403);
    expect((await ben.call('DELETE', `/api/auth/devices/${ids['ben']}`)).status).toBe(204);
    expect((await ben.call('GET', '/api/auth/me')).status).toBe(401);
    expect((await api.call('DELETE', `/api/auth/devices/${ids['ann']}`)).status).toBe(204);
  });

  test('leaves out logins that nobody can use any more', async () => {
    await pair((await makeCode()).code);
    api.clock.advance(61 * 24 * 3600_000);
    const { accessToken } = await api.access.login({
      username: 'admin',
      password: 'correct horse battery',
      address: 'x',
    });
    expect(await devices(accessToken)).toHaveLength(1);
  });
});
