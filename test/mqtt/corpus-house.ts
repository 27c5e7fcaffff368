import { type MqttClient } from 'mqtt';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';

import type { CapabilityValue } from '../../src/devices/types.ts';

import { ManualClock } from '../../src/base/clock.ts';
import { keptValueTables } from '../../src/base/kept-values.ts';
import { createLogger, type Logger } from '../../src/base/log.ts';
import { Store } from '../../src/base/store.ts';
import { Devices } from '../../src/devices/devices.ts';
import { deviceTables } from '../../src/devices/tables.ts';
import { Graph } from '../../src/graph/graph.ts';
import { graphTables } from '../../src/graph/tables.ts';
import { startMqtt, type MqttPart } from '../../src/mqtt/mqtt.ts';
import { mqttTables } from '../../src/mqtt/tables.ts';
import { connectDevice, Folder, PASSWORD, readFixtureText, USERNAME } from './harness.ts';

/** Comes back from the broker after all that it was given before. */
const SETTLED = 'corpus/settled';

/** A recorded message, as it stands in ../shared/fixtures. */
export interface Line {
  readonly topic: string;
  readonly payload: string;
  /** Null where nobody knows. */
  readonly retain: boolean | null;
}

export function readLines(name: string): Line[] {
  const lines = readFixtureText(`${name}.jsonl`).split('\n');
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Line);
}

/** A message that the hub sent to a device. */
export interface Sent {
  readonly topic: string;
  readonly payload: string;
}

/** What one message changed: by device name, by capability. */
export type Told = Record<string, Record<string, CapabilityValue>>;

/**
 * The hub's rules on a file, its broker, and a device that speaks to it. The clock moves only between messages, so that
 * every value shows which message it came from.
 */
export class CorpusHouse implements AsyncDisposable {
  readonly devices: Devices;
  readonly mqtt: MqttPart;
  readonly clock: ManualClock;
  /** Lines of level warn and above. */
  readonly complaints: readonly string[];
  readonly #sent: Sent[] = [];
  readonly #client: MqttClient;
  readonly #own = new Set<string>();
  #settled: (() => void) | undefined;
  readonly #stack: AsyncDisposableStack;

  private constructor(
    parts: { devices: Devices; mqtt: MqttPart; clock: ManualClock; complaints: readonly string[] },
    client: MqttClient,
    stack: AsyncDisposableStack,
  ) {
    ({ devices: this.devices, mqtt: this.mqtt, clock: this.clock, complaints: this.complaints } = parts);
    this.#client = client;
    this.#stack = stack;
    client.on('message', (topic, payload) => {
      this.#hear({ topic, payload: payload.toString() });
    });
  }

  static async start(prefix = 'homeassistant'): Promise<CorpusHouse> {
    await using stack = new AsyncDisposableStack();
    const folder = stack.use(new Folder());
    const clock = new ManualClock();
    const { log, complaints } = listeningLog();
    const store = stack.use(
      await Store.open({
        file: join(folder.path, 'hub.db'),
        clock,
        log,
        migrations: [keptValueTables, graphTables, deviceTables, mqttTables],
      }),
    );
    const graph = stack.use(new Graph({ store, clock, log }));
    const devices = stack.use(Devices.start({ store, graph, clock, log }));
    const mqtt = stack.use(
      await startMqtt({
        mode: 'embedded',
        host: '127.0.0.1',
        port: 0,
        url: null,
        username: USERNAME,
        password: PASSWORD,
        discoveryPrefix: prefix,
        store,
        registry: devices,
        clock,
        log,
        // Nothing here tells whether it is there, unless it was recorded.
        availabilityGraceMs: 3600_000,
        betterSourceMs: 0,
      }),
    );
    devices.connect(mqtt.sink);
    const client = await connectDevice(mqtt.url);
    stack.defer(async () => await client.endAsync(true));
    // What it acknowledges goes out with its next message, which would wait 40 ms for the answer to the one before.
    if (client.stream instanceof Socket) client.stream.setNoDelay(true);
    await client.subscribeAsync('#', { qos: 0 });
    return new CorpusHouse({ devices, mqtt, clock, complaints }, client, stack.move());
  }

  /** Publishes as it was recorded. @returns the values that came of it. */
  async tell({ topic, payload, retain }: Line): Promise<Told> {
    this.clock.advance(1000);
    await this.publish(topic, payload, retain ?? false);
    return this.#toldNow();
  }

  /** Another device, which answers what it is asked at the filter. */
  async answer(filter: string, toAnswers: (asked: Sent) => Line[]): Promise<void> {
    const client = await connectDevice(this.mqtt.url);
    this.#stack.defer(async () => await client.endAsync(true));
    client.on('message', (asked, payload) => {
      for (const line of toAnswers({ topic: asked, payload: payload.toString() })) {
        client.publish(line.topic, line.payload);
      }
    });
    await client.subscribeAsync(filter);
  }

  /** @returns what came of each line */
  async play(lines: readonly Line[]): Promise<Told[]> {
    const told: Told[] = [];
    for (const line of lines) told.push(await this.tell(line));
    return told;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }

  /** Says of every component that it is there, in whichever of the words in use it understands. */
  async bringOnline(): Promise<void> {
    const words = ['online', 'Online', 'true', '{"state":"online"}', '{"mqtt":{"connected":true}}'];
    for (const { id } of this.devices.components()) {
      for (const { topic } of this.mqtt.inspector.explain(id)?.availability ?? []) {
        for (const payload of words) {
          const now = this.mqtt.inspector.explain(id)?.availability ?? [];
          if (now.find((word) => word.topic === topic)?.available === true) break;
          await this.tell({ topic, payload, retain: false });
        }
      }
    }
  }

  /** Publishes, and waits for what the hub does about it. */
  async publish(topic: string, payload: string, retain = false): Promise<void> {
    this.#own.add(`${topic} ${payload}`);
    await this.#client.publishAsync(topic, payload, { qos: 1, retain });
    await this.settle();
  }

  /** What the hub sends because of the work, in the order in which it goes out. */
  async sentBy(work: () => Promise<unknown>): Promise<Sent[]> {
    await this.settle();
    this.#sent.length = 0;
    await work();
    await this.settle();
    return [...this.#sent];
  }

  /** Until the hub has done what a message set off: subscriptions, the retained messages that those bring, answers. */
  async settle(): Promise<void> {
    for (let round = 0; round < 2; round++) {
      for (let turns = 0; turns < 3; turns++) await turn();
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#settled = resolve;
      this.#client.publish(SETTLED, '');
      await promise;
    }
  }

  #hear(sent: Sent): void {
    if (sent.topic === SETTLED) {
      this.#settled?.();
    } else if (!this.#own.delete(`${sent.topic} ${sent.payload}`)) {
      this.#sent.push(sent);
    }
  }

  #toldNow(): Told {
    const now = this.clock.nowMs();
    const told: Told = {};
    for (const { name, values } of this.devices.list()) {
      const fresh = [...values].filter(([, { timestampMs }]) => timestampMs === now);
      if (fresh.length > 0) {
        told[name] = Object.fromEntries(fresh.map(([capability, { value }]) => [capability, value]));
      }
    }
    return told;
  }
}

function listeningLog(): { log: Logger; complaints: readonly string[] } {
  const complaints: string[] = [];
  const log = createLogger({
    level: 'warn',
    format: 'json',
    destination: { write: (line: string) => void complaints.push(line.trim()) },
  });
  return { log, complaints };
}
