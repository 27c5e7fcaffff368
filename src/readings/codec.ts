import type { Reading } from './types.ts';

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
  unzigzag,
  zigzag,
} from '../base/bytes.ts';
import { MAX_TIME_MS } from './periods.ts';

const VERSION = 1;

/**
 * Packs the readings of a series, ordered by time:
 *
 *     version, decimals, count, time of the first, then for each: time (but for the first), value
 *
 * A time is the change of the interval (0 while reports come at a fixed rate). A value is a whole number of the last
 * decimal, as one more than its zigzagged difference to the value before; 0 is "unknown". Where decimals do not do, it
 * is a byte 1 and a float64.
 */
export function encodeReadings(readings: readonly Reading[]): Uint8Array {
  const decimals = decimalsOf(readings.flatMap(({ value }) => (value === null ? [] : [value])));
  const to = new ByteWriter();
  to.byte(VERSION);
  to.byte(decimals);
  to.varint(readings.length);
  let lastMs = 0;
  let lastInterval = 0;
  let lastValue = 0;
  for (const [index, { timeMs, value }] of readings.entries()) {
    if (index === 0) to.varint(timeMs);
    else {
      const interval = timeMs - lastMs;
      to.signed(interval - lastInterval);
      lastInterval = interval;
    }
    lastMs = timeMs;
    if (value === null) to.byte(0);
    else if (decimals === AS_FLOATS) {
      to.byte(1);
      to.float64(value);
    } else {
      const integer = toInteger(value, decimals);
      to.varint(zigzag(integer - lastValue) + 1);
      lastValue = integer;
    }
  }
  return to.finish();
}

/** @throws DamagedBlockError for everything that `encodeReadings` does not make. */
export function decodeReadings(block: Uint8Array): Reading[] {
  const from = new ByteReader(block);
  if (from.byte() !== VERSION) throw new DamagedBlockError('unknown version');
  const decimals = readDecimals(from);
  const count = from.count(2);
  const readings: Reading[] = [];
  let timeMs = 0;
  let interval = 0;
  let lastValue = 0;
  for (let index = 0; index < count; index++) {
    if (index === 0) timeMs = from.varint();
    else {
      interval += from.signed();
      if (interval <= 0) throw new DamagedBlockError('times do not rise');
      timeMs += interval;
    }
    if (timeMs > MAX_TIME_MS) throw new DamagedBlockError('a time is out of range');
    const field = decimals === AS_FLOATS ? from.byte() : from.varint();
    if (field === 0) readings.push({ timeMs, value: null });
    else if (decimals === AS_FLOATS) {
      if (field !== 1) throw new DamagedBlockError('unknown field');
      readings.push({ timeMs, value: from.float64() });
    } else {
      lastValue += unzigzag(field - 1);
      if (Math.abs(lastValue) > MAX_INTEGER) throw new DamagedBlockError('a value is out of range');
      readings.push({ timeMs, value: fromInteger(lastValue, decimals) });
    }
  }
  from.end();
  return readings;
}

/** Packs the readings of many series: version, then for each its key, the length of its block, and the block. */
export function encodeBatch(series: Iterable<{ key: number; readings: readonly Reading[] }>): Uint8Array {
  const to = new ByteWriter();
  to.byte(VERSION);
  for (const { key, readings } of series) {
    const block = encodeReadings(readings);
    to.varint(key);
    to.varint(block.length);
    to.bytes(block);
  }
  return to.finish();
}

/** The blocks of a batch by series, not decoded yet. @throws DamagedBlockError */
export function* blocksOf(batch: Uint8Array): Generator<{ key: number; block: Uint8Array }> {
  const from = new ByteReader(batch);
  if (from.byte() !== VERSION) throw new DamagedBlockError('unknown version');
  while (from.left > 0) {
    const key = from.varint();
    yield { key, block: from.bytes(from.varint()) };
  }
}
