import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';

import { Access } from '../../src/access/access.ts';
import { accessTables } from '../../src/access/tables.ts';
import { ManualClock } from '../../src/base/clock.ts';
import { HomeZone } from '../../src/base/home-zone.ts';
import { silentLogger } from '../../src/base/log.ts';
import { findDamage } from '../../src/base/maintenance.ts';
import { Devices } from '../../src/devices/devices.ts';
import { deviceTables } from '../../src/devices/tables.ts';
import { Graph } from '../../src/graph/graph.ts';
import { graphTables } from '../../src/graph/tables.ts';
import { HUB_AUTHOR } from '../../src/graph/types.ts';
import { jobDefinitions } from '../../src/hub/jobs-part.ts';
import { startJobs, type Jobs } from '../../src/jobs/jobs.ts';
import { jobTables } from '../../src/jobs/tables.ts';
import { Readings } from '../../src/readings/readings.ts';
import { readingTables } from '../../src/readings/tables.ts';
import { openTestStore, temporaryFolder } from '../support/store.ts';

const DAY_MS = 24 * 3600_000;
const NOTES = 1200;
const WORDS = 'x'.repeat(300);
const { signal } = new AbortController();

interface Home extends AsyncDisposable {
  readonly clock: ManualClock;
  readonly graph: Graph;
  readonly store: Awaited<ReturnType<typeof openTestStore>>;
  start(): Jobs;
  versions(): number;
}

/** The clean-up of a hub over a lamp that the hub noted again and again on a day long ago. */
async function openHome(): Promise<Home> {
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(temporaryFolder());
  const clock = new ManualClock(Date.parse('2026-01-10T12:00:00Z'));
  const tables = [graphTables, accessTables, deviceTables, readingTables, jobTables];
  const store = stack.use(await openTestStore(folder.path, tables, clock));
  const part = { store, clock, log: silentLogger };
  const graph = stack.use(new Graph(part));
  const access = stack.use(await Access.start({ ...part, jwtSecret: null, adminPassword: null }));
  const devices = stack.use(Devices.start({ ...part, graph }));
  const readings = stack.use(Readings.start({ ...part, source: devices }));
  graph.transaction((writer) => {
    const lamp = { id: 'lamp', entityType: 'note', author: HUB_AUTHOR, sourceType: 'mqtt' } as const;
    writer.createEntity({ ...lamp, content: { name: 'Lamp' } });
    for (let i = 0; i < NOTES; i++) writer.replaceContent('lamp', { name: `Lamp ${i}`, WORDS }, HUB_AUTHOR);
  });
  await graph.settled();
  clock.advance(100 * DAY_MS);
  const kept = stack.move();
  return {
    clock,
    graph,
    store,
    start: () =>
      startJobs({
        ...part,
        zone: new HomeZone('UTC'),
        definitions: jobDefinitions({ store, access, readings }, 90).map((job) => ({
          ...job,
          schedule: null,
        })),
      }),
    versions: () => store.db.get<{ n: number }>('SELECT count(*) AS n FROM entity_version')?.n ?? 0,
    async [Symbol.asyncDispose]() {
      await kept[Symbol.asyncDispose]();
    },
  };
}

const NAMES = ['change-log-cleanup', 'audit-cleanup', 'access-cleanup', 'database-upkeep'];

describe('a clean-up that', () => {
  test.each([
    [
      'finds the disk full',
      (pages: number) => `PRAGMA max_page_count = ${pages}`,
      'PRAGMA max_page_count = 1000000',
    ],
    ['may not write', () => 'PRAGMA query_only = ON', 'PRAGMA query_only = OFF'],
  ])('%s says so, leaves things sound, and is done once that is over', async (_, begin, end) => {
    await using home = await openHome();
    const { clock, store } = home;
    await using jobs = home.start();
    const latest = JSON.stringify(home.graph.latest('lamp'));
    const runAtMs = clock.nowMs() + 1000;
    const runs = await Promise.all(NAMES.map(async (name) => await jobs.enqueue(name, {}, { runAtMs })));
    await store.checkpoint();
    // Nothing is free, and no page more may be had.
    const pages = store.db.get<{ n: number }>('SELECT page_count AS n FROM pragma_page_count')?.n ?? 0;
    store.db.get(begin(pages));
    clock.advance(2000);
    await jobs.idle();
    const told = [
      ...jobs.health().problems.map(({ message }) => message),
      ...runs.map(({ id }) => jobs.get(id).error ?? ''),
    ].join('\n');
    expect(told).toMatch(/full|read-?only|readonly/i);
    expect(runs.map(({ id }) => jobs.get(id).state)).not.toEqual(runs.map(() => 'done'));
    expect(JSON.stringify(home.graph.latest('lamp'))).toBe(latest);

    store.db.get(end);
    for (let i = 0; i < 3; i++) {
      clock.advance(121_000);
      await jobs.idle();
    }
    expect(runs.map(({ id }) => jobs.get(id).state)).toEqual(runs.map(() => 'done'));
    expect(jobs.health().ok).toBe(true);
    expect(home.versions()).toBe(2);
    expect(JSON.stringify(home.graph.latest('lamp'))).toBe(latest);
    expect(await findDamage(store.file, signal)).toEqual([]);
  });

  test('is stopped in the middle goes on where it was after the next start', async () => {
    await using home = await openHome();
    const first = home.start();
    const { id } = await first.run('change-log-cleanup');
    while (home.versions() > NOTES - 20) await setImmediate();
    await first[Symbol.asyncDispose]();
    const left = home.versions();
    expect(left).toBeGreaterThan(2);
    expect(first.get(id)).toMatchObject({ state: 'queued', attempts: 0 });
    await using second = home.start();
    await second.idle();
    expect(second.get(id)).toMatchObject({ state: 'done', attempts: 1, figures: { removed: left - 2 } });
    expect(home.versions()).toBe(2);
    expect(await findDamage(home.store.file, signal)).toEqual([]);
  });
});

test('a database that the check of the night finds damaged is a problem of its own until a check finds it sound', async () => {
  await using home = await openHome();
  const { store } = home;
  await using jobs = home.start();
  await store.checkpoint();
  const run = async (): Promise<string> => {
    const { id } = await jobs.run('database-check');
    await jobs.idle();
    return jobs.get(id).state;
  };
  expect(await run()).toBe('done');
  const fd = openSync(store.file, 'r+');
  try {
    const whole = Buffer.alloc(4096);
    readSync(fd, whole, 0, whole.length, 4096 * 60);
    writeSync(fd, Buffer.alloc(4096, 0xff), 0, 4096, 4096 * 60);
    expect(await run()).toBe('failed');
    expect(jobs.health().problems).toEqual([
      expect.objectContaining({
        kind: 'database_damaged',
        job: 'database-check',
        message: expect.stringContaining('The database is damaged: '),
        action: expect.stringContaining('restore a backup'),
      }),
    ]);
    writeSync(fd, whole, 0, whole.length, 4096 * 60);
  } finally {
    closeSync(fd);
  }
  expect(await run()).toBe('done');
  expect(jobs.health().ok).toBe(true);
});
