import * as fc from 'fast-check';
import { expect, test } from 'vitest';

import type { Author } from '../../src/graph/types.ts';

import { ManualClock, toIso } from '../../src/base/clock.ts';
import { compactHistory } from '../../src/graph/graph.ts';
import { HUB_AUTHOR } from '../../src/graph/types.ts';
import { openTestHome, temporaryFolder, type TestHome } from '../support/store.ts';
import { actionsWithPhones, perform, THINGS, type Action } from './random-home.ts';

const HOUR_MS = 3600_000;
const DAY_MS = 24 * HOUR_MS;
const anna: Author = { userId: 'anna', deviceId: 'phone' };
const { signal } = new AbortController();
const CLIENTS = 3;

/** A client that keeps what it is sent, and asks for what comes after its cursor. */
class Replica {
  readonly rows = new Map<string, string>();
  cursor = 0;

  /** @param byTime asks as a client of Inbetweenies v2 does, whose cursor is when the last row was stored. */
  sync({ graph }: TestHome, byTime: boolean): void {
    if (byTime) this.cursor = graph.seqStoredBy(graph.storedMicrosAt(this.cursor));
    for (let more = true; more;) {
      const page = graph.changesSince(this.cursor, { limit: 3, maxBytes: 1e9, edges: true });
      for (const row of [...page.entities, ...page.relationships]) this.rows.set(row.id, JSON.stringify(row));
      this.cursor = page.scannedSeq;
      more = page.hasMore;
    }
  }

  get state(): [string, string][] {
    return [...this.rows].toSorted(([a], [b]) => (a < b ? -1 : 1));
  }
}

type Step =
  | { readonly do: 'act'; readonly actions: readonly Action[] }
  /** The hub notes something about a thing, several times. */
  | { readonly do: 'note'; readonly which: number; readonly times: number; readonly minutes: number }
  /** A phone's edit that was made from any version that there ever was; it loses. */
  | { readonly do: 'lose'; readonly from: number }
  | { readonly do: 'wait'; readonly hours: number }
  | { readonly do: 'sync'; readonly client: number; readonly byTime: boolean }
  | { readonly do: 'compact'; readonly keepDays: number };

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 1,
      arbitrary: fc.record({ do: fc.constant('act' as const), actions: actionsWithPhones }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        do: fc.constant('note' as const),
        which: fc.nat(THINGS - 1),
        times: fc.integer({ min: 2, max: 5 }),
        minutes: fc.integer({ min: 0, max: 300 }),
      }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('lose' as const), from: fc.nat(1000) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('wait' as const), hours: fc.nat(72) }) },
    {
      weight: 2,
      arbitrary: fc.record({
        do: fc.constant('sync' as const),
        client: fc.nat(CLIENTS - 1),
        byTime: fc.boolean(),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ do: fc.constant('compact' as const), keepDays: fc.constantFrom(1, 2, 5) }),
    },
  ),
  { minLength: 10, maxLength: 40, size: 'max' },
);

/** Every version that there ever was, as [id, version]. */
function known(home: TestHome, seen: Map<string, string>): void {
  for (let which = 0; which < THINGS; which++) {
    const id = `thing-${which}`;
    for (const { version } of home.graph.versions(id, 0)) seen.set(version, id);
  }
}

async function take(home: TestHome, step: Step, at: number, seen: Map<string, string>): Promise<number> {
  const { graph, clock } = home;
  switch (step.do) {
    case 'act':
      for (const [nth, action] of step.actions.entries()) perform(home, action, at * 1000 + nth);
      break;
    case 'note':
      for (let time = 0; time < step.times; time++) {
        graph.transaction((writer) => {
          const id = `thing-${step.which}`;
          const content = { name: `Noted ${at}.${time}` };
          if (writer.latest(id)?.contentJson) writer.replaceContent(id, content, HUB_AUTHOR);
          else if (!writer.latest(id)) {
            writer.createEntity({ id, entityType: 'note', content, author: HUB_AUTHOR, sourceType: 'mqtt' });
          }
        });
        clock.advance(step.minutes * 60_000 + 1);
      }
      break;
    case 'lose': {
      const [version, id] = [...seen][step.from % Math.max(seen.size, 1)] ?? [];
      if (version === undefined || id === undefined || !graph.latest(id)) break;
      graph.transaction((writer) =>
        writer.insertVersion({
          id,
          // From one that is gone the hub cannot keep what it was made from.
          version: `${graph.version(id, version) ? 'near' : 'far'}-${at}-lost`,
          entityType: 'note',
          changeType: 'update',
          parentVersions: [version],
          contentJson: JSON.stringify({ name: `lost ${at}` }),
          author: anna,
          sourceType: 'manual',
          timestamp: toIso(clock.nowMs()),
          current: false,
        }),
      );
      break;
    }
    case 'wait':
      clock.advance(step.hours * HOUR_MS);
      break;
    case 'compact':
      return await compactHistory({
        store: home.store,
        nowMs: clock.nowMs(),
        keepDays: step.keepDays,
        signal,
      });
    case 'sync':
      break;
  }
  return 0;
}

test('whatever the hub forgets and when, every client ends with the home as it is', async () => {
  let removed = 0;
  await fc.assert(
    fc.asyncProperty(steps, async (script) => {
      using folder = temporaryFolder();
      await using home = await openTestHome(folder.path, new ManualClock(Date.UTC(2026, 0, 1, 7)));
      const { graph, clock } = home;
      const clients = Array.from({ length: CLIENTS }, () => new Replica());
      const seen = new Map<string, string>();
      for (const [at, step] of script.entries()) {
        clock.advance(1);
        if (step.do === 'compact' || step.do === 'lose') known(home, seen);
        removed += await take(home, step, at, seen);
        if (step.do !== 'sync') continue;
        await graph.settled();
        clients[step.client]?.sync(home, step.byTime);
      }
      clock.advance(10 * DAY_MS);
      await graph.settled();
      known(home, seen);
      const before = new Map([...seen.values()].map((id) => [id, JSON.stringify(graph.latest(id))]));
      removed += await compactHistory({ store: home.store, nowMs: clock.nowMs(), keepDays: 1, signal });
      for (const [id, latest] of before) expect(JSON.stringify(graph.latest(id))).toBe(latest);

      const whole = new Replica();
      whole.sync(home, false);
      for (const [index, client] of clients.entries()) {
        client.sync(home, index === 0);
        expect(client.state).toEqual(whole.state);
      }
      for (const [version, id] of seen) {
        // A retry of it is known, and what was made from it by anybody but the hub itself still has its base.
        expect(graph.heldAs(id, version)).toBe(version.endsWith('-lost') ? 'loser' : 'state');
        const held = graph.version(id, version);
        if (!held || held.userId === 'hub' || version.startsWith('far')) continue;
        for (const parent of held.parentVersions) expect(graph.version(id, parent)).toBeDefined();
      }
    }),
    { numRuns: 25 },
  );
  expect(removed).toBeGreaterThan(20);
}, 60_000);
