import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { decodeJwt, SignJWT } from 'jose';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { Access, removeExpired, type AccessStartOptions } from '../../src/access/access.ts';
import { ThrottledError } from '../../src/access/errors.ts';
import { accessTables } from '../../src/access/tables.ts';
import { ManualClock } from '../../src/base/clock.ts';
import { HubError, StartError } from '../../src/base/errors.ts';
import { keptValueTables } from '../../src/base/kept-values.ts';
import { createLogger, silentLogger } from '../../src/base/log.ts';
import { Store } from '../../src/base/store.ts';

const PASSWORD = 'correct horse battery';
const ADDRESS = '192.168.1.20';
const HOUR_MS = 3600_000;

let folder: string;
let store: Store;
let clock: ManualClock;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'access-'));
  clock = new ManualClock();
  store = await openStore();
});
afterEach(async () => {
  await store[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

async function openStore(): Promise<Store> {
  return await Store.open({
    file: join(folder, 'hub.db'),
    clock,
    log: silentLogger,
    migrations: [keptValueTables, accessTables],
  });
}

async function start(options: Partial<AccessStartOptions> = {}): Promise<Access> {
  return await Access.start({
    store,
    clock,
    log: silentLogger,
    jwtSecret: null,
    adminPassword: PASSWORD,
    ...options,
  });
}

async function kindOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return 'no error';
  } catch (error) {
    if (error instanceof HubError) return error.kind;
    throw error;
  }
}

describe('the first start', () => {
  test('a configured password makes the owner admin, once', async () => {
    const access = await start();
    const tokens = await access.login({ username: 'admin', password: PASSWORD, address: ADDRESS });
    expect(tokens.user).toMatchObject({ username: 'admin', role: 'owner' });
    expect(access.setupCode).toBeNull();

    const again = await start({ adminPassword: 'another password' });
    expect(
      await kindOf(again.login({ username: 'admin', password: 'another password', address: ADDRESS })),
    ).toBe('unauthenticated');
  });

  test('without one there is a setup code, which a restart does not change and which works once', async () => {
    const access = await start({ adminPassword: null });
    const code = access.setupCode ?? '';
    expect(code).toMatch(/^[2-9A-Z]{4}-[2-9A-Z]{4}-[2-9A-Z]{4}$/);
    await store[Symbol.asyncDispose]();
    store = await openStore();
    const restarted = await start({ adminPassword: null });
    expect(restarted.setupCode).toBe(code);

    const typed = code.toLowerCase().replaceAll('-', ' ');
    const owner = { username: 'Alex', password: PASSWORD, address: ADDRESS };
    expect(await kindOf(restarted.setup({ ...owner, code: 'AAAA-BBBB-CCCC' }))).toBe('unauthenticated');
    const tokens = await restarted.setup({ ...owner, code: typed });
    expect(await restarted.verify(tokens.accessToken)).toMatchObject({ username: 'Alex', role: 'owner' });
    expect(restarted.setupCode).toBeNull();
    expect(await kindOf(restarted.setup({ ...owner, username: 'mallory', code }))).toBe('conflict');
  });

  test('two people with the code at the same time make one owner', async () => {
    const access = await start({ adminPassword: null });
    const input = { code: access.setupCode ?? '', password: PASSWORD, address: ADDRESS };
    const kinds = await Promise.all([
      kindOf(access.setup({ ...input, username: 'first' })),
      kindOf(access.setup({ ...input, username: 'second' })),
    ]);
    expect(kinds.sort()).toEqual(['conflict', 'no error']);
  });

  test.each([
    ['username', { username: ' ', password: PASSWORD }],
    ['username', { username: 'a'.repeat(65), password: PASSWORD }],
    ['username', { username: 'a\u0000b', password: PASSWORD }],
    ['password', { username: 'alex', password: 'short' }],
    ['password', { username: 'alex', password: 'x'.repeat(1025) }],
  ])('a %s that cannot be taken is refused by name', async (field, input) => {
    const access = await start({ adminPassword: null });
    const code = access.setupCode ?? '';
    await expect(access.setup({ code, address: ADDRESS, ...input })).rejects.toMatchObject({
      kind: 'invalid',
      field,
    });
  });

  test('a secret of fewer than 32 bytes stops the start as a configuration error', async () => {
    await expect(start({ jwtSecret: 'x'.repeat(31) })).rejects.toMatchObject({ badConfiguration: true });
    await expect(start({ jwtSecret: 'x'.repeat(31) })).rejects.toBeInstanceOf(StartError);
    await expect(start({ jwtSecret: 'x'.repeat(32) })).resolves.toBeInstanceOf(Access);
  });
});

describe('login', () => {
  test('a user name is found in any case and width', async () => {
    const access = await start();
    const tokens = await access.login({ username: ' ＡＤＭＩＮ ', password: PASSWORD, address: ADDRESS });
    expect(tokens.user.username).toBe('admin');
  });

  test('an unknown user is refused in the same words as a wrong password', async () => {
    const access = await start();
    const wrong = access.login({ username: 'admin', password: 'wrong password', address: ADDRESS });
    const unknown = access.login({ username: 'nobody', password: PASSWORD, address: ADDRESS });
    const messages = (await Promise.allSettled([wrong, unknown])).map((result) =>
      result.status === 'rejected' && result.reason instanceof HubError ? result.reason.message : 'no error',
    );
    expect(messages[0]).toMatch(/user name or the password is wrong/);
    expect(messages[1]).toBe(messages[0]);
  });

  test('guessing is slowed down more and more, and other people at other places are not held up', async () => {
    const access = await start();
    const guess = async (): Promise<void> => {
      await access.login({ username: 'Admin', password: 'wrong password', address: ADDRESS });
    };
    const delays: number[] = [];
    for (let i = 0; i < 12; i++) {
      await guess().catch((error: unknown) => {
        if (error instanceof ThrottledError) {
          delays.push(error.retryAfterS);
          clock.advance(error.retryAfterS * 1000);
        }
      });
    }
    expect(delays).toEqual([1, 2, 4, 8]);

    expect(await kindOf(guess())).toBe('unauthenticated');
    expect(await kindOf(guess())).toBe('rate_limited');
    const elsewhere = access.login({ username: 'admin', password: PASSWORD, address: '192.168.1.30' });
    expect(await kindOf(elsewhere)).toBe('no error');
  });

  test('parallel guesses are counted before the first one is answered', async () => {
    const access = await start();
    const kinds = await Promise.all(
      Array.from({ length: 20 }, async () =>
        kindOf(access.login({ username: 'admin', password: 'wrong password', address: ADDRESS })),
      ),
    );
    expect(kinds.filter((kind) => kind === 'unauthenticated')).toHaveLength(5);
    expect(kinds.filter((kind) => kind === 'rate_limited')).toHaveLength(15);
  });

  test('people who know their password are never slowed down', async () => {
    const access = await start();
    for (let i = 0; i < 30; i++) {
      await access.login({ username: 'admin', password: PASSWORD, address: ADDRESS });
    }
  });

  test('the sessions of one user are bounded; the one unused for longest ends', async () => {
    const access = await start();
    const first = await access.login({ username: 'admin', password: PASSWORD, address: ADDRESS });
    for (let i = 0; i < 50; i++) {
      clock.advance(1000);
      await access.login({ username: 'admin', password: PASSWORD, address: ADDRESS });
    }
    expect(await kindOf(access.verify(first.accessToken))).toBe('unauthenticated');
  });
});

describe('tokens', () => {
  const secret = 'a secret of more than thirty-two bytes';

  async function login(access: Access): Promise<{ accessToken: string; refreshToken: string }> {
    return await access.login({ username: 'admin', password: PASSWORD, deviceId: 'phone', address: ADDRESS });
  }

  test('an access token names its user until it expires', async () => {
    const access = await start();
    const { accessToken } = await login(access);
    const principal = await access.verify(accessToken);
    expect(principal).toMatchObject({
      username: 'admin',
      role: 'owner',
      expiresAtMs: clock.nowMs() + HOUR_MS,
    });
    clock.advance(HOUR_MS - 1000);
    expect((await access.verify(accessToken)).userId).toBe(principal.userId);
    clock.advance(1000);
    await expect(access.verify(accessToken)).rejects.toMatchObject({
      kind: 'unauthenticated',
      message: expect.stringContaining('expired') as string,
    });
  });

  test('a restart keeps tokens valid, another secret does not', async () => {
    const { accessToken } = await login(await start());
    await store[Symbol.asyncDispose]();
    store = await openStore();
    expect(await kindOf((await start()).verify(accessToken))).toBe('no error');
    expect(await kindOf((await start({ jwtSecret: secret })).verify(accessToken))).toBe('unauthenticated');
  });

  test('forged tokens are refused: alg none, another key, swapped claims, garbage', async () => {
    const access = await start({ jwtSecret: secret });
    const { accessToken } = await login(access);
    const claims = decodeJwt(accessToken);
    const sign = async (change: Record<string, unknown>, key = secret): Promise<string> =>
      await new SignJWT({ ...claims, ...change }).setProtectedHeader({ alg: 'HS256' }).sign(Buffer.from(key));
    const [header, payload, signature] = accessToken.split('.');
    const none = Buffer.from('{"alg":"none"}').toString('base64url');
    const otherPayload = Buffer.from(JSON.stringify({ ...claims, sub: 'hub' })).toString('base64url');

    expect(await kindOf(access.verify(await sign({})))).toBe('no error');
    for (const forged of [
      `${none}.${payload}.`,
      `${none}.${payload}.${signature}`,
      `${header}.${otherPayload}.${signature}`,
      await sign({}, 'another secret of thirty-two bytes!'),
      await sign({ aud: 'elsewhere' }),
      await sign({ iss: 'elsewhere' }),
      await sign({ sub: 'somebody-else' }),
      await sign({ sid: 'no-such-session' }),
      await sign({ sid: 7 }),
      await sign({ exp: undefined }),
      await sign({ jti: undefined }),
      '',
      'a.b.c',
      'x'.repeat(100_000),
    ]) {
      expect(await kindOf(access.verify(forged)), forged.slice(0, 80)).toBe('unauthenticated');
    }
  });

  test('a refresh token is good once and gives a pair that works', async () => {
    const access = await start();
    const first = await login(access);
    const second = await access.refresh({ refreshToken: first.refreshToken, address: ADDRESS });
    expect(second.refreshToken).not.toBe(first.refreshToken);
    expect(await kindOf(access.verify(second.accessToken))).toBe('no error');
    expect(await kindOf(access.refresh({ refreshToken: second.refreshToken, address: ADDRESS }))).toBe(
      'no error',
    );
  });

  test('a refresh token that is used twice ends its session, and no other', async () => {
    const access = await start();
    const other = await login(access);
    const first = await login(access);
    const second = await access.refresh({ refreshToken: first.refreshToken, address: ADDRESS });
    expect(await kindOf(access.refresh({ refreshToken: first.refreshToken, address: ADDRESS }))).toBe(
      'unauthenticated',
    );
    expect(await kindOf(access.refresh({ refreshToken: second.refreshToken, address: ADDRESS }))).toBe(
      'unauthenticated',
    );
    expect(await kindOf(access.verify(second.accessToken))).toBe('unauthenticated');
    expect(await kindOf(access.verify(other.accessToken))).toBe('no error');
  });

  test('a refresh token expires, and garbage writes nothing', async () => {
    const access = await start();
    const { refreshToken } = await login(access);
    const { commits } = store.counters;
    expect(await kindOf(access.refresh({ refreshToken: 'garbage', address: ADDRESS }))).toBe(
      'unauthenticated',
    );
    expect(store.counters.commits).toBe(commits);
    clock.advance(61 * 24 * HOUR_MS);
    expect(await kindOf(access.refresh({ refreshToken: refreshToken, address: ADDRESS }))).toBe(
      'unauthenticated',
    );
    await login(access);
    removeExpired(store, clock.nowMs());
    expect(store.db.get<{ n: number }>('SELECT count(*) AS n FROM access_session')?.n).toBe(1);
  });

  test('logout ends the session at once', async () => {
    const access = await start();
    const tokens = await login(access);
    await access.logout({ principal: await access.verify(tokens.accessToken), address: ADDRESS });
    expect(await kindOf(access.verify(tokens.accessToken))).toBe('unauthenticated');
    expect(await kindOf(access.refresh({ refreshToken: tokens.refreshToken, address: ADDRESS }))).toBe(
      'unauthenticated',
    );
  });

  test('what was handed out is durable: nothing is answered before a sync', async () => {
    const access = await start();
    const before = store.counters.syncs;
    const { refreshToken } = await login(access);
    const afterLogin = store.counters.syncs;
    await access.refresh({ refreshToken: refreshToken, address: ADDRESS });
    expect(afterLogin).toBeGreaterThan(before);
    expect(store.counters.syncs).toBeGreaterThan(afterLogin);
  });

  test('neither the database nor the log holds a password or a usable token', async () => {
    const lines: string[] = [];
    const log = createLogger({
      level: 'trace',
      format: 'json',
      destination: { write: (line: string) => void lines.push(line) },
    });
    const access = await start({ log });
    const tokens = await login(access);
    await access.refresh({ refreshToken: tokens.refreshToken, address: ADDRESS });
    await access.refresh({ refreshToken: tokens.refreshToken, address: ADDRESS }).catch(() => undefined);
    const rows = ['access_user', 'access_session', 'access_refresh_token'].map((table) =>
      store.db.all(`SELECT * FROM ${table}`),
    );
    const everything = JSON.stringify(rows) + lines.join('\n');
    expect(everything).toContain('$argon2id$v=19$m=19456,t=2,p=1$');
    expect(lines.length).toBeGreaterThan(0);
    for (const hidden of [PASSWORD, tokens.refreshToken, tokens.accessToken]) {
      expect(everything).not.toContain(hidden);
    }
  });
});
