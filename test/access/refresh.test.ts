import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import type { TokenPair } from '../../src/access/types.ts';

import { FROM, kindOf, openAccessHome, type AccessHome } from './home.ts';

let home: AccessHome;
beforeEach(async () => {
  home = await openAccessHome();
});
afterEach(async () => {
  await home[Symbol.asyncDispose]();
});

async function refresh(refreshToken: string, deviceId?: string): Promise<TokenPair> {
  return await home.access.refresh({
    refreshToken,
    ...FROM,
    ...(deviceId === undefined ? {} : { deviceId }),
  });
}

describe('a refresh token whose answer was lost', () => {
  test('can be shown again by its device for a minute; what was lost is void', async () => {
    const first = await home.login('admin', 'phone');
    const lost = await refresh(first.refreshToken, 'phone');
    home.clock.advance(59_000);
    const second = await refresh(first.refreshToken, 'phone');
    expect(second.refreshToken).not.toBe(lost.refreshToken);
    expect(await kindOf(home.access.verify(second.accessToken))).toBe('no error');
    expect(await kindOf(refresh(second.refreshToken, 'phone'))).toBe('no error');
  });

  test('shown after all, what was lost ends the session: two have it', async () => {
    const first = await home.login('admin', 'phone');
    const lost = await refresh(first.refreshToken, 'phone');
    const second = await refresh(first.refreshToken, 'phone');
    expect(await kindOf(refresh(lost.refreshToken, 'phone'))).toBe('unauthenticated');
    expect(await kindOf(home.access.verify(second.accessToken))).toBe('unauthenticated');
  });

  test('may be lost more than once, but the minute is one from the first time', async () => {
    const first = await home.login('admin', 'phone');
    await refresh(first.refreshToken, 'phone');
    home.clock.advance(40_000);
    await refresh(first.refreshToken, 'phone');
    home.clock.advance(19_000);
    const third = await refresh(first.refreshToken, 'phone');
    home.clock.advance(1000);
    expect(await kindOf(refresh(first.refreshToken, 'phone'))).toBe('unauthenticated');
    expect(await kindOf(home.access.verify(third.accessToken))).toBe('unauthenticated');
  });

  test.each([
    ['a minute later', 'phone', 60_000],
    ['under another device', 'laptop', 0],
    ['without a device', undefined, 0],
    ['before it was exchanged, by a clock that was set back', 'phone', -1000],
  ])('shown %s it ends the session', async (_, deviceId, laterMs) => {
    const first = await home.login('admin', 'phone');
    const second = await refresh(first.refreshToken, 'phone');
    home.clock.jumpTo(home.clock.nowMs() + laterMs);
    expect(await kindOf(refresh(first.refreshToken, deviceId))).toBe('unauthenticated');
    expect(await kindOf(refresh(second.refreshToken, 'phone'))).toBe('unauthenticated');
  });

  test('ends the session once the pair that it gave was used', async () => {
    const first = await home.login('admin', 'phone');
    const second = await refresh(first.refreshToken, 'phone');
    const third = await refresh(second.refreshToken, 'phone');
    expect(await kindOf(refresh(first.refreshToken, 'phone'))).toBe('unauthenticated');
    expect(await kindOf(home.access.verify(third.accessToken))).toBe('unauthenticated');
  });

  test('of a login that named no device is not known again', async () => {
    const first = await home.login();
    await refresh(first.refreshToken);
    expect(await kindOf(refresh(first.refreshToken))).toBe('unauthenticated');
  });

  test('a reuse is in the audit log, and closes what is open at once', async () => {
    const ended: string[] = [];
    home.access.followSessionEnds((id) => ended.push(id));
    const first = await home.login('admin', 'phone');
    await refresh(first.refreshToken, 'phone');
    await kindOf(refresh(first.refreshToken));
    expect(ended).toHaveLength(1);
    const filter = { action: 'refresh.reuse', userId: null, fromMs: null, toMs: null } as const;
    expect(home.access.audit.list(filter, 0, 10)).toMatchObject([
      { outcome: 'refused', username: 'admin', address: FROM.address, details: { device_id: 'phone' } },
    ]);
  });
});
