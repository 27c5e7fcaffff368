import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

import type { ReadingSource, SourceChange, SourceDevice, SourceFollower } from '../../src/readings/types.ts';

import { ManualClock } from '../../src/base/clock.ts';
import { keptValueTables } from '../../src/base/kept-values.ts';
import { silentLogger } from '../../src/base/log.ts';
import { Store } from '../../src/base/store.ts';
import { Readings } from '../../src/readings/readings.ts';
import { readingTables } from '../../src/readings/tables.ts';
import { randomNumbers } from './graph/home.ts';
import { median, ms, quantile, type Result } from './measure.ts';

const DEVICES = 100;
const PER_SECOND = 50;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const MB = 1e6;
const AIM_MB_PER_HOUR = 20;
const AIM_MB_FOR_FIVE_YEARS = 1000;
const ROUNDS = 7;

/** What a home of sensors and plugs reports: each walks as such a thing does, with the digits that such a thing has. */
class BenchSource implements ReadingSource {
  readonly #devices: { entityId: string; values: Map<string, { value: number; timestampMs: number }> }[];
  readonly #random = randomNumbers(7);
  readonly #waiting: SourceChange[] = [];
  #wake: (() => void) | undefined;

  constructor(devices: number) {
    this.#devices = Array.from({ length: devices }, (_, n) => ({
      entityId: `device-${n}`,
      values: new Map([
        ['temperature', { value: 20 + (n % 50) / 10, timestampMs: 0 }],
        ['humidity', { value: 50, timestampMs: 0 }],
        ['power', { value: 0, timestampMs: 0 }],
        ['energy', { value: 100 + n, timestampMs: 0 }],
      ]),
    }));
  }

  /** @param count how many of its capabilities the device reports */
  report(device: number, count: number, nowMs: number): void {
    const one = this.#devices[device];
    if (!one) throw new Error(`there is no device ${device}`);
    const { entityId, values } = one;
    for (const [capability, state] of [...values].slice(0, count)) {
      const value = this.#next(capability, state.value);
      const isSame = value === state.value;
      state.value = value;
      state.timestampMs = nowMs;
      if (isSame) continue;
      this.#waiting.push({ entityId, capability, value, timestampMs: nowMs });
      this.#wake?.();
    }
  }

  list(): SourceDevice[] {
    return this.#devices.map(({ entityId, values }) => ({
      entityId,
      values,
      capabilities: [...values.keys()].map((name) =>
        name === 'energy' ? { name, state_class: 'total_increasing' } : { name },
      ),
    }));
  }

  follow(wake: () => void): SourceFollower {
    this.#wake = wake;
    return { take: () => this.#waiting.splice(0), [Symbol.dispose]: () => (this.#wake = undefined) };
  }

  #next(capability: string, before: number): number {
    const random = this.#random;
    switch (capability) {
      case 'temperature':
        return decimals(before + (random(21) - 10) / 100, 2);
      case 'humidity':
        return decimals(Math.min(95, Math.max(20, before + (random(7) - 3) / 10)), 1);
      case 'power':
        return random(20) === 0 ? random(2000) : decimals(Math.max(0, before + (random(31) - 15) / 10), 1);
      default:
        return decimals(before + random(4) / 1000, 3);
    }
  }
}

interface ReadingsBench extends AsyncDisposable {
  readonly file: string;
  readonly clock: ManualClock;
  readonly store: Store;
  readonly source: BenchSource;
  readonly readings: Readings;
}

async function openBench(devices = DEVICES): Promise<ReadingsBench> {
  const folder = mkdtempSync(join(tmpdir(), 'funkygibbon-bench-'));
  const file = join(folder, 'hub.db');
  const clock = new ManualClock();
  const source = new BenchSource(devices);
  const migrations = [keptValueTables, readingTables];
  const store = await Store.open({ file, clock, log: silentLogger, migrations });
  const readings = Readings.start({ store, source, clock, log: silentLogger });
  return {
    file,
    clock,
    store,
    source,
    readings,
    async [Symbol.asyncDispose]() {
      await readings[Symbol.asyncDispose]();
      await store[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Simulates a time of 50 messages a second with one number each, with what the hub does every minute. */
async function runBusy(home: ReadingsBench, minutes: number): Promise<void> {
  for (let minute = 0; minute < minutes; minute++) {
    for (let n = 0; n < 60 * PER_SECOND; n++) {
      home.source.report(n % DEVICES, 1, home.clock.nowMs());
      home.clock.advance(1000 / PER_SECOND);
    }
    await home.readings.tick();
  }
}

/** Simulates a time in which every device reports its four numbers about once a minute. */
async function runQuiet(home: ReadingsBench, devices: number, minutes: number): Promise<void> {
  const random = randomNumbers(3);
  for (let minute = 0; minute < minutes; minute++) {
    const beginMs = home.clock.nowMs();
    for (let n = 0; n < devices; n++) {
      const atMs = beginMs + Math.floor((n * MINUTE_MS) / devices) + random(Math.floor(MINUTE_MS / devices));
      home.clock.jumpTo(atMs);
      home.source.report(n, 4, atMs);
    }
    home.clock.jumpTo(beginMs + MINUTE_MS);
    await home.readings.tick();
  }
}

export async function benchReadings(): Promise<Result[]> {
  return [await ingest(), ...(await written()), ...(await size()), ...(await queries())];
}

/** The rate at which readings are taken, written and sorted, against one row for each in a transaction a minute. */
async function ingest(): Promise<Result> {
  await using home = await openBench();
  using bare = new DatabaseSync(`${home.file}.bare`);
  bare.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
    CREATE TABLE reading (series INTEGER, time INTEGER, value REAL, PRIMARY KEY (series, time)) WITHOUT ROWID`);
  const insert = bare.prepare('INSERT INTO reading VALUES (?, ?, ?)');
  const ratios: number[] = [];
  const rates: number[] = [];
  let bareMs = 1.8e12;
  await runBusy(home, 60);
  for (let round = 0; round < ROUNDS; round++) {
    const from = performance.now();
    await runBusy(home, 60);
    const ours = performance.now() - from;
    const bareFrom = performance.now();
    for (let minute = 0; minute < 60; minute++) {
      bare.exec('BEGIN');
      for (let n = 0; n < 60 * PER_SECOND; n++) insert.run(n % DEVICES, (bareMs += 20), n / 10);
      bare.exec('COMMIT');
    }
    const theirs = performance.now() - bareFrom;
    ratios.push(theirs / ours);
    rates.push((3600 * PER_SECOND) / (ours / 1000));
  }
  return {
    what: 'readings taken, written, sorted and rolled up, against one bare row for each in a transaction a minute',
    measured: `${median(ratios).toFixed(2)}x of its rate (${(median(rates) / 1000).toFixed(0)}k a second)`,
    aim: '0.5x',
    met: median(ratios) >= 0.5,
  };
}

/** What history alone adds to the bytes that the hub writes in an hour. */
async function written(): Promise<Result[]> {
  const results: Result[] = [];
  for (const [what, run] of [
    [
      `${PER_SECOND} numbers a second of ${DEVICES} devices`,
      async (home: ReadingsBench) => await runBusy(home, 360),
    ],
    [
      `4 numbers a minute of each of ${DEVICES} devices`,
      async (home: ReadingsBench) => await runQuiet(home, DEVICES, 360),
    ],
  ] as const) {
    await using home = await openBench();
    const stops: number[] = [];
    const worked: number[] = [];
    const write = home.store.write.bind(home.store);
    home.store.write = (body) => {
      const from = performance.now();
      const cpu = process.threadCpuUsage();
      const result = write(body);
      const { user, system } = process.threadCpuUsage(cpu);
      stops.push(performance.now() - from);
      worked.push((user + system) / 1000);
      return result;
    };
    await run(home);
    await home.store.checkpoint();
    stops.length = worked.length = 0;
    const before = writtenBytes();
    await run(home);
    await home.store.checkpoint();
    const perHour = (writtenBytes() - before) / MB / 6;
    results.push(
      {
        what: `disk bytes an hour of history alone: ${what}`,
        measured: `${perHour.toFixed(1)} MB`,
        aim: `${AIM_MB_PER_HOUR / 2} MB`,
        met: perHour <= AIM_MB_PER_HOUR / 2,
      },
      {
        what: 'the same: transactions, median and p99; p99 of their processor time',
        measured: `${ms(median(stops))}, ${ms(quantile(stops, 0.99))}; ${ms(quantile(worked, 0.99))}`,
        aim: '20 ms of processor time',
        met: quantile(worked, 0.99) <= 20,
      },
    );
  }
  return results;
}

/** Bytes of five years, from the pages that some days of it take. */
async function size(): Promise<Result[]> {
  const days = 3;
  const devices = 10;
  await using home = await openBench(devices);
  await runQuiet(home, devices, (days * DAY_MS) / MINUTE_MS + 1);
  const perSeriesDay = (table: string): number => {
    const row = home.store.db.get<{ bytes: number }>(
      'SELECT sum(pgsize) AS bytes FROM dbstat WHERE name = ?',
      table,
    );
    return (row?.bytes ?? Number.NaN) / days / (devices * 4);
  };
  const [raw, fives, hours] = [
    perSeriesDay('reading_chunk'),
    perSeriesDay('reading_5m'),
    perSeriesDay('reading_1h'),
  ];
  const total = (DEVICES * 4 * (raw * 10 + fives * 90 + hours * 365.25 * 5)) / MB;
  return [
    {
      what: `five years of ${DEVICES} devices with 4 numbers a minute each: raw 10 days, 5 minutes 90 days, hours 5 years`,
      measured: `${total.toFixed(0)} MB (a series and day: ${raw.toFixed(0)}, ${fives.toFixed(0)}, ${hours.toFixed(0)} bytes)`,
      aim: `${AIM_MB_FOR_FIVE_YEARS} MB`,
      met: total <= AIM_MB_FOR_FIVE_YEARS,
    },
  ];
}

/** How long the event loop stands still for a question. */
async function queries(): Promise<Result[]> {
  await using home = await openBench();
  await runBusy(home, 3 * 60 + 50);
  await using wide = await openBench(2);
  await runQuiet(wide, 2, (8 * DAY_MS) / MINUTE_MS);
  const results: Result[] = [];
  for (const [what, { readings, clock }, rangeMs, resolution] of [
    ['the last hour, raw, 50 minutes of it not sorted yet', home, HOUR_MS, 'raw'],
    ['the last hour in 5 minutes, made at once', home, HOUR_MS, '5m'],
    ['7 days, raw (10,000 readings)', wide, 7 * DAY_MS, 'raw'],
    ['7 days in 5 minutes (2016 buckets)', wide, 7 * DAY_MS, '5m'],
    ['8 days by the hour', wide, 8 * DAY_MS, '1h'],
  ] as const) {
    const times: number[] = [];
    let items = 0;
    for (let n = 0; n < 60; n++) {
      const [entityId, toMs] = [`device-${n % 2}`, clock.nowMs()];
      const from = performance.now();
      const fromMs = toMs - rangeMs;
      const page = readings.query({
        entityId,
        capability: 'temperature',
        fromMs,
        toMs,
        resolution,
        limit: 10_000,
      });
      times.push(performance.now() - from);
      items = page.items.length;
    }
    results.push({
      what: `a question for ${what}: median, p99`,
      measured: `${ms(median(times))}, ${ms(quantile(times, 0.99))} (${items} items)`,
      aim: '20 ms (median)',
      met: median(times) <= 20,
    });
  }
  return results;
}

/** What this process caused to be written to storage, page cache that was never flushed included. */
function writtenBytes(): number {
  return Number(/^write_bytes: (\d+)/m.exec(readFileSync('/proc/self/io', 'utf8'))?.[1]);
}

function decimals(value: number, count: number): number {
  return Number(value.toFixed(count));
}
