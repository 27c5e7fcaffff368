import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { ReadingSource, SourceChange } from '../../../src/readings/types.ts';

import { ManualClock } from '../../../src/base/clock.ts';
import { keptValueTables } from '../../../src/base/kept-values.ts';
import { silentLogger } from '../../../src/base/log.ts';
import { Store } from '../../../src/base/store.ts';
import { Readings } from '../../../src/readings/readings.ts';
import { readingTables } from '../../../src/readings/tables.ts';
import { randomNumbers } from '../graph/home.ts';
import { ms, type Result } from '../measure.ts';

const DEVICES = 100;
const EVERY_MS = 10_000;
const MINUTE_MS = 60_000;
const DAY_MINUTES = 1440;

/**
 * A day of a home whose devices say their power every 10 s, as the hub lives it: what is written each minute, and what is
 * sorted and rolled up each hour, in a real file.
 */
export async function benchRollup(): Promise<Result[]> {
  const folder = mkdtempSync(join(tmpdir(), 'funkygibbon-bench-'));
  const clock = new ManualClock(Date.UTC(2026, 4, 1));
  const store = await Store.open({
    file: join(folder, 'hub.db'),
    clock,
    log: silentLogger,
    migrations: [keptValueTables, readingTables],
  });
  const source = new Plugs();
  const readings = Readings.start({ store, source, clock, log: silentLogger });
  const minutes: number[] = [];
  const hours: number[] = [];
  for (let minute = 1; minute <= DAY_MINUTES; minute++) {
    for (let atMs = 0; atMs < MINUTE_MS; atMs += EVERY_MS) {
      source.report(clock.nowMs());
      clock.advance(EVERY_MS);
    }
    const before = cpuMs();
    await readings.tick();
    (minute % 60 === 0 ? hours : minutes).push(cpuMs() - before);
  }
  await readings[Symbol.asyncDispose]();
  await store[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
  const sum = (list: readonly number[]): number => list.reduce((total, one) => total + one, 0);
  return [
    {
      what: `a day of ${DEVICES} devices with a reading every 10 s, sorted and rolled up each hour into a real file: processor time of the day`,
      measured: `${ms(sum(hours))} (${ms(sum(hours) / hours.length)} an hour), and ${ms(sum(minutes))} to write what came in each minute`,
      aim: '60 s a day',
      met: sum(hours) + sum(minutes) <= 60_000,
    },
  ];
}

function cpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

class Plugs implements ReadingSource {
  readonly #random = randomNumbers(5);
  readonly #values = Array.from({ length: DEVICES }, () => ({ value: 100, timestampMs: 0 }));
  readonly #waiting: SourceChange[] = [];
  #wake: (() => void) | undefined;

  report(nowMs: number): void {
    for (const [n, state] of this.#values.entries()) {
      const value = this.#random(10) === 0 ? this.#random(2000) : state.value + this.#random(31) / 10 - 1.5;
      state.value = Math.round(Math.max(0, value) * 10) / 10;
      state.timestampMs = nowMs;
      this.#waiting.push({
        entityId: `plug-${n}`,
        capability: 'power',
        value: state.value,
        timestampMs: nowMs,
      });
    }
    this.#wake?.();
  }

  list(): ReturnType<ReadingSource['list']> {
    return this.#values.map((state, n) => ({
      entityId: `plug-${n}`,
      capabilities: [{ name: 'power' }],
      values: new Map([['power', state]]),
    }));
  }

  follow(wake: () => void): ReturnType<ReadingSource['follow']> {
    this.#wake = wake;
    return { take: () => this.#waiting.splice(0), [Symbol.dispose]: () => (this.#wake = undefined) };
  }
}
