import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import type { Reading } from '../../src/readings/types.ts';

import { CounterWatch } from '../../src/readings/counter.ts';
import { combine, rollHour } from '../../src/readings/rollup.ts';
import { UsualInterval } from '../../src/readings/usual-interval.ts';
import { DAY, HOUR, MINUTE, SECOND } from './home.ts';
import { slowBucket } from './oracle.ts';

const BUCKET = 5 * MINUTE;

/** Readings at whole seconds of the four hours from `fromHour` on. */
const readingsFrom = (fromHour: number): fc.Arbitrary<Reading[]> =>
  fc
    .uniqueArray(
      fc.record({
        second: fc.integer({ min: 0, max: 4 * 3600 - 1 }),
        value: fc.option(
          fc.integer({ min: -500, max: 500 }).map((tenths) => tenths / 10),
          { freq: 6 },
        ),
      }),
      { selector: ({ second }) => second, maxLength: 40 },
    )
    .map((list) =>
      list
        .map(({ second, value }) => ({ timeMs: fromHour * HOUR + second * SECOND, value }))
        .toSorted((a, b) => a.timeMs - b.timeMs),
    );

test('buckets are what a look at every second finds', () => {
  const input = fc.record({
    readings: readingsFrom(1000),
    holdMs: fc.constantFrom(60, 900, 5400).map((seconds) => seconds * SECOND),
  });
  fc.assert(
    fc.property(input, ({ readings, holdMs }) => {
      const hour = 1003;
      const startMs = hour * HOUR;
      const rolled = rollHour({
        hour,
        readings: readings.filter(({ timeMs }) => timeMs >= startMs),
        before: readings.filter(({ timeMs }) => timeMs < startMs),
        holdMs,
        isCounter: false,
        nowMs: Infinity,
      });
      const wanted = Array.from({ length: 12 }, (_, n) =>
        slowBucket(readings, startMs + n * BUCKET, BUCKET, holdMs),
      ).filter((bucket) => bucket !== undefined);
      expect(rolled).toEqual(
        wanted.map(({ mean, ...rest }) => ({ ...rest, mean: expect.closeTo(mean, 9), rise: null })),
      );
      const wholeWanted = slowBucket(readings, startMs, HOUR, holdMs);
      const whole = combine(startMs, rolled);
      expect(whole).toEqual(
        wholeWanted && { ...wholeWanted, mean: expect.closeTo(wholeWanted.mean, 9), rise: null },
      );
    }),
    { numRuns: 300 },
  );
});

test('what has not come yet is not known', () => {
  const readings = [{ timeMs: 5 * HOUR, value: 4 }];
  const [bucket, ...more] = rollHour({
    hour: 5,
    readings,
    before: [],
    holdMs: 15 * MINUTE,
    isCounter: false,
    nowMs: 5 * HOUR + 2 * MINUTE,
  });
  expect(more).toEqual([]);
  expect(bucket).toMatchObject({ coveredMs: 2 * MINUTE, samples: 1, mean: 4 });
});

describe('a counter', () => {
  const rises = (values: readonly (number | null)[]): number[] => {
    const watch = new CounterWatch();
    return values.map((value) => {
      if (value !== null) return watch.take(value);
      watch.interrupt();
      return 0;
    });
  };
  test.each<[string, (number | null)[], number[]]>([
    ['rises', [100, 101, 103], [0, 1, 2]],
    ['that says 0 once did not start anew', [100, 0, 101], [0, 0, 1]],
    ['that starts anew goes on from there', [100, 0, 2, 5], [0, 0, 2, 3]],
    ['that is low twice and comes back is not counted again', [100, 0, 0, 100, 101], [0, 0, 0, 0, 1]],
    ['that says a lone 0 first had more before', [0, 8000, 8001], [0, 0, 1]],
    ['that is at 0 rises from there', [0, 0, 3], [0, 0, 3]],
    ['is not counted where nobody watched', [100, null, 150, 151], [0, 0, 0, 1]],
    ['says 0 when it comes back from a gap', [100, null, 0, 150, 151], [0, 0, 0, 0, 1]],
    ['is a new one with a lower count', [8000, 5000, 5001, 5002], [0, 0, 1, 1]],
    ['of each day passes the day before by small steps', [9, 0, 0, 5, 9, 10], [0, 0, 0, 5, 4, 1]],
  ])('%s', (_, values, wanted) => {
    expect(rises(values)).toEqual(wanted);
  });

  test('is attributed to the buckets in which it rose', () => {
    const at = (minute: number, value: number): Reading => ({ timeMs: 7 * HOUR + minute * MINUTE, value });
    const buckets = rollHour({
      hour: 7,
      readings: [at(1, 10.1), at(4, 10.4), at(6, 0), at(9, 10.5), at(12, 11)],
      before: [at(-3, 10)],
      holdMs: 15 * MINUTE,
      isCounter: true,
      nowMs: Infinity,
    });
    expect(buckets.map(({ rise }) => rise)).toEqual([0.4, 0.1, 0.5, 0, 0, 0]);
    expect(combine(7 * HOUR, buckets)).toMatchObject({ rise: 1, first: 10, last: 11, min: 0 });
  });
});

describe('the usual interval', () => {
  const learn = (interval: UsualInterval, intervals: readonly number[]): void => {
    let timeMs = 0;
    const readings = [0, ...intervals].map((ms) => ({ timeMs: (timeMs += ms), value: 1 }));
    interval.note(undefined, readings);
  };

  test('nobody reports so often that a value is believed for less than 15 minutes', () => {
    const interval = new UsualInterval(new Uint8Array());
    expect(interval.holdMs).toBe(15 * MINUTE);
    learn(
      interval,
      Array.from({ length: 1000 }, () => 10 * SECOND),
    );
    expect(interval.holdMs).toBe(15 * MINUTE);
  });

  test('who reports once an hour is believed for three hours and a little', () => {
    const interval = new UsualInterval(new Uint8Array());
    learn(
      interval,
      Array.from({ length: 30 }, () => HOUR),
    );
    expect(interval.holdMs).toBeGreaterThanOrEqual(3 * HOUR);
    expect(interval.holdMs).toBeLessThan(4.5 * HOUR);
    expect(new UsualInterval(interval.stored()).holdMs).toBe(interval.holdMs);
  });

  test('bursts do not hide that a device is silent most of the time, nor an outage that it is not', () => {
    const bursts = new UsualInterval(new Uint8Array());
    learn(
      bursts,
      Array.from({ length: 200 }, (_, n) => (n % 10 === 0 ? HOUR : SECOND)),
    );
    expect(bursts.holdMs).toBeGreaterThanOrEqual(3 * HOUR);
    const outage = new UsualInterval(new Uint8Array());
    learn(outage, [...Array.from({ length: 1440 }, () => MINUTE), 10 * HOUR]);
    expect(outage.holdMs).toBe(15 * MINUTE);
    learn(outage, [5 * DAY]);
    expect(outage.holdMs).toBe(15 * MINUTE);
  });
});
