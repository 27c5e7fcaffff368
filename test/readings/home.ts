import { cpSync } from 'node:fs';

import type { Store } from '../../src/base/store.ts';
import type {
  Aggregate,
  Reading,
  ReadingSource,
  Retention,
  SourceChange,
  SourceDevice,
  SourceFollower,
} from '../../src/readings/types.ts';

import { ManualClock } from '../../src/base/clock.ts';
import { silentLogger } from '../../src/base/log.ts';
import { Readings } from '../../src/readings/readings.ts';
import { readingTables } from '../../src/readings/tables.ts';
import { openTestStore } from '../support/store.ts';

export const SECOND = 1000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** The devices as readings sees them: what a capability says, and that it was said again. */
export class FakeSource implements ReadingSource {
  readonly #clock: ManualClock;
  readonly #values = new Map<string, Map<string, { value: unknown; timestampMs: number }>>();
  readonly stateClasses = new Map<string, string>();
  #waiting: SourceChange[] = [];
  #wake: (() => void) | undefined;

  constructor(clock: ManualClock) {
    this.#clock = clock;
  }

  say(entityId: string, capability: string, value: unknown): void {
    const timestampMs = this.#clock.nowMs();
    const values = this.#values.get(entityId) ?? new Map<string, { value: unknown; timestampMs: number }>();
    this.#values.set(entityId, values);
    const isSame = values.get(capability)?.value === value;
    if (capability !== 'available') values.set(capability, { value, timestampMs });
    if (isSame) return;
    this.#waiting.push({ entityId, capability, value, timestampMs });
    this.#wake?.();
  }

  list(): SourceDevice[] {
    return [...this.#values].map(([entityId, values]) => ({
      entityId,
      values,
      capabilities: [...values.keys()].map((name) => {
        const stateClass = this.stateClasses.get(name);
        return stateClass === undefined ? { name } : { name, state_class: stateClass };
      }),
    }));
  }

  follow(wake: () => void): SourceFollower {
    this.#wake = wake;
    return {
      take: () => this.#waiting.splice(0),
      [Symbol.dispose]: () => (this.#wake = undefined),
    };
  }
}

export interface ReadingsHome extends AsyncDisposable {
  readonly folder: string;
  readonly clock: ManualClock;
  readonly store: Store;
  readonly source: FakeSource;
  readonly readings: Readings;
  raw(fromMs?: number, toMs?: number): Reading[];
  buckets(resolution: '5m' | '1h', fromMs?: number, toMs?: number): Aggregate[];
}

export interface HomeOptions extends Partial<Retention> {
  clock?: ManualClock;
  source?: FakeSource;
}

/** Readings on a real file. Its one series, unless a test makes more, is `temperature` of `sensor`. */
export async function openReadings(folder: string, options: HomeOptions = {}): Promise<ReadingsHome> {
  const clock = options.clock ?? new ManualClock();
  const source = options.source ?? new FakeSource(clock);
  const store = await openTestStore(folder, [readingTables], clock);
  const readings = Readings.start({ ...options, store, source, clock, log: silentLogger });
  const everything = { entityId: 'sensor', capability: 'temperature', limit: 10_000 };
  return {
    folder,
    clock,
    store,
    source,
    readings,
    raw(fromMs = 0, toMs = Number.MAX_SAFE_INTEGER) {
      const page = readings.query({ ...everything, fromMs, toMs, resolution: 'raw' });
      return page.resolution === 'raw' ? [...page.items] : [];
    },
    buckets(resolution, fromMs = 0, toMs = Number.MAX_SAFE_INTEGER) {
      const page = readings.query({ ...everything, fromMs, toMs, resolution });
      return page.resolution === 'raw' ? [] : [...page.items];
    },
    async [Symbol.asyncDispose]() {
      await readings[Symbol.asyncDispose]();
      await store[Symbol.asyncDispose]();
    },
  };
}

/** What a killed hub leaves behind, in another folder: the files, without what it had in memory. */
export function leaveBehind(home: ReadingsHome, folder: string): void {
  cpSync(home.folder, folder, { recursive: true });
}
