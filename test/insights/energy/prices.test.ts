import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import type { Sample } from '../simulator.ts';

import { flatTariff, notesOf, openEnergyHome, steady, type EnergyTestHome } from './home.ts';

const DAY = 86_400;
const EVERY_DAY = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;

let home: EnergyTestHome;
afterEach(async () => {
  await home[Symbol.asyncDispose]();
});

/** A heater of 1 kW that runs all the time, from a moment of the wall. */
async function heat(begin: string, hours: number, zone = 'Europe/Berlin'): Promise<void> {
  home = await openEnergyHome(zone, begin);
  home.add('heater', { kinds: ['power'] });
  const samples: Iterable<Sample> = steady(1000, hours * 3600, 300);
  await home.play([{ entityId: 'heater', capability: 'power', samples }], hours * 3600);
}

async function costOf(fromDate: string, toDate: string): Promise<number | null> {
  return (await home.device('heater', { span: { fromDate, toDate } })).cost;
}

describe('the calendar of the home', () => {
  test('the day on which the clock goes forward has 23 hours, the one on which it goes back 25', async () => {
    await heat('2026-03-29T00:00', 23);
    const short = await home.report({ span: { days: 1 }, resolution: 'hour', entityId: 'heater' });
    expect(short.devices).toEqual([]);
    const spring = await home.report({
      span: { fromDate: '2026-03-29', toDate: '2026-03-30' },
      resolution: 'hour',
      entityId: 'heater',
    });
    expect(spring.buckets).toHaveLength(23);
    expect(spring.devices[0]?.kwh).toBeCloseTo(23, 6);
    expect(spring).toMatchObject({ completeDays: 1, days: 1 });
    await home[Symbol.asyncDispose]();
    await heat('2026-10-25T00:00', 25);
    const autumn = await home.report({
      span: { fromDate: '2026-10-25', toDate: '2026-10-26' },
      resolution: 'hour',
      entityId: 'heater',
    });
    expect(autumn.buckets).toHaveLength(25);
    expect(autumn.devices[0]?.kwh).toBeCloseTo(25, 6);
  });

  test('the 29th of February is a day like others', async () => {
    await heat('2028-02-28T00:00', 72);
    const report = await home.report({
      span: { fromDate: '2028-02-28', toDate: '2028-03-02' },
      entityId: 'heater',
    });
    expect(report.buckets.map(({ kwh }) => kwh)).toEqual([24, 24, 24]);
  });

  test('days begin at midnight where the offset is no whole hour', async () => {
    await heat('2026-03-02T00:00', 48, 'Asia/Kathmandu');
    const report = await home.report({
      span: { fromDate: '2026-03-02', toDate: '2026-03-04' },
      entityId: 'heater',
    });
    expect(report.buckets.map(({ kwh }) => kwh)).toEqual([24, 24]);
  });
});

describe('tariffs', () => {
  const night = flatTariff({
    price: 0.4,
    windows: [{ days: EVERY_DAY, from: '22:00', to: '06:00', price: 0.2 }],
  });

  test('a window over midnight holds on both sides of it', async () => {
    await heat('2026-03-02T00:00', 48);
    await home.energy.tariffs.create(night);
    expect(await costOf('2026-03-02', '2026-03-03')).toBeCloseTo(16 * 0.4 + 8 * 0.2, 6);
    const { buckets } = await home.report({
      span: { fromDate: '2026-03-02', toDate: '2026-03-03' },
      resolution: 'hour',
      entityId: 'heater',
    });
    const costs = buckets.map(({ cost }) => Math.round((cost ?? 0) * 100) / 100);
    expect(costs.slice(0, 7)).toEqual([0.2, 0.2, 0.2, 0.2, 0.2, 0.2, 0.4]);
    expect(costs.slice(21)).toEqual([0.4, 0.2, 0.2]);
  });

  test('a window goes by the wall: an hour that comes twice costs twice, one that is skipped nothing', async () => {
    await heat('2026-03-29T00:00', 23);
    await home.energy.tariffs.create(night);
    expect(await costOf('2026-03-29', '2026-03-30')).toBeCloseTo(16 * 0.4 + 7 * 0.2, 6);
    await home[Symbol.asyncDispose]();
    await heat('2026-10-25T00:00', 25);
    await home.energy.tariffs.create(night);
    expect(await costOf('2026-10-25', '2026-10-26')).toBeCloseTo(16 * 0.4 + 9 * 0.2, 6);
  });

  test('a window of a weekday that goes over midnight belongs to the day on which it begins', async () => {
    await heat('2026-03-06T00:00', 48); // A Friday.
    await home.energy.tariffs.create(
      flatTariff({ price: 0.4, windows: [{ days: ['fri'], from: '20:00', to: '08:00', price: 0.1 }] }),
    );
    expect(await costOf('2026-03-06', '2026-03-07')).toBeCloseTo(20 * 0.4 + 4 * 0.1, 6);
    expect(await costOf('2026-03-07', '2026-03-08')).toBeCloseTo(16 * 0.4 + 8 * 0.1, 6);
  });

  test('a new price holds from its day on, and the past keeps the old one', async () => {
    await heat('2026-03-30T00:00', 72);
    const old = await home.energy.tariffs.create(flatTariff({ price: 0.3, standingPrice: 0.5 }));
    await expect(
      home.energy.tariffs.create(flatTariff({ name: 'New', validFrom: '2026-04-01', price: 0.5 })),
    ).rejects.toThrow('"Flat" holds from 2020-01-01 on: give it valid_to 2026-04-01 first');
    await home.energy.tariffs.replace(old.id, { ...old, validTo: '2026-04-01' });
    await home.energy.tariffs.create(flatTariff({ name: 'New', validFrom: '2026-04-01', price: 0.5 }));
    expect(await costOf('2026-03-30', '2026-04-02')).toBeCloseTo(48 * 0.3 + 24 * 0.5, 6);
    const { home: whole } = await home.report({ span: { fromDate: '2026-03-30', toDate: '2026-04-02' } });
    expect(whole).toMatchObject({ basis: 'devices', standingCost: 1 });
    // The past is made anew with what is corrected.
    await home.energy.tariffs.replace(old.id, { ...old, validTo: '2026-04-01', price: 0.1 });
    expect(await costOf('2026-03-30', '2026-04-02')).toBeCloseTo(48 * 0.1 + 24 * 0.5, 6);
  });

  test('without a tariff nothing costs anything, and two currencies are not added', async () => {
    await heat('2026-03-30T00:00', 72);
    const report = await home.report({ span: { fromDate: '2026-03-30', toDate: '2026-04-02' } });
    expect(report.devices[0]).toMatchObject({ cost: null });
    expect(report).toMatchObject({ currency: null, home: { cost: null, standingCost: null } });
    await home.energy.tariffs.create(flatTariff({ validTo: '2026-04-01' }));
    const half = await home.report({ span: { fromDate: '2026-03-30', toDate: '2026-04-02' } });
    expect(half.devices[0]?.cost).toBeCloseTo(48 * 0.3, 6);
    expect(notesOf(half, 'no_price')).toEqual([expect.stringContaining('known for 67 % of the period')]);
    await home.energy.tariffs.create(flatTariff({ validFrom: '2026-04-01', currency: 'CHF' }));
    const both = await home.report({ span: { fromDate: '2026-03-30', toDate: '2026-04-02' } });
    expect(both.devices[0]).toMatchObject({ cost: null });
    expect(notesOf(both, 'currency')).toHaveLength(1);
  });

  test.each<[Parameters<typeof flatTariff>[0], string]>([
    [
      {
        windows: [
          { days: ['mon'], from: '08:00', to: '12:00', price: 1 },
          { days: ['mon', 'tue'], from: '11:00', to: '13:00', price: 2 },
        ],
      },
      'windows.1 and windows.0 both say what mon 11:00 costs',
    ],
    [
      { price: null, windows: [{ days: EVERY_DAY, from: '06:00', to: '22:00', price: 1 }] },
      'what mon 00:00 costs',
    ],
    [{ windows: [{ days: ['mon'], from: '08:10', to: '12:00', price: 1 }] }, 'on a quarter of an hour'],
    [{ validFrom: '2026-02-30' }, 'valid_from: must be a date'],
    [{ validFrom: '2026-02-03', validTo: '2026-02-03' }, 'valid_to is the first day'],
  ])('%j is refused in words', async (more, words) => {
    home = await openEnergyHome();
    await expect(home.energy.tariffs.create(flatTariff(more))).rejects.toThrow(words);
    expect(home.energy.tariffs.list()).toEqual([]);
  });
});

describe('prices of the market', () => {
  beforeEach(async () => {
    await heat('2026-03-02T00:00', 24);
    await home.energy.tariffs.create(flatTariff({ price: 0.5, dynamic: { factor: 2, surcharge: 0.1 } }));
  });

  test('come by the hour or by the quarter, below 0 too; where there are none the tariff says its own', async () => {
    const fromMs = home.ms('2026-03-02T01:00');
    expect(await home.energy.prices.put({ fromMs, stepMs: 3_600_000, prices: [0.05, -0.1] })).toBe(8);
    await home.energy.prices.put({
      fromMs: home.ms('2026-03-02T03:00'),
      stepMs: 900_000,
      prices: [0.01, 0.02, 0.03, 0.04],
    });
    const { buckets } = await home.report({
      span: { fromDate: '2026-03-02', toDate: '2026-03-03' },
      resolution: '15m',
      entityId: 'heater',
    });
    const costs = buckets.slice(3, 17).map(({ cost }) => Math.round((cost ?? 9) * 10_000) / 10_000);
    const quarter = (price: number): number => Math.round((2 * price + 0.1) * 2500) / 10_000;
    expect(costs).toEqual([
      0.125,
      ...Array.from({ length: 4 }, () => quarter(0.05)),
      ...Array.from({ length: 4 }, () => quarter(-0.1)),
      ...[0.01, 0.02, 0.03, 0.04].map(quarter),
      0.125,
    ]);
    await home.energy.prices.delete(home.ms('2026-03-02T00:00'), home.ms('2026-03-03T00:00'));
    expect(await costOf('2026-03-02', '2026-03-03')).toBeCloseTo(24 * 0.5, 6);
  });

  test('what does not begin on a step, or is too long, is refused', async () => {
    const put = home.energy.prices.put.bind(home.energy.prices);
    await expect(put({ fromMs: 60_000, stepMs: 900_000, prices: [1] })).rejects.toThrow('quarter of an hour');
    await expect(put({ fromMs: 900_000, stepMs: 3_600_000, prices: [1] })).rejects.toThrow('an hour');
    const prices = Array.from({ length: 745 }, () => 1);
    await expect(put({ fromMs: 0, stepMs: 3_600_000, prices })).rejects.toThrow('at most 31 days');
  });
});

test('what is older than buckets of five minutes is told by the hour, and is estimated for tariffs of a quarter', async () => {
  home = await openEnergyHome('Europe/Berlin', '2026-03-02T00:00');
  home.add('heater', { kinds: ['power'] });
  await home.play([{ entityId: 'heater', capability: 'power', samples: steady(1000, DAY, 300) }], DAY);
  home.at('2026-07-02T12:00');
  await home.readings.tick();
  await home.energy.tariffs.create(
    flatTariff({ price: 0.4, windows: [{ days: ['mon'], from: '10:15', to: '11:00', price: 0.2 }] }),
  );
  const report = await home.report({
    span: { fromDate: '2026-03-02', toDate: '2026-03-03' },
    resolution: 'day',
  });
  expect(report.devices[0]).toMatchObject({ kwh: 24, coverage: 1 });
  expect(report.devices[0]?.cost).toBeCloseTo(23.25 * 0.4 + 0.75 * 0.2, 6);
  expect(notesOf(report, 'hourly_data')).toEqual([expect.stringContaining('only hours are kept')]);
});
