import { createServer } from 'node:http';
import { describe, expect, test, vi } from 'vitest';

import type { Check, Finding } from '../../../src/ops/health/types.ts';

import { ManualClock } from '../../../src/base/clock.ts';
import { HubError } from '../../../src/base/errors.ts';
import { createLogger, silentLogger } from '../../../src/base/log.ts';
import { cardWearCheck } from '../../../src/ops/health/checks/card-wear.ts';
import { clockCheck } from '../../../src/ops/health/checks/clock.ts';
import { databaseCheck } from '../../../src/ops/health/checks/database.ts';
import { diskCheck } from '../../../src/ops/health/checks/disk.ts';
import { eventLoopCheck } from '../../../src/ops/health/checks/event-loop.ts';
import { memoryCheck } from '../../../src/ops/health/checks/memory.ts';
import { brokerCheck, homekitCheck, mdnsCheck } from '../../../src/ops/health/checks/network.ts';
import {
  backupsCheck,
  certificatesCheck,
  clientsCheck,
  jobsCheck,
} from '../../../src/ops/health/checks/parts.ts';
import { Health } from '../../../src/ops/health/health.ts';
import { openTestStore, temporaryFolder } from '../../support/store.ts';

const NOW_MS = Date.UTC(2026, 5, 1);
const DAY_MS = 24 * 3600_000;
const look = async (check: Check): Promise<Finding> => await check.look(AbortSignal.timeout(10_000));

describe('the database', () => {
  test('is written to, is found full for real, and tells of refused writes once', async () => {
    using folder = temporaryFolder();
    const clock = new ManualClock();
    await using store = await openTestStore(folder.path, [], clock);
    const check = databaseCheck({ store, clock, lastSearch: () => null });
    const before = store.counters.commits;
    expect(await look(check)).toMatchObject({ status: 'ok', details: { file: store.file } });
    expect(store.counters.commits).toBe(before + 1);
    // What costs the card something is not done at each look.
    expect((await look(check)).status).toBe('ok');
    expect(store.counters.commits).toBe(before + 1);
    clock.advance(11 * 60_000);
    await look(check);
    expect(store.counters.commits).toBe(before + 2);

    store.write((tx) => tx.exec('PRAGMA max_page_count = 1'));
    expect(() =>
      store.write((tx) => tx.run('INSERT INTO kept_value VALUES (?, ?)', 'big', 'x'.repeat(100_000))),
    ).toThrow(/disk is full/);
    const refused = await look(check);
    expect(refused).toMatchObject({ status: 'warn', details: { refused: 1 } });
    expect(refused.summary).toContain('1 writes were refused');
    expect((await look(check)).status).toBe('ok');
  });

  test('whose disk is not trusted, or that is damaged, is the one thing that nothing works without', async () => {
    using folder = temporaryFolder();
    const clock = new ManualClock();
    await using store = await openTestStore(folder.path, [], clock);
    const faulty = { ...pick(store), fault: 'EIO: i/o error, fdatasync' };
    const untrusted = databaseCheck({ store: faulty, clock, lastSearch: () => null });
    expect(await look(untrusted)).toMatchObject({ status: 'fail', isFatal: true });
    using health = new Health({ checks: [untrusted], store: faulty, clock, log: silentLogger });
    expect((await health.report()).status).toBe('failing');
    expect(health.notReady()).toContain('fdatasync');
    const search = { endedMs: NOW_MS, error: 'row 7 missing from index' };
    const damaged = await look(databaseCheck({ store, clock, lastSearch: () => search }));
    expect(damaged).toMatchObject({ status: 'fail', isFatal: true });
    expect(damaged.summary).toContain('row 7');
    expect(damaged.whatToDo).toContain('backup');
  });
});

function pick(store: Awaited<ReturnType<typeof openTestStore>>) {
  return { write: store.write.bind(store), file: store.file, counters: store.counters };
}

describe('the disk', () => {
  const probe = (bytes: number, inodes: number, code?: string) => ({
    statfs: async () =>
      await Promise.resolve({ bsize: 1000, bavail: bytes / 1000, blocks: 1e9, ffree: inodes, files: 1e6 }),
    access: async () => {
      await Promise.resolve();
      if (code !== undefined) throw Object.assign(new Error(`${code}: no`), { code });
    },
  });
  test.each([
    [20e9, 1e6, undefined, 'ok', 'GB are free'],
    [400e6, 1e6, undefined, 'warn', 'nearly full'],
    [1e6, 1e6, undefined, 'fail', 'disk is full'],
    [20e9, 20, undefined, 'fail', '20 more files'],
    [20e9, 1e6, 'EROFS', 'fail', 'read-only'],
    [20e9, 1e6, 'EACCES', 'fail', 'cannot be written'],
  ])('with %d bytes, %d inodes and %s is %s', async (bytes, inodes, code, status, text) => {
    const found = await look(diskCheck('/data', probe(bytes, inodes, code)));
    expect(found.status).toBe(status);
    expect(found.summary).toContain(text);
    if (status !== 'ok') expect(found.whatToDo).toBeDefined();
  });
});

test('a card is worn out by what is written in an hour, not by a start', async () => {
  const clock = new ManualClock();
  let process = 0;
  const check = cardWearCheck(clock, () => ({ process, device: process * 2 }));
  const minutes = async (count: number, bytes: number): Promise<Finding> => {
    let found: Finding = { status: 'off', summary: '' };
    for (let n = 0; n < count; n += 1) {
      clock.advance(60_000);
      process += bytes;
      found = await look(check);
    }
    return found;
  };
  process = 500e6;
  expect((await look(check)).summary).toContain('too early');
  expect((await minutes(5, 10e6)).status).toBe('ok');
  const much = await minutes(60, 2e6);
  expect(much).toMatchObject({
    status: 'warn',
    details: { bytes_per_hour: 120e6, device_bytes_per_hour: 240e6 },
  });
  expect(await minutes(61, 1e5)).toMatchObject({ status: 'ok', details: { bytes_per_hour: 6e6 } });
  expect((await look(cardWearCheck(clock, () => ({ process: null, device: null })))).status).toBe('off');
});

test('memory is looked at by its limit, its heap, and what the machine has left', async () => {
  const fine = { rss: 1e8, heapUsed: 5e7, heapLimit: 2e8, limit: 3e8, available: 2e8, total: 5e8 };
  const of = async (change: object): Promise<string> =>
    (await look(memoryCheck(() => ({ ...fine, ...change })))).status;
  expect(await of({})).toBe('ok');
  expect(await of({ rss: 2.9e8 })).toBe('warn');
  expect(await of({ rss: 2.9e8, limit: null })).toBe('ok');
  expect(await of({ heapUsed: 1.9e8 })).toBe('warn');
  expect(await of({ available: 1e7 })).toBe('warn');
  expect((await look(memoryCheck())).details).toMatchObject({ rss_bytes: expect.any(Number) });
});

test('an event loop that stops is told by how long', async () => {
  const of = async (max: number): Promise<string> =>
    (await look(eventLoopCheck(() => ({ p50: 0, p99: 1, max })))).status;
  expect([await of(80), await of(1500), await of(20_000)]).toEqual(['ok', 'warn', 'fail']);
});

test('a clock is wrong before this version was written, after a jump, and where the network did not set it', async () => {
  const clock = new ManualClock(Date.UTC(1970, 0, 1));
  let synchronised: boolean | null = null;
  const check = clockCheck(clock, () => synchronised);
  expect(await look(check)).toMatchObject({ status: 'fail', details: { time: '1970-01-01T00:00:00.000Z' } });
  clock.jumpTo(NOW_MS);
  const jumped = await look(check);
  expect(jumped.status).toBe('warn');
  expect(jumped.summary).toContain('set ahead');
  clock.advance(2 * 3600_000);
  expect((await look(check)).status).toBe('ok');
  synchronised = false;
  expect((await look(check)).summary).toContain('not set by the network');
  synchronised = true;
  expect((await look(check)).status).toBe('ok');
});

test('what is announced and not heard is told, and so is a machine without a network', async () => {
  const id = '02:00:00:00:00:09';
  const of = async (addresses: string[]): Promise<Finding> =>
    await look(
      mdnsCheck({
        announced: () => [{ type: 'hap', id, port: 5 }],
        addresses: () => addresses,
        browseMs: 30,
      }),
    );
  expect(await of(['127.0.0.1'])).toMatchObject({ status: 'warn', details: { not_heard: [`hap ${id}`] } });
  expect((await of([])).summary).toContain('no network');
  expect((await look(mdnsCheck({ announced: () => null }))).status).toBe('off');
});

test('a bridge that does not answer on its port is a failure', async () => {
  const server = createServer((_, response) => void response.writeHead(470).end());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  const bridge = { number: 1, name: 'Hub', port, paired: true, accessories: 3, problem: null };
  expect(await look(homekitCheck(() => [bridge]))).toMatchObject({ status: 'ok' });
  server.close();
  server.closeAllConnections();
  const silent = await look(homekitCheck(() => [bridge]));
  expect(silent.status).toBe('fail');
  expect(silent.summary).toContain(String(port));
  const problem = 'port 51826 is in use';
  expect((await look(homekitCheck(() => [{ ...bridge, problem }]))).summary).toBe(problem);
  expect((await look(homekitCheck(() => null))).status).toBe('off');
});

test('a bridge to devices that is offline with all that hangs on it is a warning', async () => {
  const standing = { mode: 'embedded', url: 'mqtt://h:1', connected: true, sinceMs: 0 } as const;
  const offline = (ids: number) => [
    { kind: 'offline', topic: 'zigbee2mqtt/bridge/state', componentIds: Array.from({ length: ids }, String) },
  ];
  expect((await look(brokerCheck(() => ({ ...standing, problems: offline(2) })))).status).toBe('ok');
  const many = await look(brokerCheck(() => ({ ...standing, problems: offline(40) })));
  expect(many.status).toBe('warn');
  expect(many.summary).toContain('zigbee2mqtt/bridge/state');
  expect((await look(brokerCheck(() => null))).status).toBe('off');
});

test('clients, jobs, backups and certificates say what is wrong with them and what to do', async () => {
  const clock = new ManualClock(NOW_MS);
  const client = { deviceId: 'phone', lastSyncMs: NOW_MS, lastError: null, isOnline: true };
  expect((await look(clientsCheck(() => [client]))).status).toBe('ok');
  const refused = await look(
    clientsCheck(() => [client, { ...client, deviceId: 'tab', lastError: 'no room' }]),
  );
  expect(refused).toMatchObject({ status: 'warn', details: { clients: 2 } });
  expect(refused.summary).toContain('tab: no room');

  const problem = {
    kind: 'failed',
    job: 'backup',
    message: 'It broke.',
    action: 'Mend it.',
    sinceMs: NOW_MS,
  };
  expect(await look(jobsCheck(() => [problem, problem]))).toMatchObject({
    status: 'warn',
    whatToDo: 'Mend it.',
  });
  expect((await look(jobsCheck(() => []))).status).toBe('ok');

  const backup = { lastGoodMs: NOW_MS - DAY_MS, lastError: null, dueEveryMs: DAY_MS };
  const backups = async (change: object | null): Promise<string> =>
    (await look(backupsCheck(clock, () => change && { ...backup, ...change }))).status;
  expect(await backups({})).toBe('ok');
  expect(await backups({ lastGoodMs: NOW_MS - 3 * DAY_MS })).toBe('warn');
  expect(await backups({ lastError: 'no space' })).toBe('fail');
  expect(await backups({ lastGoodMs: null })).toBe('ok');
  expect(await backups(null)).toBe('off');

  const certificate = async (days: number): Promise<string> =>
    (
      await look(
        certificatesCheck(clock, () => [
          { name: 'http.tls', notAfterMs: NOW_MS + days * DAY_MS, isOwn: false },
        ]),
      )
    ).status;
  expect([await certificate(90), await certificate(5), await certificate(-1)]).toEqual([
    'ok',
    'warn',
    'fail',
  ]);
});

describe('the answer', () => {
  const store = { fault: null, write: () => undefined as never };
  const steady = (name: string, status: Finding['status']): Check => ({
    name,
    freshMs: 0,
    look: () => ({ status, summary: name }),
  });

  test('comes in time although one check hangs and another throws, and neither is begun twice', async () => {
    const clock = new ManualClock(NOW_MS);
    const hang = vi.fn(async () => await new Promise<Finding>(() => undefined));
    const checks: Check[] = [
      steady('fine', 'ok'),
      { name: 'hangs', freshMs: 0, limitMs: 100, look: hang },
      {
        name: 'throws',
        look: () => {
          throw new Error('out of paper');
        },
      },
    ];
    using health = new Health({ checks, store, clock, log: silentLogger });
    const startedMs = performance.now();
    const first = await health.report();
    await health.report();
    expect(performance.now() - startedMs).toBeLessThan(1000);
    expect(first.status).toBe('degraded');
    expect(first.checks.map(({ status }) => status)).toEqual(['ok', 'fail', 'fail']);
    expect(first.checks[1]?.summary).toContain('no answer');
    expect(first.checks[2]?.summary).toContain('out of paper');
    expect(hang).toHaveBeenCalledOnce();
  });

  test('has costly things looked at when they are asked for only', async () => {
    const clock = new ManualClock(NOW_MS);
    let looks = 0;
    const costly: Check = {
      name: 'costly',
      everyMs: 600_000,
      look: () => ({ status: 'ok', summary: String((looks += 1)) }),
    };
    using health = new Health({ checks: [costly, steady('cheap', 'ok')], store, clock, log: silentLogger });
    expect((await health.report()).checks[0]).toMatchObject({ status: 'off' });
    expect(looks).toBe(0);
    const found: string[] = [];
    await health.examine(({ name }) => found.push(name));
    expect(found.toSorted()).toEqual(['cheap', 'costly']);
    expect((await health.report()).checks[0]).toMatchObject({ status: 'ok', summary: '1' });
  });

  test('says since when it is so, and the log tells of the beginning and the end of trouble', async () => {
    const clock = new ManualClock(NOW_MS);
    const lines: string[] = [];
    const log = createLogger({
      level: 'info',
      format: 'json',
      destination: { write: (line) => void lines.push(line) },
    });
    let status: Finding['status'] = 'ok';
    const check: Check = { name: 'it', freshMs: 0, look: () => ({ status, summary: 'so it is' }) };
    using health = new Health({ checks: [check], store, clock, log });
    await health.report();
    clock.advance(5000);
    status = 'fail';
    expect(await health.report()).toMatchObject({ status: 'degraded', sinceMs: NOW_MS + 5000 });
    clock.advance(5000);
    expect(await health.report()).toMatchObject({ status: 'degraded', sinceMs: NOW_MS + 5000 });
    status = 'ok';
    expect(await health.report()).toMatchObject({ status: 'ok', sinceMs: NOW_MS + 10_000 });
    expect(lines.map((line) => (JSON.parse(line) as { level: string }).level)).toEqual(['warn', 'info']);
  });

  test('the hub is alive with a full disk, and not with a database that is closed', async () => {
    using folder = temporaryFolder();
    const clock = new ManualClock();
    const real = await openTestStore(folder.path, [], clock);
    using health = new Health({ checks: [], store: real, clock, log: silentLogger });
    const commits = real.counters.commits;
    expect(await health.alive()).toBe(true);
    expect(real.counters.commits).toBe(commits);
    const full = {
      fault: null,
      write: () => {
        throw new HubError('storage_full', 'full');
      },
    };
    using filled = new Health({ checks: [], store: full, clock, log: silentLogger });
    expect(await filled.alive()).toBe(true);
    await real[Symbol.asyncDispose]();
    expect(await health.alive()).toBe(false);
  });
});
