import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import { ManualClock } from '../../src/base/clock.ts';
import { HubError } from '../../src/base/errors.ts';
import { silentLogger } from '../../src/base/log.ts';
import { Devices } from '../../src/devices/devices.ts';
import { deviceTables } from '../../src/devices/tables.ts';
import { Graph } from '../../src/graph/graph.ts';
import { graphTables } from '../../src/graph/tables.ts';
import { Readings } from '../../src/readings/readings.ts';
import { readingTables } from '../../src/readings/tables.ts';
import { openTestStore, temporaryFolder } from '../support/store.ts';
import { FakeSource, DAY, HOUR, leaveBehind, MINUTE, openReadings, type ReadingsHome } from './home.ts';

let folder: ReturnType<typeof temporaryFolder>;
let home: ReadingsHome;

beforeEach(async () => {
  folder = temporaryFolder();
  home = await openReadings(folder.path);
});
afterEach(async () => {
  vi.restoreAllMocks();
  await home[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

function say(value: unknown): void {
  home.source.say('sensor', 'temperature', value);
}

/** Says the values, one every minute, beginning now. */
function sayEachMinute(values: readonly unknown[]): void {
  for (const value of values) {
    say(value);
    home.clock.advance(MINUTE);
  }
}

async function restart(): Promise<void> {
  const { clock, source } = home;
  await home[Symbol.asyncDispose]();
  home = await openReadings(folder.path, { clock, source });
}

function rowCounts(): Record<string, number> {
  const counts = ['series', 'batch', 'chunk', '5m', '1h'].map((name) => {
    const row = home.store.db.get<{ count: number }>(`SELECT count(*) AS count FROM reading_${name}`);
    return [name, row?.count ?? -1] as const;
  });
  return Object.fromEntries(counts);
}

describe('recording', () => {
  test('numbers are recorded, other values are not', () => {
    say(20.5);
    home.source.say('sensor', 'motion', true);
    home.source.say('sensor', 'mode', 'eco');
    expect(home.raw()).toEqual([{ timeMs: home.clock.nowMs(), value: 20.5 }]);
    expect(home.readings.has('sensor', 'motion')).toBe(false);
    expect(home.readings.has('sensor', 'mode')).toBe(false);
  });

  test('an unknown value and a device that goes away end what is known', () => {
    sayEachMinute([20, null, 21]);
    home.source.say('sensor', 'available', false);
    const from = home.clock.nowMs() - 3 * MINUTE;
    expect(home.raw()).toEqual([
      { timeMs: from, value: 20 },
      { timeMs: from + MINUTE, value: null },
      { timeMs: from + 2 * MINUTE, value: 21 },
      { timeMs: from + 3 * MINUTE, value: null },
    ]);
    home.clock.advance(10 * MINUTE);
    expect(home.buckets('5m')).toEqual([
      {
        startMs: from,
        mean: 20.5,
        min: 20,
        max: 21,
        first: 20,
        last: 21,
        coveredMs: 2 * MINUTE,
        samples: 2,
        rise: null,
      },
    ]);
  });

  test('a value that is reported again and again stays known, at the price of one reading a flush', () => {
    for (let n = 0; n < 60; n++) {
      say(20);
      if (n % 10 === 0) home.readings.flush();
      home.clock.advance(MINUTE);
    }
    expect(home.raw()).toHaveLength(6);
    expect(home.buckets('1h')).toMatchObject([{ coveredMs: HOUR, samples: 6 }]);
  });

  test('a silent device is not known for longer than 15 minutes', () => {
    say(20);
    home.clock.advance(HOUR);
    expect(home.buckets('1h')).toMatchObject([{ coveredMs: 15 * MINUTE }]);
  });

  test('a device that is away is not taken to have spoken again', () => {
    say(20);
    home.clock.advance(MINUTE);
    home.source.say('sensor', 'available', false);
    home.readings.flush();
    const { commits } = home.store.counters;
    home.readings.flush();
    expect(home.store.counters.commits).toBe(commits);
    expect(home.raw().map(({ value }) => value)).toEqual([20, null]);
  });

  test('a minute of many series is one row', () => {
    for (let n = 0; n < 50; n++) home.source.say(`sensor-${n}`, 'temperature', n);
    const { commits } = home.store.counters;
    home.readings.flush();
    expect(home.store.counters.commits).toBe(commits + 1);
    expect(rowCounts()).toMatchObject({ batch: 1, series: 50 });
    home.readings.flush();
    expect(home.store.counters.commits).toBe(commits + 1);
  });

  test('the real devices fit', async () => {
    using other = temporaryFolder();
    const clock = new ManualClock();
    const store = await openTestStore(other.path, [graphTables, deviceTables, readingTables], clock);
    const graph = new Graph({ store, clock, log: silentLogger });
    const devices = Devices.start({ store, graph, clock, log: silentLogger });
    const readings = Readings.start({ store, source: devices, clock, log: silentLogger });
    devices.describe({
      id: 'sensor/attic/power',
      type: 'sensor',
      device: {
        identifiers: ['id:attic'],
        name: 'Attic',
        manufacturer: null,
        model: null,
        swVersion: null,
        hwVersion: null,
        serialNumber: null,
        suggestedArea: null,
      },
      label: null,
      deviceClass: 'energy',
      category: null,
      capabilities: [
        { kind: 'energy', unit: 'kWh', range: null, writable: false, stateClass: 'total_increasing' },
      ],
      unsupported: null,
      enabledByDefault: true,
    });
    const entityId = devices.list()[0]?.entityId ?? '';
    for (const value of [10, 10.5, 10.5]) {
      devices.report([{ componentId: 'sensor/attic/power', kind: 'energy', value, origin: 'mqtt' }]);
      clock.advance(MINUTE);
    }
    readings.flush();
    const query = { entityId, capability: 'energy', fromMs: 0, toMs: clock.nowMs(), limit: 10 };
    expect(readings.query({ ...query, resolution: 'raw' }).items).toHaveLength(3);
    expect(readings.query({ ...query, resolution: '1h' }).items).toMatchObject([
      { rise: 0.5, samples: 3, coveredMs: 3 * MINUTE },
    ]);
    await readings[Symbol.asyncDispose]();
    await devices[Symbol.asyncDispose]();
    graph[Symbol.dispose]();
    await store[Symbol.asyncDispose]();
  });
});

describe('across a stop', () => {
  test('one that is asked for loses nothing', async () => {
    sayEachMinute([20, 21, 22]);
    await restart();
    expect(home.raw().map(({ value }) => value)).toEqual([20, 21, 22]);
    sayEachMinute([23]);
    expect(home.raw().map(({ value }) => value)).toEqual([20, 21, 22, 23]);
  });

  test.each([
    ['between two flushes', async () => {}],
    ['after sorting', async () => await home.readings.compact()],
  ])('a kill %s loses what had waited in memory', async (_, before) => {
    sayEachMinute([20, 21]);
    home.readings.flush();
    await before();
    sayEachMinute([22]);
    using left = temporaryFolder();
    leaveBehind(home, left.path);
    await using survivor = await openReadings(left.path, { clock: home.clock });
    expect(survivor.raw().map(({ value }) => value)).toEqual([20, 21]);
    survivor.source.say('sensor', 'temperature', 23);
    survivor.readings.flush();
    expect(survivor.raw().map(({ value }) => value)).toEqual([20, 21, 23]);
  });

  test('a kill in the middle of sorting changes nothing', async () => {
    for (let n = 0; n < 90; n++) {
      sayEachMinute([n % 7]);
      home.readings.flush();
    }
    const [raw, fives, hours] = [home.raw(), home.buckets('5m'), home.buckets('1h')];
    const write = home.store.write.bind(home.store);
    let calls = 0;
    vi.spyOn(home.store, 'write').mockImplementation((body) => {
      if (++calls === 2) throw new HubError('storage', 'The disk did not take the write.');
      return write(body);
    });
    await expect(home.readings.compact()).rejects.toThrow('did not take');
    vi.restoreAllMocks();
    const look = (): void => {
      expect(home.raw()).toEqual(raw);
      expect(home.buckets('5m')).toEqual(fives);
      expect(home.buckets('1h')).toMatchObject(
        hours.map((hour) => ({ ...hour, mean: expect.closeTo(hour.mean, 6) })),
      );
    };
    look();
    await restart();
    look();
    await home.readings.compact();
    expect(rowCounts()).toMatchObject({ batch: 0 });
    expect(home.raw()).toEqual(raw);
    expect(home.buckets('5m')).toEqual(fives.map((one) => ({ ...one, mean: expect.closeTo(one.mean, 5) })));
  });

  test('a value of before is not believed through a long time in which nobody listened', async () => {
    for (let n = 0; n < 12; n++) {
      say(n);
      home.readings.flush();
      home.clock.advance(HOUR);
    }
    await home.readings.compact();
    say(50);
    home.readings.flush();
    const stoppedMs = home.clock.nowMs();
    await home[Symbol.asyncDispose]();
    home.clock.advance(2 * HOUR);
    home = await openReadings(folder.path, { clock: home.clock, source: home.source });
    await home.readings.compact();
    expect(home.buckets('1h', stoppedMs)).toMatchObject([{ coveredMs: 15 * MINUTE }]);
    expect(home.buckets('1h', stoppedMs - 3 * HOUR, stoppedMs)).toMatchObject([
      { coveredMs: HOUR },
      { coveredMs: HOUR },
      { coveredMs: HOUR },
    ]);
  });

  test('after a power cut a value that was steady ends where the hub was last known to run', async () => {
    for (let n = 0; n < 12; n++) {
      say(n);
      home.readings.flush();
      home.clock.advance(HOUR);
    }
    await home.readings.compact();
    // With its time of change only, as the devices come back after a power cut.
    const kept = new FakeSource(home.clock);
    kept.say('sensor', 'temperature', 50);
    for (let n = 0; n < 5; n++) {
      say(50);
      home.readings.flush();
      home.clock.advance(HOUR);
    }
    // In the last hour nothing was said, and nothing written but that the hub runs.
    await home.readings.tick();
    const cutMs = home.clock.nowMs();
    using after = temporaryFolder();
    leaveBehind(home, after.path);
    home.clock.advance(2 * HOUR);
    await using survivor = await openReadings(after.path, { clock: home.clock, source: kept });
    await survivor.readings.compact();
    expect(survivor.buckets('1h', cutMs)).toMatchObject([{ coveredMs: 15 * MINUTE }]);
    expect(survivor.buckets('1h', cutMs - HOUR, cutMs)).toMatchObject([{ coveredMs: HOUR }]);
  });
});

describe('sorting', () => {
  test('leaves the answers as they were, and the same again changes nothing', async () => {
    for (let n = 0; n < 150; n++) {
      sayEachMinute([n % 40 === 39 ? null : (n * 7) % 11]);
      home.readings.flush();
    }
    const [raw, fives] = [home.raw(), home.buckets('5m')];
    await home.readings.compact();
    expect(rowCounts()).toMatchObject({ batch: 0, chunk: 3, '5m': 2, '1h': 1 });
    const digits = ({ mean, ...rest }: (typeof fives)[number]): object => ({
      ...rest,
      mean: expect.closeTo(mean, 5),
    });
    expect(home.raw()).toEqual(raw);
    expect(home.buckets('5m')).toEqual(fives.map(digits));
    const { commits } = home.store.counters;
    await home.readings.compact();
    expect(home.store.counters.commits).toBe(commits);
  });

  test('catches up after days without the hub', async () => {
    sayEachMinute([1, 2, 3]);
    await home[Symbol.asyncDispose]();
    home.clock.advance(40 * DAY);
    home = await openReadings(folder.path, { clock: home.clock });
    await home.readings.compact();
    expect(home.buckets('1h')).toMatchObject([{ samples: 3, coveredMs: 17 * MINUTE }]);
    sayEachMinute([4]);
    home.clock.advance(HOUR);
    await home.readings.tick();
    expect(home.buckets('1h')).toMatchObject([{ samples: 3 }, { samples: 1 }]);
  });

  test('happens once an hour and not every minute', async () => {
    await home.readings.tick();
    for (let n = 0; n < 59; n++) {
      sayEachMinute([n]);
      await home.readings.tick();
    }
    expect(rowCounts()).toMatchObject({ batch: 59, chunk: 0 });
    sayEachMinute([100]);
    await home.readings.tick();
    expect(rowCounts()).toMatchObject({ batch: 0, chunk: 1, '5m': 1 });
  });
});

test('a damaged row is left out, and the rest is answered', async () => {
  sayEachMinute(Array.from({ length: 130 }, (_, n) => n));
  await home.readings.compact();
  home.store.write((tx) => {
    tx.run(`UPDATE reading_chunk SET data = x'0100ff' WHERE slot = (SELECT min(slot) FROM reading_chunk)`);
    tx.run(`UPDATE reading_5m SET data = x'02' WHERE slot = (SELECT min(slot) FROM reading_5m)`);
  });
  expect(home.raw()[0]?.value).toBe(60);
  expect(home.buckets('5m')[0]).toMatchObject({ first: 60 });
});
