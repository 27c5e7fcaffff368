import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { counting, onChange, sampled, simulateHome, truthKwh, type Sample } from '../simulator.ts';
import { notesOf, openEnergyHome, type EnergyTestHome } from './home.ts';

const DAYS = 3;
const SECONDS = DAYS * 86_400;
const truth = simulateHome(DAYS);

let home: EnergyTestHome;
beforeEach(async () => {
  home = await openEnergyHome();
});
afterEach(async () => {
  await home[Symbol.asyncDispose]();
});

/** Days are played from midnight on; what is asked for is all of them. */
const ALL = { span: { fromDate: '2026-03-02', toDate: '2026-03-05' } } as const;

async function playPower(samples: Iterable<Sample>): Promise<void> {
  home.add('plug', { kinds: ['power'] });
  await home.play([{ entityId: 'plug', capability: 'power', samples }], SECONDS);
}

describe('energy from power, against the truth of each second', () => {
  test.each<[string, () => Iterable<Sample>, number]>([
    ['every 10 s', () => sampled(truth, 10), 0.005],
    ['every 60 s', () => sampled(truth, 60), 0.015],
    ['on change, with a sign of life every hour', () => onChange(truth, 1, 3600), 0.005],
    ['on change, 10 s at least and 5 min at most', () => onChange(truth, 10, 300), 0.005],
  ])('%s', async (_, samples, tolerance) => {
    await playPower(samples());
    const device = await home.device('plug', ALL);
    expect(device.source).toBe('estimated');
    expect(Math.abs(device.kwh / truthKwh(truth) - 1)).toBeLessThan(tolerance);
    expect(device.coverage).toBeGreaterThan(0.995);
  });

  test('each day and each hour is right by itself', async () => {
    await playPower(onChange(truth, 1, 3600));
    const { buckets } = await home.report({ ...ALL, resolution: 'hour', entityId: 'plug' });
    expect(buckets).toHaveLength(72);
    for (const [hour, { kwh, coverage }] of buckets.entries()) {
      const real = truthKwh(truth, hour * 3600, (hour + 1) * 3600);
      expect(Math.abs((kwh ?? Number.NaN) - real)).toBeLessThan(0.01 * real + 0.002);
      expect(coverage).toBeGreaterThan(0.99);
    }
  });

  test('an outage is unknown: nothing is made up for it, and it is told', async () => {
    const [from, to] = [18 * 3600, 20 * 3600];
    home.add('plug', { kinds: ['power'] });
    const heard = [...sampled(truth, 10)];
    const before = heard.filter(({ second }) => second < from);
    const after = heard
      .filter(({ second }) => second >= to)
      .map((one) => ({ ...one, second: one.second - from }));
    const play = async (samples: Sample[], seconds: number): Promise<void> =>
      await home.play([{ entityId: 'plug', capability: 'power', samples }], seconds);
    await play(before, from);
    home.source.say('plug', 'available', false);
    await play(after, SECONDS - from);
    const report = await home.report({ ...ALL, resolution: 'hour', entityId: 'plug' });
    const real = truthKwh(truth, 0, from) + truthKwh(truth, to);
    expect(Math.abs((report.devices[0]?.kwh ?? 0) / real - 1)).toBeLessThan(0.005);
    const unknownMs = SECONDS * 1000 - (report.devices[0]?.coveredMs ?? 0);
    // The samples come three seconds after the full ten.
    expect(Math.abs(unknownMs - (to - from) * 1000)).toBeLessThan(10_000);
    expect(report.buckets.slice(18, 20)).toMatchObject([
      { kwh: null, coverage: 0 },
      { kwh: null, coverage: 0 },
    ]);
  });
});

describe('energy from a counter', () => {
  test.each<[string, number, number]>([
    ['with three decimals', 3, 0.002],
    ['with one decimal', 1, 0.1],
  ])('%s', async (_, decimals, tolerance) => {
    home.add('plug');
    await home.play(
      [
        { entityId: 'plug', capability: 'energy', samples: counting(truth, decimals, 4711.3) },
        // A power that is wrong by half: the counter is asked first.
        {
          entityId: 'plug',
          capability: 'power',
          samples: sampled(
            truth.map((watts) => watts / 2),
            60,
          ),
        },
      ],
      SECONDS,
    );
    const report = await home.report(ALL);
    const [device] = report.devices;
    expect(device?.source).toBe('counter');
    expect(report.measuredShare).toBe(1);
    expect(Math.abs((device?.kwh ?? 0) - truthKwh(truth))).toBeLessThan(tolerance);
    expect(notesOf(report, 'unattributed')).toEqual([]);
  });

  test('a part of the time has the energy of that part', async () => {
    home.add('plug', { kinds: ['energy'] });
    await home.play([{ entityId: 'plug', capability: 'energy', samples: counting(truth, 3) }], SECONDS);
    const days = await home.report({ ...ALL, entityId: 'plug' });
    for (const [day, { kwh }] of days.buckets.entries()) {
      expect(Math.abs((kwh ?? 0) - truthKwh(truth, day * 86_400, (day + 1) * 86_400))).toBeLessThan(0.003);
    }
    const single = await home.device('plug', { span: { fromDate: '2026-03-03', toDate: '2026-03-04' } });
    expect(single.kwh).toBeCloseTo(days.buckets[1]?.kwh ?? -1, 6);
  });
});
