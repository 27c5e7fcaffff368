import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import type { AuditEvent } from '../../src/access/access.ts';
import type { AuditRow } from '../../src/access/types.ts';

import { PasswordHasher } from '../../src/access/password.ts';
import { TERMINAL } from '../../src/access/types.ts';
import { ADDRESS, FROM, kindOf, openAccessHome, PASSWORD, type AccessHome } from './home.ts';

const EVERYTHING = { action: null, userId: null, fromMs: null, toMs: null };
const DAY_MS = 24 * 3600_000;

let home: AccessHome;
beforeEach(async () => {
  home = await openAccessHome();
});
afterEach(async () => {
  vi.restoreAllMocks();
  await home[Symbol.asyncDispose]();
});

function rows(): AuditRow[] {
  return home.access.audit.list(EVERYTHING, 0, 500);
}

function event(target: string): AuditEvent {
  return { action: 'backup', by: null, from: FROM, target };
}

async function guess(username: string, address: string): Promise<void> {
  const kind = await kindOf(home.access.login({ username, password: 'a wrong password', address }));
  expect(['unauthenticated', 'rate_limited']).toContain(kind);
}

describe('the audit log', () => {
  test('a row stands or falls with the act', () => {
    const { store, access } = home;
    expect(() =>
      store.write((tx) => {
        access.audit.record(event('undone'), tx);
        throw new Error('the act failed');
      }),
    ).toThrow('the act failed');
    store.write((tx) => access.audit.record(event('done'), tx));
    expect(rows().map(({ target }) => target)).toEqual(['done']);
  });

  test('is only ever appended to', () => {
    home.access.audit.record(event('one'));
    expect(() => home.store.write((tx) => tx.run("UPDATE access_audit SET target = 'other'"))).toThrow(
      /only ever appended to/,
    );
  });

  test('is read by what, who and when, newest first', () => {
    const { access, clock } = home;
    const anna = { userId: 'anna', username: 'Anna' };
    access.audit.record(event('first'));
    clock.advance(1000);
    access.audit.record({ ...event('second'), by: anna, action: 'restore' });
    const secondMs = clock.nowMs();
    clock.advance(1000);
    access.audit.record({ ...event('third'), by: anna });
    const read = (filter: Partial<typeof EVERYTHING>, before = 0): (string | null)[] =>
      access.audit.list({ ...EVERYTHING, ...filter }, before, 10).map(({ target }) => target);
    expect(read({})).toEqual(['third', 'second', 'first']);
    expect(access.audit.list({ ...EVERYTHING, action: 'restore' }, 0, 10)).toHaveLength(1);
    expect(access.audit.list({ ...EVERYTHING, userId: 'anna' }, 0, 10)).toHaveLength(2);
    expect(access.audit.list({ ...EVERYTHING, fromMs: secondMs, toMs: secondMs + 1 }, 0, 10)).toHaveLength(1);
    expect(read({}, access.audit.list(EVERYTHING, 0, 1)[0]?.id)).toEqual(['second', 'first']);
  });

  test('forgets what is older than a year', () => {
    home.access.audit.record(event('old'));
    home.clock.advance(366 * DAY_MS);
    home.access.audit.record(event('new'));
    expect(home.access.audit.tidy()).toBe(1);
    expect(rows().map(({ target }) => target)).toEqual(['new']);
    home.clock.advance(2 * DAY_MS);
    expect(home.access.audit.tidy(1)).toBe(1);
  });

  test('a flood of refusals or logins pushes out its like, and nothing that was done', () => {
    const { access, store } = home;
    access.audit.record(event('done'));
    store.write((tx) => {
      for (let i = 0; i < 20_100; i++) {
        access.audit.record({ ...event(`flood ${i}`), outcome: 'refused' }, tx);
      }
      for (let i = 0; i < 30_100; i++) access.audit.record({ ...event('login'), action: 'login' }, tx);
    });
    access.audit.tidy();
    const count = (outcome: string): number | undefined =>
      store.db.get<{ n: number }>('SELECT count(*) AS n FROM access_audit WHERE outcome = ?', outcome)?.n;
    expect([count('ok'), count('refused')]).toEqual([30_001, 20_000]);
    expect(access.audit.list({ ...EVERYTHING, action: 'backup' }, 0, 1)[0]?.target).toBe('flood 20099');
    const kept = store.db.all("SELECT 1 FROM access_audit WHERE target = 'done'");
    expect(kept).toHaveLength(1);
  });
});

describe('a guesser', () => {
  test('leaves one row a minute for each account and address, with a count', async () => {
    for (let i = 0; i < 5; i++) await guess('admin', ADDRESS);
    await guess('admin', '192.168.1.30');
    const failures = (): AuditRow[] => rows().filter(({ action }) => action === 'login');
    expect(failures().map(({ address, details }) => [address, details['count']])).toEqual([
      ['192.168.1.30', 1],
      [ADDRESS, 1],
    ]);
    home.clock.advance(60_000);
    expect(failures().map(({ address, details }) => [address, details['count']])).toEqual([
      [ADDRESS, 4],
      ['192.168.1.30', 1],
      [ADDRESS, 1],
    ]);
    expect(failures()[0]).toMatchObject({ outcome: 'refused', username: 'admin' });
    home.clock.advance(600_000);
    expect(failures()).toHaveLength(3);
  });

  test('from a thousand places shares one row for the rest of the minute', async () => {
    vi.spyOn(PasswordHasher.prototype, 'verify').mockResolvedValue(false);
    for (let i = 0; i < 1000; i++) await guess(`user ${i}`, `10.0.${i >> 8}.${i & 255}`);
    expect(rows().length).toBeLessThanOrEqual(202);
    home.clock.advance(60_000);
    expect(rows()[0]).toMatchObject({ address: 'others', username: null });
    const total = rows().reduce((sum, { details }) => sum + Number(details['count']), 0);
    expect(total).toBe(1000);
  });

  test('does not leave a password that was typed into the field of the name', async () => {
    await guess(PASSWORD, ADDRESS);
    expect(rows()).toMatchObject([{ username: null, details: { unknown_user: true } }]);
    expect(JSON.stringify(rows())).not.toContain(PASSWORD);
  });

  test('who stops in time is counted when the hub stops', async () => {
    for (let i = 0; i < 3; i++) await guess('admin', ADDRESS);
    home.access[Symbol.dispose]();
    expect(rows().map(({ details }) => details['count'])).toEqual([2, 1]);
  });

  test('makes the hub do the same work for a user that does not exist', async () => {
    const verify = vi.spyOn(PasswordHasher.prototype, 'verify');
    await guess('admin', ADDRESS);
    await guess('nobody', ADDRESS);
    expect(verify.mock.calls.map(([, phc]) => phc === null)).toEqual([false, true]);
    await expect(verify.mock.results[1]?.value).resolves.toBe(false);
  });

  test('a disk that refuses changes nothing for the guesser', async () => {
    vi.spyOn(home.store, 'write').mockImplementation(() => {
      throw new Error('the disk is full');
    });
    await guess('admin', ADDRESS);
  });
});

describe('commands', () => {
  test('to a lock are in the log; a full disk does not keep anybody out', async () => {
    const order = { entityId: 'door', kinds: ['lock'], details: { values: { locked: false } } };
    const owner = await home.actor();
    home.access.authorizeCommand(owner, order);
    home.access.authorizeCommand(owner, { ...order, kinds: ['light'] });
    const filter = { ...EVERYTHING, action: 'command' } as const;
    expect(home.access.audit.list(filter, 0, 10)).toMatchObject([
      { target: 'door', outcome: 'ok', details: { kinds: ['lock'], values: { locked: false } } },
    ]);
    vi.spyOn(home.store, 'write').mockImplementation(() => {
      throw new Error('the disk is full');
    });
    expect(() => home.access.authorizeCommand(owner, order)).not.toThrow();
  });

  test('that are refused are in the log, once a minute', async () => {
    await home.user({ username: 'ben' });
    const ben = await home.actor('ben');
    const order = { entityId: 'door', kinds: ['lock'], details: {} };
    for (let i = 0; i < 3; i++) {
      expect(() => home.access.authorizeCommand(ben, order)).toThrow(/may not command: lock/);
    }
    expect(home.access.audit.list({ ...EVERYTHING, action: 'command' }, 0, 10)).toMatchObject([
      { outcome: 'refused', username: 'ben', target: 'door' },
    ]);
  });

  test('of the terminal are the owner’s', () => {
    expect(home.access.mayCommand(TERMINAL.principal, ['lock'])).toBe(true);
  });
});
