import { describe, expect, test } from 'vitest';

import type { Candidate } from '../../../src/insights/habits/types.ts';

import { HomeZone } from '../../../src/base/home-zone.ts';
import { Sun } from '../../../src/base/sun.ts';
import { automationContent } from '../../../src/insights/habits/automation-content.ts';
import { sentenceOf } from '../../../src/insights/habits/wording.ts';
import { plant, search, titles } from './search-home.ts';
import { addNoise, DAY, MINUTE, NOBODY, SimulatedHome } from './simulator.ts';

const WORKING = [1, 2, 3, 4, 5];

describe('habits that are there', () => {
  test('nine in ten are found after two weeks, and their time is right', async () => {
    let found = 0;
    let planted = 0;
    for (let seed = 1; seed <= 12; seed++) {
      const home = new SimulatedHome({ days: 14, seed });
      addNoise(home);
      const times = [6 * 60 + 40, 12 * 60 + 15, 19 * 60 + 30];
      for (const [n, minute] of times.entries()) plant(home, `lamp ${n}`, minute, { share: 0.97, spread: 6 });
      const { candidates } = await search(home);
      for (const [n, minute] of times.entries()) {
        planted += 1;
        const one = candidates.find(
          ({ target, rule }) =>
            target.entityId === `lamp ${n}` && target.value === true && rule.type === 'time',
        );
        if (one?.rule.type !== 'time') continue;
        const { frame, minute: at } = one.rule;
        // By chance the sun may fit as well; then its time of day has to.
        if (frame === 'clock') expect(Math.abs(at - minute)).toBeLessThanOrEqual(10);
        found += 1;
      }
    }
    expect(found / planted).toBeGreaterThanOrEqual(0.9);
  });

  test('working days and weekends are told apart after four weeks', async () => {
    const home = new SimulatedHome({ days: 28 });
    plant(home, 'coffee', 7 * 60, { weekdays: WORKING });
    plant(home, 'radio', 10 * 60, { weekdays: [0, 6] });
    const { candidates } = await search(home);
    const rules = new Map(candidates.map(({ target, rule }) => [`${target.entityId} ${target.value}`, rule]));
    expect(rules.get('coffee true')).toMatchObject({
      type: 'time',
      frame: 'clock',
      minute: 420,
      weekdays: WORKING,
    });
    expect(rules.get('radio true')).toMatchObject({ type: 'time', minute: 600, weekdays: [0, 6] });
  });

  test('what goes by the sun is found to go by the sun, and what goes by the clock by the clock', async () => {
    for (let seed = 1; seed <= 5; seed++) {
      const home = new SimulatedHome({ days: 40, seed });
      home.add('porch', 'on_off');
      for (const { sunset } of home.days()) {
        home.act('porch', sunset + (20 + home.jitter(5)) * MINUTE);
        home.act('porch', sunset + 200 * MINUTE + home.random() * 90 * MINUTE, false);
      }
      plant(home, 'hall', 18 * 60 + 10, { spread: 5 });
      const { candidates } = await search(home);
      const of = (id: string): Candidate | undefined =>
        candidates.find(({ target }) => target.entityId === id && target.value === true);
      expect(of('porch')?.rule).toMatchObject({ type: 'time', frame: 'sunset' });
      expect(of('hall')?.rule).toMatchObject({ type: 'time', frame: 'clock' });
      expect(of('porch')?.evidence.spreadMinutes).toBeLessThan(12);
    }
  });

  test('a habit at midnight is one habit', async () => {
    const home = new SimulatedHome({ days: 21 });
    home.add('bedroom', 'on_off');
    for (const { at } of home.days()) home.act('bedroom', at(1439 + home.jitter(7)), false);
    const [one, ...more] = (await search(home)).candidates;
    expect(more).toEqual([]);
    expect(one?.rule.type).toBe('time');
    if (one?.rule.type === 'time') expect([1430, 1435, 0, 5]).toContain(one.rule.minute);
    expect(one?.evidence.support).toBeGreaterThanOrEqual(19);
  });

  test('the clock on the wall is what counts, through the change of it and in any zone', async () => {
    const zones = [
      ['Europe/Berlin', '2026-04-12', 52.5, 13.4],
      ['America/New_York', '2025-11-16', 40.7, -74],
      ['Australia/Lord_Howe', '2026-04-18', -31.5, 159.1],
      ['Asia/Kathmandu', '2026-04-12', 27.7, 85.3],
    ] as const;
    for (const [id, until, latitude, longitude] of zones) {
      const zone = new HomeZone(id);
      const home = new SimulatedHome({ days: 28, until, zone, sun: new Sun(latitude, longitude, zone) });
      plant(home, 'coffee', 7 * 60, { spread: 3 });
      const { candidates } = await search(home);
      const rule = candidates.find(({ target }) => target.value === true)?.rule;
      expect(rule, id).toMatchObject({ type: 'time', frame: 'clock', minute: 420 });
    }
  });

  test('what follows something is found to follow it, with how long', async () => {
    const home = new SimulatedHome({ days: 21 });
    addNoise(home);
    home.add('pantry door', 'contact');
    home.add('pantry light', 'on_off');
    for (const { at } of home.days()) {
      for (let n = 0; n < 3; n++) {
        const ms = at(420 + home.random() * 900);
        home.happen('pantry door', 'contact', ms, true, NOBODY);
        home.happen('pantry door', 'contact', ms + MINUTE, false, NOBODY);
        if (home.random() > 0.95) continue;
        home.act('pantry light', ms + 3000 + home.random() * 5000);
        home.act('pantry light', ms + 240_000 + home.random() * 60_000, false);
      }
    }
    const { candidates } = await search(home);
    const rules = candidates.map(({ rule, target }) => ({ rule, value: target.value }));
    const source = { type: 'state', entityId: 'pantry door', capability: 'contact' };
    expect(rules).toContainEqual({
      value: true,
      rule: {
        type: 'trigger',
        source: { ...source, value: true },
        withinMs: 15_000,
        whenDark: false,
        forMs: 0,
      },
    });
    // It is never on for long: that it goes off soon after the door closes would be so after anything else.
    expect(rules).toHaveLength(1);
  });

  test('what people do some minutes later waits as long as they do, and not a second less', async () => {
    const home = new SimulatedHome({ days: 21 });
    home.add('workshop door', 'contact');
    home.add('workshop light', 'on_off');
    for (const { at } of home.days()) {
      const ms = at(600 + home.random() * 600);
      home.act('workshop light', ms - (30 + home.random() * 150) * MINUTE);
      home.happen('workshop door', 'contact', ms - MINUTE, true, NOBODY);
      home.happen('workshop door', 'contact', ms, false, NOBODY);
      home.act('workshop light', ms + 180_000 + home.random() * 60_000, false);
    }
    const { candidates } = await search(home);
    const rule = candidates.find(({ target }) => target.value === false)?.rule;
    expect(rule).toMatchObject({
      type: 'trigger',
      source: { type: 'state', entityId: 'workshop door', capability: 'contact', value: false },
    });
    if (rule?.type === 'trigger') expect([3 * MINUTE, 4 * MINUTE]).toContain(rule.forMs);
  });

  test('what happens in the dark only is suggested for the dark only', async () => {
    const home = new SimulatedHome({ days: 21 });
    home.add('door', 'contact');
    home.add('path light', 'on_off');
    for (const { at } of home.days()) {
      for (const minute of [9 * 60, 14 * 60, 21 * 60]) {
        const ms = at(minute + home.random() * 90);
        home.happen('door', 'contact', ms, true, NOBODY);
        home.happen('door', 'contact', ms + 5000, false, NOBODY);
        if (minute < 20 * 60) continue;
        home.act('path light', ms + 3000 + home.random() * 3000);
        home.act('path light', ms + 20 * MINUTE + home.random() * 10 * MINUTE, false);
      }
    }
    expect(await titles(home)).toContain('path light on when door opens in the dark');
  });

  test('the last who leaves and the first who comes home', async () => {
    const home = new SimulatedHome({ days: 21 });
    for (const phone of ['phone a', 'phone b']) {
      home.add(phone, 'location');
      home.happen(phone, 'location', home.firstMs + 1000, 'home', NOBODY);
    }
    for (const lamp of ['lamp', 'heater']) home.add(lamp, 'on_off');
    for (const { at } of home.days()) {
      const outMs = at(480 + home.random() * 120);
      home.happen('phone a', 'location', outMs - 30 * MINUTE, 'not_home', NOBODY);
      home.act('lamp', outMs - (4 + home.random() * 6) * MINUTE, false);
      home.happen('phone b', 'location', outMs, 'not_home', NOBODY);
      const backMs = at(960 + home.random() * 200);
      home.happen('phone b', 'location', backMs, 'home', NOBODY);
      home.happen('phone a', 'location', backMs + 20 * MINUTE, 'home', NOBODY);
      home.act('heater', backMs + (1 + home.random()) * MINUTE);
      home.act('lamp', backMs + 60 * MINUTE + home.random() * 100 * MINUTE);
      home.act('heater', backMs + 120 * MINUTE + home.random() * 100 * MINUTE, false);
    }
    expect(await titles(home)).toEqual(
      expect.arrayContaining(['heater on when the first comes home', 'lamp off when the last one leaves']),
    );
  });

  test('light in an empty room and heating beside an open window', async () => {
    const home = new SimulatedHome({ days: 20 });
    home.add('sensor', 'occupancy', { roomId: 'study' });
    home.add('ceiling', 'on_off', { roomId: 'study' });
    home.add('window', 'contact', { roomId: 'study' });
    home.add('radiator', 'hvac_mode', {
      roomId: 'study',
      options: ['off', 'heat'],
      commandKinds: ['climate'],
    });
    home.happen('radiator', 'hvac_mode', home.firstMs, 'heat', NOBODY);
    for (const { at } of home.days()) {
      const goneMs = at(600 + home.random() * 300);
      home.act('ceiling', goneMs - 100 * MINUTE * (1 + home.random()));
      home.happen('sensor', 'occupancy', goneMs - 60 * MINUTE, true, NOBODY);
      home.happen('sensor', 'occupancy', goneMs, false, NOBODY);
      home.act('ceiling', goneMs + 120 * MINUTE * (1 + home.random()), false);
      const openMs = at(360 + home.random() * 100);
      home.happen('window', 'contact', openMs, true, NOBODY);
      home.happen('window', 'contact', openMs + 25 * MINUTE, false, NOBODY);
    }
    const { candidates } = await search(home);
    const savings = candidates.filter(({ rule }) => rule.type === 'saving');
    expect(savings.map(({ target }) => `${target.entityId} ${target.value}`).toSorted()).toEqual([
      'ceiling false',
      'radiator off',
    ]);
    for (const { evidence, dryRun } of savings) {
      expect(evidence.support).toBeGreaterThanOrEqual(19);
      expect(dryRun.wrong).toBe(0);
    }
  });

  test('what stands by all night and is used by day; not a router, not a fridge', async () => {
    const home = new SimulatedHome({ days: 20 });
    const draws: Record<string, (hour: number) => { mean: number; max: number }> = {
      television: (hour) => (hour >= 19 && hour < 22 ? { mean: 90, max: 120 } : { mean: 8, max: 9 }),
      router: () => ({ mean: 9, max: 11 }),
      fridge: () => ({ mean: 40, max: 95 }),
    };
    for (const id of Object.keys(draws)) {
      home.add(id, 'on_off', { commandKinds: ['switch'] });
      home.add(id, 'power');
      home.happen(id, 'on_off', home.firstMs, true, NOBODY);
    }
    home.numbers = {
      scan: () => ({
        *buckets({ entityId, fromMs, toMs }) {
          for (let startMs = fromMs; startMs < toMs; startMs += 60 * MINUTE) {
            const { mean, max } = draws[entityId]?.(home.zone.at(startMs).hour) ?? { mean: 0, max: 0 };
            const known = { first: mean, last: mean, coveredMs: 60 * MINUTE, samples: 60, rise: null };
            yield [{ startMs, mean, max, min: mean, ...known }];
          }
        },
      }),
    };
    const { candidates, observations } = await search(home);
    expect(candidates.map((candidate) => sentenceOf(candidate, observations.devices))).toEqual([
      'television stood by all night and drew about 8 W on 20 days. It could go off at 01:00, and stays off until somebody switches it on again. On these same days it would have fired rightly on 20 of 20, never wrongly.',
    ]);
    const [one] = candidates;
    expect(one && automationContent(one, 'x')).toMatchObject({
      triggers: [{ type: 'time', at: '01:00' }],
      conditions: [{ type: 'state', entity_id: 'television', capability: 'power', below: 15 }],
      actions: [{ entity_id: 'television', capability: 'on_off', value: false }],
    });
  });

  test('tells the very days, and those on which it was not so', async () => {
    const home = new SimulatedHome({ days: 20 });
    plant(home, 'coffee', 7 * 60, { share: 0.9, spread: 3 });
    const [one] = (await search(home)).candidates.filter(({ target }) => target.value === true);
    const { days = [], missedDays = [], eligibleDays } = one?.evidence ?? {};
    expect(days.length + missedDays.length).toBe(20);
    expect(eligibleDays).toBe(20);
    const on = [...home.scan(0, home.nowMs)]
      .flat()
      .find((s) => s.entityId === 'coffee' && s.capability === 'on_off');
    const truth = new Set(
      on?.events.filter(({ value }) => value === true).map(({ timeMs }) => home.zone.dayOf(timeMs).date),
    );
    expect(new Set(days)).toEqual(truth);
    expect(one?.dryRun).toMatchObject({ firings: 20, right: days.length, wrong: missedDays.length });
  });
});

test('days on which the hub did not run speak neither for nor against', async () => {
  const home = new SimulatedHome({ days: 24 });
  plant(home, 'coffee', 420);
  const gapMs = home.firstMs + 6 * DAY;
  home.gaps = [{ startMs: gapMs, endMs: gapMs + 5 * DAY }];
  const [one] = (await search(home)).candidates.filter(({ target }) => target.value === true);
  expect(one?.evidence.eligibleDays).toBe(19);
  expect(one?.evidence.missedDays).toEqual([]);
});
