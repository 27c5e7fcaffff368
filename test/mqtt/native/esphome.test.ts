import { describe, expect, test } from 'vitest';

import { esphome } from '../../../src/mqtt/native/esphome.ts';
import { hasFixtures, readFixture } from '../harness.ts';
import { Bench } from './native-harness.ts';

const NODE = {
  ip: '192.0.2.9',
  name: 'porch',
  friendly_name: 'Porch Light',
  version: '2026.8.0',
  mac: 'A0B1C2D3E4F5',
  platform: 'ESP32',
  board: 'esp32dev',
};
const MAC = 'a0b1c2d3e4f5';

describe('a node', () => {
  test('is the device that its discovery tells of, and tells its address', () => {
    const bench = new Bench(esphome);
    bench.tell('esphome/discover/porch', NODE);
    expect(bench.find(MAC, 'sensor/ip_address').config.device).toEqual({
      identifiers: [MAC],
      connections: [['mac', MAC]],
      name: 'Porch Light',
      manufacturer: 'ESPHome',
      model: 'esp32dev',
      sw_version: '2026.8.0',
    });
    expect(bench.read(MAC, 'sensor/ip_address', 'esphome/discover/porch', NODE)).toEqual({
      text: '192.0.2.9',
    });
  });

  test('has the name of its topic where it gives none', () => {
    const bench = new Bench(esphome);
    bench.tell('esphome/discover/porch', { mac: MAC });
    expect(bench.find(MAC, 'sensor/ip_address').config.device).toMatchObject({ name: 'porch', model: null });
  });

  test('is gone when its announcement is, but not when it was renamed', () => {
    const bench = new Bench(esphome);
    bench.tell('esphome/discover/porch', NODE);
    bench.tell('esphome/discover/garage', { ...NODE, name: 'garage' });
    bench.tell('esphome/discover/porch', '');
    expect(bench.host.withdrawn).toEqual([]);
    bench.tell('esphome/discover/garage', '');
    expect(bench.host.withdrawn).toEqual([MAC]);
  });

  test('is complained about when it is nobody', () => {
    const bench = new Bench(esphome);
    for (const payload of ['', 'online', '[]', '{}', '{"mac":"nonsense"}', '{"mac":7}']) {
      bench.tell('esphome/discover/porch', payload);
    }
    expect(bench.host.devices.size).toBe(0);
    expect(bench.host.complaints).toHaveLength(5);
  });

  test('all are asked when the broker is there', () => {
    const bench = new Bench(esphome);
    bench.protocol.connected();
    expect(bench.host.published).toEqual([{ topic: 'esphome/discover', payload: '', qos: 0, retain: false }]);
  });
});

describe.skipIf(!hasFixtures)('recorded payloads (reads ../shared/fixtures)', () => {
  const recorded = hasFixtures ? readFixture('esphome.jsonl') : [];

  test('every announcement is accepted, with the identifiers that discovery gives', () => {
    const bench = new Bench(esphome);
    for (const { topic, payload } of recorded)
      if (topic.startsWith('esphome/discover/')) bench.tell(topic, payload);
    expect(bench.host.complaints).toEqual([]);
    expect(bench.problems()).toEqual([]);
    expect([...bench.host.devices.keys()]).toEqual(['20500de464ec', 'a020a61c3105']);
    const described = recorded.find(({ topic }) => topic.startsWith('homeassistant/sensor/garagedoor1/'));
    const { dev } = JSON.parse(described?.payload ?? '{}') as { dev: { ids: string; name: string } };
    expect(bench.find(dev.ids, 'sensor/ip_address').config.device).toMatchObject({
      identifiers: [dev.ids],
      name: dev.name,
    });
  });
});
