import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { byTime, notesOf, openEnergyHome, steady, type EnergyTestHome } from './home.ts';

const HOUR = 3600;

let home: EnergyTestHome;
beforeEach(async () => {
  home = await openEnergyHome();
  home.add('plug', { kinds: ['energy'] });
});
afterEach(async () => {
  await home[Symbol.asyncDispose]();
});

async function play(
  valueAt: (second: number) => number | null,
  hours: number,
  everySeconds = 60,
): Promise<void> {
  const samples = byTime(valueAt, hours * HOUR, everySeconds);
  await home.play([{ entityId: 'plug', capability: 'energy', samples }], hours * HOUR);
}

/** A kW, from 100 kWh on. */
function counted(second: number): number {
  return Math.round((100 + second / HOUR) * 1000) / 1000;
}

describe('a counter that begins anew', () => {
  test('is counted on from there, and nothing is negative', async () => {
    await play((second) => (second < 3 * HOUR ? counted(second) : (second - 3 * HOUR) / HOUR), 6);
    const report = await home.report({ resolution: 'hour', entityId: 'plug' });
    expect(report.devices[0]?.kwh).toBeGreaterThan(5.9);
    expect(report.devices[0]?.kwh).toBeLessThanOrEqual(6);
    for (const { kwh } of report.buckets) expect(kwh).toBeGreaterThanOrEqual(0);
    expect(report.devices[0]).toMatchObject({ unattributedKwh: 0, quarantinedKwh: 0 });
  });

  test.each([1, 2])('0 said %d times at a start and then the old count is no reset', async (zeros) => {
    await play((second) => {
      const minute = Math.floor(second / 60);
      return minute >= 120 && minute < 120 + zeros ? 0 : counted(second);
    }, 4);
    const report = await home.report({ entityId: 'plug' });
    expect(report.devices[0]?.kwh).toBeCloseTo(4, 1);
    expect(report.devices[0]).toMatchObject({ unattributedKwh: 0, quarantinedKwh: 0 });
  });

  test('0 as the very first word does not count the whole meter', async () => {
    await play((second) => (second === 0 ? 0 : counted(second)), 2);
    expect(await home.device('plug')).toMatchObject({ unattributedKwh: 0, quarantinedKwh: 0 });
    expect((await home.device('plug')).kwh).toBeCloseTo(2, 1);
  });
});

describe('what was not watched', () => {
  test('is told as unattributed, and is in no hour', async () => {
    await play(counted, 2);
    home.source.say('plug', 'available', false);
    home.clock.jumpTo(home.clock.nowMs() + 5 * HOUR * 1000);
    await play((second) => counted(second + 7 * HOUR), 2);
    const report = await home.report({ resolution: 'hour', entityId: 'plug' });
    const [device] = report.devices;
    expect(device?.kwh).toBeCloseTo(4, 1);
    expect(device?.unattributedKwh).toBeCloseTo(5, 1);
    expect(report.buckets.slice(2, 7).map(({ kwh }) => kwh)).toEqual([null, null, null, null, null]);
    for (const { kwh } of report.buckets) expect(kwh ?? 0).toBeLessThan(1.1);
    expect(notesOf(report, 'unattributed')).toEqual([
      expect.stringMatching(/^plug: 5\.0\d kWh between 2026-03-02 02:00 and 2026-03-02 07:05 /),
    ]);
    expect(notesOf(report, 'low_coverage')).toEqual([expect.stringContaining('known for 44 % of the time')]);
  });

  test('a gap over a reset tells no more than the count after it', async () => {
    await play(counted, 2);
    home.source.say('plug', 'available', false);
    home.clock.jumpTo(home.clock.nowMs() + 5 * HOUR * 1000);
    await play((second) => 0.5 + second / HOUR, 2);
    const device = await home.device('plug');
    expect(device.kwh).toBeCloseTo(4, 1);
    expect(device.unattributedKwh).toBe(0);
  });
});

describe('errors of measurement', () => {
  test('more than a fuse lets through is left out, and told', async () => {
    await play((second) => counted(second) + (second >= 2 * HOUR ? 250 : 0), 4);
    const report = await home.report({ entityId: 'plug' });
    expect(report.devices[0]?.kwh).toBeCloseTo(4, 0);
    expect(report.devices[0]?.kwh).toBeLessThan(4.01);
    expect(report.devices[0]?.quarantinedKwh).toBeCloseTo(250, 0);
    expect(notesOf(report, 'quarantined')).toEqual([expect.stringContaining('more than 17 kW')]);
  });

  test('a person can move the limit', async () => {
    home.devices.length = 0;
    home.add('plug', { kinds: ['energy'], settings: { energy_limit_kw: 5000 } });
    await play((second) => counted(second) + (second >= 2 * HOUR ? 250 : 0), 4);
    const report = await home.report({ entityId: 'plug' });
    expect(report.devices[0]?.kwh).toBeCloseTo(254, 0);
    expect(notesOf(report, 'quarantined')).toEqual([]);
  });
});

test('a meter that speaks once an hour has no peak every hour: what it counts is of the hour before', async () => {
  await play(counted, 30, HOUR);
  const report = await home.report({
    span: { fromDate: '2026-03-02', toDate: '2026-03-03' },
    resolution: '15m',
    entityId: 'plug',
  });
  const known = report.buckets.slice(16, 88).map(({ kwh }) => kwh ?? 0);
  expect(Math.max(...known)).toBeLessThan(0.35);
  expect(known.reduce((sum, kwh) => sum + kwh, 0)).toBeCloseTo(18, 0);
});

test('what does not change is known and is nothing', async () => {
  await home.play([{ entityId: 'plug', capability: 'energy', samples: steady(7, 3 * HOUR) }], 3 * HOUR);
  expect(await home.device('plug')).toMatchObject({ kwh: 0, coveredMs: 3 * HOUR * 1000, coverage: 1 });
});

describe('which series of a device counts', () => {
  test('the power, where the counter is hardly heard', async () => {
    home.devices.length = 0;
    home.add('plug');
    const hours = 24;
    await home.play(
      [
        { entityId: 'plug', capability: 'power', samples: steady(1000, hours * HOUR) },
        { entityId: 'plug', capability: 'energy', samples: steady(5, HOUR, 60, 22 * HOUR) },
      ],
      hours * HOUR,
    );
    const device = await home.device('plug', { span: { fromDate: '2026-03-02', toDate: '2026-03-03' } });
    expect(device).toMatchObject({ source: 'estimated' });
    expect(device.kwh).toBeCloseTo(24, 3);
  });

  test('of a main meter what is taken and what is fed in, by the words of who made it', async () => {
    home.source.stateClasses.set('energy:1', 'total_increasing');
    home.devices.length = 0;
    home.add('meter', {
      settings: { energy_role: 'main' },
      capabilities: [
        { name: 'energy', kind: 'energy', label: 'Energy returned', state_class: 'total_increasing' },
        { name: 'energy:1', kind: 'energy', label: 'Energy', state_class: 'total_increasing' },
      ],
    });
    for (let minute = 0; minute <= 60; minute++) {
      home.source.say('meter', 'energy', 20 + minute / 200);
      home.source.say('meter', 'energy:1', 50 + minute / 60);
      home.clock.jumpTo(home.clock.nowMs() + 60_000);
      if (minute % 10 === 9) await home.readings.tick();
    }
    const report = await home.report();
    expect(report.home?.importKwh).toBeCloseTo(1, 2);
    expect(report.home?.exportKwh).toBeCloseTo(0.3, 2);
    expect(notesOf(report, 'setting')).toEqual([]);
  });

  test('of several counters the whole one, which is told; people choose others', async () => {
    const capabilities = [
      { name: 'energy', kind: 'energy', label: 'Energy today', state_class: 'total_increasing' },
      { name: 'energy:total', kind: 'energy', label: 'Energy total', state_class: 'total_increasing' },
      { name: 'energy:other', kind: 'energy', label: 'Channel 2', state_class: 'total_increasing' },
    ];
    home.source.stateClasses.set('energy:total', 'total_increasing').set('energy:other', 'total_increasing');
    home.devices.length = 0;
    home.add('plug', { capabilities });
    for (let minute = 0; minute < 120; minute++) {
      home.source.say('plug', 'energy', minute / 1000);
      home.source.say('plug', 'energy:total', 50 + minute / 100);
      home.source.say('plug', 'energy:other', minute / 200);
      home.clock.jumpTo(home.clock.nowMs() + 60_000);
      if (minute % 10 === 9) await home.readings.tick();
    }
    const report = await home.report();
    expect(report.devices[0]?.kwh).toBeCloseTo(1.19, 2);
    expect(notesOf(report, 'setting')).toEqual([expect.stringContaining('energy:total is taken')]);
    home.devices.length = 0;
    home.add('plug', { capabilities, settings: { energy_capabilities: ['energy:total', 'energy:other'] } });
    expect((await home.device('plug')).kwh).toBeCloseTo(1.19 + 0.595, 2);
  });
});
