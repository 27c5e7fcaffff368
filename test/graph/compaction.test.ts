import * as fc from 'fast-check';
import { expect, test } from 'vitest';

import type { Author } from '../../src/graph/types.ts';

import { ManualClock } from '../../src/base/clock.ts';
import { compactHistory } from '../../src/graph/graph.ts';
import { HUB_AUTHOR } from '../../src/graph/types.ts';
import { openTestHome, temporaryFolder, type TestHome } from '../support/store.ts';

const anna: Author = { userId: 'anna', deviceId: 'phone-1' };
const HOUR_MS = 3600_000;
const DAY_MS = 24 * HOUR_MS;
const { signal } = new AbortController();

function write(home: TestHome, author: Author, name: string): string {
  return home.graph.transaction((graph) => {
    const content = { name };
    const latest = graph.latest('lamp');
    const entity = latest
      ? latest.contentJson === null
        ? graph.restoreEntity('lamp', undefined, author)
        : graph.replaceContent('lamp', content, author)
      : graph.createEntity({ id: 'lamp', entityType: 'device', content, author, sourceType: 'mqtt' });
    return entity.version;
  });
}

async function compact(home: TestHome, keepDays = 90): Promise<number> {
  return await compactHistory({ store: home.store, nowMs: home.clock.nowMs(), keepDays, signal });
}

/** What every cursor is owed. */
function owed(home: TestHome): unknown[] {
  return Array.from({ length: home.graph.headSeq + 1 }, (_, after) =>
    home.graph.changesSince(after, { limit: 500, maxBytes: 1e9, edges: true }),
  );
}

async function nameAt(home: TestHome, ms: number): Promise<unknown> {
  await home.graph.settled();
  const moment = home.graph.history.moment(new Date(ms).toISOString());
  return home.graph.history.entity('lamp', moment)?.contentJson;
}

test('no cursor is owed less, people find all they did, and the past is what it was at the end of each day', async () => {
  const edits = fc.array(
    fc.record({ byHub: fc.boolean(), deletes: fc.boolean(), hours: fc.integer({ min: 0, max: 40 }) }),
    { minLength: 5, maxLength: 40 },
  );
  await fc.assert(
    fc.asyncProperty(edits, async (script) => {
      using folder = temporaryFolder();
      await using home = await openTestHome(folder.path, new ManualClock(Date.UTC(2026, 0, 1, 7)));
      const { graph, clock } = home;
      const peoples: string[] = [];
      const moments: number[] = [];
      for (const [step, { byHub, deletes, hours }] of script.entries()) {
        clock.advance(hours * HOUR_MS + 1000);
        if (deletes && graph.entity('lamp') && !byHub) {
          graph.transaction((writer) => writer.deleteEntity('lamp', anna));
        } else {
          const version = write(home, byHub ? HUB_AUTHOR : anna, `Lamp ${step}`);
          if (!byHub) peoples.push(version);
        }
        if (!byHub) moments.push(clock.nowMs());
      }
      for (let day = Date.UTC(2026, 0, 2); day < clock.nowMs(); day += DAY_MS) moments.push(day - 1000);
      clock.advance(95 * DAY_MS);
      await graph.settled();
      const [cursors, past] = [owed(home), await Promise.all(moments.map((ms) => nameAt(home, ms)))];
      const before = graph.versions('lamp', 0).map(({ version }) => version);
      const removed = await compact(home);
      const after = graph.versions('lamp', 0).map(({ version }) => version);
      expect(before.length - after.length).toBe(removed);
      expect(owed(home)).toEqual(cursors);
      expect(await Promise.all(moments.map((ms) => nameAt(home, ms)))).toEqual(past);
      for (const version of peoples) expect(graph.version('lamp', version)).toBeDefined();
      for (const version of before) expect(graph.heldAs('lamp', version)).toBe('state');
      expect(await compact(home)).toBe(0);
    }),
    { numRuns: 40 },
  );
});

test('of a day of notes by the hub the last stays; what was made from one before it has no base any more', async () => {
  using folder = temporaryFolder();
  await using home = await openTestHome(folder.path, new ManualClock(Date.UTC(2026, 0, 1, 7)));
  const versions: string[] = [];
  for (let i = 0; i < 10; i++) {
    versions.push(write(home, HUB_AUTHOR, `Lamp ${i}`));
    home.clock.advance(60_000);
  }
  home.clock.advance(DAY_MS);
  versions.push(write(home, HUB_AUTHOR, 'The next day'));
  home.clock.advance(88 * DAY_MS);
  expect(await compact(home)).toBe(0);
  home.clock.advance(2 * DAY_MS);
  // The first has no parent: it says when the lamp came.
  expect(await compact(home)).toBe(8);
  expect(home.graph.versions('lamp', 0).map(({ version }) => version)).toEqual(
    [0, 9, 10].map((index) => versions[index]),
  );
  const ancestry = home.graph.ancestryOf('lamp');
  const [latest = '', removed = '', first = ''] = [versions[10], versions[4], versions[0]];
  // What lies behind it is no base: a change that was taken back since would not be seen.
  expect(ancestry.common(latest, [removed])).toEqual([]);
  expect(ancestry.common(latest, [first])).toEqual([first]);
  expect(ancestry.common(latest, [versions[9] ?? ''])).toEqual([versions[9]]);
  expect(ancestry.descends(latest, removed)).toBe(true);
  await home.graph.settled();
  expect(home.graph.history.lineage('lamp')?.missingParents).toEqual([versions[8]]);
});

test('an abort ends it between two transactions, and the next night does the rest', async () => {
  using folder = temporaryFolder();
  await using home = await openTestHome(folder.path, new ManualClock(Date.UTC(2026, 0, 1, 7)));
  for (let i = 0; i < 300; i++) write(home, HUB_AUTHOR, `Lamp ${i}`);
  home.clock.advance(100 * DAY_MS);
  const stop = new AbortController();
  const done = compactHistory({
    store: home.store,
    nowMs: home.clock.nowMs(),
    keepDays: 90,
    signal: stop.signal,
  });
  stop.abort(new Error('The hub stops.'));
  await expect(done).rejects.toThrow('The hub stops.');
  const left = home.graph.versions('lamp', 0).length;
  expect(left).toBeGreaterThan(2);
  expect(await compact(home)).toBe(left - 2);
});
