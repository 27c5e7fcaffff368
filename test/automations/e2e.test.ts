import { connectAsync } from 'mqtt';
import { expect, test, vi } from 'vitest';

import { startTestHub } from '../support/hub.ts';
import { temporaryFolder } from '../support/store.ts';

const PASSWORD = 'correct horse battery';

test('motion switches a lamp, seen on MQTT, and the API tells why', async () => {
  using folder = temporaryFolder();
  await using hub = await startTestHub(folder.path, {
    FUNKYGIBBON_AUTH__ADMIN_PASSWORD: PASSWORD,
    FUNKYGIBBON_HOMEKIT__ENABLED: 'false',
  });
  const { username = '', password = '' } = hub.pairing().mqtt ?? {};
  const device = await connectAsync(hub.ready.mqtt_url ?? '', {
    username,
    password,
    reconnectPeriod: 0,
  });
  await using _leaving = { [Symbol.asyncDispose]: async () => await device.endAsync() };
  let token = '';
  const call = async (method: string, path: string, body?: unknown): Promise<Record<string, unknown>> => {
    const answer = await fetch(`${hub.ready.http_url}${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const told = (await answer.json()) as Record<string, unknown>;
    if (!answer.ok) throw new Error(JSON.stringify(told));
    return told;
  };
  token = String(
    (await call('POST', '/api/auth/login', { username: 'admin', password: PASSWORD }))['access_token'],
  );
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
  const content = {
    name: 'Hall',
    trigger: { type: 'state', entity_id: ids['Eye'], capability: 'motion', to: true },
    action: { type: 'command', entity_id: ids['Lamp'], capability: 'on_off', value: true },
  };
  expect(await call('POST', '/api/automations/check', { content })).toEqual({ problems: [], next: [] });
  await call('POST', '/api/entities', { id: 'hall', entity_type: 'automation', content });
  expect(await call('GET', '/api/automations')).toMatchObject({ items: [{ id: 'hall', status: 'on' }] });
  await device.publishAsync('m', 'ON');
  await vi.waitFor(() => expect(orders).toEqual(['ON']));
  await vi.waitFor(async () =>
    expect(await call('GET', '/api/automations/hall/runs')).toMatchObject({
      items: [
        {
          outcome: 'done',
          why: { trigger: 'state', value: true, before: false },
          actions: [{ ok: true, result: 'sent' }],
        },
      ],
    }),
  );
  expect(await call('POST', '/api/automations/hall/disable')).toMatchObject({ status: 'off' });
  expect(await call('POST', '/api/automations/hall/run')).toMatchObject({
    outcome: 'done',
    why: { by: 'admin' },
  });
  expect(await call('POST', '/api/automations/hall/enable')).toMatchObject({ status: 'on', held: false });
});
