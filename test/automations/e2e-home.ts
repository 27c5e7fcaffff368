import { connectAsync, type MqttClient } from 'mqtt';
import { expect, vi } from 'vitest';

import type { Hub } from '../../src/hub.ts';

import { startTestHub } from '../support/hub.ts';
import { temporaryFolder } from '../support/store.ts';

const PASSWORD = 'correct horse battery';

export type Json = Record<string, unknown>;

/** The whole hub with a lamp and a motion sensor on its broker, and the owner's way to its API. */
export interface E2eHome extends AsyncDisposable {
  readonly folder: string;
  readonly hub: Hub;
  readonly device: MqttClient;
  /** What the lamp was told. */
  readonly orders: readonly string[];
  readonly lamp: string;
  readonly eye: string;
  /** @throws Error with the answer where that is an error. */
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Json>;
  /** Logs in as the clients of Inbetweenies v2 do, and calls below /api/v1. */
  callV2(path: string, body: unknown): Promise<Json>;
}

export async function openE2eHome(): Promise<E2eHome> {
  const folder = temporaryFolder();
  const hub = await startTestHub(folder.path, {
    FUNKYGIBBON_AUTH__ADMIN_PASSWORD: PASSWORD,
    FUNKYGIBBON_HOMEKIT__ENABLED: 'false',
  });
  const { username = '', password = '' } = hub.pairing().mqtt ?? {};
  const device = await connectAsync(hub.ready.mqtt_url ?? '', { username, password, reconnectPeriod: 0 });
  const ask = async (
    token: string,
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Json> => {
    const answer = await fetch(`${hub.ready.http_url}${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const told = (await answer.json()) as Json;
    if (!answer.ok) throw new Error(`${answer.status} ${JSON.stringify(told)}`);
    return told;
  };
  const { access_token: token } = await ask('', 'POST', '/api/auth/login', {
    username: 'admin',
    password: PASSWORD,
  });
  const { access_token: tokenV2 } = await ask('', 'POST', '/api/v1/auth/admin/login', { password: PASSWORD });
  const call: E2eHome['call'] = async (...request) => await ask(String(token), ...request);
  const describe = async (component: string, config: object): Promise<void> => {
    await device.publishAsync(`homeassistant/${component}/x/config`, JSON.stringify(config), {
      retain: true,
    });
  };
  await describe('light', {
    name: 'Lamp',
    unique_id: 'l',
    command_topic: 'l/set',
    state_topic: 'l',
    device: { identifiers: ['l'], name: 'Lamp' },
  });
  await describe('binary_sensor', {
    name: 'Eye',
    unique_id: 'm',
    device_class: 'motion',
    state_topic: 'm',
    device: { identifiers: ['m'], name: 'Eye' },
  });
  const orders: string[] = [];
  device.on('message', (_, payload) => void orders.push(payload.toString()));
  await device.subscribeAsync('l/set');
  const ids = await vi.waitFor(async () => {
    const { items } = (await call('GET', '/api/devices')) as { items: { name: string; entity_id: string }[] };
    const found = Object.fromEntries(items.map(({ name, entity_id: id }) => [name, id]));
    expect(Object.keys(found).toSorted()).toEqual(['Eye', 'Lamp']);
    return found;
  });
  await device.publishAsync('m', 'OFF');
  await vi.waitFor(async () => {
    const { values } = (await call('GET', `/api/entities/${ids['Eye']}/state`)) as {
      values: { motion: { value: unknown } };
    };
    expect(values.motion.value).toBe(false);
  });
  return {
    folder: folder.path,
    hub,
    device,
    orders,
    lamp: ids['Lamp'] ?? '',
    eye: ids['Eye'] ?? '',
    call,
    callV2: async (path, body) => await ask(String(tokenV2), 'POST', `/api/v1${path}`, body),
    async [Symbol.asyncDispose]() {
      await device.endAsync();
      await hub[Symbol.asyncDispose]();
      folder[Symbol.dispose]();
    },
  };
}
