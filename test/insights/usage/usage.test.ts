import { expect, test } from 'vitest';

import type { LoggedEvent } from '../../../src/insights/types.ts';

import { ManualClock } from '../../../src/base/clock.ts';
import { HomeZone } from '../../../src/base/home-zone.ts';
import { Usage, type UsageOptions } from '../../../src/insights/usage/usage.ts';
import { DAY, MINUTE, NOBODY, PERSON, SimulatedHome } from '../habits/simulator.ts';

const HOUR = 60 * MINUTE;

function usageOf(home: SimulatedHome, more: Partial<UsageOptions> = {}): Usage {
  return new Usage({
    log: home,
    home: { entityCounts: () => new Map(), nameOf: () => null },
    zone: home.zone,
    clock: new ManualClock(home.nowMs),
    ...more,
  });
}

test('counts by the days of the home, and tells when nobody counted', async () => {
  // On 29 March the clocks in Berlin go forward: that day has 23 hours.
  const home = new SimulatedHome({ days: 6, until: '2026-03-31' });
  home.add('lamp', 'on_off');
  home.add('door', 'contact');
  for (const { at, n } of home.days()) {
    // Just after midnight on the wall, which is the day before in UTC.
    home.act('lamp', at(10), true);
    for (let k = 0; k < n; k++) home.happen('door', 'contact', at(600 + k), k % 2 === 0, NOBODY);
    home.happen('lamp', 'on_off', at(700), false, { kind: 'automation', id: 'x' });
  }
  const gapMs = home.zone.day('2026-03-28').startMs;
  home.gaps = [{ startMs: gapMs, endMs: gapMs + DAY / 2 }];
  const usage = usageOf(home, {
    home: {
      entityCounts: () =>
        new Map([
          ['device', 2],
          ['room', 1],
        ]),
      nameOf: (id) => (id === 'lamp' ? 'The lamp' : null),
    },
  });
  const report = await usage.report(5);
  expect(report.days.map(({ date }) => date)).toEqual([
    '2026-03-27',
    '2026-03-28',
    '2026-03-29',
    '2026-03-30',
    '2026-03-31',
  ]);
  expect(report.days[0]).toMatchObject({
    events: 4,
    commands: 1,
    byCause: { person: 1, automation: 1, device: 2, service: 0, hub: 0 },
    coveredMs: DAY,
  });
  expect(report.days[1]).toMatchObject({ coveredMs: DAY / 2, lengthMs: DAY });
  expect(report.days[2]).toMatchObject({ coveredMs: 23 * HOUR, lengthMs: 23 * HOUR });
  expect(report.days[4]).toMatchObject({ events: 0, lengthMs: 10 * HOUR });
  expect(report.gaps).toEqual([{ fromMs: gapMs, toMs: gapMs + DAY / 2 }]);
  expect(report.recordedSinceMs).toBe(home.firstMs);
  expect(report.devices).toEqual([
    expect.objectContaining({ entityId: 'door', name: null, events: 14, commands: 0, byPeople: 0 }),
    expect.objectContaining({ entityId: 'lamp', name: 'The lamp', events: 8, commands: 4, byPeople: 4 }),
  ]);
  expect(report.entities.get('device')).toBe(2);
});

test('a moment belongs to the day that the wall shows, from midnight on', async () => {
  const home = new SimulatedHome({ days: 4 });
  const midnight = home.zone.day('2026-03-19').startMs;
  for (const ms of [midnight - 1, midnight, midnight + 1]) {
    home.happen('door', 'contact', ms, true, NOBODY);
  }
  const eventsOf = async (zone: HomeZone): Promise<[string, number][]> => {
    const { days } = await usageOf(home, { zone }).report(3);
    return days.map(({ date, events }) => [date, events]);
  };
  expect(await eventsOf(home.zone)).toEqual([
    ['2026-03-18', 1],
    ['2026-03-19', 2],
    ['2026-03-20', 0],
  ]);
  // There it is already the morning of the 19th.
  expect(await eventsOf(new HomeZone('Asia/Kathmandu'))).toEqual([
    ['2026-03-18', 0],
    ['2026-03-19', 3],
    ['2026-03-20', 0],
  ]);
});

test('what happened before the first day, or is yet to come, does not count', async () => {
  const home = new SimulatedHome({ days: 4 });
  const today = home.zone.day('2026-03-20').startMs;
  for (const ms of [today - 1, today, home.nowMs - 1, home.nowMs, home.nowMs + HOUR]) {
    home.happen('door', 'contact', ms, true, NOBODY);
  }
  const report = await usageOf(home).report(1);
  expect(report.days).toMatchObject([{ date: '2026-03-20', events: 2, coveredMs: 10 * HOUR }]);
  expect(report.devices).toMatchObject([{ entityId: 'door', events: 2, lastMs: home.nowMs - 1 }]);
});

test('where nothing is written down everything is unknown, and nothing is a gap', async () => {
  const home = new SimulatedHome({ days: 4 });
  const report = await usageOf(home, { log: null }).report(2);
  expect(report).toMatchObject({ recordedSinceMs: null, gaps: [], devices: [] });
  expect(report.days).toMatchObject([
    { events: 0, coveredMs: 0, lengthMs: DAY },
    { events: 0, coveredMs: 0, lengthMs: 10 * HOUR },
  ]);
});

test('days before the first record are not covered, and are no gap either', async () => {
  const home = new SimulatedHome({ days: 2 });
  home.happen('door', 'contact', home.nowMs - HOUR, true, NOBODY);
  const report = await usageOf(home).report(400);
  expect(report.days).toHaveLength(400);
  expect(report.days.filter(({ coveredMs }) => coveredMs > 0).map(({ date }) => date)).toEqual([
    '2026-03-18',
    '2026-03-19',
    '2026-03-20',
  ]);
  expect(report.gaps).toEqual([]);
});

test('gaps are told as far as they are in the time that is asked for', async () => {
  const home = new SimulatedHome({ days: 6 });
  const yesterday = home.zone.day('2026-03-19').startMs;
  home.gaps = [
    { startMs: yesterday - 3 * DAY, endMs: yesterday - 2 * DAY },
    { startMs: yesterday - HOUR, endMs: yesterday + HOUR },
    { startMs: yesterday + 5 * HOUR, endMs: yesterday + 6 * HOUR },
  ];
  const report = await usageOf(home).report(2);
  expect(report.gaps).toEqual([
    { fromMs: yesterday, toMs: yesterday + HOUR },
    { fromMs: yesterday + 5 * HOUR, toMs: yesterday + 6 * HOUR },
  ]);
  expect(report.days[0]).toMatchObject({ coveredMs: 22 * HOUR });
});

test('the twenty most active devices are named, those that are alike by their ids', async () => {
  const home = new SimulatedHome({ days: 2 });
  for (let n = 0; n < 25; n++) {
    const id = `device ${String(n).padStart(2, '0')}`;
    for (let k = 0; k <= (n === 24 ? 3 : 1); k++) {
      home.happen(id, 'contact', home.nowMs - HOUR + k, true, PERSON);
    }
  }
  const { devices } = await usageOf(home).report(1);
  expect(devices).toHaveLength(20);
  expect(devices.slice(0, 3).map(({ entityId, byPeople }) => [entityId, byPeople])).toEqual([
    ['device 24', 4],
    ['device 00', 2],
    ['device 01', 2],
  ]);
});

test('who asks the same meanwhile shares the answer; too many others are told to come again', async () => {
  const home = new SimulatedHome({ days: 2 });
  let scans = 0;
  const log = {
    spans: () => home.spans(),
    *scan(fromMs: number, toMs: number) {
      scans += 1;
      yield* home.scan(fromMs, toMs);
    },
  };
  const usage = usageOf(home, { log });
  const [first, second] = await Promise.all([usage.report(2), usage.report(2)]);
  expect(second).toBe(first);
  expect(scans).toBe(1);
  const many = await Promise.allSettled(
    Array.from({ length: 10 }, async (_, n) => await usage.report(n + 1)),
  );
  expect(many.filter(({ status }) => status === 'rejected')).toMatchObject([
    { reason: { kind: 'unavailable' } },
    { reason: { kind: 'unavailable' } },
  ]);
});

test('a damaged log is told, and does not stand in the way of the next who asks', async () => {
  const home = new SimulatedHome({ days: 2 });
  let isDamaged = true;
  const log = {
    spans: () => home.spans(),
    *scan(): Generator<readonly { entityId: string; capability: string; events: LoggedEvent[] }[]> {
      if (isDamaged) throw new Error('it cannot be read');
      yield [];
    },
  };
  const usage = usageOf(home, { log });
  await expect(usage.report(1)).rejects.toThrow('it cannot be read');
  isDamaged = false;
  expect(await usage.report(1)).toMatchObject({ devices: [] });
});
