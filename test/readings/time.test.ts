import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import type { Reading } from '../../src/readings/types.ts';

import { resolutionFor } from '../../src/readings/query.ts';
import { temporaryFolder } from '../support/store.ts';
import { DAY, HOUR, leaveBehind, MINUTE, openReadings, SECOND, type ReadingsHome } from './home.ts';
import { slowBucket } from './oracle.ts';

const BUCKET = 5 * MINUTE;

let folder: ReturnType<typeof temporaryFolder>;
let home: ReadingsHome;

beforeEach(async () => {
  folder = temporaryFolder();
  home = await openReadings(folder.path);
});
afterEach(async () => {
  await home[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

function say(value: unknown): void {
  home.source.say('sensor', 'temperature', value);
}

function expire(): number {
  let deleted = 0;
  for (;;) {
    const { deletedRows, isDone } = home.readings.expire(home.clock.nowMs());
    deleted += deletedRows;
    if (isDone) return deleted;
  }
}

/** Reports every ten minutes for some hours, with what the hub does meanwhile. */
async function run(hours: number): Promise<void> {
  for (let n = 0; n < hours * 6; n++) {
    say((n * 13) % 50);
    home.clock.advance(10 * MINUTE);
    if (n % 6 === 5) await home.readings.compact();
  }
}

test('whatever is flushed, sorted and asked when, buckets are what a look at every second finds', async () => {
  const step = fc.oneof(
    {
      weight: 20,
      arbitrary: fc.record({
        waitS: fc.integer({ min: 1, max: 240 }),
        value: fc.integer({ min: -99, max: 99 }),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({ waitS: fc.integer({ min: 1, max: 5000 }), value: fc.constant(null) }),
    },
    { weight: 3, arbitrary: fc.constantFrom('flush' as const, 'compact' as const, 'restart' as const) },
    { weight: 1, arbitrary: fc.constantFrom('back' as const, 'forth' as const) },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 150 }), async (steps) => {
      using place = temporaryFolder();
      let one = await openReadings(place.path);
      const { clock, source } = one;
      const startMs = clock.nowMs();
      const told = new Map<number, Reading>();
      // Enough of lively reports that leaps of the clock do not look like a slow device.
      for (let n = 0; n < 90; n++) {
        source.say('sensor', 'temperature', n % 7);
        told.set(clock.nowMs(), { timeMs: clock.nowMs(), value: n % 7 });
        clock.advance(4 * MINUTE);
      }
      await one.readings.compact();
      let latestMs = startMs;
      let value: number | null = 89 % 7;
      for (const step of steps) {
        if (step === 'flush') one.readings.flush();
        else if (step === 'compact') await one.readings.compact();
        else if (step === 'restart') {
          await one[Symbol.asyncDispose]();
          one = await openReadings(place.path, { clock, source });
        } else if (step === 'back' || step === 'forth') {
          // Not onto a millisecond that was there: there the later one of two readings counts.
          clock.jumpTo(clock.nowMs() + (step === 'back' ? -1 : 1) * 20 * MINUTE);
        } else {
          clock.advance(step.waitS * SECOND);
          if (told.has(clock.nowMs())) clock.advance(SECOND);
          // What is unknown already is not told again, nor is the same value.
          const next: number | null = step.value !== null && step.value === value ? value + 0.5 : step.value;
          if (next === null && value === null) continue;
          value = next;
          source.say('sensor', 'temperature', value);
          told.set(clock.nowMs(), { timeMs: clock.nowMs(), value });
        }
        latestMs = Math.max(latestMs, clock.nowMs());
      }
      clock.jumpTo(latestMs + 5 * HOUR);
      const readings = [...told.values()].toSorted((a, b) => a.timeMs - b.timeMs);
      const wanted = [];
      for (let atMs = startMs - 4 * HOUR; atMs < latestMs + 4 * HOUR; atMs += BUCKET) {
        const bucket = slowBucket(readings, atMs, BUCKET, 15 * MINUTE);
        if (bucket) wanted.push({ ...bucket, mean: expect.closeTo(bucket.mean, 4), rise: null });
      }
      if (told.size > 0 && readings.some((reading) => reading.value !== null)) {
        expect(one.raw()).toEqual(readings);
      }
      expect(one.buckets('5m')).toEqual(wanted);
      await one.readings.compact();
      expect(one.buckets('5m')).toEqual(wanted);
      await one[Symbol.asyncDispose]();
    }),
    { numRuns: 60 },
  );
}, 120_000);

describe('retention', () => {
  test('raw, five minutes and hours go each at their age', async () => {
    await home[Symbol.asyncDispose]();
    home = await openReadings(folder.path, {
      clock: home.clock,
      rawDays: 2,
      fiveMinuteDays: 5,
      hourlyDays: 9,
    });
    const day = home.clock.nowMs();
    await run(24);
    const count = (): number[] => [
      home.raw(day, day + DAY).length,
      home.buckets('5m', day, day + DAY).length,
      home.buckets('1h', day, day + DAY).length,
    ];
    const found: number[][] = [];
    for (let n = 1; n <= 11; n++) {
      expire();
      found.push(count());
      home.clock.advance(DAY - MINUTE);
      // The clock moves on day by day and is believed.
      expire();
      home.clock.advance(MINUTE);
    }
    expect(found[0]).toEqual([144, 288, 24]);
    expect(found.map(([raw = 0]) => raw > 0)).toEqual([true, true, ...Array(9).fill(false)]);
    expect(found.map(([, fives = 0]) => fives > 0)).toEqual([
      ...Array(5).fill(true),
      ...Array(6).fill(false),
    ]);
    expect(found.map(([, , hours = 0]) => hours > 0)).toEqual([
      ...Array(9).fill(true),
      ...Array(2).fill(false),
    ]);
    expect(home.readings.has('sensor', 'temperature')).toBe(false);
    say(7);
    expect(home.raw()).toHaveLength(1);
  });

  test('is done once a day', async () => {
    await run(2);
    home.clock.advance(11 * DAY);
    expire();
    const { commits } = home.store.counters;
    home.clock.advance(HOUR);
    expect(home.readings.expire(home.clock.nowMs())).toEqual({ deletedRows: 0, isDone: true });
    expect(home.store.counters.commits).toBe(commits);
  });

  test('a clock that leaps by mistake empties nothing; one that stays there is believed', async () => {
    await run(3);
    expire();
    await home.readings.compact();
    const now = home.clock.nowMs();
    home.clock.jumpTo(now + 20 * 365 * DAY);
    say(1000);
    home.readings.flush();
    expect(expire()).toBe(0);
    home.clock.advance(HOUR);
    await home.readings.compact();
    expect(expire()).toBe(0);
    home.clock.jumpTo(now + HOUR);
    expect(expire()).toBe(0);
    expect(home.raw(0, now)).toHaveLength(18);
    expect(home.raw().at(-1)).toEqual({ timeMs: now + 20 * 365 * DAY, value: 1000 });
    // And what comes after it is as fresh as ever.
    say(33);
    home.clock.advance(MINUTE);
    expect(home.buckets('5m', now, now + DAY).at(-1)).toMatchObject({ last: 33, samples: 1 });
    await home.readings.compact();
    const reported = home.buckets('5m', now, now + DAY).filter(({ samples }) => samples > 0);
    expect(reported).toMatchObject([{ last: 33, samples: 1, coveredMs: BUCKET }]);
    home.clock.jumpTo(now + 11 * DAY);
    expect(expire()).toBe(0);
    home.clock.advance(DAY);
    expect(expire()).toBeGreaterThan(0);
    expect(home.raw(0, now)).toEqual([]);
  });

  test('late readings do not replace buckets whose readings have expired', async () => {
    const from = home.clock.nowMs();
    await run(2);
    const fives = home.buckets('5m');
    expire();
    home.clock.advance(12 * DAY);
    expire();
    home.clock.advance(DAY + MINUTE);
    expire();
    expect(home.raw()).toEqual([]);
    home.clock.jumpTo(from + 11 * MINUTE);
    say(49.5);
    await home.readings.compact();
    expect(home.raw()).toHaveLength(1);
    expect(home.buckets('5m')).toEqual(fives.map((one) => expect.objectContaining({ startMs: one.startMs })));
    expect(home.buckets('5m')[0]).toEqual(fives[0]);
    expect(home.buckets('1h')[0]).toMatchObject({ samples: 6 });
  });
});

describe('pages', () => {
  test.each(['raw', '5m', '1h'] as const)('of %s hold everything once, in order', async (resolution) => {
    await run(30);
    say(5);
    home.readings.flush();
    home.clock.advance(MINUTE);
    say(6);
    const all = { entityId: 'sensor', capability: 'temperature', fromMs: 0, toMs: home.clock.nowMs() + 1 };
    const whole = home.readings.query({ ...all, resolution, limit: 10_000 });
    expect(whole.nextCursor).toBeNull();
    const items: unknown[] = [];
    let cursor: number | null = null;
    let pages = 0;
    do {
      const page = home.readings.query({ ...all, resolution, limit: 7, cursor });
      expect(page.items.length).toBeLessThanOrEqual(7);
      items.push(...page.items);
      cursor = page.nextCursor;
      pages += 1;
    } while (cursor !== null);
    expect(items).toEqual(whole.items);
    expect(pages).toBe(Math.ceil(items.length / 7));
  });

  test('the range takes its begin and not its end', async () => {
    const from = home.clock.nowMs();
    await run(1);
    expect(home.raw(from, from + 10 * MINUTE)).toEqual([{ timeMs: from, value: 0 }]);
    expect(home.raw(from + 1, from + 10 * MINUTE + 1)).toEqual([{ timeMs: from + 10 * MINUTE, value: 13 }]);
    expect(home.raw(from, from)).toEqual([]);
  });

  test('the resolution follows the length and the age of the range', () => {
    const retention = { rawDays: 10, fiveMinuteDays: 90, hourlyDays: 3660 };
    const nowMs = Date.UTC(2026, 5, 1);
    const choose = (fromMs: number, toMs = nowMs): string =>
      resolutionFor(fromMs, toMs, { retention, nowMs });
    expect(choose(nowMs - 6 * HOUR)).toBe('raw');
    expect(choose(nowMs - 6 * HOUR - 1)).toBe('5m');
    expect(choose(nowMs - 7 * DAY)).toBe('5m');
    expect(choose(nowMs - 8 * DAY)).toBe('1h');
    expect(choose(nowMs - 20 * DAY, nowMs - 20 * DAY + HOUR)).toBe('5m');
    expect(choose(nowMs - 100 * DAY, nowMs - 100 * DAY + HOUR)).toBe('1h');
  });
});

test('a clock that goes back is recorded as it was, and what comes out is in order', async () => {
  const now = home.clock.nowMs();
  await run(2);
  home.clock.jumpTo(now + 5 * MINUTE);
  say(77);
  home.clock.jumpTo(Date.UTC(1970, 0, 1, 0, 3));
  say(78);
  home.readings.flush();
  await home.readings.compact();
  const raw = home.raw();
  expect(raw).toHaveLength(14);
  expect(raw[0]).toEqual({ timeMs: 3 * MINUTE, value: 78 });
  expect(raw[2]).toEqual({ timeMs: now + 5 * MINUTE, value: 77 });
  expect(raw.map(({ timeMs }) => timeMs)).toEqual(raw.map(({ timeMs }) => timeMs).toSorted((a, b) => a - b));
  expect(home.buckets('5m', now)[1]).toMatchObject({ first: 77, samples: 1 });
  home.clock.jumpTo(now + 3 * HOUR);
  using left = temporaryFolder();
  leaveBehind(home, left.path);
  await using again = await openReadings(left.path, { clock: home.clock });
  expect(again.raw()).toEqual(raw);
});
