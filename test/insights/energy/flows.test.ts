import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { byTime, flatTariff, notesOf, openEnergyHome, type EnergyTestHome } from './home.ts';

const HOUR = 3600;
const DAY = 24 * HOUR;
const WHOLE_DAY = { span: { fromDate: '2026-03-02', toDate: '2026-03-03' } } as const;

type Power = (second: number) => number | null;

let home: EnergyTestHome;
beforeEach(async () => {
  home = await openEnergyHome();
});
afterEach(async () => {
  await home[Symbol.asyncDispose]();
});

/** A day of devices that tell their power; null is a device that is not heard. */
async function play(powers: Readonly<Record<string, Power>>): Promise<void> {
  const series = Object.entries(powers).map(([entityId, power]) => ({
    entityId,
    capability: 'power' as const,
    samples: byTime(power, DAY, 300),
  }));
  await home.play(series, DAY);
}

const sum = (values: readonly (number | null)[]): number =>
  values.reduce<number>((total, value) => total + (value ?? 0), 0);

describe('a roof that nobody meters', () => {
  test('what is fed in came from it, and is not taken off what came from the grid', async () => {
    home.add('meter', { kinds: ['power'], settings: { energy_role: 'main' } });
    await play({ meter: (second) => (second < 12 * HOUR ? 1000 : -800) });
    const report = await home.report(WHOLE_DAY);
    expect(report.home?.kwh).toBeCloseTo(12, 6);
    expect(report.home?.importKwh).toBeCloseTo(12, 6);
    expect(report.home?.exportKwh).toBeCloseTo(9.6, 6);
    expect(report.home?.productionKwh).toBeNull();
    expect(notesOf(report, 'export')).toEqual([expect.stringContaining('nothing that produces is metered')]);
  });
});

describe('a roof that is not heard for some hours', () => {
  beforeEach(async () => {
    home.add('meter', { kinds: ['power'], settings: { energy_role: 'main' } });
    home.add('roof', { kinds: ['power'], settings: { energy_role: 'solar' } });
    await play({
      meter: (second) => (second < 12 * HOUR ? 1000 : -500),
      // Silent from 14:00 to 18:00.
      roof: (second) => (second >= 14 * HOUR && second < 18 * HOUR ? null : second < 12 * HOUR ? 0 : 1500),
    });
  });

  test('leaves what the home used then unknown, not nothing', async () => {
    const report = await home.report({ ...WHOLE_DAY, resolution: 'hour' });
    expect(report.buckets[13]?.kwh).toBeCloseTo(1, 6);
    // What was said last is believed for some minutes more.
    expect(report.buckets.slice(15, 18).map(({ kwh }) => kwh)).toEqual([null, null, null]);
    expect(report.buckets[19]?.kwh).toBeCloseTo(1, 6);
    expect(report.home?.coverage).toBeCloseTo(1 - 3.75 / 24, 1);
  });

  test('the buckets together are the figure of the home', async () => {
    for (const resolution of ['15m', 'hour', 'day'] as const) {
      const report = await home.report({ ...WHOLE_DAY, resolution });
      expect(sum(report.buckets.map(({ kwh }) => kwh))).toBeCloseTo(report.home?.kwh ?? -1, 6);
    }
  });
});

test('counters that move at different moments make no energy: what a quarter seems to owe, the next ones pay', async () => {
  home.source.stateClasses.set('energy:1', 'total_increasing');
  const counter = (name: string, label: string): (typeof home.devices)[number]['capabilities'][number] => ({
    name,
    kind: 'energy',
    label,
    state_class: 'total_increasing',
  });
  home.add('meter', {
    settings: { energy_role: 'main' },
    capabilities: [counter('energy', 'Import'), counter('energy:1', 'Export')],
  });
  home.add('roof', { settings: { energy_role: 'solar' }, capabilities: [counter('energy', 'Production')] });
  // Half a kWh is used in an hour; the roof gives 2 and tells it in steps of 1, the export of 1.5 in steps of 0.1.
  for (let minute = 0; minute < 240; minute++) {
    home.source.say('meter', 'energy', 100);
    home.source.say('meter', 'energy:1', 20 + Math.floor(minute / 4) / 10);
    home.source.say('roof', 'energy', 50 + Math.floor(minute / 30));
    home.clock.jumpTo(home.clock.nowMs() + 60_000);
    if (minute % 10 === 9) await home.readings.tick();
  }
  const report = await home.report({ resolution: '15m' });
  expect(report.home?.productionKwh).toBeCloseTo(7, 6);
  expect(report.home?.exportKwh).toBeCloseTo(5.9, 6);
  // The last step of the roof is not told yet.
  expect(report.home?.kwh).toBeGreaterThan(1);
  expect(report.home?.kwh).toBeLessThan(2.1);
  expect(sum(report.buckets.map(({ kwh }) => kwh))).toBeCloseTo(report.home?.kwh ?? -1, 6);
  for (const { kwh } of report.buckets) expect(kwh ?? 0).toBeGreaterThanOrEqual(0);
});

describe('a sub-meter that is heard only for half of the day', () => {
  beforeEach(async () => {
    home.add('board', { kinds: ['power'], roomId: 'cellar' });
    home.add('strip', { kinds: ['power'], roomId: 'kitchen', settings: { energy_parent: 'board' } });
    home.add('lamp', { kinds: ['power'], roomId: 'kitchen', settings: { energy_parent: 'strip' } });
    await play({
      board: (second) => (second < 12 * HOUR ? 1000 : null),
      strip: (second) => (second < 18 * HOUR ? 600 : null),
      lamp: () => 200,
    });
    await home.energy.tariffs.create(flatTariff({ price: 0.5 }));
  });

  test('what hangs behind it counts by itself for the rest', async () => {
    const report = await home.report({ ...WHOLE_DAY, resolution: 'hour' });
    expect(report.buckets[3]?.kwh).toBeCloseTo(1, 6);
    expect(report.buckets[14]?.kwh).toBeCloseTo(0.6, 6);
    expect(report.buckets[21]?.kwh).toBeCloseTo(0.2, 6);
    // Each is believed for some minutes more.
    expect(report.home?.kwh).toBeCloseTo(12 + 6 * 0.6 + 6 * 0.2, 0);
  });

  test('each kWh and its price is in one device, one room and once in the home', async () => {
    const report = await home.report(WHOLE_DAY);
    const whole = report.home?.kwh ?? -1;
    expect(sum(report.devices.map(({ ownKwh }) => ownKwh))).toBeCloseTo(whole, 4);
    expect(sum(report.rooms.map(({ kwh }) => kwh))).toBeCloseTo(whole, 4);
    expect(sum(report.rooms.map(({ cost }) => cost))).toBeCloseTo(whole * 0.5, 4);
    expect(report.home?.cost).toBeCloseTo(whole * 0.5, 4);
    const own = Object.fromEntries(report.devices.map(({ entityId, ownKwh }) => [entityId, ownKwh]));
    expect(own['lamp']).toBeCloseTo(4.8, 4);
    expect(own['strip']).toBeCloseTo(18 * 0.4, 0);
    expect(own['board']).toBeCloseTo(12 * 0.4, 0);
  });
});

test('a parent that is gone or tells nothing holds nothing', async () => {
  home.add('lamp', { kinds: ['power'], settings: { energy_parent: 'nobody' } });
  home.add('board', { kinds: ['power'] });
  home.add('radio', { kinds: ['power'], settings: { energy_parent: 'board' } });
  await play({ lamp: () => 100, radio: () => 50 });
  const report = await home.report(WHOLE_DAY);
  expect(report.home).toMatchObject({ basis: 'devices' });
  expect(report.home?.kwh).toBeCloseTo(3.6, 6);
});

test('a room is the one in which the device is now, and a device that is gone is in no figure', async () => {
  home.add('lamp', { kinds: ['power'], roomId: 'kitchen' });
  home.add('radio', { kinds: ['power'], roomId: 'kitchen' });
  await play({ lamp: () => 100, radio: () => 50 });
  home.devices[0] = { ...(home.devices[0] as (typeof home.devices)[number]), roomId: 'cellar' };
  const moved = await home.report(WHOLE_DAY);
  expect(moved.rooms).toMatchObject([
    { roomId: 'cellar', kwh: expect.closeTo(2.4, 4) as number },
    { roomId: 'kitchen', kwh: expect.closeTo(1.2, 4) as number },
  ]);
  home.devices.shift();
  const gone = await home.report(WHOLE_DAY);
  expect(gone.devices.map(({ entityId }) => entityId)).toEqual(['radio']);
  expect(gone.home?.kwh).toBeCloseTo(1.2, 4);
});
