import { describe, expect, test } from 'vitest';

import { tasmota } from '../../../src/mqtt/native/tasmota.ts';
import { hasFixtures, readFixture } from '../harness.ts';
import { Bench } from './native-harness.ts';
import { BARE, MAC, open } from './tasmota-bench.ts';

describe('what a device is', () => {
  test('the device, its availability and its topics', () => {
    const { config } = open({ rl: [1] }).find(MAC, 'switch/relay_1');
    expect(config).toMatchObject({
      name: null,
      state_topic: '+/bench/+',
      command_topic: 'cmnd/bench/POWER1',
      availability_topic: 'tele/bench/LWT',
      payload_available: 'Online',
      payload_not_available: 'Offline',
      device: {
        identifiers: [MAC],
        connections: [['mac', MAC]],
        name: 'Bench',
        model: 'Generic',
        sw_version: '15.0.1',
        manufacturer: 'Tasmota',
        configuration_url: 'http://192.0.2.7/',
      },
    });
  });

  test.each([
    ['%topic%/%prefix%/', 'bench/+/+', 'bench/cmnd/POWER1'],
    ['home/%prefix%/%topic%', 'home/+/bench/+', 'home/cmnd/bench/POWER1'],
    ['home/%hostname%/%id%/%prefix%/', 'home/bench-1234/D3E4F5/+/+', 'home/bench-1234/D3E4F5/cmnd/POWER1'],
    ['home/%topic%/', 'home/bench/+', 'home/bench/cmnd/POWER1'],
  ])('the full topic %s', (ft, filter, command) => {
    const { config } = open({ rl: [1], ft }).find(MAC, 'switch/relay_1');
    expect(config.state_topic).toBe(filter);
    expect(config.command_topic).toBe(command);
  });

  test('prefixes of different depth: states from the answers, sensors from telemetry', () => {
    const bench = open({ rl: [1], tp: ['cmnd', 'stat', 'a/tele'] }, { AM2301: { Humidity: 50 } });
    expect(bench.find(MAC, 'switch/relay_1').config.state_topic).toBe('stat/bench/+');
    expect(bench.find(MAC, 'sensor/AM2301_Humidity').config.state_topic).toBe('a/tele/bench/+');
  });

  test('both parts come in any order, and both have to go', () => {
    const bench = new Bench(tasmota);
    const sensors = { sn: { AM2301: { Humidity: 50 } } };
    bench.tell(`tasmota/discovery/${MAC}/sensors`, sensors);
    expect(bench.host.devices.size).toBe(0);
    bench.tell(`tasmota/discovery/${MAC}/config`, { ...BARE, rl: [1] });
    expect(bench.ids(MAC)).toEqual(['switch/relay_1', 'sensor/AM2301_Humidity', 'sensor/signal']);
    bench.tell(`tasmota/discovery/${MAC}/config`, '');
    expect(bench.host.withdrawn).toEqual([]);
    bench.tell(`tasmota/discovery/${MAC}/sensors`, '');
    expect(bench.host.withdrawn).toEqual([MAC]);
  });

  test('it is asked for its state when there is news, and whenever the broker is back', () => {
    const bench = open({ rl: [1] }, { AM2301: { Humidity: 50 } });
    const asked = (): string[] =>
      bench.host.published.splice(0).map(({ topic, payload }) => `${topic} ${payload}`);
    expect(asked()).toContain('cmnd/bench/STATUS 10');
    bench.tell(`tasmota/discovery/${MAC}/config`, { ...BARE, rl: [1] });
    expect(asked()).toEqual([]);
    bench.protocol.connected();
    expect(asked()).toEqual(['cmnd/bench/STATE ', 'cmnd/bench/STATUS 10']);
  });

  test('a device that sleeps is never away; its values expire', () => {
    const bench = open({ dslp: 1, bat: 1 }, { BME280: { Temperature: 21.5 } });
    const { config } = bench.find(MAC, 'sensor/BME280_Temperature');
    expect(config).not.toHaveProperty('availability_topic');
    expect(config.expire_after).toBe(90_000);
    expect(bench.read(MAC, 'sensor/battery', 'tele/bench/STATE', { BatteryPercentage: 71 })).toEqual({
      battery: 71,
    });
  });
});

describe.skipIf(!hasFixtures)('recorded payloads (reads ../shared/fixtures)', () => {
  const recorded = hasFixtures ? readFixture('tasmota.jsonl') : [];
  const native = recorded.filter(({ topic }) => topic.startsWith('tasmota/discovery/'));
  // One reporter masked the address.
  const unmask = (topic: string): string => topic.replaceAll('*', '0');

  test('every discovery payload is accepted', () => {
    const bench = new Bench(tasmota);
    for (const { topic, payload } of native) bench.tell(unmask(topic), payload);
    const energy = { ...BARE, mac: 'CC50E3000000' };
    bench.tell('tasmota/discovery/CC50E3000000/config', energy);
    expect(bench.host.complaints).toEqual([]);
    expect([...bench.problems(), ...bench.templateProblems()]).toEqual([]);
    expect(bench.ids('DC4F220756C6')).toEqual([
      'switch/relay_1',
      'switch/relay_2',
      'switch/relay_3',
      'switch/relay_4',
      'binary_sensor/switch_1',
      'sensor/DS18B20-1_Temperature',
      'sensor/DS18B20-2_Temperature',
      'sensor/signal',
    ]);
    expect(bench.find('DC4F220756C6', 'switch/relay_1').config.name).toBe('Door');
    expect(bench.ids('CC50E3000000')).toContain('sensor/ENERGY_ReactivePower');
    expect(bench.ids('00000049A3BC')).toEqual(['sensor/signal']);
  });

  test('the sensors of the reference configuration', () => {
    const config = native.find(({ topic }) => topic.includes('00000049A3BC/config'));
    const bench = new Bench(tasmota);
    bench.tell(config?.topic ?? '', config?.payload ?? '');
    const sn = { DHT11: { Temperature: null }, ENERGY: { TotalTariff: [null, 0, 0] }, TempUnit: 'C' };
    bench.tell('tasmota/discovery/00000049A3BC/sensors', { sn });
    const values = recorded
      .filter(({ topic }) => topic.startsWith('tasmota_49A3BC/'))
      .map(({ topic, payload }) => [
        bench.read('00000049A3BC', 'sensor/DHT11_Temperature', topic, payload),
        bench.read('00000049A3BC', 'sensor/ENERGY_TotalTariff_1', topic, payload),
      ]);
    expect(values).toEqual([
      [{ temperature: 20.5 }, {}],
      [{ temperature: 20 }, {}],
      [{}, { energy: 3.4 }],
    ]);
  });

  test('recorded states of shutters and switches', () => {
    const bench = open({ t: 'tasmota_blind_new', rl: [3, 3, 3, 3] }, { Switch1: 'ON' });
    const states = recorded.filter(({ topic }) => topic.includes('/tasmota_blind_new/'));
    const read = states.map(({ topic, payload }) => bench.read(MAC, 'cover/shutter_1', topic, payload));
    expect(read).toEqual([{ open_close: 'open', position: 72 }, { open_close: 'opening', position: 72 }, {}]);
    const [first] = states;
    expect(bench.read(MAC, 'binary_sensor/switch_1', first?.topic ?? '', first?.payload)).toEqual({
      binary: true,
    });
  });
});
