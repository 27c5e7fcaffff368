import type { Db } from '../base/db.ts';
import type { Logger } from '../base/log.ts';
import type { BatchRow } from './reader.ts';
import type { Reading } from './types.ts';

import { errorText } from '../base/errors.ts';
import { blocksOf, decodeReadings } from './codec.ts';
import { hourOf } from './periods.ts';
import { readChunk, readChunkBefore, readChunkHours } from './reader.ts';

/** One list, ordered by time; in one millisecond the last one given counts. */
export function mergeReadings(...lists: readonly (readonly Reading[])[]): Reading[] {
  const all = lists.flat();
  let lastMs = -1;
  let isOrdered = true;
  for (const { timeMs } of all) {
    isOrdered &&= timeMs > lastMs;
    lastMs = timeMs;
  }
  if (isOrdered) return all;
  const byTime = new Map(all.map((reading) => [reading.timeMs, reading]));
  return [...byTime.values()].toSorted((a, b) => a.timeMs - b.timeMs);
}

/** What was damaged on the disk is told and left out; the rest of the history must not be lost with it. */
export function undamaged<T>(log: Logger, what: string, decode: () => T, otherwise: T): T {
  try {
    return decode();
  } catch (error) {
    log.error(
      { err: error, block: what },
      `a block of readings is damaged and left out: ${errorText(error)}`,
    );
    return otherwise;
  }
}

/** Where in batches the readings of each series are, oldest first. They are decoded series by series: all take a while. */
export function blocksBySeries(log: Logger, batches: readonly BatchRow[]): Map<number, Uint8Array[]> {
  const bySeries = new Map<number, Uint8Array[]>();
  for (const batch of batches) {
    const take = (): void => {
      for (const { key, block } of blocksOf(batch.data)) {
        const blocks = bySeries.get(key);
        if (blocks) blocks.push(block);
        else bySeries.set(key, [block]);
      }
    };
    undamaged(log, `batch ${batch.key}`, take, undefined);
  }
  return bySeries;
}

export function readingsOfBlocks(log: Logger, seriesKey: number, blocks: readonly Uint8Array[]): Reading[] {
  const what = `series ${seriesKey} in a batch`;
  return mergeReadings(...blocks.map((block) => undamaged(log, what, () => decodeReadings(block), [])));
}

/** All readings of one series by hour: those in rows of their own, and `tail`, which are in batches or in memory yet. */
export class Timeline {
  readonly #db: Db;
  readonly #log: Logger;
  readonly #seriesKey: number | null;
  readonly #tail = new Map<number, Reading[]>();
  readonly #cache = new Map<number, { readings: Reading[]; isStored: boolean }>();

  constructor(db: Db, log: Logger, seriesKey: number | null, tail: readonly Reading[]) {
    this.#db = db;
    this.#log = log;
    this.#seriesKey = seriesKey;
    for (const reading of tail) {
      const hour = hourOf(reading.timeMs);
      const readings = this.#tail.get(hour);
      if (readings) readings.push(reading);
      else this.#tail.set(hour, [reading]);
    }
  }

  /** The hours of the tail, in order. */
  get tailHours(): number[] {
    return [...this.#tail.keys()].toSorted((a, b) => a - b);
  }

  readings(hour: number): readonly Reading[] {
    return this.#at(hour).readings;
  }

  /** Whether the hour has a row, whatever the tail adds to it. */
  isStored(hour: number): boolean {
    return this.#at(hour).isStored;
  }

  /** The readings of the nearest hour before that has any. */
  before(hour: number): readonly Reading[] {
    const inTail = Math.max(-1, ...[...this.#tail.keys()].filter((candidate) => candidate < hour));
    const stored =
      this.#seriesKey === null ? undefined : readChunkBefore(this.#db, this.#seriesKey, hour)?.period;
    const nearest = Math.max(inTail, stored ?? -1);
    return nearest < 0 ? [] : this.readings(nearest);
  }

  /** The hours in a range that have readings, in order. */
  hours(fromHour: number, toHour: number): number[] {
    const stored =
      this.#seriesKey === null ? [] : readChunkHours(this.#db, this.#seriesKey, fromHour, toHour);
    const tail = this.tailHours.filter((hour) => hour >= fromHour && hour <= toHour);
    return tail.length === 0 ? stored : [...new Set([...stored, ...tail])].toSorted((a, b) => a - b);
  }

  #at(hour: number): { readings: Reading[]; isStored: boolean } {
    const cached = this.#cache.get(hour);
    if (cached) return cached;
    const key = this.#seriesKey;
    const block = key === null ? undefined : readChunk(this.#db, key, hour);
    const stored = block
      ? undamaged(this.#log, `series ${key} hour ${hour}`, () => decodeReadings(block), [])
      : [];
    const made = {
      readings: mergeReadings(stored, this.#tail.get(hour) ?? []),
      isStored: block !== undefined,
    };
    this.#cache.set(hour, made);
    return made;
  }
}
