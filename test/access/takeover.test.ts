import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import type { Actor } from '../../src/access/types.ts';

import { FROM, kindOf, openAccessHome, PASSWORD, type AccessHome } from './home.ts';

const OTHER_PASSWORD = 'wrong donkey accumulator';

let home: AccessHome;
let owner: Actor;
beforeEach(async () => {
  home = await openAccessHome();
  owner = await home.actor();
});
afterEach(async () => {
  await home[Symbol.asyncDispose]();
});

async function loginWith(username: string, password: string): Promise<string> {
  return await kindOf(home.access.login({ username, password, ...FROM }));
}

describe('somebody who has got hold of an account', () => {
  test('does not come back by a pairing code once its password is changed', async () => {
    const thief = await home.actor();
    const { code } = await home.access.pairing.makeCode({}, thief);
    await home.access.changePassword({ currentPassword: PASSWORD, newPassword: OTHER_PASSWORD }, owner);
    expect(await kindOf(home.access.pairing.pair({ code, deviceId: 'phone', ...FROM }))).toBe(
      'unauthenticated',
    );

    const ben = await home.user({ username: 'ben' });
    const forBen = await home.access.pairing.makeCode({ userId: ben }, owner);
    await home.access.users.change(ben, { password: OTHER_PASSWORD }, owner);
    const pairing = home.access.pairing.pair({ code: forBen.code, deviceId: 'other', ...FROM });
    expect(await kindOf(pairing)).toBe('unauthenticated');
  });

  test('does not overwrite the password that they are locked out with', async () => {
    const ben = await home.user({ username: 'ben' });
    const thief = await home.actor('ben');
    const change = { currentPassword: PASSWORD, newPassword: 'the thief has chosen it' };
    const [theirs] = await Promise.all([
      kindOf(home.access.changePassword(change, thief)),
      home.access.users.change(ben, { password: OTHER_PASSWORD }, owner),
    ]);
    expect(theirs).toBe('unauthenticated');
    expect(await loginWith('ben', OTHER_PASSWORD)).toBe('no error');
    expect(await loginWith('ben', 'the thief has chosen it')).toBe('unauthenticated');
  });

  test('does not make weeks of an hour unnoticed', async () => {
    const { access } = home;
    const login = await home.login('admin', 'phone');
    const stolen = await access.renew(await access.verify(login.accessToken));
    expect((await access.verify(stolen.accessToken)).username).toBe('admin');
    const refresh = { refreshToken: login.refreshToken, deviceId: 'phone', ...FROM };
    expect(await kindOf(access.refresh(refresh))).toBe('unauthenticated');
    expect(await kindOf(access.verify(stolen.accessToken))).toBe('unauthenticated');
    const filter = { action: 'refresh.reuse', userId: null, fromMs: null, toMs: null } as const;
    expect(access.audit.list(filter, 0, 50)).toHaveLength(1);
  });
});

test('who follows hears of the keys that somebody answers for too, which end when their account does', async () => {
  const boss = await home.user({ username: 'boss', role: 'admin' });
  const input = { name: 'panel', scopes: ['home:read'] } as const;
  const { apiKey } = await home.access.apiKeys.create(input, await home.actor('boss'));
  const changed: string[] = [];
  using _following = home.access.users.follow((userId) => changed.push(userId));
  await home.access.users.change(boss, { expiresAtMs: home.clock.nowMs() + 1000 }, owner);
  expect(changed).toEqual([boss, `key:${apiKey.id}`]);
});

test('the guests whom others of the same code crowd out are shown out at once', async () => {
  const { code } = await home.access.guestCodes.make(1, owner);
  const ended: string[] = [];
  using _following = home.access.followSessionEnds((sessionId) => ended.push(sessionId));
  const first = await home.access.verify((await home.access.guestCodes.enter(code, FROM)).accessToken);
  for (let n = 0; n < 100; n += 1) {
    home.clock.advance(1);
    await home.access.guestCodes.enter(code, FROM);
  }
  expect(ended).toEqual([first.sessionId]);
});

test('the guests of one code have a user in common and no business with each other’s logins', async () => {
  const { access } = home;
  const { code } = await access.guestCodes.make(1, owner);
  const enter = async (): Promise<Actor> => ({
    principal: await access.verify((await access.guestCodes.enter(code, FROM)).accessToken),
    ...FROM,
  });
  const [one, other] = [await enter(), await enter()];
  expect(access.devices(one.principal).map(({ id }) => id)).toEqual([one.principal.sessionId]);
  expect(await kindOf(access.revokeDevice(other.principal.sessionId ?? '', one))).toBe('not_found');
  expect(await kindOf(access.revokeDevice(one.principal.sessionId ?? '', one))).toBe('no error');
  expect(await kindOf(access.revokeDevice(other.principal.sessionId ?? '', owner))).toBe('no error');
});

describe('an admin who is on the way out', () => {
  let bossId: string;
  let boss: Actor;
  beforeEach(async () => {
    bossId = await home.user({ username: 'boss', role: 'admin' });
    boss = await home.actor('boss');
  });

  test('does not take over a key that outlives them, by rotating it', async () => {
    const { access } = home;
    const make = async (actor: Actor): Promise<string> =>
      (await access.apiKeys.create({ name: 'panel', scopes: ['admin'] }, actor)).apiKey.id;
    const [ownersKey, bossKey] = [await make(owner), await make(boss)];
    expect(await kindOf(access.apiKeys.rotate(ownersKey, 0, boss))).toBe('forbidden');
    expect(await kindOf(access.apiKeys.rotate(bossKey, 0, boss))).toBe('no error');
    expect(await kindOf(access.apiKeys.rotate(bossKey, 0, owner))).toBe('no error');

    const { secret } = await access.apiKeys.create({ name: 'boss program', scopes: ['admin'] }, boss);
    const program: Actor = { principal: await access.verify(secret), ...FROM };
    expect(await kindOf(access.apiKeys.rotate(ownersKey, 0, program))).toBe('forbidden');
    expect(await kindOf(access.apiKeys.rotate(bossKey, 0, program))).toBe('no error');
  });

  test('makes nobody while their own account is deleted', async () => {
    const { users } = home.access;
    const [made] = await Promise.all([
      kindOf(users.create({ username: 'back door', password: PASSWORD, role: 'member' }, boss)),
      users.delete(bossId, owner),
    ]);
    expect(made).toBe('unauthenticated');
    expect(users.findByName('back door')).toBeUndefined();
  });

  test.each([
    ['deleted', async () => await home.access.users.delete(bossId, owner)],
    ['demoted', async () => void (await home.access.users.change(bossId, { role: 'member' }, owner))],
    ['logged out', async () => await home.access.logout(boss)],
  ])('does nothing any more with a request that was let in before they were %s', async (_, end) => {
    const { access } = home;
    const ben = await home.user({ username: 'ben' });
    const key = await access.apiKeys.create({ name: 'panel', scopes: ['home:read'] }, owner);
    const bossKey = await access.apiKeys.create({ name: 'boss', scopes: ['admin'] }, boss);
    const program: Actor = { principal: await access.verify(bossKey.secret), ...FROM };
    const guest = await access.guestCodes.make(1, owner);
    const benLogin = await home.actor('ben');
    await end();
    if (home.access.apiKeys.list().some(({ id }) => id === bossKey.apiKey.id)) {
      await access.apiKeys.delete(bossKey.apiKey.id, owner);
    }
    for (const actor of [boss, program]) {
      const acts = {
        create: access.users.create({ username: 'back door', role: 'member' }, actor),
        change: access.users.change(ben, { grants: ['lock'] }, actor),
        delete: access.users.delete(ben, actor),
        key: access.apiKeys.create({ name: 'back door', scopes: ['admin'] }, actor),
        rotate: access.apiKeys.rotate(key.apiKey.id, 0, actor),
        deleteKey: access.apiKeys.delete(key.apiKey.id, actor),
        pairing: access.pairing.makeCode({ userId: ben }, actor),
        guest: access.guestCodes.make(1, actor),
        revokeGuest: access.guestCodes.revoke(guest.code, actor),
        revoke: access.revokeDevice(benLogin.principal.sessionId ?? '', actor),
      };
      const refused = Object.entries(acts).map(async ([name, act]) => [name, await kindOf(act)] as const);
      expect(Object.fromEntries(await Promise.all(refused))).toEqual(
        Object.fromEntries(Object.keys(acts).map((name) => [name, 'unauthenticated'])),
      );
    }
  });
});
