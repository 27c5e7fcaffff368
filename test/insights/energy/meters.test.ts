import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { HomeZone } from '../../../src/base/home-zone.ts';
import { Energy } from '../../../src/insights/energy/energy.ts';
import { byTime, notesOf, openEnergyHome, type EnergyTestHome } from './home.ts';

const HOUR = 3600;
const DAY = 24 * HOUR;

let home: EnergyTestHome;
beforeEach(async () => {
  home = await openEnergyHome();
});
afterEach(async () => {
  await home[Symbol.asyncDispose]();
});

async function play(
  kind: 'power' | 'energy',
  valueAt: (second: number) => number | null,
  seconds: number,
  everySeconds = 300,
): Promise<void> {
  if (home.devices.length === 0) home.add('plug', { kinds: [kind] });
  const samples = byTime(valueAt, seconds, everySeconds);
  await home.play([{ entityId: 'plug', capability: kind, samples }], seconds);
}

/** With the digits that a meter shows. */
const shown = (kwh: number): number => Math.round(kwh * 1000) / 1000;
const day = (n: number): { fromDate: string; toDate: string } => ({
  fromDate: `2026-03-0${2 + n}`,
  toDate: `2026-03-0${3 + n}`,
});

describe('a counter of each day, which begins anew at midnight', () => {
  test('has the energy of each day, and no glitch at the border', async () => {
    await play('energy', (second) => shown((second % DAY) / HOUR), 3 * DAY);
    const report = await home.report({
      span: { fromDate: '2026-03-02', toDate: '2026-03-05' },
      entityId: 'plug',
    });
    // What was used between the last word of a day and midnight is not told by such a counter.
    for (const { kwh } of report.buckets) expect(kwh).toBeCloseTo(24, 0);
    expect(report.devices[0]).toMatchObject({ unattributedKwh: 0, quarantinedKwh: 0 });
  });
});

describe('a meter that is read once a day', () => {
  test('spreads each rise over the time between its readings, across midnight too', async () => {
    const atNoon = (second: number): number | null =>
      second % DAY === 12 * HOUR ? 1000 + Math.floor(second / DAY) * 24 : null;
    await play('energy', atNoon, 6 * DAY, 12 * HOUR);
    const days = await home.report({
      span: { fromDate: '2026-03-04', toDate: '2026-03-07' },
      entityId: 'plug',
    });
    for (const { kwh } of days.buckets) expect(kwh).toBeCloseTo(24, 1);
    // The same by itself as among others.
    const alone = await home.device('plug', { span: day(3) });
    expect(alone.kwh).toBeCloseTo(days.buckets[1]?.kwh ?? -1, 4);
  });
});

describe('a counter that is replaced by another one', () => {
  test('with a higher count leaps, and the leap is told as an error', async () => {
    await play('energy', (second) => shown(100 + second / HOUR + (second >= 6 * HOUR ? 4900 : 0)), 12 * HOUR);
    const report = await home.report({ resolution: '15m', entityId: 'plug' });
    expect(report.devices[0]?.kwh).toBeCloseTo(12, 0);
    expect(report.devices[0]?.quarantinedKwh).toBeCloseTo(4900, 0);
    expect(notesOf(report, 'quarantined')).toHaveLength(1);
    // What was used in those five minutes is not known.
    expect(report.buckets[24]?.coverage).toBeCloseTo(2 / 3, 2);
  });

  test('with a lower count goes on from there', async () => {
    await play('energy', (second) => shown((second < 6 * HOUR ? 100 : 40) + second / HOUR), 12 * HOUR);
    const device = await home.device('plug');
    expect(device.kwh).toBeCloseTo(12, 0);
    expect(device).toMatchObject({ unattributedKwh: 0, quarantinedKwh: 0 });
  });
});

test('0 said just before midnight is a glitch on both of its sides', async () => {
  const value = (second: number): number => (second === DAY - 300 ? 0 : shown(100 + second / HOUR));
  await play('energy', value, 2 * DAY);
  for (const n of [0, 1]) {
    const device = await home.device('plug', { span: day(n) });
    expect(device.kwh).toBeCloseTo(24, 0);
    expect(device).toMatchObject({ unattributedKwh: 0, quarantinedKwh: 0 });
  }
});

test('an outage over midnight is told once, where it ends', async () => {
  await play('energy', (second) => shown(100 + second / HOUR), 16 * HOUR);
  home.source.say('plug', 'available', false);
  home.clock.jumpTo(home.clock.nowMs() + 16 * HOUR * 1000);
  await play('energy', (second) => shown(132 + second / HOUR), 16 * HOUR);
  const [first, second] = [
    await home.device('plug', { span: day(0) }),
    await home.device('plug', { span: day(1) }),
  ];
  expect(first).toMatchObject({ unattributedKwh: 0 });
  expect(second.unattributedKwh).toBeCloseTo(16, 0);
  expect(first.kwh + second.kwh).toBeCloseTo(32, 0);
});

test('a single reading of a power that cannot be takes its five minutes with it, and no more', async () => {
  await play('power', (second) => (second === 3 * HOUR + 60 ? 65_535 : 1000), 6 * HOUR, 60);
  const report = await home.report({ resolution: '15m', entityId: 'plug' });
  const [device] = report.devices;
  expect(device?.kwh).toBeCloseTo(6 - 1 / 12, 2);
  expect(device?.coveredMs).toBe((6 * HOUR - 300) * 1000);
  expect(notesOf(report, 'quarantined')).toEqual([
    expect.stringMatching(/^plug: .* between 2026-03-02 03:00 and 2026-03-02 03:05 are more than 17 kW/),
  ]);
});

test('negative power of a device is told and left out; said of what produces it counts', async () => {
  await play('power', (second) => (second < 3 * HOUR ? 500 : -500), 6 * HOUR);
  const report = await home.report({ entityId: 'plug' });
  expect(report.devices[0]?.kwh).toBeCloseTo(1.5, 2);
  expect(notesOf(report, 'negative_power')).toEqual([expect.stringContaining('1.50 kWh of negative power')]);
  home.devices[0] = {
    ...(home.devices[0] as (typeof home.devices)[number]),
    settings: { energy_role: 'solar' },
  };
  expect((await home.device('plug')).kwh).toBeCloseTo(3, 2);
});

test('a counter that stands still while the power says otherwise is told', async () => {
  home.add('plug');
  await home.play(
    [
      { entityId: 'plug', capability: 'power', samples: byTime(() => 500, 7 * DAY, 300) },
      { entityId: 'plug', capability: 'energy', samples: byTime(() => 7, 7 * DAY, 300) },
    ],
    7 * DAY,
  );
  const span = { fromDate: '2026-03-02', toDate: '2026-03-09' };
  const report = await home.report({ span });
  expect(report.devices[0]).toMatchObject({ source: 'counter', kwh: 0 });
  expect(notesOf(report, 'disagreement')).toEqual([
    'plug: its counter says 0.00 kWh and its power 84.0 kWh: one of them is wrong. The counter is taken; energy_capabilities chooses the power.',
  ]);
  const [plug] = home.devices;
  home.devices[0] = { ...(plug as NonNullable<typeof plug>), settings: { energy_capabilities: ['power'] } };
  const chosen = await home.report({ span });
  expect(chosen.devices[0]?.kwh).toBeCloseTo(84, 1);
  expect(notesOf(chosen, 'disagreement')).toEqual([]);
});

test('a home that moves to another time zone has other days, and the same energy', async () => {
  await play('power', (second) => (second < DAY ? 1000 : 500), 2 * DAY);
  const moved = new Energy({
    store: home.store,
    history: home.readings,
    home: { devices: () => home.devices, roomName: () => null },
    zone: new HomeZone('America/New_York'),
    clock: home.clock,
  });
  const span = { fromDate: '2026-03-01', toDate: '2026-03-04' };
  const ask = { span, resolution: 'day', visible: null } as const;
  const before = (await home.energy.report(ask)).buckets.map(({ kwh }) => kwh);
  const after = (await moved.report(ask)).buckets.map(({ kwh }) => kwh);
  expect(before).toEqual([null, expect.closeTo(24, 4), expect.closeTo(12, 4)]);
  // Midnight there is 6:00 in Berlin.
  expect(after).toEqual([expect.closeTo(6, 4), expect.closeTo(18 + 3, 4), expect.closeTo(9, 4)]);
});

test.each([[1], [7], [731]])('%d days up to today have so many days of the calendar', async (days) => {
  await play('power', () => 100, HOUR);
  const report = await home.report({ span: { days }, entityId: 'plug' });
  expect(report).toMatchObject({ days, completeDays: days - 1 });
  expect(report.devices[0]?.kwh).toBeCloseTo(0.1, 4);
});

test.each([
  [{ fromDate: '1969-01-01', toDate: '1969-02-01' }],
  [{ fromDate: '2025-01-01', toDate: '2025-03-01' }],
])('of %j nothing is known, and nothing is said', async (span) => {
  await play('power', () => 100, HOUR);
  const report = await home.report({ span });
  expect(report).toMatchObject({ devices: [], home: null, unmetered: null, buckets: [], peakHours: [] });
});

test('the rest of today has no price yet, which is no lack', async () => {
  await play('power', () => 100, 6 * HOUR);
  await home.energy.tariffs.create({
    name: 'Market',
    currency: 'EUR',
    validFrom: '2026-01-01',
    validTo: null,
    standingPrice: 0,
    price: null,
    windows: [],
    dynamic: { factor: 1, surcharge: 0 },
  });
  const prices = Array.from({ length: 7 }, () => 0.2);
  await home.energy.prices.put({ fromMs: home.ms('2026-03-02T00:00'), stepMs: 3_600_000, prices });
  const report = await home.report();
  expect(notesOf(report, 'no_price')).toEqual([]);
  expect(report.home?.cost).toBeCloseTo(0.6 * 0.2, 4);
});
