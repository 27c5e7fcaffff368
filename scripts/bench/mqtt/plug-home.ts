import mqtt, { type MqttClient } from 'mqtt';

import type { LiveMessage } from '../../../test/support/phone.ts';
import type { Broker } from './flood-process.ts';

import { BENCH_LOGIN, openBenchHome, type BenchHome } from '../home.ts';
import { pause } from '../measure.ts';
import { announcePlugs, COMPONENTS_PER_PLUG } from './plugs.ts';

export interface DeviceItem {
  readonly entity_id: string;
  readonly capabilities: readonly unknown[];
  readonly name: string;
}

export interface PlugHome extends AsyncDisposable {
  readonly home: BenchHome;
  readonly broker: Broker;
  /** The entity of each plug, by its number. */
  readonly entities: readonly string[];
  readonly publisher: MqttClient;
}

/** A hub with so many plugs; `url` is of the broker beside it, null for the one that it has in itself. */
export async function openPlugHome(
  url: string | null,
  base: string,
  plugs: number,
  env: Readonly<Record<string, string>> = {},
): Promise<PlugHome> {
  const external = url === null ? {} : { FUNKYGIBBON_MQTT__MODE: 'external', FUNKYGIBBON_MQTT__URL: url };
  const home = await openBenchHome({ ...external, ...env });
  const broker = { url: url ?? home.daemon.ready.mqtt_url, ...(url === null ? BENCH_LOGIN : {}) };
  const publisher = await mqtt.connectAsync(broker.url, broker);
  await announcePlugs(publisher, base, plugs);
  const items = await untilKnown(home, plugs);
  const byName = new Map(items.map(({ entity_id: id, name }) => [name, id]));
  return {
    home,
    broker,
    publisher,
    entities: Array.from({ length: plugs }, (_, number) => byName.get(`Plug ${number}`) ?? ''),
    async [Symbol.asyncDispose]() {
      await publisher.endAsync(true);
      await home[Symbol.asyncDispose]();
    },
  };
}

/** Asks for the list until it holds so many plugs, with all that they consist of. */
export async function untilKnown(home: BenchHome, count: number): Promise<DeviceItem[]> {
  for (;;) {
    const items: DeviceItem[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const query: string = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`;
      const page: Page = await home.phone.call<Page>('GET', `/api/devices?limit=500${query}`);
      items.push(...page.items);
      cursor = page.next_cursor;
    }
    const whole = items.filter(({ capabilities }) => capabilities.length >= COMPONENTS_PER_PLUG);
    if (whole.length >= count) return whole;
    // Listing all devices is work for the hub as well.
    await pause(250);
  }
}

interface Page {
  readonly items: readonly DeviceItem[];
  readonly next_cursor: string | null;
}

/** Follows one plug and no other, so that telling a phone of them is no part of what is measured. */
export async function followOnly(home: BenchHome, entityId: string): Promise<void> {
  await home.phone.follow();
  home.phone.send({ type: 'unsubscribe', entity_id: '*' });
  home.phone.send({ type: 'subscribe', entity_id: entityId });
  await home.phone.message('subscribed', (message) => message['entity_id'] === entityId);
}

/** Resolves when a plug was told to take so much power. */
export async function untilPower(home: BenchHome, entityId: string, power: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const stop = home.phone.onMessage((message: LiveMessage) => {
    if (message.type === 'state_change' && message['entity_id'] === entityId && message['value'] === power) {
      resolve();
    }
  });
  await promise;
  stop();
}
