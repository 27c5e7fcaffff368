import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import type { MakeNativeProtocol } from '../../../src/mqtt/native/types.ts';

import { LIMITS } from '../../../src/mqtt/limits.ts';
import { DEVICES_PER_PROTOCOL } from '../../../src/mqtt/native/announcements.ts';
import { esphome } from '../../../src/mqtt/native/esphome.ts';
import { tasmota } from '../../../src/mqtt/native/tasmota.ts';
import { zigbee2mqtt } from '../../../src/mqtt/native/zigbee2mqtt.ts';
import { isFilter, isPublishTopic } from '../../../src/mqtt/topics.ts';
import { Bench, ODD_VALUES, toMessage } from './native-harness.ts';

const MAC = 'A0B1C2D3E4F5';
const IEEE = '0x00158d0001020304';

const odd = fc.oneof(
  fc.constantFrom(...ODD_VALUES),
  fc.jsonValue({ maxDepth: 3 }),
  fc.array(fc.oneof(fc.integer(), fc.constantFrom(...ODD_VALUES)), { maxLength: 40 }),
);

/** An object with the keys of a real one, each with a value that is as it should be, odd or missing. */
function damaged(whole: Readonly<Record<string, unknown>>): fc.Arbitrary<Record<string, unknown>> {
  const entries = Object.entries(whole).map(([key, value]) => [
    key,
    fc.oneof({ weight: 3, arbitrary: fc.constant(value) }, odd),
  ]);
  return fc.record(Object.fromEntries(entries) as Record<string, fc.Arbitrary<unknown>>, {
    requiredKeys: [],
  });
}

const CONFIG = {
  dn: 'Bench',
  fn: ['One', null],
  hn: 'bench',
  mac: MAC,
  md: 'Generic',
  ip: '192.0.2.1',
  sw: '15',
  t: 'bench',
  ft: '%prefix%/%topic%/',
  tp: ['cmnd', 'stat', 'tele'],
  state: ['OFF', 'ON', 'TOGGLE', 'HOLD'],
  onln: 'Online',
  ofln: 'Offline',
  rl: [2, 1, 3, 3],
  lt_st: 5,
  lk: 1,
  so: { 30: 0, 68: 0, 73: 1, 82: 1, 114: 1 },
  swc: [1, 5, 13],
  swn: [null, 'Window'],
  btn: [1, 1],
  if: 0,
  ty: 0,
  sho: [0],
  sht: [[-90, 90, 10]],
  bat: 1,
  dslp: 0,
};

const MODEL = {
  ENERGY: { Total: 1, TotalTariff: [1, 2], Power: 3 },
  AM2301: { Temperature: 20, Humidity: 50 },
  TempUnit: 'C',
  Switch1: 'ON',
};

const FEATURE = {
  type: 'numeric',
  name: 'state',
  property: 'state_l1',
  endpoint: 'l1',
  access: 7,
  unit: '°C',
  values: ['a', 'b'],
  value_on: 'ON',
  value_off: 'OFF',
  value_min: 0,
  value_max: 10,
};

const expose = damaged({ ...FEATURE, name: 'brightness' }).chain((value) =>
  fc.record({
    type: fc.constantFrom(
      'light',
      'switch',
      'cover',
      'lock',
      'climate',
      'fan',
      'composite',
      'binary',
      'numeric',
      'enum',
      'text',
      'list',
      'x',
    ),
    features: fc.array(fc.oneof(damaged(FEATURE), fc.constant(value)), { maxLength: 4 }),
    rest: fc.constant(value),
  }),
);

const device = fc
  .tuple(
    damaged({
      ieee_address: IEEE,
      friendly_name: 'a',
      type: 'Router',
      interview_completed: true,
      endpoints: { 1: { scenes: [{ id: 1 }] } },
    }),
    fc.array(expose, { maxLength: 5 }),
  )
  .map(([whole, exposes]) => ({
    ...whole,
    definition: {
      exposes: exposes.map(({ rest, ...specific }) => ({ ...rest, ...specific })),
      supports_ota: true,
    },
  }));

/** Whatever it was told: its topics are usable, and no reading of theirs throws. */
function expectSound(bench: Bench): void {
  const states = [
    {},
    [],
    null,
    'ON',
    7,
    { state_l1: {}, Switch1: [], ENERGY: [1], Shutter1: 3, HSBColor: 7, POWER1: {} },
  ];
  for (const [key, specs] of bench.host.devices) {
    for (const { type, objectId, config } of specs) {
      for (const [name, value] of Object.entries(config)) {
        if (!name.endsWith('topic')) continue;
        expect(
          typeof value === 'string' &&
            (name.includes('command') || name.startsWith('set_') ? isPublishTopic(value) : isFilter(value)),
          `${name} ${JSON.stringify(value)}`,
        ).toBe(true);
      }
      const topic = String(config.state_topic).replaceAll('+', 'x');
      if (typeof bench.codec(bench.find(key, `${type}/${objectId}`)) === 'string') continue;
      for (const state of states) bench.read(key, `${type}/${objectId}`, topic, state);
    }
  }
  expect(bench.templateProblems()).toEqual([]);
  for (const { topic } of bench.host.published) expect(isPublishTopic(topic)).toBe(true);
}

describe('hostile payloads', () => {
  test('of Tasmota', () => {
    fc.assert(
      fc.property(damaged(CONFIG), fc.oneof(damaged(MODEL), odd), (config, sn) => {
        const bench = new Bench(tasmota);
        bench.tell(`tasmota/discovery/${MAC}/config`, config);
        bench.tell(`tasmota/discovery/${MAC}/sensors`, { sn });
        bench.protocol.connected();
        expectSound(bench);
      }),
      { numRuns: 300 },
    );
  });

  test('of Zigbee2MQTT', () => {
    const group = damaged({
      id: 1,
      friendly_name: 'g',
      members: [{ ieee_address: IEEE }],
      scenes: [{ id: 1, name: 'S' }],
    });
    const info = damaged({
      version: '2',
      config: { availability: true, devices: { [IEEE]: { availability: false } } },
    });
    fc.assert(
      fc.property(
        fc.array(device, { maxLength: 3 }),
        fc.array(group, { maxLength: 2 }),
        info,
        (devices, groups, told) => {
          const bench = new Bench(zigbee2mqtt);
          bench.tell('zigbee2mqtt/bridge/groups', groups);
          bench.tell('zigbee2mqtt/bridge/devices', devices);
          bench.tell('zigbee2mqtt/bridge/info', told);
          bench.protocol.connected();
          expectSound(bench);
        },
      ),
      { numRuns: 300 },
    );
  });

  test('of ESPHome', () => {
    fc.assert(
      fc.property(
        damaged({ mac: MAC, name: 'n', friendly_name: 'N', board: 'b', version: 'v', ip: 'i' }),
        (payload) => {
          const bench = new Bench(esphome);
          bench.tell('esphome/discover/n', payload);
          expectSound(bench);
        },
      ),
    );
  });

  const topics: [MakeNativeProtocol, string[]][] = [
    [
      tasmota,
      [`tasmota/discovery/${MAC}/config`, `tasmota/discovery/${MAC}/sensors`, 'tasmota/discovery/x/config'],
    ],
    [zigbee2mqtt, ['z/bridge/devices', 'z/bridge/groups', 'z/bridge/info', 'a/b/bridge/devices']],
    [esphome, ['esphome/discover/n', 'esphome/discover/']],
  ];

  test.each(topics)('of anybody, %o', (make, names) => {
    const payload = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.json({ maxDepth: 6 }),
      odd.map((value) => JSON.stringify(value)),
    );
    fc.assert(
      fc.property(fc.constantFrom(...names), payload, (topic, text) => {
        const bench = new Bench(make);
        bench.tell(topic, text);
        expectSound(bench);
      }),
    );
  });

  test.each(topics)('deep and large ones, %o', (make, names) => {
    const bench = new Bench(make);
    for (const topic of names) {
      for (const text of [
        '['.repeat(100_000),
        `${'['.repeat(100_000)}${']'.repeat(100_000)}`,
        `${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}`,
        'x'.repeat(LIMITS.packetBytes + 1),
      ]) {
        expect(() => bench.protocol.handle(toMessage(topic, text))).not.toThrow();
      }
    }
    expect(bench.host.devices.size).toBe(0);
  });

  test('a flood of devices ends at the limit', () => {
    const bench = new Bench(tasmota);
    for (let at = 0; at < DEVICES_PER_PROTOCOL + 5; at += 1) {
      const mac = at.toString(16).toUpperCase().padStart(12, '0');
      bench.tell(`tasmota/discovery/${mac}/config`, { ...CONFIG, mac });
    }
    expect(bench.host.devices.size).toBe(DEVICES_PER_PROTOCOL);
    expect(bench.host.complaints).toHaveLength(5);
    const networks = new Bench(zigbee2mqtt);
    for (let at = 0; at < 50; at += 1) networks.tell(`n${at}/bridge/info`, {});
    expect(networks.host.complaints).toHaveLength(42);
  });
});
