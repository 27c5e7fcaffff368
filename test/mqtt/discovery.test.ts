import type { MqttClient } from 'mqtt';

import { describe, expect, test, vi } from 'vitest';

import { pino } from 'pino';

import { HubError } from '../../src/base/errors.ts';
import { CONFIG_KEYS, DEVICE_KEYS, ORIGIN_KEYS } from '../../src/mqtt/discovery/abbreviations.ts';
import { expandConfig, resolveBaseTopic } from '../../src/mqtt/discovery/expand.ts';
import { LIMITS } from '../../src/mqtt/limits.ts';
import {
  announce,
  Folder,
  hasFixtures,
  readFixtureText,
  RecordingRegistry,
  startHouse,
  type House,
} from './harness.ts';

/** Returns once everything that the device published before was handled. */
async function settled(house: House, device: MqttClient): Promise<void> {
  const mark = `mark_${house.registry.described.length}_${performance.now()}`.replaceAll('.', '_');
  await announce(device, `homeassistant/tag/${mark}/config`, { topic: 'mark' });
  await vi.waitFor(() => expect(house.registry.components.has(`tag/${mark}`)).toBe(true));
}

const kitchen = {
  ids: 'ea33',
  name: 'Kitchen',
  mf: 'Bla',
  mdl: 'xya',
  sw: 1.5,
  hw: '1.0rev2',
  sn: 'S1',
  sa: 'Kitchen',
};

describe('one component', () => {
  test('short keys, base topic and device become a description', async () => {
    await using house = await startHouse();
    const device = await house.connect();
    await announce(device, 'homeassistant/sensor/node1/temp/config', {
      '~': 'tele/x/',
      stat_t: '~SENSOR',
      val_tpl: '{{ value_json.t ~ "" }}',
      unit_of_meas: '°C',
      dev_cla: 'temperature',
      ent_cat: 'diagnostic',
      en: 'false',
      name: 'Kitchen Oven',
      dev: {
        ...kitchen,
        cns: [
          ['mac', 'AA:BB-cc.dd:EE:FF'],
          ['mac', 'Kitchen gateway'],
          ['zigbee', '0x01'],
        ],
      },
    });
    await vi.waitFor(() => expect(house.registry.components.size).toBe(1));
    expect(house.registry.components.get('sensor/node1/temp')).toEqual({
      id: 'sensor/node1/temp',
      type: 'sensor',
      device: {
        identifiers: ['id:ea33', 'mac:aabbccddeeff'],
        name: 'Kitchen',
        manufacturer: 'Bla',
        model: 'xya',
        swVersion: '1.5',
        hwVersion: '1.0rev2',
        serialNumber: 'S1',
        suggestedArea: 'Kitchen',
        viaDevice: null,
      },
      label: 'Oven',
      deviceClass: 'temperature',
      category: 'diagnostic',
      capabilities: [{ kind: 'temperature', unit: '°C', range: null, writable: false }],
      unsupported: null,
      enabledByDefault: false,
      uniqueId: null,
      source: 'discovery',
    });
    await device.publishAsync('tele/x/SENSOR', '{"t":20.5}');
    await vi.waitFor(() => expect(house.registry.value('sensor/node1/temp', 'temperature')).toBe(20.5));
  });

  test('without a device it is one of its own, without a name it goes by its class or its id', async () => {
    await using house = await startHouse();
    const device = await house.connect();
    await announce(device, 'homeassistant/switch/garden_pump/config', { cmd_t: 'p/set', dev: {} });
    await announce(device, 'homeassistant/binary_sensor/x/config', {
      stat_t: 'x',
      device_class: 'garage_door',
    });
    await announce(device, 'homeassistant/switch/main/config', { cmd_t: 'm/set', name: null });
    await settled(house, device);
    expect(house.registry.components.get('switch/garden_pump')).toMatchObject({
      label: 'Garden pump',
      device: { identifiers: ['component:switch/garden_pump'], name: null },
    });
    expect(house.registry.components.get('binary_sensor/x')?.label).toBe('Garage door');
    expect(house.registry.components.get('switch/main')?.label).toBeNull();
  });

  test('the same payload again is no work, another one updates in place', async () => {
    await using house = await startHouse();
    const device = await house.connect();
    const topic = 'homeassistant/switch/a/config';
    await announce(device, topic, { cmd_t: 'a/set', stat_t: 'a', name: 'One' });
    await announce(device, topic, { cmd_t: 'a/set', stat_t: 'a', name: 'One' });
    await announce(device, topic, { cmd_t: 'a/set', stat_t: 'b', name: 'Two' });
    await settled(house, device);
    expect(house.registry.described.filter((id) => id === 'switch/a')).toHaveLength(2);
    expect(house.registry.components.get('switch/a')?.label).toBe('Two');
    await device.publishAsync('a', 'ON');
    await device.publishAsync('b', 'OFF', { qos: 1 });
    await vi.waitFor(() => expect(house.registry.values('switch/a')).toEqual({ on_off: false }));
    expect(house.registry.reports).toHaveLength(1);
    expect(house.registry.withdrawn).toEqual([]);
  });

  test('an empty payload withdraws it, and silences its topic', async () => {
    await using house = await startHouse();
    const device = await house.connect();
    await announce(device, 'homeassistant/switch/a/config', { cmd_t: 'a/set', stat_t: 'a' });
    await announce(device, 'homeassistant/switch/a/config', '');
    await device.publishAsync('a', 'ON', { qos: 1 });
    await settled(house, device);
    expect(house.registry.withdrawn).toEqual(['switch/a']);
    expect(house.registry.reports).toEqual([]);
  });

  test('an empty payload withdraws also what only an earlier run has described', async () => {
    using folder = new Folder();
    await using house = await startHouse({ folder });
    const device = await house.connect();
    await device.publishAsync('homeassistant/light/old/lamp/config', '', { retain: true, qos: 1 });
    await vi.waitFor(() => expect(house.registry.withdrawn).toEqual(['light/old/lamp']));
  });

  test('a component that is not understood is kept and listed with the reason', async () => {
    await using house = await startHouse();
    const device = await house.connect();
    await announce(device, 'homeassistant/camera/blind/config', { cmd_t: 'blind/set', avty_t: 'blind/lwt' });
    await announce(device, 'homeassistant/quantum/thing/config', {});
    await announce(device, 'homeassistant/light/odd/config', { cmd_t: 'odd/set', schema: 'morse' });
    await announce(device, 'homeassistant/switch/dumb/config', { stat_t: 'dumb' });
    await announce(device, 'homeassistant/switch/bad/config', { cmd_t: 'bad/+/set' });
    await announce(device, 'homeassistant/sensor/tpl/config', {
      stat_t: 's',
      val_tpl: '{{ value | explode }}',
    });
    await device.publishAsync('blind/lwt', 'online', { qos: 1 });
    await settled(house, device);
    const reasons = Object.fromEntries(
      [...house.registry.components.values()].map(({ id, unsupported }) => [id, unsupported]),
    );
    expect(reasons).toMatchObject({
      'camera/blind': expect.stringMatching(/not supported yet/),
      'quantum/thing': expect.stringMatching(/"quantum"/),
      'light/odd': expect.stringMatching(/schema "morse"/),
      'switch/dumb': expect.stringMatching(/no command_topic/),
      'switch/bad': expect.stringMatching(/"bad\/\+\/set" is not an MQTT topic/),
      'sensor/tpl': expect.stringMatching(/template.*explode/),
    });
    expect(house.registry.components.get('camera/blind')?.capabilities).toEqual([]);
    expect(house.registry.available.get('camera/blind')).toBe(true);
  });

  test('what a device retained is known after a restart of the hub, from its own disk', async () => {
    using folder = new Folder();
    {
      await using house = await startHouse({ folder });
      const device = await house.connect();
      await announce(device, 'homeassistant/switch/a/config', {
        cmd_t: 'a/set',
        stat_t: 'a',
        avty_t: 'a/lwt',
      });
      await announce(device, 'a', 'ON');
      await announce(device, 'a/lwt', 'online');
    }
    await using house = await startHouse({ folder });
    await vi.waitFor(() => expect(house.registry.values('switch/a')).toEqual({ on_off: true }));
    expect(house.registry.available.get('switch/a')).toBe(true);
  });
});

describe('a device with components', () => {
  const config = {
    dev: kitchen,
    o: { name: 'bla2mqtt', sw: '2.1' },
    state_topic: 'kitchen/state',
    qos: 2,
    cmps: {
      temp: { p: 'sensor', dev_cla: 'temperature', unit_of_meas: '°C', val_tpl: '{{ value_json.t }}' },
      hum: { p: 'sensor', dev_cla: 'humidity', unit_of_meas: '%', val_tpl: '{{ value_json.h }}' },
    },
  };
  const topic = 'homeassistant/device/0AFFD2/config';

  test('shares what its root says, and one message reaches all', async () => {
    await using house = await startHouse();
    const device = await house.connect();
    await announce(device, topic, config);
    await vi.waitFor(() => expect(house.registry.components.size).toBe(2));
    await device.publishAsync('kitchen/state', '{"t":23.2,"h":43.7}');
    await vi.waitFor(() => expect(house.registry.value('sensor/0AFFD2/hum', 'humidity')).toBe(43.7));
    expect(house.registry.value('sensor/0AFFD2/temp', 'temperature')).toBe(23.2);
    expect(house.registry.components.get('sensor/0AFFD2/temp')?.device.identifiers).toEqual(['id:ea33']);
  });

  test('a component with only its platform is withdrawn, one that is merely missing stays', async () => {
    await using house = await startHouse();
    const device = await house.connect();
    await announce(device, topic, config);
    await announce(device, topic, { ...config, cmps: { ...config.cmps, hum: { p: 'sensor' } } });
    await settled(house, device);
    expect(house.registry.withdrawn).toEqual(['sensor/0AFFD2/hum']);
    await announce(device, topic, {
      ...config,
      cmps: { extra: { p: 'binary_sensor' }, more: config.cmps.hum },
    });
    await settled(house, device);
    expect([...house.registry.components.keys()]).toContain('sensor/0AFFD2/temp');
    await announce(device, topic, '');
    await settled(house, device);
    expect(house.registry.withdrawn).toContain('sensor/0AFFD2/temp');
    expect(house.registry.withdrawn).toContain('sensor/0AFFD2/more');
  });

  test('a key that changes its platform gives up its old identity', async () => {
    await using house = await startHouse();
    const device = await house.connect();
    await announce(device, topic, { ...config, cmps: { plug: { p: 'switch', cmd_t: 'plug/set' } } });
    await announce(device, topic, { ...config, cmps: { plug: { p: 'light', cmd_t: 'plug/set' } } });
    await settled(house, device);
    expect(house.registry.withdrawn).toEqual(['switch/0AFFD2/plug']);
    expect(house.registry.components.has('light/0AFFD2/plug')).toBe(true);
  });

  test('a component moves from its own topic to that of the device and keeps its identity', async () => {
    await using house = await startHouse();
    const device = await house.connect();
    const single = 'homeassistant/sensor/0AFFD2/temp/config';
    await announce(device, single, { stat_t: 'kitchen/old', dev: kitchen });
    await announce(device, single, { migrate_discovery: true });
    await announce(device, topic, config);
    await announce(device, single, '');
    await settled(house, device);
    expect(house.registry.withdrawn).toEqual([]);
    await device.publishAsync('kitchen/old', '1', { qos: 1 });
    await device.publishAsync('kitchen/state', '{"t":2,"h":3}', { qos: 1 });
    await vi.waitFor(() => expect(house.registry.value('sensor/0AFFD2/temp', 'temperature')).toBe(2));
    expect(house.registry.value('sensor/0AFFD2/temp', 'text')).toBeUndefined();
  });

  test('a component that was let go and comes back nowhere can still be withdrawn', async () => {
    await using house = await startHouse();
    const device = await house.connect();
    const single = 'homeassistant/sensor/0AFFD2/temp/config';
    await announce(device, single, { stat_t: 'kitchen/old' });
    await announce(device, single, { migr_discvry: true });
    await announce(device, single, '');
    await settled(house, device);
    expect(house.registry.withdrawn).toEqual(['sensor/0AFFD2/temp']);
  });

  test('a node before the object belongs to the identity; `cmp` and a bad component are tolerated', async () => {
    await using house = await startHouse();
    const device = await house.connect();
    await announce(device, 'homeassistant/device/node/obj/config', {
      dev: kitchen,
      cmp: { a: { p: 'switch', cmd_t: 'a/set' }, b: { cmd_t: 'no platform' }, 'c/d': { p: 'switch' }, e: 7 },
    });
    await settled(house, device);
    expect([...house.registry.components.keys()].filter((id) => id.startsWith('switch'))).toEqual([
      'switch/node/obj/a',
    ]);
  });

  test('a component has its own availability instead of the root', async () => {
    await using house = await startHouse();
    const device = await house.connect();
    await announce(device, topic, {
      dev: kitchen,
      avty: [{ t: 'bridge' }],
      cmps: {
        own: { p: 'switch', cmd_t: 'a/set', avty_t: 'own/lwt' },
        shared: { p: 'switch', cmd_t: 'b/set' },
      },
    });
    await device.publishAsync('own/lwt', 'online', { qos: 1 });
    await device.publishAsync('bridge', 'offline', { qos: 1 });
    await vi.waitFor(() => expect(house.registry.available.get('switch/0AFFD2/shared')).toBe(false));
    expect(house.registry.available.get('switch/0AFFD2/own')).toBe(true);
  });
});

describe('bad discovery', () => {
  test('is logged once for each topic, and what was known stays', async () => {
    const lines: string[] = [];
    const log = pino({ level: 'warn' }, { write: (line: string) => lines.push(line) });
    await using house = await startHouse({ log });
    const device = await house.connect();
    const topic = 'homeassistant/switch/a/config';
    await announce(device, topic, { cmd_t: 'a/set', stat_t: 'a' });
    await announce(device, topic, '{"cmd_t":');
    await announce(device, topic, '[1]');
    await announce(device, topic, `{"x":${'['.repeat(100)}${']'.repeat(100)}}`);
    await announce(device, topic, { cmd_t: 'b/set', pad: 'x'.repeat(LIMITS.discoveryPayloadBytes) });
    await device.publishAsync('a', 'ON', { qos: 1 });
    await settled(house, device);
    expect(house.registry.values('switch/a')).toEqual({ on_off: true });
    expect(lines.map((line) => JSON.parse(line)).map(({ topic, reason }) => [topic, reason])).toEqual([
      [topic, 'the payload is not JSON'],
    ]);
  });

  test('a topic with other characters is ignored', async () => {
    await using house = await startHouse();
    const device = await house.connect();
    await announce(device, 'homeassistant/switch/bad name/config', { cmd_t: 'a/set' });
    await announce(device, 'homeassistant/switch/config', { cmd_t: 'a/set' });
    await settled(house, device);
    expect([...house.registry.components.keys()].every((id) => id.startsWith('tag/'))).toBe(true);
  });

  test('a registry that refuses one component does not stop the others, and a repeat is a new attempt', async () => {
    const registry = new RecordingRegistry();
    const describe = registry.describe.bind(registry);
    let isFull = true;
    registry.describe = (component) => {
      if (isFull && component.id === 'switch/d/a') throw new HubError('storage_full', 'The disk is full.');
      describe(component);
    };
    await using house = await startHouse({ registry });
    const house2 = { ...house, registry };
    const device = await house.connect();
    const config = {
      dev: kitchen,
      cmps: { a: { p: 'switch', cmd_t: 'a/set' }, b: { p: 'switch', cmd_t: 'b/set' } },
    };
    await announce(device, 'homeassistant/device/d/config', config);
    await settled(house2, device);
    expect([...registry.components.keys()].filter((id) => id.startsWith('switch'))).toEqual(['switch/d/b']);
    isFull = false;
    await announce(device, 'homeassistant/device/d/config', config);
    await settled(house2, device);
    expect(registry.components.has('switch/d/a')).toBe(true);
  });

  test('a burst is stored together; one that is refused does not keep the others out', async () => {
    const registry = new RecordingRegistry();
    const describe = registry.describe.bind(registry);
    const together: number[] = [];
    registry.describeAll = (components) => {
      together.push(components.length);
      if (components.some(({ id }) => id === 'switch/s77')) throw new HubError('invalid', 'Not this one.');
      for (const component of components) describe(component);
    };
    registry.describe = (component) => {
      if (component.id === 'switch/s77') throw new HubError('invalid', 'Not this one.');
      describe(component);
    };
    await using house = await startHouse({ registry });
    const device = await house.connect();
    for (let count = 0; count < 200; count += 1) {
      device.publish(`homeassistant/switch/s${count}/config`, `{"cmd_t":"s/${count}"}`);
    }
    // What is withdrawn in the same breath comes after its description.
    device.publish('homeassistant/switch/s199/config', '');
    device.publish('homeassistant/switch/last/config', '{"cmd_t":"last"}');
    await vi.waitFor(() => expect(registry.components.has('switch/last')).toBe(true), 10_000);
    expect(registry.withdrawn).toEqual(['switch/s199']);
    expect(registry.described).toEqual([
      ...Array.from({ length: 200 }, (_, count) => `switch/s${count}`).filter((id) => id !== 'switch/s77'),
      'switch/last',
    ]);
    expect(Math.max(...together)).toBeGreaterThan(1);
  });

  test('what one message tells of several components is told together', async () => {
    const registry = new RecordingRegistry();
    const told: number[] = [];
    registry.together = (work) => {
      const before = registry.reports.length;
      work();
      told.push(registry.reports.length - before);
    };
    await using house = await startHouse({ registry });
    const device = await house.connect();
    for (const unit of ['W', 'V', 'A']) {
      await announce(device, `homeassistant/sensor/meter/${unit}/config`, {
        stat_t: 'meter',
        unit_of_meas: unit,
        val_tpl: `{{ value_json.${unit} }}`,
      });
    }
    await vi.waitFor(() => expect(registry.components.size).toBe(3));
    told.length = 0;
    await device.publishAsync('meter', '{"W":46,"V":230,"A":0.2}', { qos: 1 });
    await vi.waitFor(() => expect(registry.reports).toHaveLength(3));
    expect(told.filter((count) => count > 0)).toEqual([3]);
  });

  test('keys of JavaScript objects are only keys', async () => {
    await using house = await startHouse();
    const device = await house.connect();
    await announce(
      device,
      'homeassistant/switch/proto/config',
      '{"__proto__":{"cmd_t":"x"},"constructor":1,"cmd_t":"a/set","dev":{"__proto__":{"ids":"evil"}}}',
    );
    await announce(device, 'homeassistant/constructor/toString/config', {});
    await settled(house, device);
    expect(house.registry.components.get('switch/proto')?.device.identifiers).toEqual([
      'component:switch/proto',
    ]);
    expect(house.registry.components.get('constructor/toString')?.unsupported).toMatch(/not supported/);
  });

  test('a burst of components leaves the event loop time for others, and keeps its order', async () => {
    const registry = new RecordingRegistry();
    const describe = registry.describe.bind(registry);
    registry.describe = (component) => {
      const untilMs = performance.now() + 1;
      while (performance.now() < untilMs);
      describe(component);
    };
    await using house = await startHouse({ registry });
    const device = await house.connect();
    const started = performance.now();
    let longestMs = 0;
    let lastMs = started;
    const beat = setInterval(() => {
      longestMs = Math.max(longestMs, performance.now() - lastMs);
      lastMs = performance.now();
    }, 1);
    for (let count = 0; count < 300; count += 1) {
      device.publish(`homeassistant/switch/s${count}/config`, `{"cmd_t":"s/${count}"}`);
    }
    await vi.waitFor(() => expect(registry.components.size).toBe(300), 10_000);
    clearInterval(beat);
    expect(registry.described).toEqual(Array.from({ length: 300 }, (_, count) => `switch/s${count}`));
    expect(longestMs).toBeLessThan(150);
  });
});

describe('expansion', () => {
  test('a long key wins over its short form, values and unknown keys stay', () => {
    expect(expandConfig({ stat_t: 'short', state_topic: 'long', pl: 'stat_t', odd: { stat_t: 1 } })).toEqual({
      state_topic: 'long',
      payload: 'stat_t',
      odd: { stat_t: 1 },
    });
  });

  test('device and origin have tables of their own', () => {
    const config = { dev: { sw: '1', mf: 'm', stat_t: 'x' }, o: { sw: '2', url: 'u' }, sw: 'stays' };
    expect(expandConfig(config)).toEqual({
      device: { sw_version: '1', manufacturer: 'm', stat_t: 'x' },
      origin: { sw_version: '2', support_url: 'u' },
      sw: 'stays',
    });
  });

  test('the base topic stands in for ~ at both ends of topics, and nowhere else', () => {
    const config = expandConfig({
      '~': 'base/x',
      stat_t: '~/state',
      cmd_t: 'cmnd/~',
      avty: { t: '~/lwt', pl_avail: '~' },
      pl_on: '~on',
      val_tpl: '{{ a ~ b }}~',
    });
    expect(resolveBaseTopic(config)).toMatchObject({
      state_topic: 'base/x/state',
      command_topic: 'cmnd/base/x',
      availability: [{ topic: 'base/x/lwt', payload_available: '~' }],
      payload_on: '~on',
      value_template: '{{ a ~ b }}~',
    });
  });

  test.skipIf(!hasFixtures)('the tables are complete (reads ../shared/fixtures)', () => {
    const tables: Record<string, Readonly<Record<string, string>>> = {
      config: CONFIG_KEYS,
      device: DEVICE_KEYS,
      origin: ORIGIN_KEYS,
    };
    const rows = readFixtureText('abbreviations.tsv').trim().split('\n').slice(1);
    expect(rows).toHaveLength(310);
    for (const row of rows) {
      const [table = '', short = '', long] = row.split('\t');
      expect([table, short, tables[table]?.[short]]).toEqual([table, short, long]);
    }
  });
});
