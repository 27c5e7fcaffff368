import { readFileSync, statSync } from 'node:fs';

import type { Clock } from '../../../base/clock.ts';
import type { Check } from '../types.ts';

import { sizeText } from '../../io.ts';

/**
 * What the hub writes at most for long. A 32 GB card that bears 500 erasures of each cell, and writes each byte four
 * times, has 4 TB in it: at this rate nearly five years. The hub itself needs a twentieth of it.
 */
const WARN_BYTES_PER_HOUR = 100_000_000;
const WINDOW_MS = 3600_000;
/** From a shorter while nothing is concluded: a start writes much. */
const MIN_WINDOW_MS = 10 * 60_000;
const SECTOR_BYTES = 512;

/** Bytes written so far; null where Linux does not tell. */
export interface WriteCounts {
  readonly process: number | null;
  readonly device: number | null;
}

interface Sample extends WriteCounts {
  readonly atMs: number;
}

/** How much is written to the card, by the hub and by all. */
export function cardWearCheck(clock: Clock, readCounts: () => WriteCounts): Check {
  const samples: Sample[] = [];
  return {
    name: 'card_wear',
    freshMs: 55_000,
    look: () => {
      const sample = { atMs: clock.monotonicMs(), ...readCounts() };
      if (sample.process === null)
        return { status: 'off', summary: 'This system does not tell how much is written.' };
      samples.push(sample);
      while (samples.length > 2 && sample.atMs - (samples[1]?.atMs ?? 0) >= WINDOW_MS) samples.shift();
      const [first = sample] = samples;
      const windowMs = sample.atMs - first.atMs;
      const own = perHour(first.process, sample.process, windowMs);
      const all = perHour(first.device, sample.device, windowMs);
      const details = {
        written_bytes: sample.process,
        bytes_per_hour: own,
        device_bytes_per_hour: all,
        watched_minutes: Math.round(windowMs / 60_000),
      };
      if (windowMs < MIN_WINDOW_MS || own === null) {
        return { status: 'ok', summary: 'It is too early to say how much is written.', details };
      }
      const summary =
        `The hub writes ${sizeText(own)} an hour` +
        (all === null ? '.' : `, and everything together ${sizeText(all)}.`);
      if (own > WARN_BYTES_PER_HOUR) {
        return {
          status: 'warn',
          summary: `${summary} That wears out an SD card.`,
          whatToDo:
            'Set logging.level to info or warn, and look with `funkygibbon mqtt` for a device that reports without end. An SSD bears it.',
          details,
        };
      }
      if (all !== null && all > 4 * WARN_BYTES_PER_HOUR) {
        return {
          status: 'warn',
          summary: `${summary} That wears out an SD card, and it is not the hub.`,
          whatToDo:
            '`sudo iotop -aoP` shows which program it is. The journal can be kept in memory: Storage=volatile.',
          details,
        };
      }
      return { status: 'ok', summary, details };
    },
  };
}

/** What Linux counts for this process, and for the device that holds `folder`. */
export function readWriteCounts(folder: string): WriteCounts {
  return {
    process: numberIn('/proc/self/io', /^write_bytes: (\d+)$/m),
    device: deviceBytes(folder),
  };
}

function deviceBytes(folder: string): number | null {
  const { dev } = statSync(folder);
  // As glibc splits the number of a device; what is no block device (tmpfs, overlay) has 0 as its major.
  const major = (dev >>> 8) & 0xfff;
  const minor = (dev & 0xff) | ((dev >>> 12) & 0xfff00);
  const sectors = numberIn(`/sys/dev/block/${major}:${minor}/stat`, /^\s*(?:\d+\s+){6}(\d+)/);
  return sectors === null ? null : sectors * SECTOR_BYTES;
}

function numberIn(file: string, pattern: RegExp): number | null {
  try {
    const [, found] = pattern.exec(readFileSync(file, 'utf8')) ?? [];
    return found === undefined ? null : Number(found);
  } catch {
    // Another system than Linux, or one that hides it from a service: then it is not known.
    return null;
  }
}

function perHour(before: number | null, now: number | null, ms: number): number | null {
  if (before === null || now === null || ms <= 0) return null;
  return Math.round(((now - before) / ms) * WINDOW_MS);
}
