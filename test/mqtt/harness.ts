import { connectAsync, type IClientOptions, type MqttClient } from 'mqtt';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type {
  CapabilityValue,
  ComponentDescription,
  DeviceRegistry,
  StateReport,
} from '../../src/devices/types.ts';

import { systemClock } from '../../src/base/clock.ts';
import { silentLogger, type Logger } from '../../src/base/log.ts';
import { Store } from '../../src/base/store.ts';
import { startMqtt, type MqttOptions, type MqttPart } from '../../src/mqtt/mqtt.ts';
import { mqttTables } from '../../src/mqtt/tables.ts';

export const USERNAME = 'hub';
export const PASSWORD = 'correct horse battery staple';

/** A registry that keeps what it is told. */
export class RecordingRegistry implements DeviceRegistry {
  readonly components = new Map<string, ComponentDescription>();
  readonly available = new Map<string, boolean>();
  readonly withdrawn: string[] = [];
  readonly reports: StateReport[] = [];
  readonly described: string[] = [];
  readonly retired: string[] = [];
  /** What each component might take the place of, where something was named. */
  readonly replaces = new Map<string, readonly string[]>();

  describe(component: ComponentDescription, replaces: readonly string[] = []): void {
    this.described.push(component.id);
    if (replaces.length > 0) this.replaces.set(component.id, replaces);
    this.components.set(component.id, component);
  }

  describeAll(components: readonly ComponentDescription[]): void {
    for (const component of components) this.describe(component);
  }

  withdraw(componentId: string): void {
    this.withdrawn.push(componentId);
    this.components.delete(componentId);
  }

  retire(componentIds: readonly string[]): void {
    this.retired.push(...componentIds);
    for (const id of componentIds) this.components.delete(id);
  }

  /** What tests say was known before. */
  readonly known = new Map<string, string>();
  sourcesOf(identifiers: readonly string[]): ReadonlyMap<string, string> {
    return new Map(
      identifiers.flatMap((identifier) => {
        const source = this.known.get(identifier);
        return source === undefined ? [] : [[`known:${identifier}`, source] as const];
      }),
    );
  }

  setAvailable(componentId: string, available: boolean): void {
    this.available.set(componentId, available);
  }

  report(reports: readonly StateReport[]): void {
    this.reports.push(...reports);
  }

  together(work: () => void): void {
    work();
  }

  /** The last value reported of a kind; undefined when there was none. */
  value(componentId: string, kind: string): CapabilityValue | undefined {
    return this.reports.findLast((report) => report.componentId === componentId && report.kind === kind)
      ?.value;
  }

  /** The last value of each kind. */
  values(componentId: string): Record<string, CapabilityValue> {
    const mine = this.reports.filter((report) => report.componentId === componentId);
    return Object.fromEntries(mine.map(({ kind, value }) => [kind, value]));
  }
}

/** A temporary folder that is gone afterwards. */
export class Folder implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), 'mqtt-'));

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

export async function openStore(folder: Folder): Promise<Store> {
  return await Store.open({
    file: join(folder.path, 'hub.db'),
    clock: systemClock,
    log: silentLogger,
    migrations: [mqttTables],
  });
}

/** The part with a store and a registry of its own, and everything in it released in order. */
export interface House extends AsyncDisposable {
  readonly mqtt: MqttPart;
  readonly registry: RecordingRegistry;
  connect(options?: IClientOptions): Promise<MqttClient>;
}

export interface HouseOptions extends Partial<MqttOptions> {
  readonly folder?: Folder;
  readonly log?: Logger;
}

export async function startHouse(options: HouseOptions = {}): Promise<House> {
  await using stack = new AsyncDisposableStack();
  const folder = options.folder ?? stack.use(new Folder());
  const store = stack.use(await openStore(folder));
  const registry = new RecordingRegistry();
  const mqtt = stack.use(
    await startMqtt({
      mode: 'embedded',
      host: '127.0.0.1',
      port: 0,
      url: null,
      username: USERNAME,
      password: PASSWORD,
      discoveryPrefix: 'homeassistant',
      store,
      registry,
      clock: systemClock,
      log: silentLogger,
      availabilityGraceMs: 300,
      ...options,
    }),
  );
  const owned = stack.move();
  return {
    mqtt,
    registry,
    connect: async (clientOptions = {}) => {
      const client = await connectDevice(mqtt.url, clientOptions);
      owned.defer(async () => await client.endAsync(true));
      return client;
    },
    [Symbol.asyncDispose]: async () => await owned.disposeAsync(),
  };
}

/** A device's own connection. */
export async function connectDevice(url: string, options: IClientOptions = {}): Promise<MqttClient> {
  const client = await connectAsync(url, {
    username: USERNAME,
    password: PASSWORD,
    reconnectPeriod: 0,
    ...options,
  });
  client.on('error', () => undefined);
  return client;
}

/** Publishes retained, as devices describe themselves. */
export async function announce(client: MqttClient, topic: string, config: unknown): Promise<void> {
  const payload = typeof config === 'string' ? config : JSON.stringify(config);
  await client.publishAsync(topic, payload, { retain: true, qos: 1 });
}

/** Collects what arrives at a filter, as `topic payload`. */
export async function listen(client: MqttClient, filter: string): Promise<string[]> {
  const heard: string[] = [];
  client.on('message', (topic, payload) => heard.push(`${topic} ${payload.toString()}`));
  await client.subscribeAsync(filter, { qos: 1 });
  return heard;
}

const FIXTURES = join(import.meta.dirname, '../../../shared/fixtures');
/** The corpus of recorded payloads lives beside the project and is not part of it. */
export const hasFixtures = existsSync(FIXTURES);

export interface Recorded {
  readonly topic: string;
  readonly payload: string;
}

export function readFixture(name: string): Recorded[] {
  const lines = readFileSync(join(FIXTURES, name), 'utf8').split('\n');
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Recorded);
}

export function readFixtureText(name: string): string {
  return readFileSync(join(FIXTURES, name), 'utf8');
}
