import { afterEach, beforeEach, expect, test } from 'vitest';

import type { Aggregate } from '../../src/readings/types.ts';

import { DAY, HOUR, MINUTE, openReadings, type ReadingsHome } from './home.ts';
import { temporaryFolder } from '../support/store.ts';

let folder: ReturnType<typeof temporaryFolder>;
let home: ReadingsHome;

beforeEach(async () => {
  folder = temporaryFolder();
  home = await openReadings(folder.path);
  home.source.stateClasses.set('energy', 'total_increasing');
});
afterEach(async () => {
  await home[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

const EVERYTHING = { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER } as const;

function scanned(
  capability: string,
  resolution: '5m' | '1h',
  range = EVERYTHING as { fromMs: number; toMs: number },
): Aggregate[] {
  const { fromMs, toMs } = range;
  const begin = home.clock.nowMs() - 40 * DAY;
  const bounded = { fromMs: Math.max(fromMs, begin), toMs: Math.min(toMs, home.clock.nowMs() + DAY) };
  return [...home.readings.scan().buckets({ entityId: 'sensor', capability, ...bounded, resolution })].flat();
}

function queried(
  capability: string,
  resolution: '5m' | '1h',
  range = EVERYTHING as { fromMs: number; toMs: number },
): Aggregate[] {
  const page = home.readings.query({ entityId: 'sensor', capability, ...range, resolution, limit: 10_000 });
  return page.resolution === 'raw' ? [] : [...page.items];
}

function compareAll(range?: { fromMs: number; toMs: number }): void {
  for (const capability of ['temperature', 'energy']) {
    for (const resolution of ['5m', '1h'] as const) {
      const expected = queried(capability, resolution, range);
      expect(expected.length).toBeGreaterThan(0);
      expect(scanned(capability, resolution, range)).toEqual(expected);
    }
  }
}

function say(minutes: number): void {
  for (let n = 0; n < minutes; n++) {
    home.source.say('sensor', 'temperature', (n * 7) % 31);
    home.source.say('sensor', 'energy', n / 100);
    home.clock.advance(MINUTE);
  }
}

test('says the same as a question does, in memory, in batches and sorted', async () => {
  say(90);
  compareAll();
  home.readings.flush();
  compareAll();
  say(30);
  compareAll();
  await home.readings.compact();
  compareAll();
  say(5);
  compareAll();
});

test('over days, in slices, with gaps, and in a part of the time', async () => {
  for (let day = 0; day < 5; day++) {
    say(200);
    await home.readings.tick();
    home.clock.advance(DAY - 200 * MINUTE);
    await home.readings.tick();
  }
  compareAll();
  const now = home.clock.nowMs();
  compareAll({ fromMs: now - 3 * DAY - 20 * MINUTE, toMs: now - HOUR });
});

test('what is written and sorted between two slices is neither lost nor told twice', async () => {
  for (let day = 0; day < 6; day++) {
    say(60);
    home.clock.advance(DAY - HOUR);
    await home.readings.tick();
  }
  say(20);
  const [fromMs, toMs] = [home.clock.nowMs() - 10 * DAY, home.clock.nowMs()];
  const expected = queried('temperature', '5m', { fromMs, toMs });
  const items: Aggregate[] = [];
  const range = { entityId: 'sensor', capability: 'temperature', fromMs, toMs, resolution: '5m' } as const;
  for (const slice of home.readings.scan().buckets(range)) {
    items.push(...slice);
    home.readings.flush();
    await home.readings.compact();
  }
  expect(items).toEqual(expected);
});

test('a second series sees what was written since the first was read', () => {
  say(10);
  home.readings.flush();
  const scan = home.readings.scan();
  const range = { ...EVERYTHING, fromMs: home.clock.nowMs() - DAY, toMs: home.clock.nowMs() + DAY } as const;
  const read = (capability: string): Aggregate[] =>
    [...scan.buckets({ entityId: 'sensor', capability, ...range, resolution: '5m' })].flat();
  expect(read('temperature')).toHaveLength(2);
  say(10);
  home.readings.flush();
  expect(read('energy').reduce((sum, { samples }) => sum + samples, 0)).toBe(20);
});

test('of what was never recorded there is nothing', () => {
  expect([
    ...home.readings.scan().buckets({ entityId: 'x', capability: 'y', ...EVERYTHING, resolution: '5m' }),
  ]).toEqual([]);
});
