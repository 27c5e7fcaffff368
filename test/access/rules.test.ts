import { describe, expect, test } from 'vitest';

import { PasswordHasher } from '../../src/access/password.ts';
import {
  foldUsername,
  isAllowed,
  mayCommand,
  mayManage,
  permissionsOfScopes,
} from '../../src/access/rules.ts';
import { Throttle } from '../../src/access/throttle.ts';
import { PERMISSIONS, ROLES } from '../../src/access/types.ts';
import { ManualClock } from '../../src/base/clock.ts';

describe('the policy', () => {
  test('each role may do what it was granted and nothing else', () => {
    const granted = Object.fromEntries(
      ROLES.map((role) => [role, PERMISSIONS.filter((permission) => isAllowed({ role }, permission))]),
    );
    expect(granted).toEqual({
      owner: [...PERMISSIONS],
      admin: [...PERMISSIONS],
      member: ['home:read', 'home:control', 'graph:write', 'sync:pull', 'sync:push'],
      guest: ['home:read', 'sync:pull'],
      service: ['home:read', 'home:control'],
    });
  });

  test('a guest commands what the grants name, and nothing without any', () => {
    const guest = { role: 'guest' } as const;
    expect(isAllowed({ ...guest, grants: [] }, 'home:control')).toBe(false);
    expect(isAllowed({ ...guest, grants: ['light'] }, 'home:control')).toBe(true);
    expect(isAllowed({ ...guest, grants: ['light'] }, 'graph:write')).toBe(false);
    expect(mayCommand(guest, ['light'])).toBe(false);
    expect(mayCommand({ ...guest, grants: ['light'] }, ['light'])).toBe(true);
    expect(mayCommand({ ...guest, grants: ['light'] }, ['light', 'fan'])).toBe(false);
    expect(mayCommand({ ...guest, grants: ['light'] }, [])).toBe(false);
    expect(mayCommand({ ...guest, grants: ['*'] }, ['fan', 'valve'])).toBe(true);
    expect(mayCommand({ ...guest, grants: ['*'] }, ['lock'])).toBe(false);
    expect(mayCommand({ ...guest, grants: ['lock'] }, ['lock'])).toBe(true);
  });

  test.each(['lock', 'garage_door', 'alarm'] as const)(
    'a %s takes a grant of everybody but admins',
    (kind) => {
      for (const role of ['member', 'service'] as const) {
        expect(mayCommand({ role }, ['light', 'valve'])).toBe(true);
        expect(mayCommand({ role }, ['light', kind])).toBe(false);
        expect(mayCommand({ role, grants: ['*'] }, [kind])).toBe(false);
        expect(mayCommand({ role, grants: [kind] }, ['light', kind])).toBe(true);
      }
      for (const role of ['owner', 'admin'] as const) expect(mayCommand({ role }, [kind])).toBe(true);
    },
  );

  test('an API key may do what its scopes say, whatever its role', () => {
    const key = (
      ...scopes: Parameters<typeof permissionsOfScopes>[0]
    ): { role: 'service'; permissions: (typeof PERMISSIONS)[number][] } => ({
      role: 'service',
      permissions: permissionsOfScopes(scopes),
    });
    expect(PERMISSIONS.filter((permission) => isAllowed(key('metrics'), permission))).toEqual([
      'metrics:read',
    ]);
    expect(key('sync', 'home:read').permissions).toEqual(['home:read', 'sync:pull', 'sync:push']);
    expect(key('admin').permissions).toEqual([...PERMISSIONS]);
    expect(mayCommand(key('home:read'), ['light'])).toBe(false);
    expect(mayCommand(key('home:control'), ['light'])).toBe(true);
    expect(mayCommand(key('home:control'), ['lock'])).toBe(false);
    expect(mayCommand(key('admin'), ['lock'])).toBe(true);
    expect([mayManage(key('admin'), 'member'), mayManage(key('admin'), 'admin')]).toEqual([true, false]);
    expect(mayManage(key('home:control'), 'guest')).toBe(false);
  });

  test('only the owner decides about owners and admins', () => {
    const managed = Object.fromEntries(
      ROLES.map((role) => [role, ROLES.filter((other) => mayManage({ role }, other))]),
    );
    expect(managed).toEqual({
      owner: [...ROLES],
      admin: ['member', 'guest', 'service'],
      member: [],
      guest: [],
      service: [],
    });
  });

  test('user names that look alike are one', () => {
    expect(foldUsername(' Àlex ')).toBe(foldUsername('àLEX'));
    expect(foldUsername('ｂｏｂ')).toBe('bob');
  });
});

describe('passwords', () => {
  test('a hash is made with salt, fits its password and no other', async () => {
    const hasher = new PasswordHasher();
    const [one, two] = await Promise.all([hasher.hash('Köln am Rhein'), hasher.hash('Köln am Rhein')]);
    expect(one).not.toBe(two);
    expect(await hasher.verify('Köln am Rhein'.normalize('NFD'), one)).toBe(true);
    expect(await hasher.verify('koln am rhein', one)).toBe(false);
  });

  test('a hash made with other parameters is still understood', async () => {
    // argon2id, m=64, t=1, p=1, made with the same library for the password "password" and the salt "saltsaltsaltsalt".
    const { argon2Sync } = await import('node:crypto');
    const tag = argon2Sync('argon2id', {
      message: 'password',
      nonce: Buffer.from('saltsaltsaltsalt'),
      parallelism: 1,
      tagLength: 16,
      memory: 64,
      passes: 1,
    });
    const encode = (bytes: Buffer): string => bytes.toString('base64').replaceAll('=', '');
    const phc = `$argon2id$v=19$m=64,t=1,p=1$${encode(Buffer.from('saltsaltsaltsalt'))}$${encode(tag)}`;
    expect(await new PasswordHasher().verify('password', phc)).toBe(true);
    expect(await new PasswordHasher().verify('passwore', phc)).toBe(false);
  });

  test('without a hash the same work is done and the answer is no', async () => {
    const hasher = new PasswordHasher();
    const phc = await hasher.hash('password');
    const time = async (against: string | null): Promise<number> => {
      const startMs = performance.now();
      for (let i = 0; i < 5; i++) expect(await hasher.verify('wrong', against)).toBe(false);
      return performance.now() - startMs;
    };
    await time(phc);
    const ratio = (await time(null)) / (await time(phc));
    expect(ratio).toBeGreaterThan(0.2);
    expect(ratio).toBeLessThan(5);
  });

  test('a burst is refused instead of queueing without end', async () => {
    const hasher = new PasswordHasher();
    const results = await Promise.allSettled(Array.from({ length: 40 }, async () => hasher.hash('password')));
    const refused = results.filter((result) => result.status === 'rejected');
    expect(refused).toHaveLength(24);
    expect(refused[0]?.reason).toMatchObject({ kind: 'unavailable' });
  });
});

describe('the throttle', () => {
  test('one address that tries many accounts is slowed down', () => {
    const throttle = new Throttle(new ManualClock());
    for (let i = 0; i < 21; i++) throttle.begin(`user ${i}`, '10.0.0.1');
    expect(() => throttle.begin('one more', '10.0.0.1')).toThrow(/Try again in 1 s/);
    throttle.begin('one more', '10.0.0.2');
  });

  test('many addresses cannot lock an account for longer than 15 s', () => {
    const clock = new ManualClock();
    const throttle = new Throttle(clock);
    for (let i = 0; i < 200; i++) {
      throttle.begin('admin', `10.0.1.${i}`);
      clock.advance(15_000);
    }
    throttle.begin('admin', '10.0.0.1');
  });

  test('half an hour of quiet forgives everything', () => {
    const clock = new ManualClock();
    const throttle = new Throttle(clock);
    for (let i = 0; i < 5; i++) throttle.begin('admin', '10.0.0.1');
    expect(() => throttle.begin('admin', '10.0.0.1')).toThrow(/Too many/);
    clock.advance(30 * 60_000);
    for (let i = 0; i < 5; i++) throttle.begin('admin', '10.0.0.1');
  });

  test('a flood of addresses does not make it forget the one that guesses steadily', () => {
    const clock = new ManualClock();
    const throttle = new Throttle(clock);
    for (let i = 0; i < 10_000; i++) {
      if (i % 100 === 0) {
        try {
          throttle.begin('admin', '10.0.0.1');
        } catch {
          clock.advance(1000);
        }
      }
      throttle.begin(`user ${i}`, `10.1.${i >> 8}.${i & 255}`);
    }
    const guessTwice = (): void => {
      throttle.begin('admin', '10.0.0.1');
      throttle.begin('admin', '10.0.0.1');
    };
    expect(guessTwice).toThrow(/Try again in \d{2,} s/);
  });
});
