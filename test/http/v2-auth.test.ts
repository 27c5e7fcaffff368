import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import type { HttpOptions } from '../../src/http/http.ts';

import { readUserByName } from '../../src/access/reader.ts';
import { insertSession } from '../../src/access/writer.ts';
import { qrPng } from '../../src/http/routes/v1/qr-png.ts';
import { scanQr } from './png.ts';
import { PASSWORD, startTestApi, type TestApi } from './support.ts';

const WEEK_S = 7 * 24 * 3600;

let api: TestApi;
beforeEach(async () => {
  api = await startTestApi();
});
afterEach(async () => {
  await api[Symbol.asyncDispose]();
});

interface Token {
  readonly access_token: string;
  readonly token_type: string;
  readonly expires_in: number;
  readonly role: string;
}
interface Code {
  readonly qr_code: string;
  readonly qr_data: Readonly<Record<string, unknown>> & { readonly token: string };
  readonly expires_in: number;
}

/** A POST as the clients send it: with a bearer token where they have one, without a body where they have none. */
async function post(path: string, body?: unknown, token?: string): Promise<Response> {
  return await fetch(`${api.url}/api/v1/auth${path}`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

async function get(path: string, token?: string): Promise<Response> {
  return await fetch(`${api.url}${path}`, {
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
  });
}

async function login(): Promise<string> {
  const response = await post('/admin/login', { password: PASSWORD });
  expect(response.status).toBe(200);
  return ((await response.json()) as Token).access_token;
}

async function detailOf(response: Response): Promise<[number, unknown]> {
  const { detail } = (await response.json()) as { detail: unknown };
  return [response.status, detail];
}

async function makeCode(body: unknown = { duration_hours: 24 }): Promise<Code> {
  const response = await post('/guest/generate-qr', body, await login());
  expect(response.status).toBe(200);
  return (await response.json()) as Code;
}

describe('the root', () => {
  test('tells what answers here', async () => {
    const response = await get('/');
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ name: 'FunkyGibbon', version: '1.2.3', status: 'ready' });
  });
});

describe('admin login', () => {
  test('takes a password and gives a token for a week, which opens the rest of the API too', async () => {
    const response = await post('/admin/login', { password: PASSWORD });
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('application/json');
    expect(response.headers.get('cache-control')).toBe('no-store');
    const token = (await response.json()) as Token;
    expect(token).toEqual({
      access_token: expect.any(String) as string,
      token_type: 'bearer',
      expires_in: WEEK_S,
      role: 'admin',
    });
    expect((await get('/api/entities', token.access_token)).status).toBe(200);
    const me = await get('/api/v1/auth/me', token.access_token);
    expect(await me.json()).toEqual({
      user_id: expect.any(String) as string,
      role: 'admin',
      permissions: ['read', 'write', 'delete', 'configure'],
      expires_at: api.clock.nowMs() / 1000 + WEEK_S,
    });
  });

  test('refuses in the words that clients show', async () => {
    expect(await detailOf(await post('/admin/login', { password: 'wrong' }))).toEqual([
      401,
      'Invalid password',
    ]);
    for (const body of [{}, { password: '' }, { password: 7 }, [], 'x']) {
      const [status, detail] = await detailOf(await post('/admin/login', body));
      expect([status, typeof detail]).toEqual([422, 'string']);
    }
    expect((await detailOf(await post('/admin/login')))[0]).toBe(422);
    for (let i = 0; i < 4; i++) await post('/admin/login', { password: 'wrong' });
    const throttled = await post('/admin/login', { password: 'wrong' });
    expect(Number(throttled.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await detailOf(throttled)).toEqual([429, expect.stringContaining('Try again in')]);
  });

  test('tells without a token, or with one that has ended, what is wrong', async () => {
    for (const token of [undefined, 'garbage']) {
      const response = await get('/api/v1/auth/me', token);
      expect(response.headers.get('www-authenticate')).toMatch(/^Bearer/);
      expect(await detailOf(response)).toEqual([401, expect.any(String)]);
    }
  });

  test('a script that logs in each time it runs ends nobody else’s login', async () => {
    const login = async (): Promise<string> =>
      ((await (await post('/admin/login', { password: PASSWORD })).json()) as Token).access_token;
    const first = await login();
    const long = await api.access.login({ username: 'admin', password: PASSWORD, address: 'test' });
    // What the script has left behind; hashing its password each time would only take longer.
    const nowMs = api.clock.nowMs();
    api.store.write((tx) => {
      const userKey = readUserByName(tx, 'admin')?.key ?? 0;
      for (let n = 0; n < 60; n++) {
        insertSession(tx, {
          id: `run-${n}`,
          userKey,
          deviceId: null,
          nowMs: nowMs + n,
          expiresAtMs: nowMs + 1e9,
        });
      }
    });
    await login();
    for (const token of [first, long.accessToken]) {
      const me = await api.call('GET', '/api/auth/me', undefined, { authorization: `Bearer ${token}` });
      expect(me.status).toBe(200);
    }
  });

  test('cannot work where nobody is called admin', async () => {
    api.store.write((tx) => tx.run("UPDATE access_user SET username_folded = 'anna'"));
    const [status, detail] = await detailOf(await post('/admin/login', { password: PASSWORD }));
    expect([status, detail]).toEqual([503, expect.stringContaining('no user named admin')]);
  });
});

describe('refresh', () => {
  test('needs nothing but the token', async () => {
    const first = await login();
    api.clock.advance(3600_000);
    const response = await post('/refresh', undefined, first);
    const renewed = (await response.json()) as Token;
    expect(renewed).toMatchObject({ token_type: 'bearer', expires_in: WEEK_S, role: 'admin' });
    expect(renewed.access_token).not.toBe(first);
    expect((await get('/api/v1/auth/me', renewed.access_token)).status).toBe(200);
  });

  test('is not for guests', async () => {
    const { qr_data: data } = await makeCode();
    const guest = (await (await post('/guest/verify', { token: data.token })).json()) as Token;
    expect(await detailOf(await post('/refresh', undefined, guest.access_token))).toEqual([
      403,
      'Only admin tokens can be refreshed',
    ]);
  });
});

describe('a guest', () => {
  test('is let in by the picture that an admin shows', async () => {
    const code = await makeCode({ duration_hours: 2 });
    expect(code.expires_in).toBe(7200);
    const scanned = scanQr(Buffer.from(code.qr_code, 'base64')) ?? '';
    const data = JSON.parse(scanned) as Code['qr_data'];
    expect(data).toEqual(code.qr_data);
    expect(data).toEqual({
      version: '1.0',
      type: 'guest_access',
      server: '127.0.0.1',
      port: api.http.port,
      token: expect.stringMatching(/^[\w-]{43}$/) as string,
      expires: new Date(api.clock.nowMs() + 7200_000).toISOString(),
      permissions: ['read'],
    });
    // The two clients have two names for it, and it is good more than once.
    const { token: good } = data;
    for (const body of [{ token: good }, { qr_token: good }, { token: '', qr_token: good }]) {
      const response = await fetch(
        `http://${String(data['server'])}:${String(data['port'])}/api/v1/auth/guest/verify`,
        {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(body),
        },
      );
      expect(response.status).toBe(200);
      const token = (await response.json()) as Token;
      expect(token).toMatchObject({ token_type: 'bearer', expires_in: 7200, role: 'guest' });
      const me = await get('/api/v1/auth/me', token.access_token);
      expect(await me.json()).toMatchObject({
        user_id: `guest_${data.token.slice(0, 8)}`,
        role: 'guest',
        permissions: ['read'],
      });
      expect((await get('/api/v1/graph/entities', token.access_token)).status).toBe(200);
    }
  });

  test('is out as soon as the code is revoked', async () => {
    const admin = await login();
    const { qr_data: data } = await makeCode();
    const guest = (await (await post('/guest/verify', { token: data.token })).json()) as Token;
    expect((await get('/api/v1/mcp/tools', guest.access_token)).status).toBe(200);
    const revoked = await post(`/guest/revoke?token=${data.token}`, undefined, admin);
    expect(revoked.status).toBe(200);
    expect(await revoked.json()).toEqual({ message: 'Token revoked successfully' });
    expect((await get('/api/v1/mcp/tools', guest.access_token)).status).toBe(401);
    expect((await post('/guest/verify', { token: data.token })).status).toBe(401);
    expect(await detailOf(await post(`/guest/revoke?token=${data.token}`, undefined, admin))).toEqual([
      404,
      'Token not found',
    ]);
    expect((await post('/guest/revoke', undefined, admin)).status).toBe(422);
  });

  test('is listed by the beginning of the code, by which it can be revoked', async () => {
    const { qr_data: data } = await makeCode();
    const admin = await login();
    const listed = await get('/api/v1/auth/guest/list', admin);
    const text = await listed.text();
    expect(JSON.parse(text)).toEqual({
      count: 1,
      tokens: [
        {
          token: `${data.token.slice(0, 8)}...`,
          expires: data['expires'],
          created_at: new Date(api.clock.nowMs()).toISOString(),
          permissions: ['read'],
        },
      ],
    });
    expect(text).not.toContain(data.token);
    const named = encodeURIComponent(`${data.token.slice(0, 8)}...`);
    expect((await post(`/guest/revoke?token=${named}`, undefined, admin)).status).toBe(200);
    expect(await (await get('/api/v1/auth/guest/list', admin)).json()).toEqual({ count: 0, tokens: [] });
  });

  test('may not do what an admin may', async () => {
    const { qr_data: data } = await makeCode();
    const guest = (await (await post('/guest/verify', { token: data.token })).json()) as Token;
    const { access_token: token } = guest;
    for (const response of [
      await post('/guest/generate-qr', {}, token),
      await post('/guest/revoke?token=x', undefined, token),
      await get('/api/v1/auth/guest/list', token),
    ]) {
      expect(await detailOf(response)).toEqual([403, 'Admin access required']);
    }
  });

  test.each([{}, { token: '' }, { token: 7 }, { token: null, qr_token: null }, []])(
    'with %j gets 422',
    async (body) => {
      expect(await detailOf(await post('/guest/verify', body))).toEqual([422, expect.any(String)]);
    },
  );

  test('with a wrong code gets 401', async () => {
    expect(await detailOf(await post('/guest/verify', { token: 'nonsense' }))).toEqual([
      401,
      'Invalid or expired guest token',
    ]);
  });
});

describe('the code', () => {
  test.each([0, 169, 1.5, 'soon', -1, true, [3], ''])('is not made for %j hours', async (hours) => {
    const response = await post('/guest/generate-qr', { duration_hours: hours }, await login());
    expect(response.status).toBe(422);
  });

  test('is made for a day where nothing is said', async () => {
    expect((await makeCode({})).expires_in).toBe(24 * 3600);
    const response = await post('/guest/generate-qr', undefined, await login());
    expect(response.status).toBe(200);
    expect((await makeCode({ duration_hours: null })).expires_in).toBe(24 * 3600);
    expect((await makeCode({ duration_hours: '2' })).expires_in).toBe(2 * 3600);
  });

  test.each([
    ['hub.example.org', 'hub.example.org', null],
    ['192.168.1.10:9000', '192.168.1.10', 9000],
    ['[fe80::1]:80', '[fe80::1]', 80],
    ['fe80::1', '[fe80::1]', null],
    ['[fe80::1]', '[fe80::1]', null],
    ['hub:65535', 'hub', 65_535],
  ])('names the server that the admin names: %s', async (custom, server, port) => {
    const { qr_data: data } = await makeCode({ custom_server: custom });
    expect([data['server'], data['port']]).toEqual([server, port ?? api.http.port]);
  });

  test.each(['x/../y', 'hub:0', 'hub:65536', '[hub]', 'a:b:c', '[fe80::1]:0', 'fe80::1%eth0', ':80', ''])(
    'names no server that cannot be one: %j',
    async (custom) => {
      const response = await post('/guest/generate-qr', { custom_server: custom }, await login());
      expect(response.status).toBe(422);
    },
  );

  test('names the address that the hub knows for itself', async () => {
    await api[Symbol.asyncDispose]();
    const options: Partial<HttpOptions> = { urlForOthers: () => 'http://192.168.1.10:8000' };
    api = await startTestApi(options);
    const { qr_data: data } = await makeCode();
    expect([data['server'], data['port']]).toEqual(['192.168.1.10', 8000]);
  });

  test.each([1, 40, 300, 900])('of %i characters can be scanned', (length) => {
    const text = 'Grüße an den Gibbon {"token":"0x"} '.repeat(30).slice(0, length);
    expect(scanQr(qrPng(text))).toBe(text);
  });
});
