import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { ManualClock } from '../../src/base/clock.ts';
import { ThrottledError } from '../../src/access/errors.ts';
import { Throttle } from '../../src/access/throttle.ts';
import { trimAudit } from '../../src/access/audit-writer.ts';
import { FROM, openAccessHome, type AccessHome } from './home.ts';

let home: AccessHome;
beforeEach(async () => {
  home = await openAccessHome();
});
afterEach(async () => {
  await home[Symbol.asyncDispose]();
});

const UNLOCK = { entityId: 'door', kinds: ['lock'], details: { values: { locked: false } } };

describe('whoever opens a door', () => {
  test('does not have it forgotten by logging in and out', async () => {
    const owner = await home.actor();
    home.access.authorizeCommand(owner, UNLOCK);
    for (const action of ['login', 'logout', 'guest_code.enter'] as const) {
      for (let n = 0; n < 5; n += 1) home.access.audit.record({ action, by: owner.principal, from: FROM });
    }
    home.store.write((tx) => trimAudit(tx, { refused: 2, everyday: 2, commands: 2, acts: 2 }));
    const rows = home.access.audit.list({ action: null, userId: null, fromMs: null, toMs: null }, 0, 50);
    expect(rows.map(({ action }) => action)).toEqual(['guest_code.enter', 'guest_code.enter', 'command']);
  });

  test('does not have it forgotten by opening it all day', async () => {
    const ben = await home.user({ username: 'ben', grants: ['lock'] });
    const actor = await home.actor('ben');
    const again = (): unknown => {
      try {
        return home.access.authorizeCommand(actor, UNLOCK);
      } catch (error) {
        return (error as { kind?: unknown }).kind;
      }
    };
    for (let n = 0; n < 30; n += 1) expect(again()).toBeUndefined();
    expect(again()).toBe('rate_limited');
    // A lamp is no door, and somebody else is somebody else.
    home.access.authorizeCommand(actor, { ...UNLOCK, kinds: ['light'] });
    home.access.authorizeCommand(await home.actor(), UNLOCK);
    home.clock.advance(60_000);
    expect(again()).toBeUndefined();
    const filter = { action: 'command', userId: ben, fromMs: null, toMs: null } as const;
    expect(home.access.audit.list(filter, 0, 50)).toHaveLength(31);
  });
});

describe('what somebody with an account is refused', () => {
  test('is told under their name, however much strangers are refused meanwhile', async () => {
    const ben = await home.user({ username: 'ben' });
    const actor = await home.actor('ben');
    for (let n = 0; n < 300; n += 1) {
      const from = { address: `fd00::${n}` };
      home.access.audit.note(`login x ${n}`, { action: 'login', by: null, from });
    }
    expect(() => home.access.authorizeCommand(actor, UNLOCK)).toThrow('may not command');
    const filter = { action: 'command', userId: ben, fromMs: null, toMs: null } as const;
    expect(home.access.audit.list(filter, 0, 50)).toMatchObject([
      { outcome: 'refused', target: 'door', address: FROM.address },
    ]);
  });

  test('is told under their name, from however many addresses they come', async () => {
    const ben = await home.user({ username: 'ben' });
    const actor = await home.actor('ben');
    for (let n = 0; n < 300; n += 1) {
      expect(() => home.access.authorizeCommand({ ...actor, address: `fd00::${n}` }, UNLOCK)).toThrow();
    }
    home.clock.advance(60_000);
    const filter = { action: 'command', userId: ben, fromMs: null, toMs: null } as const;
    const counts = home.access.audit.list(filter, 0, 500).map(({ details }) => Number(details['count']));
    expect(counts.reduce((sum, count) => sum + count)).toBe(300);
    expect(counts.length).toBeLessThan(210);
  });
});

describe('the throttle', () => {
  const isHeldUp = (throttle: Throttle, account: string, address: string): boolean => {
    try {
      throttle.begin(account, address);
      return false;
    } catch (error) {
      expect(error).toBeInstanceOf(ThrottledError);
      return true;
    }
  };

  test('lets people in from where they came before while strangers guess from everywhere', () => {
    const throttle = new Throttle(new ManualClock());
    throttle.begin('anna', 'her phone')();
    for (let n = 0; n < 60; n += 1) isHeldUp(throttle, 'anna', `fd00::${n}`);
    expect(isHeldUp(throttle, 'anna', 'fd00::ffff')).toBe(true);
    expect(isHeldUp(throttle, 'anna', 'her phone')).toBe(false);
    expect(isHeldUp(throttle, 'ben', 'her phone')).toBe(false);
    // From there, too, nobody guesses at speed.
    const guesses = Array.from({ length: 10 }, () => isHeldUp(throttle, 'anna', 'her phone'));
    expect(guesses).toContain(true);
  });

  test('does not forget an account that is guessed at because other names are tried', () => {
    const throttle = new Throttle(new ManualClock());
    for (let n = 0; n < 60; n += 1) isHeldUp(throttle, 'anna', `fd00::${n}`);
    for (let n = 0; n < 4000; n += 1) isHeldUp(throttle, `nobody ${n}`, `fd00:1::${n}`);
    expect(isHeldUp(throttle, 'anna', 'fd00:2::')).toBe(true);
  });
});
