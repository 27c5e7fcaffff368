import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import { HubError } from '../../src/base/errors.ts';
import { MAX_WAITING_READINGS } from '../../src/readings/recorder.ts';
import { temporaryFolder } from '../support/store.ts';
import { MINUTE, openReadings, SECOND, type ReadingsHome } from './home.ts';

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

function rowCounts(): Record<string, number> {
  const counts = ['series', 'batch', 'chunk', '5m', '1h'].map((name) => {
    const row = home.store.db.get<{ count: number }>(`SELECT count(*) AS count FROM reading_${name}`);
    return [name, row?.count ?? -1] as const;
  });
  return Object.fromEntries(counts);
}

describe('when the disk refuses', () => {
  function fill(): void {
    vi.spyOn(home.store, 'write').mockImplementation(() => {
      throw new HubError('storage_full', 'The disk is full.');
    });
  }

  test('readings wait, are answered from memory, and are written when there is room', () => {
    fill();
    sayEachMinute([1, 2]);
    home.readings.flush();
    sayEachMinute([3]);
    home.readings.flush();
    expect(home.raw().map(({ value }) => value)).toEqual([1, 2, 3]);
    vi.restoreAllMocks();
    home.readings.flush();
    expect(home.raw().map(({ value }) => value)).toEqual([1, 2, 3]);
    expect(rowCounts()).toMatchObject({ batch: 1, series: 1 });
  });

  test('not more than fits waits; the older half becomes unknown', () => {
    fill();
    const firstMs = home.clock.nowMs();
    for (let n = 0; n < MAX_WAITING_READINGS + 10; n++) {
      say(n);
      home.clock.advance(SECOND);
    }
    const raw = home.raw();
    expect(raw.length).toBeLessThanOrEqual(10_000);
    expect(raw.slice(0, 2)).toEqual([
      { timeMs: firstMs, value: null },
      { timeMs: firstMs + (MAX_WAITING_READINGS / 2) * SECOND, value: MAX_WAITING_READINGS / 2 },
    ]);
    vi.restoreAllMocks();
    home.readings.flush();
    const newest = home.raw(home.clock.nowMs() - 2 * SECOND);
    expect(newest.map(({ value }) => value)).toEqual([MAX_WAITING_READINGS + 8, MAX_WAITING_READINGS + 9]);
  });

  test('a minute does not fail', async () => {
    sayEachMinute([1]);
    home.readings.flush();
    fill();
    await expect(home.readings.tick()).resolves.toBeUndefined();
    vi.restoreAllMocks();
    await home.readings.tick();
    expect(rowCounts()).toMatchObject({ batch: 0, chunk: 1 });
  });
});
