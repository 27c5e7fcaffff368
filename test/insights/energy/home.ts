import type { Migrations } from '../../../src/base/migrations.ts';
import type { Store } from '../../../src/base/store.ts';
import type {
  DeviceEnergy,
  EnergyDevice,
  EnergyNote,
  EnergyQuery,
  EnergyReport,
  NewTariff,
} from '../../../src/insights/energy/types.ts';
import type { Sample } from '../simulator.ts';

import { ManualClock } from '../../../src/base/clock.ts';
import { HomeZone } from '../../../src/base/home-zone.ts';
import { silentLogger } from '../../../src/base/log.ts';
import { Energy } from '../../../src/insights/energy/energy.ts';
import { energyTables } from '../../../src/insights/energy/tables.ts';
import { Readings } from '../../../src/readings/readings.ts';
import { readingTables } from '../../../src/readings/tables.ts';
import { FakeSource, MINUTE } from '../../readings/home.ts';
import { openTestStore, temporaryFolder } from '../../support/store.ts';

export interface EnergyTestHome extends AsyncDisposable {
  readonly clock: ManualClock;
  readonly zone: HomeZone;
  readonly source: FakeSource;
  readonly readings: Readings;
  readonly store: Store;
  readonly energy: Energy;
  readonly devices: EnergyDevice[];
  /** Adds a device that counts `energy` and measures `power`, unless told otherwise. */
  add(entityId: string, more?: Partial<EnergyDevice> & { kinds?: readonly ('power' | 'energy')[] }): void;
  /** Sets the clock to a moment of the wall, such as `2026-03-01T00:00`. */
  at(wall: string): void;
  /** Ms of a moment of the wall. */
  ms(wall: string): number;
  /** Plays what several series say at their seconds from now on, and keeps the history as the hub does. */
  play(
    series: readonly { entityId: string; capability: 'power' | 'energy'; samples: Iterable<Sample> }[],
    seconds: number,
  ): Promise<void>;
  report(query?: Partial<EnergyQuery>): Promise<EnergyReport>;
  device(entityId: string, query?: Partial<EnergyQuery>): Promise<DeviceEnergy>;
}

export async function openEnergyHome(
  zoneId = 'Europe/Berlin',
  begin = '2026-03-02T00:00',
  /** Of other parts, which share the file. */
  tables: readonly Migrations[] = [],
): Promise<EnergyTestHome> {
  const zone = new HomeZone(zoneId);
  const msOf = (wall: string): number =>
    Temporal.PlainDateTime.from(wall).toZonedDateTime(zone.id).epochMilliseconds;
  const folder = temporaryFolder();
  const clock = new ManualClock();
  clock.jumpTo(msOf(begin));
  const source = new FakeSource(clock);
  source.stateClasses.set('energy', 'total_increasing').set('power', 'measurement');
  const store = await openTestStore(folder.path, [readingTables, energyTables, ...tables], clock);
  const readings = Readings.start({ store, source, clock, log: silentLogger });
  const devices: EnergyDevice[] = [];
  const rooms = new Map([
    ['kitchen', 'Kitchen'],
    ['cellar', 'Cellar'],
  ]);
  const energy = new Energy({
    store,
    history: readings,
    home: { devices: () => devices, roomName: (id) => rooms.get(id) ?? null },
    zone,
    clock,
  });
  const report = async (query: Partial<EnergyQuery> = {}): Promise<EnergyReport> =>
    await energy.report({ span: { days: 1 }, resolution: 'day', visible: null, ...query });
  return {
    clock,
    zone,
    source,
    readings,
    store,
    energy,
    devices,
    add(entityId, { kinds = ['power', 'energy'], ...more } = {}) {
      devices.push({
        entityId,
        name: entityId,
        roomId: null,
        settings: {},
        capabilities: kinds.map((kind) => ({
          name: kind,
          kind,
          label: null,
          state_class: kind === 'energy' ? 'total_increasing' : 'measurement',
        })),
        ...more,
      });
    },
    at: (wall) => clock.jumpTo(msOf(wall)),
    ms: msOf,
    async play(series, seconds) {
      const beginMs = clock.nowMs();
      const walkers = series.map((one) => {
        const samples = one.samples[Symbol.iterator]();
        return { ...one, samples, next: samples.next() };
      });
      // In turns of ten minutes: so the values of one series are in order, and no sign of life is missed.
      for (let turnMs = 0; turnMs < seconds * 1000; turnMs += 10 * MINUTE) {
        const untilMs = Math.min(turnMs + 10 * MINUTE, seconds * 1000);
        for (const walker of walkers) {
          while (walker.next.done !== true && walker.next.value.second * 1000 < untilMs) {
            const { second, value } = walker.next.value;
            clock.jumpTo(beginMs + second * 1000);
            source.say(walker.entityId, walker.capability, value);
            walker.next = walker.samples.next();
          }
        }
        clock.jumpTo(beginMs + untilMs);
        await readings.tick();
      }
    },
    report,
    async device(entityId, query = {}) {
      const found = (await report(query)).devices.find((device) => device.entityId === entityId);
      if (!found) throw new Error(`${entityId} is not in the report`);
      return found;
    },
    async [Symbol.asyncDispose]() {
      await readings[Symbol.asyncDispose]();
      await store[Symbol.asyncDispose]();
      folder[Symbol.dispose]();
    },
  };
}

/** Samples that say the same all the time, every so many seconds. */
export function* steady(value: number, seconds: number, everySeconds = 60, from = 0): Generator<Sample> {
  for (let second = from; second < seconds; second += everySeconds) yield { second, value };
}

/** What a function of the seconds gives, every so many of them. */
export function* byTime(
  valueAt: (second: number) => number | null,
  seconds: number,
  everySeconds = 300,
): Generator<Sample> {
  for (let second = 0; second < seconds; second += everySeconds) {
    const value = valueAt(second);
    if (value !== null) yield { second, value };
  }
}

export function flatTariff(more: Partial<NewTariff> = {}): NewTariff {
  return {
    name: 'Flat',
    currency: 'EUR',
    validFrom: '2020-01-01',
    validTo: null,
    standingPrice: 0,
    price: 0.3,
    windows: [],
    dynamic: null,
    ...more,
  };
}

export function notesOf(report: EnergyReport, kind: EnergyNote['kind']): string[] {
  return report.notes.filter((note) => note.kind === kind).map(({ text }) => text);
}
