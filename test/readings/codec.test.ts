import * as fc from 'fast-check';
import { expect, test } from 'vitest';

import type { Aggregate, Reading } from '../../src/readings/types.ts';

import { decodeAggregates, encodeAggregates } from '../../src/readings/aggregate-codec.ts';
import { DamagedBlockError } from '../../src/base/bytes.ts';
import { blocksOf, decodeReadings, encodeBatch, encodeReadings } from '../../src/readings/codec.ts';
import { MAX_TIME_MS } from '../../src/readings/periods.ts';

const decimal = fc
  .tuple(fc.integer({ min: -(10 ** 9), max: 10 ** 9 }), fc.integer({ min: 0, max: 6 }))
  .map(([value, decimals]) => value / 10 ** decimals + 0);
const anyNumber = fc
  .double({ noNaN: true, noDefaultInfinity: true, min: -1e30, max: 1e30 })
  .map((value) => value + 0);
const values = fc.oneof(fc.array(decimal, { maxLength: 60 }), fc.array(anyNumber, { maxLength: 60 }));
const series: fc.Arbitrary<Reading[]> = fc
  .tuple(
    values,
    fc.array(fc.integer({ min: 1, max: 10 ** 8 }), { minLength: 60, maxLength: 60 }),
    fc.integer({ min: 0, max: 2 * 10 ** 12 }),
    fc.array(fc.boolean(), { minLength: 60, maxLength: 60 }),
  )
  .map(([values, intervals, firstMs, gaps]) => {
    let timeMs = firstMs;
    return values.map((value, n) => {
      timeMs += intervals[n] ?? 1;
      return { timeMs, value: gaps[n] === true && n % 5 === 0 ? null : value };
    });
  });

test('readings come back as they were', () => {
  fc.assert(
    fc.property(series, (readings) => {
      expect(decodeReadings(encodeReadings(readings))).toEqual(readings);
    }),
  );
});

test('regular reports of a thermometer take about three bytes each', () => {
  const readings = Array.from({ length: 60 }, (_, n) => ({
    timeMs: 1.8e12 + n * 60_000 + ((n * 7919) % 900),
    value: 20 + ((n * 31) % 50) / 100,
  }));
  expect(encodeReadings(readings).length).toBeLessThan(60 * 3.6 + 12);
});

test('a batch gives back the block of each series', () => {
  const lists = [
    { key: 1, readings: [{ timeMs: 5, value: 1 }] },
    { key: 70_000, readings: [{ timeMs: 6, value: null }] },
  ];
  const read = [...blocksOf(encodeBatch(lists))].map(({ key, block }) => ({
    key,
    readings: decodeReadings(block),
  }));
  expect(read).toEqual(lists);
});

const row = { startMs: 1.8e12, bucketMs: 300_000, buckets: 12 };
const aggregate = (value: fc.Arbitrary<number>): fc.Arbitrary<Aggregate> =>
  fc
    .record({
      numbers: fc.array(value, { minLength: 4, maxLength: 4 }),
      part: fc.double({ min: 0, max: 1, noNaN: true }),
      coveredMs: fc.oneof(fc.constant(300_000), fc.integer({ min: 0, max: 300_000 })),
      samples: fc.nat(10_000),
      rise: fc.option(fc.oneof(fc.constant(0), value.map(Math.abs))),
    })
    .map(({ numbers, part, coveredMs, samples, rise }) => {
      const sorted = numbers.toSorted((a, b) => a - b);
      const [min = 0, first = 0, last = 0, max = 0] = sorted;
      return { startMs: 0, mean: min + (max - min) * part, min, max, first, last, coveredMs, samples, rise };
    });
const hour = fc
  .oneof(fc.array(aggregate(decimal), { maxLength: 12 }), fc.array(aggregate(anyNumber), { maxLength: 12 }))
  .map((list) => list.map((one, n) => ({ ...one, startMs: row.startMs + n * row.bucketMs })));

test('aggregates come back as they were, the mean to seven digits', () => {
  fc.assert(
    fc.property(hour, (list) => {
      const read = decodeAggregates(row, encodeAggregates(row, list));
      expect(read).toEqual(list.map((one) => ({ ...one, mean: expect.any(Number) })));
      for (const [n, { mean, min, max }] of read.entries()) {
        const wanted = list[n]?.mean ?? 0;
        expect(Math.abs(mean - wanted)).toBeLessThanOrEqual(
          1e-7 * Math.max(Math.abs(min), Math.abs(max)) + 1e-45,
        );
      }
    }),
  );
});

test('bytes that nobody wrote are refused or read as something in range, and never take long', () => {
  const mutation = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(series, hour, mutation, fc.option(fc.nat()), (readings, aggregates, changes, cut) => {
      for (const [block, decode] of [
        [encodeReadings(readings), decodeReadings],
        [encodeAggregates(row, aggregates), (bytes: Uint8Array) => decodeAggregates(row, bytes)],
      ] as const) {
        for (const [at, value] of changes) block[at % block.length] = value;
        const bytes = cut === null ? block : block.slice(0, cut % block.length);
        try {
          const read = decode(bytes);
          expect(read.length).toBeLessThanOrEqual(bytes.length);
          for (const one of read) {
            const timeMs = 'timeMs' in one ? one.timeMs : one.startMs;
            expect(timeMs >= 0 && timeMs <= MAX_TIME_MS).toBe(true);
            expect(Object.values(one).every((value) => value === null || Number.isFinite(value))).toBe(true);
          }
        } catch (error) {
          if (!(error instanceof DamagedBlockError)) throw error;
        }
      }
    }),
    { numRuns: 500 },
  );
});

test.each([
  ['nothing', []],
  ['another version', [2, 0, 0]],
  ['unknown decimals', [1, 7, 0]],
  ['more readings than bytes', [1, 0, 0xff, 0xff, 0xff, 0xff, 0x0f, 0, 1]],
  ['something after the end', [1, 0, 1, 5, 1, 0]],
  ['a time twice', [1, 0, 2, 5, 1, 0, 1]],
  ['a number without end', [1, 0, 1, 255, 255, 255, 255, 255, 255, 255, 255, 1]],
  ['a value that is no number', [1, 255, 1, 5, 1, 0, 0, 0, 0, 0, 0, 0xf8, 0x7f]],
])('a block with %s is refused', (_, bytes) => {
  expect(() => decodeReadings(Uint8Array.from(bytes))).toThrow(DamagedBlockError);
});
