import type { Aggregate } from './types.ts';

import {
  AS_FLOATS,
  ByteReader,
  ByteWriter,
  DamagedBlockError,
  decimalsOf,
  fromInteger,
  MAX_INTEGER,
  readDecimals,
  toInteger,
} from '../base/bytes.ts';

const VERSION = 1;

/** first, last, min, max and mean are the same. */
const CONSTANT = 1;
/** It is known for the whole of the bucket. */
const COVERED = 2;
/** It is a counter's; where RISEN is not set too, the rise is 0. */
const COUNTER = 4;
const RISEN = 8;

/** The buckets of one row. */
export interface BucketRow {
  /** Where the first bucket begins. */
  readonly startMs: number;
  readonly bucketMs: number;
  readonly buckets: number;
}

/**
 * Packs aggregates, ordered by time:
 *
 *     version, decimals, count, then for each: number of the bucket, flags, coveredMs, samples, values
 *
 * Values are whole numbers of the last decimal as differences: first to the last before, then max and last to min. The
 * mean is a float32, which is finer than any meter, and is held between min and max when it is read.
 */
export function encodeAggregates(row: BucketRow, aggregates: readonly Aggregate[]): Uint8Array {
  const decimals = decimalsOf(
    aggregates.flatMap(({ first, last, min, max, rise }) => [first, last, min, max, rise ?? 0]),
  );
  const to = new ByteWriter();
  to.byte(VERSION);
  to.byte(decimals);
  to.varint(aggregates.length);
  let before = 0;
  for (const one of aggregates) {
    const isConstant = one.min === one.max;
    to.byte((one.startMs - row.startMs) / row.bucketMs);
    to.byte(
      (isConstant ? CONSTANT : 0) +
        (one.coveredMs === row.bucketMs ? COVERED : 0) +
        (one.rise === null ? 0 : COUNTER) +
        ((one.rise ?? 0) === 0 ? 0 : RISEN),
    );
    if (one.coveredMs !== row.bucketMs) to.varint(one.coveredMs);
    to.varint(one.samples);
    if (decimals === AS_FLOATS) {
      to.float64(one.first);
      if (!isConstant) for (const value of [one.min, one.max, one.last]) to.float64(value);
      if ((one.rise ?? 0) !== 0) to.float64(one.rise ?? 0);
    } else {
      const [first = 0, min = 0, max = 0, last = 0, rise = 0] = [
        one.first,
        one.min,
        one.max,
        one.last,
        one.rise ?? 0,
      ].map((value) => toInteger(value, decimals));
      to.signed(first - before);
      if (!isConstant) for (const difference of [first - min, max - min, last - min]) to.varint(difference);
      if (rise !== 0) to.signed(rise);
      before = last;
    }
    if (!isConstant) to.float32(one.mean);
  }
  return to.finish();
}

/** @throws DamagedBlockError for everything that `encodeAggregates` does not make. */
export function decodeAggregates(row: BucketRow, block: Uint8Array): Aggregate[] {
  const from = new ByteReader(block);
  if (from.byte() !== VERSION) throw new DamagedBlockError('unknown version');
  const decimals = readDecimals(from);
  const count = from.count(4);
  const aggregates: Aggregate[] = [];
  let lastBucket = -1;
  let before = 0;
  const integer = (value: number): number => {
    if (Math.abs(value) > MAX_INTEGER) throw new DamagedBlockError('a value is out of range');
    return value;
  };
  for (let n = 0; n < count; n++) {
    const bucket = from.byte();
    if (bucket <= lastBucket || bucket >= row.buckets) throw new DamagedBlockError('buckets out of order');
    lastBucket = bucket;
    const flags = from.byte();
    if (flags > 15) throw new DamagedBlockError('unknown flags');
    const coveredMs = flags & COVERED ? row.bucketMs : from.varint();
    if (coveredMs > row.bucketMs) throw new DamagedBlockError('more is covered than there is');
    const samples = from.varint();
    let [first, min, max, last, rise] = [0, 0, 0, 0, 0];
    if (decimals === AS_FLOATS) {
      first = min = max = last = from.float64();
      if (!(flags & CONSTANT)) [min, max, last] = [from.float64(), from.float64(), from.float64()];
      if (flags & RISEN) rise = from.float64();
    } else {
      first = min = max = last = integer(before + from.signed());
      if (!(flags & CONSTANT)) {
        min = integer(first - from.varint());
        max = integer(min + from.varint());
        last = integer(min + from.varint());
      }
      if (flags & RISEN) rise = integer(from.signed());
      before = last;
      [first, min, max, last, rise] = [
        fromInteger(first, decimals),
        fromInteger(min, decimals),
        fromInteger(max, decimals),
        fromInteger(last, decimals),
        fromInteger(rise, decimals),
      ];
    }
    if (!(min <= first && first <= max && min <= last && last <= max))
      throw new DamagedBlockError('values out of order');
    const mean = flags & CONSTANT ? min : Math.min(Math.max(from.float32(), min), max);
    aggregates.push({
      startMs: row.startMs + bucket * row.bucketMs,
      mean,
      min,
      max,
      first,
      last,
      coveredMs,
      samples,
      rise: flags & COUNTER ? rise : null,
    });
  }
  from.end();
  return aggregates;
}
