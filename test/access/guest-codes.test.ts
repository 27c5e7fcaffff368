import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { Access, removeExpired } from '../../src/access/access.ts';
import { ThrottledError } from '../../src/access/errors.ts';
import { accessTables } from '../../src/access/tables.ts';
import { TERMINAL } from '../../src/access/types.ts';
import { ManualClock } from '../../src/base/clock.ts';
import { HubError } from '../../src/base/errors.ts';
import { keptValueTables } from '../../src/base/kept-values.ts';
import { createLogger, silentLogger, type Logger } from '../../src/base/log.ts';
import { Store } from '../../src/base/store.ts';
import { temporaryFolder } from '../support/store.ts';

const PASSWORD = 'correct horse battery';
const ADDRESS = '192.168.1.20';
const HOUR_MS = 3600_000;
const WEEK_S = 7 * 24 * 3600;

let folder: ReturnType<typeof temporaryFolder>;
let clock: ManualClock;
let store: Store;
let access: Access;

beforeEach(async () => {
  folder = temporaryFolder();
  clock = new ManualClock();
  await open();
});
afterEach(async () => {
  await store[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

async function open(log: Logger = silentLogger): Promise<void> {
  store = await Store.open({
    file: `${folder.path}/hub.db`,
    clock,
    log: silentLogger,
    migrations: [keptValueTables, accessTables],
  });
  access = await Access.start({ store, clock, log, jwtSecret: null, adminPassword: PASSWORD });
}

async function restart(log?: Logger): Promise<void> {
  await store[Symbol.asyncDispose]();
  await open(log);
}

async function refusal(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return 'no refusal';
  } catch (error) {
    if (error instanceof HubError) return `${error.kind}: ${error.message}`;
    throw error;
  }
}

const REFUSED = 'unauthenticated: Invalid or expired guest token';
const INVALID_TOKEN = 'unauthenticated: The access token is not valid. Log in again.';

describe('a guest code', () => {
  test('lets many guests in, who may look and not change, until it expires', async () => {
    const { code, expiresAtMs } = await access.guestCodes.make(24, TERMINAL);
    expect(expiresAtMs).toBe(clock.nowMs() + 24 * HOUR_MS);
    clock.advance(HOUR_MS);
    const first = await access.guestCodes.enter(code, { address: ADDRESS });
    const second = await access.guestCodes.enter(code, { address: '192.168.1.21' });
    expect(first).toMatchObject({ expiresInS: 23 * 3600, user: { id: `guest_${code.slice(0, 8)}` } });
    expect(second.accessToken).not.toBe(first.accessToken);

    const guest = await access.verify(first.accessToken);
    expect(guest).toMatchObject({ role: 'guest', expiresAtMs });
    expect(access.permissionsOf(guest)).toEqual(['home:read', 'sync:pull']);

    clock.advance(23 * HOUR_MS);
    expect(await refusal(access.verify(first.accessToken))).toMatch(/^unauthenticated: .*expired/);
    expect(await refusal(access.guestCodes.enter(code, { address: ADDRESS }))).toBe(REFUSED);
  });

  test('outlives a restart, and so does the end of one', async () => {
    const kept = await access.guestCodes.make(1, TERMINAL);
    const ended = await access.guestCodes.make(1, TERMINAL);
    await access.guestCodes.revoke(ended.code, TERMINAL);
    await restart();
    expect((await access.guestCodes.enter(kept.code, { address: ADDRESS })).user.role).toBe('guest');
    expect(await refusal(access.guestCodes.enter(ended.code, { address: ADDRESS }))).toBe(REFUSED);
  });

  test('that is revoked takes every token with it at once, and no other', async () => {
    const one = await access.guestCodes.make(1, TERMINAL);
    const other = await access.guestCodes.make(1, TERMINAL);
    const tokens = [
      await access.guestCodes.enter(one.code, { address: ADDRESS }),
      await access.guestCodes.enter(one.code, { address: ADDRESS }),
    ];
    const stays = await access.guestCodes.enter(other.code, { address: ADDRESS });
    await access.guestCodes.revoke(one.code, TERMINAL);
    for (const { accessToken } of tokens)
      expect(await refusal(access.verify(accessToken))).toBe(INVALID_TOKEN);
    expect((await access.verify(stays.accessToken)).role).toBe('guest');
  });

  test('is listed by its beginning, and can be revoked by that', async () => {
    const { code, expiresAtMs } = await access.guestCodes.make(2, TERMINAL);
    clock.advance(1000);
    const later = await access.guestCodes.make(168, TERMINAL);
    expect(access.guestCodes.list()).toEqual([
      { prefix: code.slice(0, 8), createdAtMs: clock.nowMs() - 1000, expiresAtMs },
      expect.objectContaining({ prefix: later.code.slice(0, 8) }),
    ]);
    await access.guestCodes.revoke(`${code.slice(0, 8)}...`, TERMINAL);
    await access.guestCodes.revoke(later.code.slice(0, 8), TERMINAL);
    expect(access.guestCodes.list()).toEqual([]);
    expect(await refusal(access.guestCodes.revoke(code, TERMINAL))).toBe('not_found: Token not found');
    expect(await refusal(access.guestCodes.revoke('x'.repeat(5000), TERMINAL))).toBe(
      'not_found: Token not found',
    );
  });

  test.each([0, -1, 1.5, 169, Number.NaN])('for %s hours is refused', async (hours) => {
    expect(await refusal(access.guestCodes.make(hours, TERMINAL))).toMatch(/^invalid: duration_hours/);
  });

  test('that has expired leaves nothing behind after the clean-up of the night', async () => {
    const { code } = await access.guestCodes.make(1, TERMINAL);
    await access.guestCodes.enter(code, { address: ADDRESS });
    clock.advance(2 * HOUR_MS);
    await access.guestCodes.make(1, TERMINAL);
    removeExpired(store, clock.nowMs());
    const count = (table: string): unknown => store.db.get(`SELECT count(*) AS n FROM ${table}`);
    expect(count('access_guest_code')).toEqual({ n: 1 });
    expect(count('access_user')).toEqual({ n: 2 });
    expect(count('access_session')).toEqual({ n: 0 });
  });

  test('cannot be guessed at speed, and a guess writes nothing', async () => {
    let throttled: unknown;
    for (let i = 0; i < 6; i++) {
      throttled = await access.guestCodes
        .enter(`guess ${i}`, { address: ADDRESS })
        .catch((error: unknown) => error);
    }
    expect(throttled).toBeInstanceOf(ThrottledError);
    expect(await refusal(access.guestCodes.enter('x'.repeat(10_000), { address: '10.0.0.1' }))).toBe(REFUSED);
    expect(store.db.get('SELECT count(*) AS n FROM access_session')).toEqual({ n: 0 });
  });

  test('stays apart from a person who calls themselves like one', async () => {
    const { code } = await access.guestCodes.make(1, TERMINAL);
    const { user } = await access.guestCodes.enter(code, { address: ADDRESS });
    const login = access.login({ username: user.username, password: PASSWORD, address: ADDRESS });
    expect(await refusal(login)).toMatch(/^unauthenticated/);
    const spaced = access.login({
      username: ` guest ${code.slice(0, 8)}`,
      password: PASSWORD,
      address: ADDRESS,
    });
    expect(await refusal(spaced)).toMatch(/^unauthenticated/);
  });
});

describe('the login of clients that ask for a password only', () => {
  const login = async () => await access.loginAsAdmin({ password: PASSWORD, address: ADDRESS });

  test('gives one token for a week, of the user admin', async () => {
    const token = await login();
    expect(token).toMatchObject({ expiresInS: WEEK_S, user: { username: 'admin', role: 'owner' } });
    clock.advance(WEEK_S * 1000 - 1000);
    expect((await access.verify(token.accessToken)).username).toBe('admin');
    clock.advance(2000);
    expect(await refusal(access.verify(token.accessToken))).toMatch(/expired/);
  });

  test('survives the clearing away of old logins for that week, and no longer', async () => {
    const { accessToken } = await login();
    const sessions = (): unknown => store.db.get('SELECT count(*) AS n FROM access_session');
    clock.advance(WEEK_S * 1000 - 1000);
    await access.login({ username: 'admin', password: PASSWORD, address: ADDRESS });
    removeExpired(store, clock.nowMs());
    expect((await access.verify(accessToken)).username).toBe('admin');
    expect(sessions()).toEqual({ n: 2 });
    clock.advance(2000);
    await login();
    removeExpired(store, clock.nowMs());
    expect(sessions()).toEqual({ n: 2 });
  });

  test('is renewed by itself, within the same login', async () => {
    const first = await access.verify((await login()).accessToken);
    clock.advance(6 * 24 * HOUR_MS);
    const renewed = await access.renew(first);
    clock.advance(6 * 24 * HOUR_MS);
    await login();
    const second = await access.verify(renewed.accessToken);
    expect(second.sessionId).toBe(first.sessionId);
    await access.logout({ principal: second, address: ADDRESS });
    expect(await refusal(access.verify(renewed.accessToken))).toBe(INVALID_TOKEN);
    expect(await refusal(access.renew(second))).toBe(INVALID_TOKEN);
  });

  test('renews the token of an ordinary login too, which then lives as long as it says', async () => {
    const pair = await access.login({ username: 'admin', password: PASSWORD, address: ADDRESS });
    clock.advance(0.9 * HOUR_MS);
    const renewed = await access.renew(await access.verify(pair.accessToken));
    clock.advance(6 * 24 * HOUR_MS);
    expect((await access.verify(renewed.accessToken)).username).toBe('admin');
  });

  test('is not for guests to renew', async () => {
    const { code } = await access.guestCodes.make(1, TERMINAL);
    const guest = await access.verify(
      (await access.guestCodes.enter(code, { address: ADDRESS })).accessToken,
    );
    expect(await refusal(access.renew(guest))).toBe('forbidden: Only admin tokens can be refreshed');
  });

  test('refuses a wrong password in its own words, and slows guessing down', async () => {
    const guess = async () => await refusal(access.loginAsAdmin({ password: 'wrong', address: ADDRESS }));
    expect(await guess()).toBe('unauthenticated: Invalid password');
    for (let i = 0; i < 4; i++) await guess();
    expect(await guess()).toMatch(/^rate_limited/);
    // The two logins of one user are one thing to guess.
    const other = access.login({ username: 'admin', password: PASSWORD, address: ADDRESS });
    expect(await refusal(other)).toMatch(/^rate_limited/);
  });

  test('says so where nobody is called admin', async () => {
    store.write((tx) => tx.run("UPDATE access_user SET username_folded = 'anna'"));
    expect(await refusal(login())).toMatch(/^unavailable: There is no user named admin/);
  });
});

test('neither the database nor the log holds a code or a token', async () => {
  const lines: string[] = [];
  await restart(
    createLogger({
      level: 'trace',
      format: 'json',
      destination: { write: (line: string) => void lines.push(line) },
    }),
  );
  const { code } = await access.guestCodes.make(1, TERMINAL);
  const guest = await access.guestCodes.enter(code, { address: ADDRESS });
  await access.guestCodes.enter(`${code}x`, { address: ADDRESS }).catch(() => undefined);
  const admin = await access.loginAsAdmin({ password: PASSWORD, address: ADDRESS });
  const rows = ['access_user', 'access_session', 'access_guest_code'].map((table) =>
    store.db.all<Record<string, unknown>>(`SELECT * FROM ${table}`),
  );
  await access.guestCodes.revoke(code, TERMINAL);
  const printed = JSON.stringify(rows, (_, value: unknown) =>
    value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : value,
  );
  const everything = printed + lines.join('\n');
  expect(everything).toContain(code.slice(0, 8));
  for (const hidden of [code, code.slice(0, 12), guest.accessToken, admin.accessToken, PASSWORD]) {
    expect(everything).not.toContain(hidden);
  }
});

test('logins from before there were guest codes live on', async () => {
  const old = temporaryFolder();
  const openAt = async (steps: number): Promise<Store> =>
    await Store.open({
      file: `${old.path}/hub.db`,
      clock,
      log: silentLogger,
      migrations: [keptValueTables, { ...accessTables, steps: accessTables.steps.slice(0, steps) }],
    });
  const before = await openAt(1);
  before.write((tx) => {
    tx.run(
      `INSERT INTO access_user (key, id, username, username_folded, role, created_ms)
       VALUES (1, 'u', 'Anna', 'anna', 'owner', 0)`,
    );
    for (const key of [1, 2]) {
      tx.run(
        'INSERT INTO access_session (key, id, user_key, created_ms, last_used_ms) VALUES (?, ?, 1, 0, 0)',
        key,
        `s${key}`,
      );
    }
    tx.run(
      "INSERT INTO access_refresh_token (hash, session_key, expires_ms) VALUES (x'00', 1, ?)",
      clock.nowMs() + HOUR_MS,
    );
  });
  await before[Symbol.asyncDispose]();
  const after = await openAt(accessTables.steps.length);
  const upgraded = await Access.start({
    store: after,
    clock,
    log: silentLogger,
    jwtSecret: null,
    adminPassword: null,
  });
  await upgraded.guestCodes.make(1, TERMINAL);
  // What nobody can use goes: the session without a refresh token.
  removeExpired(after, clock.nowMs());
  expect(after.db.all('SELECT id, expires_ms FROM access_session')).toEqual([{ id: 's1', expires_ms: null }]);
  await after[Symbol.asyncDispose]();
  old[Symbol.dispose]();
});
