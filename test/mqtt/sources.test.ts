import type { MqttClient } from 'mqtt';

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import type { DeviceView } from '../../src/devices/types.ts';

import { ManualClock, systemClock } from '../../src/base/clock.ts';
import { silentLogger } from '../../src/base/log.ts';
import { startMqtt, type MqttPart } from '../../src/mqtt/mqtt.ts';
import { openTestHome, temporaryFolder, type TestHome } from '../support/store.ts';
import { announce, connectDevice, Folder, openStore, PASSWORD, USERNAME } from './harness.ts';

const IEEE = '0x00158d0001020304';
const WAIT_MS = 1_200;

let stack: AsyncDisposableStack;
let home: TestHome;
let mqtt: MqttPart;
let bridge: MqttClient;

beforeEach(async () => {
  stack = new AsyncDisposableStack();
  const clock = new ManualClock();
  home = stack.use(await openTestHome(stack.use(temporaryFolder()).path, clock));
  const store = stack.use(await openStore(stack.use(new Folder())));
  mqtt = stack.use(
    await startMqtt({
      mode: 'embedded',
      host: '127.0.0.1',
      port: 0,
      url: null,
      username: USERNAME,
      password: PASSWORD,
      discoveryPrefix: 'homeassistant',
      store,
      registry: home.devices,
      clock: systemClock,
      log: silentLogger,
      availabilityGraceMs: 300,
      betterSourceMs: WAIT_MS,
    }),
  );
  bridge = await connectDevice(mqtt.url);
  stack.defer(async () => await bridge.endAsync(true));
});
afterEach(async () => await stack.disposeAsync());

/** A plug with two meters, as Zigbee2MQTT lists it and as it describes it for Home Assistant, a topic for each part. */
async function tellList(name: string): Promise<void> {
  const meter = (property: string, unit: string): object => ({
    type: 'numeric',
    name: property,
    property,
    label: `${property.charAt(0).toUpperCase()}${property.slice(1)}`.replaceAll('_', ' '),
    access: 1,
    unit,
  });
  const exposes = [
    {
      type: 'switch',
      features: [
        { type: 'binary', name: 'state', property: 'state', access: 7, value_on: 'ON', value_off: 'OFF' },
      ],
    },
    meter('power_left', 'W'),
    meter('power_right', 'W'),
    meter('energy', 'kWh'),
    meter('voltage', 'V'),
  ];
  await announce(bridge, 'zigbee2mqtt/bridge/devices', [
    { ieee_address: '0x00124b0001020304', type: 'Coordinator', friendly_name: 'Coordinator' },
    {
      ieee_address: IEEE,
      type: 'Router',
      friendly_name: name,
      interview_completed: true,
      interview_state: 'SUCCESSFUL',
      disabled: false,
      definition: { model: 'X1', vendor: 'Maker', description: 'A thing', exposes, supports_ota: false },
    },
  ]);
}

const PARTS = [
  ['switch', 'switch', {}],
  ['sensor', 'power_left', { name: 'Power left', device_class: 'power', unit_of_measurement: 'W' }],
  ['sensor', 'power_right', { name: 'Power right', device_class: 'power', unit_of_measurement: 'W' }],
  ['sensor', 'energy', { name: 'Energy', device_class: 'energy', unit_of_measurement: 'kWh' }],
] as const;
const topicOf = ([type, object]: (typeof PARTS)[number]): string =>
  `homeassistant/${type}/${IEEE}/${object}/config`;

async function tellDiscovery(name: string): Promise<void> {
  for (const part of PARTS) {
    const [type, object, more] = part;
    const property = object === 'switch' ? 'state' : object;
    await announce(bridge, topicOf(part), {
      name: null,
      ...more,
      state_topic: `zigbee2mqtt/${name}`,
      value_template: `{{ value_json.${property} }}`,
      ...(type === 'switch' ? { command_topic: `zigbee2mqtt/${name}/set` } : {}),
      unique_id: `${IEEE}_${object}_zigbee2mqtt`,
      device: { identifiers: [`zigbee2mqtt_${IEEE}`], name, manufacturer: 'Maker', model: 'A thing' },
    });
  }
}

async function clearDiscovery(): Promise<void> {
  for (const part of PARTS) await announce(bridge, topicOf(part), '');
}

function plug(): DeviceView {
  const [device, ...more] = home.devices.list();
  expect(more).toEqual([]);
  if (!device) throw new Error('no device');
  return device;
}
const names = (): string[] => plug().capabilities.map(({ name }) => name);
const sources = (): Set<string | undefined> =>
  new Set(
    home.devices
      .components()
      .filter(({ withdrawnAtMs }) => withdrawnAtMs === null)
      .map(({ id }) => mqtt.inspector.explain(id)?.source),
  );

const NATIVE = ['on_off', 'power', 'power:power_right', 'energy', 'voltage'];

describe('a better source that tells of a device on many topics', () => {
  beforeEach(async () => {
    await tellList('plug');
    await vi.waitFor(() => expect(names()).toEqual(NATIVE));
  });

  test('takes over every part under its name; what it does not tell goes a little later', async () => {
    await tellDiscovery('plug');
    await vi.waitFor(() => expect(sources()).toEqual(new Set(['discovery'])));
    expect(names()).toEqual(NATIVE);
    await vi.waitFor(() => expect(names()).toEqual(NATIVE.slice(0, 4)), 8_000);
    await bridge.publishAsync('zigbee2mqtt/plug', '{"state":"ON","power_left":7,"power_right":8}');
    await vi.waitFor(() => expect(plug().values.get('power:power_right')?.value).toBe(8));
    expect(plug().values.get('power')?.value).toBe(7);
  });

  test('renames it: withdrawn and told again, it stays with the source, and costs one version', async () => {
    await tellDiscovery('plug');
    await vi.waitFor(() => expect(names()).toEqual(NATIVE.slice(0, 4)), 8_000);
    const versions = (): number => home.graph.versions(plug().entityId, 0).length;
    const before = versions();
    await clearDiscovery();
    await tellList('kitchen');
    await vi.waitFor(() => expect(plug().available).toBe(false));
    await tellDiscovery('kitchen');
    await vi.waitFor(() => expect(plug().name).toBe('kitchen'));
    // That nothing more comes of it can only be waited for.
    await new Promise((resolve) => setTimeout(resolve, 2 * WAIT_MS));
    expect(sources()).toEqual(new Set(['discovery']));
    expect(names()).toEqual(NATIVE.slice(0, 4));
    expect(versions()).toBe(before + 1);
  });

  test('withdraws it for good: the other takes it back under the same names', async () => {
    await tellDiscovery('plug');
    await vi.waitFor(() => expect(names()).toEqual(NATIVE.slice(0, 4)), 8_000);
    await clearDiscovery();
    await vi.waitFor(() => expect(sources()).toEqual(new Set(['zigbee2mqtt'])), 5_000);
    expect(names().toSorted()).toEqual(NATIVE.toSorted());
  });
});

test('nobody has everything told again by withdrawing what nobody knows', async () => {
  await tellDiscovery('plug');
  await vi.waitFor(() => expect(home.devices.list()).toHaveLength(1));
  await tellList('plug');
  const asked: string[] = [];
  bridge.on('message', (topic) => asked.push(topic));
  await bridge.subscribeAsync('esphome/discover');
  for (let n = 0; n < 20; n += 1) await bridge.publishAsync(`homeassistant/switch/nobody${n}/config`, '');
  // Longer than it would take to be asked; that nobody is can only be waited for.
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  expect(asked).toEqual([]);
});
