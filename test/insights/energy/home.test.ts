import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { byTime, flatTariff, notesOf, openEnergyHome, steady, type EnergyTestHome } from './home.ts';

const HOUR = 3600;
const DAY = 24 * HOUR;

let home: EnergyTestHome;
afterEach(async () => {
  await home[Symbol.asyncDispose]();
});

/** Plays powers by entity, each a function of the seconds or a number. */
async function play(
  powers: Readonly<Record<string, number | ((second: number) => number | null)>>,
  seconds: number,
): Promise<void> {
  const series = Object.entries(powers).map(([entityId, power]) => ({
    entityId,
    capability: 'power' as const,
    samples: typeof power === 'number' ? steady(power, seconds, 300) : byTime(power, seconds, 300),
  }));
  await home.play(series, seconds);
}

describe('a home with a main meter', () => {
  const WHOLE_DAY = { span: { fromDate: '2026-03-02', toDate: '2026-03-03' } } as const;
  beforeEach(async () => {
    home = await openEnergyHome();
    const power = ['power'] as const;
    home.add('meter', { kinds: power, settings: { energy_role: 'main' } });
    home.add('roof', { kinds: power, settings: { energy_role: 'solar' } });
    home.add('board', { kinds: power, roomId: 'cellar' });
    home.add('washer', { kinds: power, roomId: 'cellar', settings: { energy_parent: 'board' } });
    home.add('kettle', { kinds: power, roomId: 'kitchen', settings: { energy_parent: 'board' } });
    home.add('fridge', { kinds: power, roomId: 'kitchen', settings: { energy_parent: 'meter' } });
    home.add('old', { kinds: power, roomId: 'kitchen', settings: { energy_role: 'ignore' } });
    await play(
      // From noon on the roof gives more than the home takes, and the meter runs backwards.
      {
        meter: (second) => (second < 12 * HOUR ? 1200 : -300),
        roof: (second) => (second < 12 * HOUR ? 0 : -1500),
        board: 800,
        washer: 500,
        kettle: 200,
        fridge: 100,
        old: 5000,
      },
      DAY,
    );
    await home.energy.tariffs.create(flatTariff({ price: 0.25, standingPrice: 0.4 }));
  });

  test('is that of the meter and the roof, without what is fed in; sub-meters count once', async () => {
    const report = await home.report(WHOLE_DAY);
    expect(report.home).toMatchObject({ basis: 'main_meter', standingCost: 0.4 });
    expect(report.home?.kwh).toBeCloseTo(12 * 1.2 + 12 * 1.5 - 12 * 0.3, 3);
    expect(report.home?.importKwh).toBeCloseTo(14.4, 3);
    expect(report.home?.exportKwh).toBeCloseTo(3.6, 3);
    expect(report.home?.productionKwh).toBeCloseTo(18, 3);
    expect(report.home?.cost).toBeCloseTo(14.4 * 0.25, 3);
    // The board and the fridge; what is behind the board is in its figure.
    expect(report.unmetered?.kwh).toBeCloseTo(28.8 - 24 * 0.9, 2);
    expect(report.unmetered?.share).toBeCloseTo(7.2 / 28.8, 3);
    expect(report.devices.map(({ entityId }) => entityId)).not.toContain('old');
  });

  test('rooms hold each kWh once', async () => {
    const { rooms, devices } = await home.report(WHOLE_DAY);
    expect(devices.find(({ entityId }) => entityId === 'board')?.ownKwh).toBeCloseTo(2.4, 3);
    const kwhOf = (id: string): number => rooms.find(({ roomId }) => roomId === id)?.kwh ?? Number.NaN;
    expect(kwhOf('cellar')).toBeCloseTo(24 * (0.5 + 0.1), 3);
    expect(kwhOf('kitchen')).toBeCloseTo(24 * (0.2 + 0.1), 3);
    expect(rooms.reduce((sum, { cost }) => sum + (cost ?? 0), 0)).toBeCloseTo(24 * 0.9 * 0.25, 3);
  });

  test('the meter fed in is no negative consumption of any hour', async () => {
    const { buckets } = await home.report({ ...WHOLE_DAY, resolution: 'hour' });
    expect(buckets[3]?.kwh).toBeCloseTo(1.2, 3);
    expect(buckets[15]?.kwh).toBeCloseTo(1.2, 3);
    expect(buckets[15]?.cost).toBe(0);
  });

  test('whoever sees a room only sees its devices, and nothing of the home', async () => {
    const report = await home.report({ ...WHOLE_DAY, visible: new Set(['kitchen', 'kettle', 'fridge']) });
    expect(report.devices.map(({ entityId }) => entityId)).toEqual(['kettle', 'fridge']);
    expect(report).toMatchObject({ home: null, unmetered: null, buckets: [], peakHours: [] });
    expect(report.rooms).toHaveLength(1);
    expect(JSON.stringify(report)).not.toContain('board');
    await expect(home.report({ entityId: 'board', visible: new Set(['kettle']) })).rejects.toThrow(
      'There is no device board',
    );
    await expect(home.report({ roomId: 'cellar', visible: new Set(['kitchen']) })).rejects.toThrow(
      'There is no room cellar',
    );
  });

  test('one room or one device has buckets of its own', async () => {
    const room = await home.report({ ...WHOLE_DAY, roomId: 'kitchen' });
    expect(room.buckets[0]?.kwh).toBeCloseTo(24 * 0.3, 3);
    expect(room.home).toBeNull();
    const roof = await home.report({ ...WHOLE_DAY, entityId: 'roof' });
    expect(roof.buckets[0]?.kwh).toBeCloseTo(18, 3);
    await expect(home.report({ entityId: 'nothing' })).rejects.toThrow('There is no device nothing');
    await expect(home.report({ entityId: 'old' })).rejects.toThrow('is ignored (energy_role)');
  });

  test('a ring of parents and a role that is none are told, and count by themselves', async () => {
    home.devices.length = 0;
    home.add('board', { kinds: ['power'], settings: { energy_parent: 'washer' } });
    home.add('washer', { kinds: ['power'], settings: { energy_parent: 'board', energy_role: 'boss' } });
    const report = await home.report(WHOLE_DAY);
    expect(report.home).toMatchObject({ basis: 'devices' });
    expect(report.home?.kwh).toBeCloseTo(24 * 1.3, 3);
    expect(notesOf(report, 'setting')).toEqual([
      expect.stringContaining('energy_role is none of device, main, solar, ignore'),
      expect.stringContaining('board: energy_parent leads round in a ring'),
      expect.stringContaining('washer: energy_parent leads round in a ring'),
    ]);
  });
});

describe('weeks of a home', () => {
  const DAYS = 36;
  /** Five-minute steps: 20 of 60 minutes on, and 35 of 60 in the last week. */
  const freezer = (second: number): number => {
    const on = second >= (DAYS - 7) * DAY ? 35 : 20;
    return second % HOUR < on * 60 ? 90 : 4;
  };
  const media = (second: number): number => {
    const hour = Math.floor((second % DAY) / HOUR);
    return hour === 19 || hour === 20 ? 900 : 12;
  };
  const washer = (second: number): number => {
    const isLater = second >= (DAYS / 2) * DAY;
    return second % DAY >= 18 * HOUR && second % DAY < 19 * HOUR ? (isLater ? 2000 : 1000) : 0;
  };

  beforeEach(async () => {
    home = await openEnergyHome('Europe/Berlin', '2026-01-05T00:00');
    home.add('freezer', { kinds: ['power'] });
    home.add('media', { kinds: ['power'] });
    home.add('washer', { kinds: ['power'], settings: { energy_shiftable: true } });
  });

  test('peaks, standby, cycles, comparison and what to do about them', async () => {
    await play({ freezer, media, washer }, DAYS * DAY);
    await home.energy.tariffs.create(
      flatTariff({
        price: 0.4,
        windows: [
          { days: ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'], from: '00:00', to: '05:00', price: 0.2 },
        ],
      }),
    );
    home.at('2026-02-10T00:00');
    const report = await home.report({ span: { fromDate: '2026-01-23', toDate: '2026-02-10' } });
    const device = (id: string) => report.devices.find(({ entityId }) => entityId === id);

    expect(report.peakHours.map(({ dayType, insufficient, days }) => [dayType, insufficient, days])).toEqual([
      ['weekday', null, 12],
      ['weekend', null, 6],
    ]);
    // The washer's 2 kWh are above the media's 0.9, of which both hours tie.
    for (const { hours } of report.peakHours) expect(hours.map(({ hour }) => hour)).toEqual([18, 19, 20]);
    expect(report.peakHours[0]?.hours[0]?.medianKwh).toBeCloseTo(2.05, 1);

    expect(device('media')?.standby).toMatchObject({ powerW: 12, nights: 18 });
    expect(device('media')?.standby?.kwhPerYear).toBeCloseTo(105.1, 1);
    expect(device('freezer')?.standby?.powerW).toBeCloseTo(4, 6);

    const cycle = device('freezer')?.cycle;
    expect(cycle?.duty).toBeCloseTo(35 / 60, 2);
    expect(cycle?.cycleMinutes).toBeCloseTo(60, 0);
    expect(cycle?.baseline?.duty).toBeCloseTo(20 / 60, 2);
    expect(cycle?.baseline).toMatchObject({ days: 28 });
    expect(device('media')?.cycle).toBeNull();

    expect(device('washer')?.comparison).toMatchObject({ days: 18 });
    expect(device('washer')?.comparison?.kwh).toBeCloseTo(36, 3);
    expect(device('washer')?.comparison?.beforeKwh).toBeCloseTo(18, 3);
    expect(device('washer')?.comparison?.change).toBeCloseTo(1, 3);

    const texts = Object.fromEntries(
      report.recommendations.map(({ kind, entityId, text }) => [`${kind} ${entityId}`, text]),
    );
    expect(texts['standby media']).toMatch(
      /^media draws 12\.0 W .* 18 nights.* 105 kWh a year .* 3\d\.\d\d EUR/,
    );
    expect(texts['cycle freezer']).toMatch(
      /^freezer ran 58 % of the time in the last 7 days, and 33 % ± 0 %/,
    );
    expect(texts['change washer']).toMatch(
      /^washer used 36\.0 kWh in 18 days, 100 % more than the 18\.0 kWh/,
    );
    expect(texts['shift washer']).toMatch(/^washer used 36\.0 kWh in 18 days .* up to 7\.20 EUR less\.$/);
    expect(Object.keys(texts).toSorted()).toEqual(
      [
        'change washer',
        'cycle freezer',
        'shift washer',
        'standby media',
        ...('change freezer' in texts ? ['change freezer'] : []),
      ].toSorted(),
    );
  }, 90_000);

  test('too few days say nothing: no peaks, no standby, no comparison, no advice', async () => {
    await play({ freezer, media, washer }, 6 * DAY);
    home.at('2026-01-11T00:00');
    const report = await home.report({ span: { fromDate: '2026-01-05', toDate: '2026-01-11' } });
    expect(report.peakHours.map(({ insufficient, hours }) => [insufficient, hours])).toEqual([
      ['not enough data: 6 days are known well enough, and it takes 14', []],
      ['not enough data: 6 days are known well enough, and it takes 14', []],
    ]);
    for (const device of report.devices) {
      expect(device).toMatchObject({ standby: null, comparison: null, cycle: null });
    }
    expect(report.recommendations).toEqual([]);
  });

  test('a day that is not over is compared with nothing, and the days before it only as whole days', async () => {
    await play({ media }, 4 * DAY + 10 * HOUR);
    const { comparison } = await home.device('media', { span: { days: 3 } });
    expect(comparison).toMatchObject({
      days: 2,
      fromMs: home.ms('2026-01-05T00:00'),
      toMs: home.ms('2026-01-07T00:00'),
      change: 0,
    });
    expect((await home.device('media', { span: { days: 1 } })).comparison).toBeNull();
  });
});

describe('what is asked for', () => {
  beforeEach(async () => {
    home = await openEnergyHome();
  });

  test('a home that measures nothing has nothing to tell', async () => {
    expect(await home.report()).toMatchObject({
      devices: [],
      rooms: [],
      home: null,
      unmetered: null,
      peakHours: [],
      recommendations: [],
    });
  });

  test('those who come while too many wait are told to come again', async () => {
    const asked = await Promise.allSettled(
      Array.from({ length: 10 }, async (_, n) => await home.report({ span: { days: n + 1 } })),
    );
    const refused = asked.flatMap((one) => (one.status === 'rejected' ? [String(one.reason)] : []));
    expect(refused).toHaveLength(2);
    expect(refused[0]).toContain('try again in a few seconds');
    expect(await home.report()).toMatchObject({ devices: [] });
  });

  test('who asks the same while it is made gets the same answer; whoever sees less gets their own', async () => {
    const [first, second, other] = await Promise.all([
      home.report(),
      home.report(),
      home.report({ visible: new Set() }),
    ]);
    expect(second).toBe(first);
    expect(other).not.toBe(first);
    expect(await home.report()).not.toBe(first);
  });

  test.each<[Parameters<EnergyTestHome['report']>[0], string]>([
    [{ span: { fromDate: '2026-02-30', toDate: null } }, 'from: must be a date'],
    [{ span: { fromDate: '2026-02-02', toDate: '2026-02-02' } }, 'it comes after from'],
    [{ span: { fromDate: '2027-02-02', toDate: '2027-02-03' } }, 'has not come yet'],
    [{ span: { days: 63 }, resolution: '15m' }, 'at most 62 days'],
    [{ span: { fromDate: '1990-01-01', toDate: null } }, 'at most 731 days'],
  ])('%j is refused in words', async (query, words) => {
    await expect(home.report(query)).rejects.toThrow(words);
  });
});
