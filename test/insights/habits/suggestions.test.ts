import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import type { Store } from '../../../src/base/store.ts';

import { ManualClock } from '../../../src/base/clock.ts';
import { HubError } from '../../../src/base/errors.ts';
import { silentLogger } from '../../../src/base/log.ts';
import { Suggestions } from '../../../src/insights/habits/suggestions.ts';
import type { SuggestionStatus } from '../../../src/insights/habits/types.ts';
import { suggestionTables } from '../../../src/insights/habits/tables.ts';
import { openTestStore, temporaryFolder } from '../../support/store.ts';
import { DAY, PERSON, SimulatedHome, SUN, ZONE } from './simulator.ts';

let folder: ReturnType<typeof temporaryFolder>;
let store: Store;
let clock: ManualClock;

beforeEach(async () => {
  folder = temporaryFolder();
  clock = new ManualClock();
  store = await openTestStore(folder.path, [suggestionTables], clock);
});
afterEach(async () => {
  await store[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

/** Coffee at seven, or so many minutes later, every day until a date. */
function homeUntil(until: string, later = 0, seed = 1): SimulatedHome {
  const home = new SimulatedHome({ days: 21, until, seed });
  home.add('coffee', 'on_off', { commandKinds: ['switch'] });
  for (const { at } of home.days()) {
    home.act('coffee', at(420 + later + home.jitter(4)));
    home.act('coffee', at(560 + home.random() * 200), false);
  }
  return home;
}

function suggestionsOf(home: SimulatedHome): Suggestions {
  clock.jumpTo(home.nowMs);
  const shared = { store, history: null, home, zone: ZONE, sun: SUN, clock, log: silentLogger };
  return new Suggestions({ ...shared, activity: home });
}

type Listed = ReturnType<Suggestions['list']>;

/** What is suggested once the search of the day is over. */
async function listed(
  from: SimulatedHome | Suggestions,
  status: SuggestionStatus = 'proposed',
): Promise<Listed> {
  const suggestions = from instanceof Suggestions ? from : suggestionsOf(from);
  await (from instanceof Suggestions ? suggestions.upToDate() : suggestions.refresh());
  return suggestions.list(status);
}

const MAY = (): void => undefined;

async function refusal(promise: Promise<unknown>): Promise<string> {
  const error: unknown = await promise.catch((caught: unknown) => caught);
  return error instanceof HubError ? error.kind : 'none';
}

describe('a suggestion', () => {
  test('says what was found, on which days, what it would become and how that would have gone', async () => {
    const { items, observed } = await listed(homeUntil('2026-03-20'));
    expect(items).toHaveLength(1);
    expect(items[0]).toMatchObject({
      status: 'proposed',
      type: 'time',
      title: 'coffee on at 07:00',
      sentence:
        'Somebody switched on coffee at 07:00 on 21 of 21 days, give or take 4 minutes. On these same days it would have fired rightly on 21 of 21, never wrongly; learned from the first two thirds alone, on the rest rightly on 7 of 7, never wrongly.',
      target: { entityId: 'coffee', capability: 'on_off', value: true, name: 'coffee' },
      commandKinds: ['switch'],
      automation: {
        name: 'coffee on at 07:00',
        enabled: true,
        triggers: [{ type: 'time', at: '07:00' }],
        actions: [{ type: 'command', entity_id: 'coffee', capability: 'on_off', value: true }],
      },
    });
    expect(items[0]?.evidence.days).toHaveLength(21);
    expect(observed).toMatchObject({ days: 21, tried: expect.any(Number) });
  });

  test('keeps its id from day to day, after a restart, and when the habit drifts', async () => {
    const [first] = (await listed(homeUntil('2026-03-20'))).items;
    const [next] = (await listed(homeUntil('2026-03-21', 0, 2))).items;
    const [drifted] = (await listed(homeUntil('2026-04-20', 40, 3))).items;
    expect(first?.id).toMatch(/^[\w-]{12}$/);
    expect([next?.id, drifted?.id]).toEqual([first?.id, first?.id]);
    expect(drifted?.title).toBe('coffee on at 07:40');
    expect(drifted?.firstSeenMs).toBe(first?.firstSeenMs);
  });

  test('is computed once a day', async () => {
    const home = homeUntil('2026-03-20');
    const suggestions = suggestionsOf(home);
    await listed(suggestions);
    let scans = 0;
    const scan = home.scan.bind(home);
    home.scan = (...range) => {
      scans += 1;
      return scan(...range);
    };
    await listed(suggestions);
    expect(scans).toBe(0);
    clock.advance(DAY);
    await Promise.all([listed(suggestions), listed(suggestions, 'accepted')]);
    expect(scans).toBe(1);
  });

  test('that was dismissed stays away, with the reason, also when the habit drifts', async () => {
    const suggestions = suggestionsOf(homeUntil('2026-03-20'));
    const [one] = (await listed(suggestions)).items;
    const dismissed = await suggestions.dismiss(one?.id ?? '', 'anna', 'the dog does that');
    expect(dismissed).toMatchObject({ status: 'dismissed', reason: 'the dog does that', decidedBy: 'anna' });
    expect(await refusal(suggestions.dismiss(one?.id ?? '', 'anna', null))).toBe('conflict');
    expect(await refusal(suggestions.accept(one?.id ?? '', 'anna', MAY))).toBe('conflict');
    for (const [until, later] of [
      ['2026-03-21', 0],
      ['2026-04-10', 45],
    ] as const) {
      const again = suggestionsOf(homeUntil(until, later));
      expect((await listed(again)).items).toEqual([]);
      expect((await listed(again, 'dismissed')).items.map(({ id }) => id)).toEqual([one?.id]);
    }
    // Hours later it is another habit.
    expect((await listed(homeUntil('2026-05-20', 600))).items).toHaveLength(1);
  });

  test('that is accepted becomes an automation of whoever accepts it, if they may', async () => {
    const home = homeUntil('2026-03-20');
    const suggestions = suggestionsOf(home);
    const [one] = (await listed(suggestions)).items;
    const id = one?.id ?? '';
    const mayNot = (): void => {
      throw new HubError('forbidden', 'no');
    };
    expect(await refusal(suggestions.accept(id, 'ben', mayNot))).toBe('forbidden');
    expect(home.created).toEqual([]);
    const both = await Promise.allSettled([
      suggestions.accept(id, 'anna', MAY),
      suggestions.accept(id, 'anna', MAY),
    ]);
    expect(both.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
    expect(home.created).toEqual([one?.automation]);
    expect(suggestions.get(id)).toMatchObject({
      status: 'accepted',
      automationId: 'automation-1',
      decidedBy: 'anna',
    });
    expect((await listed(homeUntil('2026-03-22'))).items).toEqual([]);
    expect(await refusal(suggestions.accept('nothing', 'anna', MAY))).toBe('not_found');
  });

  test('is withdrawn when people do it no more, and comes back under its id', async () => {
    const [one] = (await listed(homeUntil('2026-03-20'))).items;
    const idle = new SimulatedHome({ days: 21, until: '2026-04-20' });
    idle.add('coffee', 'on_off');
    const suggestions = suggestionsOf(idle);
    expect((await listed(suggestions)).items).toEqual([]);
    expect((await listed(suggestions, 'withdrawn')).items.map(({ id }) => id)).toEqual([one?.id]);
    expect(await refusal(suggestions.accept(one?.id ?? '', 'anna', MAY))).toBe('conflict');
    const back = (await listed(homeUntil('2026-05-30'))).items;
    expect(back.map(({ id }) => id)).toEqual([one?.id]);
  });

  test('is not made where an automation or a schedule does it already', async () => {
    const actions = [{ type: 'command', entity_id: 'coffee', capability: 'on_off', value: true }];
    const cases: [boolean, object][] = [
      [true, { triggers: [{ type: 'time', at: '06:45' }], actions }],
      [true, { enabled: false, trigger: { type: 'time', at: '07:00' }, action: actions[0] }],
      [true, { time: '07:10', actions }],
      [true, { cron: '0 7 * * 1-5', actions }],
      [true, { triggers: [{ type: 'sun', event: 'sunrise', offset_minutes: 30 }], actions }],
      [
        true,
        { triggers: [{ type: 'time', at: '07:00' }], actions: [{ type: 'scene', entity_id: 'breakfast' }] },
      ],
      [false, { triggers: [{ type: 'time', at: '19:00' }], actions }],
      [false, { triggers: [{ type: 'time', at: '07:00' }], actions: [{ ...actions[0], value: false }] }],
      [false, { triggers: [{ type: 'time', at: '07:00' }], actions: [{ ...actions[0], entity_id: 'tea' }] }],
      [false, { cron: 'nonsense', triggers: 7, actions: 'x' }],
    ];
    for (const [isDone, content] of cases) {
      const home = homeUntil('2026-03-20');
      home.existing.push({ id: 'one', content: { ...content } }, { id: 'breakfast', content: { actions } });
      const { items } = await listed(home);
      expect(items.length, JSON.stringify(content)).toBe(isDone ? 0 : 1);
    }
  });

  test('tells how often people undo what came of it', async () => {
    const suggestions = suggestionsOf(homeUntil('2026-03-20'));
    const [one] = (await listed(suggestions)).items;
    await suggestions.accept(one?.id ?? '', 'anna', MAY);
    const later = new SimulatedHome({ days: 21, until: '2026-04-11' });
    later.add('coffee', 'on_off');
    for (const { at, n } of later.days()) {
      later.act('coffee', at(420), true, { kind: 'automation', id: 'automation-1' });
      if (n % 3 === 0) later.act('coffee', at(423), false, PERSON);
    }
    const [accepted] = (await listed(later, 'accepted')).items;
    expect(accepted).toMatchObject({ runs: 21, reverted: 7, isOftenUndone: true });
    // It is written down: nobody has to look for habits again to know it after a restart.
    expect(suggestionsOf(later).list('accepted').items).toEqual([accepted]);
  });

  test('whose automation is deleted counts as dismissed, and comes back with it or when it is restored', async () => {
    const home = homeUntil('2026-03-20');
    const suggestions = suggestionsOf(home);
    const [one] = (await listed(suggestions)).items;
    const id = one?.id ?? '';
    expect(await refusal(suggestions.restore(id))).toBe('conflict');
    await suggestions.accept(id, 'anna', MAY);
    expect(await refusal(suggestions.restore(id))).toBe('conflict');
    home.deleted.add('automation-1');
    expect(suggestions.get(id)).toMatchObject({ status: 'dismissed', reason: 'its automation was deleted' });
    home.deleted.delete('automation-1');
    expect(suggestions.get(id)).toMatchObject({ status: 'accepted', reason: null });
    home.deleted.add('automation-1');
    // People go on doing it, and it stays away.
    await suggestions.refresh();
    expect(suggestions.list('proposed').items).toEqual([]);
    expect(suggestions.list('dismissed').items.map((each) => each.id)).toEqual([id]);
    expect(await suggestions.restore(id)).toMatchObject({
      status: 'proposed',
      automationId: null,
      reason: null,
      decidedMs: null,
    });
    // The automation that comes back later is nobody's any more.
    home.deleted.delete('automation-1');
    await suggestions.refresh();
    expect(suggestions.list('proposed').items.map((each) => each.id)).toEqual([id]);
    await suggestions.accept(id, 'anna', MAY);
    expect(suggestions.get(id)).toMatchObject({ status: 'accepted', automationId: 'automation-2' });
  });

  test('that was dismissed by mistake comes back, and goes when people do it no longer', async () => {
    const suggestions = suggestionsOf(homeUntil('2026-03-20'));
    const [one] = (await listed(suggestions)).items;
    await suggestions.dismiss(one?.id ?? '', 'anna', 'no');
    await suggestions.restore(one?.id ?? '');
    await suggestions[Symbol.asyncDispose]();
    expect(suggestionsOf(homeUntil('2026-03-20')).list('proposed').items).toMatchObject([{ id: one?.id }]);
    const idle = new SimulatedHome({ days: 21, until: '2026-04-20' });
    idle.add('coffee', 'on_off');
    expect((await listed(idle)).items).toEqual([]);
    expect(await refusal(suggestionsOf(idle).restore(one?.id ?? ''))).toBe('conflict');
  });
});

describe('who asks', () => {
  test('does not wait: the answer is what is known, and the search goes on in the background', async () => {
    const suggestions = suggestionsOf(homeUntil('2026-03-20'));
    expect(suggestions.list('proposed')).toEqual({
      items: [],
      observed: { days: 0, sinceMs: null, computedMs: null, tried: 0, isComputing: true },
    });
    await suggestions.upToDate();
    const told = suggestions.list('proposed');
    expect(told.items).toHaveLength(1);
    expect(told.observed).toMatchObject({ days: 21, computedMs: clock.nowMs(), isComputing: false });
    // A restart forgets nothing and looks for nothing again on the same day.
    const restarted = suggestionsOf(homeUntil('2026-03-20')).list('proposed');
    expect(restarted).toEqual(told);
  });

  test('a search that fails is logged once, and tried again later', async () => {
    const home = homeUntil('2026-03-20');
    const scan = home.scan.bind(home);
    let scans = 0;
    home.scan = () => {
      scans += 1;
      throw new HubError('storage', 'the disk is gone');
    };
    const suggestions = suggestionsOf(home);
    const settle = async (): Promise<void> => {
      await suggestions.refresh().catch(() => undefined);
    };
    suggestions.list('proposed');
    await settle();
    expect(scans).toBe(1);
    suggestions.list('proposed');
    expect(scans).toBe(1);
    home.scan = scan;
    clock.advance(11 * 60_000);
    expect(suggestions.list('proposed').observed.isComputing).toBe(true);
    await suggestions.upToDate();
    expect(suggestions.list('proposed').items).toHaveLength(1);
  });

  test('a hub that stops does not wait for the search, and one whose clock is not set withdraws nothing', async () => {
    const stopping = suggestionsOf(homeUntil('2026-03-20'));
    const search = stopping.refresh();
    await Promise.all([stopping[Symbol.asyncDispose](), expect(search).rejects.toThrow('aborted')]);
    expect(stopping.list('proposed')).toMatchObject({ items: [], observed: { isComputing: false } });
    const [one] = (await listed(homeUntil('2026-03-20'))).items;
    const home = homeUntil('2026-03-20');
    const early = suggestionsOf(home);
    clock.jumpTo(5000);
    await early.refresh();
    expect(early.list('proposed').items.map(({ id }) => id)).toEqual([one?.id]);
  });
});

test('where nothing is written down nothing is suggested', async () => {
  const home = homeUntil('2026-03-20');
  clock.jumpTo(home.nowMs);
  const suggestions = new Suggestions({
    store,
    activity: null,
    log: silentLogger,
    history: null,
    home,
    zone: ZONE,
    sun: null,
    clock,
  });
  expect(await listed(suggestions)).toMatchObject({
    items: [],
    observed: { days: 0, sinceMs: null },
  });
});
