import mqtt, { type MqttClient } from 'mqtt';

import type { Ready } from '../support/daemon.ts';

/** One message after the other, some 400 in a second. */
const REPORT_EVERY_MS = 5;
const REPORTS_AT_ONCE = 2;
const LAMPS = 8;
const SENSORS = 12;

/** What a lamp was told. */
export interface LampOrder {
  readonly lamp: string;
  readonly brightness: number;
}

export interface BrokerLogin {
  readonly username: string;
  readonly password: string;
}

/**
 * Lamps that obey and sensors that report without a pause, over two connections, so that what the lamps are told does not
 * stand behind the reports. Their connections end with the hub; `connect` makes new ones.
 */
export class BusyHouse {
  /** What the lamps were told since the last `connect`. */
  readonly told: LampOrder[] = [];
  /** Reports that were sent, ever. */
  reports = 0;
  readonly #names = new Map<string, string>();
  readonly #login: BrokerLogin;
  #lamps: MqttClient | undefined;
  #sensors: MqttClient | undefined;
  #closed: Promise<unknown> = Promise.resolve();
  #load: NodeJS.Timeout | undefined;

  constructor(login: BrokerLogin) {
    this.#login = login;
    for (let number = 0; number < LAMPS; number += 1) this.#names.set(`lamp${number}`, `Lamp ${number}`);
  }

  /** Connects, announces everything as devices do when they start, and begins to report. */
  async connect({ mqtt_url: url }: Pick<Ready, 'mqtt_url'>): Promise<void> {
    this.told.length = 0;
    const [lamps, sensors] = await Promise.all([this.#open(url), this.#open(url)]);
    this.#lamps = lamps;
    this.#sensors = sensors;
    this.#closed = Promise.all([lamps, sensors].map(ended));
    lamps.on('message', (topic, payload) => this.#obey(topic, payload.toString()));
    await lamps.subscribeAsync('+/set', { qos: 1 });
    for (const id of this.#names.keys()) await this.#announceLamp(id);
    for (let number = 0; number < SENSORS; number += 1) {
      const id = `sensor${number}`;
      await announce(sensors, 'sensor', id, `Sensor ${number}`, {
        device_class: 'temperature',
        unit_of_measurement: '°C',
        state_topic: id,
      });
    }
    this.#load = setInterval(() => {
      for (let each = 0; each < REPORTS_AT_ONCE; each += 1) this.#report();
    }, REPORT_EVERY_MS);
  }

  /** A lamp that comes as new, or gets another name. */
  async name(id: string, name: string): Promise<void> {
    this.#names.set(id, name);
    await this.#announceLamp(id);
  }

  /** Somebody turns its knob. */
  async turn(lamp: string, brightness: number): Promise<void> {
    await this.#lamps?.publishAsync(lamp, JSON.stringify({ state: 'ON', brightness }));
  }

  /** Resolves when everything that the hub has sent was taken, after the hub is gone. */
  async disconnected(): Promise<void> {
    clearInterval(this.#load);
    await this.#closed;
  }

  /** Hangs up. */
  async close(): Promise<void> {
    clearInterval(this.#load);
    await Promise.all([this.#lamps?.endAsync(true), this.#sensors?.endAsync(true)]);
  }

  async #open(url: string): Promise<MqttClient> {
    const client = await mqtt.connectAsync(url, { ...this.#login, reconnectPeriod: 0 });
    // A connection that breaks is what happens here all the time.
    client.on('error', () => undefined);
    return client;
  }

  #obey(topic: string, payload: string): void {
    const lamp = topic.slice(0, topic.indexOf('/'));
    const { brightness } = JSON.parse(payload) as { brightness?: number };
    if (brightness === undefined) return;
    this.told.push({ lamp, brightness });
    this.#lamps?.publish(lamp, JSON.stringify({ state: 'ON', brightness }));
  }

  async #announceLamp(id: string): Promise<void> {
    if (!this.#lamps) throw new Error('the house is not connected');
    await announce(this.#lamps, 'light', id, this.#names.get(id) ?? id, {
      schema: 'json',
      brightness: true,
      brightness_scale: 100,
      command_topic: `${id}/set`,
      state_topic: id,
    });
  }

  #report(): void {
    this.reports += 1;
    const celsius = 15 + (this.reports % 100) / 10;
    this.#sensors?.publish(`sensor${this.reports % SENSORS}`, String(celsius));
  }
}

async function announce(
  client: MqttClient,
  component: string,
  id: string,
  name: string,
  config: Readonly<Record<string, unknown>>,
): Promise<void> {
  const content = { name: null, unique_id: id, device: { identifiers: [id], name }, ...config };
  await client.publishAsync(`homeassistant/${component}/${id}/config`, JSON.stringify(content), {
    qos: 1,
    retain: true,
  });
}

async function ended(client: MqttClient): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  client.once('close', resolve);
  await promise;
}
