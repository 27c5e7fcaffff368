import { expect, test } from 'vitest';

import { removeExpired } from '../../src/access/access.ts';
import { openAccessHome } from './home.ts';

const HOUR_MS = 3600_000;
const DAY_MS = 24 * HOUR_MS;

test('what has expired is removed and counted, what has not stays', async () => {
  await using home = await openAccessHome();
  const owner = await home.actor();
  await home.access.guestCodes.make(2, owner);
  await home.access.guestCodes.make(100, owner);
  await home.access.pairing.makeCode({}, owner);
  const nothing = { refreshTokens: 0, sessions: 0, guests: 0, pairingCodes: 0, keySecrets: 0 };
  expect(removeExpired(home.store, home.clock.nowMs())).toEqual(nothing);
  expect(removeExpired(home.store, home.clock.nowMs() + 3 * HOUR_MS)).toEqual({
    ...nothing,
    guests: 1,
    pairingCodes: 1,
  });
  expect(home.access.guestCodes.list()).toHaveLength(1);
  const all = removeExpired(home.store, home.clock.nowMs() + 400 * DAY_MS);
  expect(all).toMatchObject({ refreshTokens: 1, sessions: 1, guests: 1 });
  expect(removeExpired(home.store, home.clock.nowMs() + 400 * DAY_MS)).toEqual(nothing);
});

test('the secret before the last rotation of a key goes with its overlap, the key stays', async () => {
  await using home = await openAccessHome();
  const owner = await home.actor();
  const made = await home.access.apiKeys.create({ name: 'panel', scopes: ['home:read'] }, owner);
  const next = await home.access.apiKeys.rotate(made.apiKey.id, 3600, owner);
  home.clock.advance(2 * DAY_MS);
  expect(removeExpired(home.store, home.clock.nowMs())).toMatchObject({ keySecrets: 1 });
  expect((await home.access.verify(next.secret)).username).toBeDefined();
});

test('a login while the clock is years ahead signs nobody out for good', async () => {
  await using home = await openAccessHome();
  const { clock, access } = home;
  const tokens = await home.login();
  const owner = await home.actor();
  await access.guestCodes.make(2, owner);
  const rightMs = clock.nowMs();
  clock.jumpTo(rightMs + 10 * 365 * DAY_MS);
  const late = await home.actor();
  await access.guestCodes.make(1, late);
  clock.jumpTo(rightMs);
  expect((await access.verify(tokens.accessToken)).userId).toBe(owner.principal.userId);
  const { refreshToken } = tokens;
  expect((await access.refresh({ refreshToken, address: late.address })).accessToken).toBeTypeOf('string');
  expect(access.guestCodes.list()).toHaveLength(2);
});
