import { describe, expect, test } from 'vitest';

import { zigbee2mqtt } from '../../../src/mqtt/native/zigbee2mqtt.ts';
import { hasFixtures, readFixture } from '../harness.ts';
import { Bench } from './native-harness.ts';
import {
  COORDINATOR,
  expose,
  IEEE,
  INFO,
  open,
  STATE,
  toDevice,
  TOPIC,
  type Json,
} from './zigbee2mqtt-bench.ts';

describe('what a device is', () => {
  test('the same device as by discovery, with its availability', () => {
    const { config } = open([{ type: 'switch', features: [STATE] }]).find(IEEE, 'switch/switch');
    const value_template = '{{ value_json.state if value_json is mapping else value }}';
    expect(config).toMatchObject({
      name: null,
      state_topic: TOPIC,
      command_topic: `${TOPIC}/set/state`,
      availability: [
        { topic: 'zigbee2mqtt/bridge/state', value_template },
        { topic: `${TOPIC}/availability`, value_template },
      ],
      availability_mode: 'all',
      device: {
        identifiers: [`zigbee2mqtt_${IEEE}`],
        name: 'Küche/links 1',
        manufacturer: 'Maker',
        model: 'A thing',
        model_id: 'X1',
        via_device: 'zigbee2mqtt_bridge_0x00124b0001020304',
      },
    });
  });

  test.each([
    [{}, 1],
    [{ config: { availability: true } }, 2],
    [{ config: { availability: { enabled: false } } }, 1],
    [{ config: { availability: { active: {} } } }, 2],
    [{ config: { devices: { [IEEE]: { availability: true } } } }, 2],
    [{ config: { availability: true, devices: { [IEEE]: { availability: false } } } }, 1],
  ])('availability as %j has it', (info, count) => {
    const bench = open([expose('numeric', 'battery', 1, { unit: '%' })]);
    bench.tell('zigbee2mqtt/bridge/info', info);
    expect(bench.find(IEEE, 'sensor/battery').config.availability).toHaveLength(count);
  });

  test('the order of the messages does not matter, nor where the base topic is', () => {
    const bench = new Bench(zigbee2mqtt);
    const device = toDevice([{ type: 'switch', features: [STATE] }], { friendly_name: 'plug' });
    bench.tell('home/zigbee/bridge/devices', [device]);
    bench.tell('home/zigbee/bridge/info', INFO);
    expect(bench.find(IEEE, 'switch/switch').config).toMatchObject({
      state_topic: 'home/zigbee/plug',
      availability: [{ topic: 'home/zigbee/bridge/state' }, { topic: 'home/zigbee/plug/availability' }],
    });
  });

  test('renamed it stays what it is; removed it goes; turned off it stays', () => {
    const exposes = [{ type: 'switch', features: [STATE] }];
    const bench = open(exposes);
    bench.tell('zigbee2mqtt/bridge/devices', [COORDINATOR, toDevice(exposes, { friendly_name: 'plug' })]);
    expect(bench.find(IEEE, 'switch/switch').config.state_topic).toBe('zigbee2mqtt/plug');
    bench.tell('zigbee2mqtt/bridge/devices', [COORDINATOR, toDevice(exposes, { disabled: true })]);
    bench.tell('zigbee2mqtt/bridge/devices', [COORDINATOR, { ...toDevice(exposes), definition: null }]);
    bench.tell('zigbee2mqtt/bridge/devices', []);
    bench.tell('zigbee2mqtt/bridge/devices', '');
    expect(bench.host.withdrawn).toEqual([]);
    bench.tell('zigbee2mqtt/bridge/devices', [COORDINATOR]);
    expect(bench.host.withdrawn).toEqual([IEEE]);
  });

  test('a network that a device has left does not withdraw it from the one where it is', () => {
    const bench = open([STATE]);
    bench.tell('other/bridge/devices', [COORDINATOR, toDevice([{ type: 'switch', features: [STATE] }])]);
    bench.tell('zigbee2mqtt/bridge/devices', [COORDINATOR]);
    expect(bench.host.withdrawn).toEqual([]);
    expect(bench.find(IEEE, 'switch/switch').config.state_topic).toBe('other/Küche/links 1');
  });

  test.each([
    { disabled: true },
    { definition: null },
    { interview_state: 'PENDING' },
    { interview_state: undefined, interview_completed: false },
    { friendly_name: 'a+b' },
    { ieee_address: '0x12' },
  ])('not yet to be used: %j', (more) => {
    expect(open([{ type: 'switch', features: [STATE] }], more).host.devices.size).toBe(0);
  });

  test('what the radio can tell is asked for when there is news, and whenever the broker is back', () => {
    const bench = open([{ type: 'switch', features: [STATE] }]);
    const request = { topic: `${TOPIC}/get`, payload: '{"state":""}', qos: 0, retain: false };
    expect(bench.host.published).toEqual([request]);
    bench.protocol.connected();
    expect(bench.host.published).toEqual([request, request]);
    expect(open([{ type: 'switch', features: [STATE] }], { power_source: 'Battery' }).host.published).toEqual(
      [],
    );
  });
});

describe('groups', () => {
  test('what its members can do, by the identifier that discovery uses', () => {
    const bench = new Bench(zigbee2mqtt);
    const features = [STATE, expose('numeric', 'brightness', 7, { value_max: 254 })];
    bench.tell('zigbee2mqtt/bridge/groups', [
      {
        id: 9,
        friendly_name: 'all',
        members: [{ ieee_address: IEEE, endpoint: 1 }],
        scenes: [{ id: 4, name: 'Chill' }],
      },
    ]);
    bench.tell('zigbee2mqtt/bridge/devices', [COORDINATOR, toDevice([{ type: 'light', features }])]);
    const key = '1221051039810110150109113116116_9';
    expect(bench.ids(key)).toEqual(['light/light', 'scene/scene_4']);
    expect(bench.find(key, 'light/light').config).toMatchObject({
      device: { identifiers: [`zigbee2mqtt_${key}`] },
      command_topic: 'zigbee2mqtt/all/set',
    });
    expect(bench.read(key, 'light/light', 'zigbee2mqtt/all', { state: 'ON', brightness: 254 })).toEqual({
      on_off: true,
      brightness: 100,
    });
    bench.tell('zigbee2mqtt/bridge/groups', []);
    expect(bench.host.withdrawn).toEqual([key]);
  });
});

describe.skipIf(!hasFixtures)('recorded payloads (reads ../shared/fixtures)', () => {
  const states = hasFixtures ? readFixture('zigbee2mqtt-state.jsonl') : [];
  const discovered = hasFixtures ? readFixture('zigbee2mqtt-discovery.jsonl') : [];
  const bench = new Bench(zigbee2mqtt);
  for (const { topic, payload } of states) if (topic.endsWith('/bridge/devices')) bench.tell(topic, payload);

  test('every device of the list is accepted', () => {
    expect(bench.host.devices.size).toBe(9);
    expect(bench.host.complaints).toEqual([]);
    expect([...bench.problems(), ...bench.templateProblems()]).toEqual([]);
  });

  test('devices have the identifiers that discovery gives them, and components the same names', () => {
    const found = discovered.flatMap(({ topic, payload }) => {
      const [, type = '', ieee = '', objectId = ''] = topic.split('/');
      if (payload === '' || !bench.host.devices.has(ieee)) return [];
      const { device } = JSON.parse(payload) as { device: { identifiers: string[] } };
      for (const { config } of bench.components(ieee)) {
        expect((config.device as Json).identifiers).toEqual(device.identifiers);
      }
      return [[`${type}/${objectId}`, bench.ids(ieee)] as const];
    });
    expect(found.length).toBeGreaterThan(10);
    const missing = found.filter(([id, ids]) => !ids.includes(id)).map(([id]) => id);
    // Zigbee2MQTT adds it to the states when it is set up to do so; the list does not tell.
    expect([...new Set(missing)]).toEqual(['sensor/last_seen']);
  });

  test('every recorded state gives values of the promised kinds', () => {
    let values = 0;
    for (const key of bench.host.devices.keys()) {
      for (const spec of bench.components(key)) {
        const codec = bench.codec(spec);
        if (typeof codec === 'string') throw new Error(codec);
        const kinds = codec.capabilities.map(({ kind }) => kind as string);
        for (const { topic, payload } of states) {
          const read = bench.read(key, `${spec.type}/${spec.objectId}`, topic, payload);
          for (const [kind, value] of Object.entries(read)) {
            values += 1;
            expect(kinds).toContain(kind);
            expect(value).not.toBeNaN();
          }
        }
      }
    }
    expect(values).toBeGreaterThan(40);
    expect(
      bench.read('0x0017880104e45522', 'sensor/temperature', 'zigbee2mqtt/weather_sensor', {
        temperature: -0.85,
      }),
    ).toEqual({ temperature: -0.85 });
  });
});
