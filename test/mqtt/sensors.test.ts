import { describe, expect, test, vi } from 'vitest';

import type { CapabilityValue } from '../../src/devices/types.ts';

import { silentLogger } from '../../src/base/log.ts';
import { toCodec } from '../../src/mqtt/components/components.ts';
import { Templates } from '../../src/mqtt/components/templates.ts';
import { toMeasure } from '../../src/mqtt/components/units.ts';
import { expandConfig } from '../../src/mqtt/discovery/expand.ts';
import { Message } from '../../src/mqtt/message.ts';
import { announce, startHouse } from './harness.ts';

type Decode = (text: string, topic?: string) => CapabilityValue | undefined;

/** Reads one payload after the other; undefined where the message said nothing. */
function decoder(type: string, config: Record<string, unknown>): Decode {
  const codec = toCodec(type, expandConfig({ stat_t: 's', ...config }), new Templates(silentLogger));
  if (typeof codec === 'string') throw new Error(codec);
  return (text, topic = 's') => {
    const readings = codec.decode(new Message({ topic, payload: Buffer.from(text), retained: false }));
    for (const { kind } of readings)
      expect(codec.capabilities.map((capability) => capability.kind)).toContain(kind);
    return readings.at(-1)?.value;
  };
}

describe('units', () => {
  test.each([
    ['temperature', '°F', 68, 'temperature', 20],
    ['temperature', 'K', 293.15, 'temperature', 20],
    [null, '°C', 21.5, 'temperature', 21.5],
    ['power', 'kW', 1.2, 'power', 1200],
    ['power', 'mW', 1500, 'power', 1.5],
    ['power', 'kWh', 1.737, 'energy', 1.737],
    ['energy', 'Wh', 23_400, 'energy', 23.4],
    ['energy', 'MWh', 0.5, 'energy', 500],
    ['energy', 'MJ', 3.6, 'energy', 1],
    ['voltage', 'mV', 3100, 'voltage', 3.1],
    ['current', 'mA', 568, 'current', 0.568],
    ['frequency', 'kHz', 0.05, 'frequency', 50],
    ['atmospheric_pressure', 'kPa', 101.3, 'pressure', 1013],
    ['pressure', 'bar', 2, 'pressure', 2000],
    ['illuminance', 'lx', 12, 'illuminance', 12],
    ['humidity', '%', 43.7, 'humidity', 43.7],
    ['battery', null, 90, 'battery', 90],
    ['temperature', null, 20, 'temperature', 20],
  ])('%s in %s: %d is %s %d', (deviceClass, unit, reported, kind, value) => {
    const measure = toMeasure(deviceClass, unit);
    expect([measure?.kind, measure?.toKind(reported)]).toEqual([kind, value]);
  });

  test.each([
    ['temperature_delta', '°F'],
    ['apparent_power', 'VA'],
    ['signal_strength', 'dBm'],
    ['moisture', '%'],
    [null, 'K'],
    [null, 'constructor'],
  ])('%s in %s has no kind of its own', (deviceClass, unit) => {
    expect(toMeasure(deviceClass, unit)).toBeNull();
  });
});

describe('sensor', () => {
  test.each(['None', 'null', 'unknown', 'unavailable', 'nan', 'abc', '1e999'])(
    'the number %s is unknown, and never 0',
    (text) => {
      expect(decoder('sensor', { dev_cla: 'temperature', unit_of_meas: '°C' })(text)).toBeNull();
    },
  );

  test('an empty payload is unknown, and so is JSON null', () => {
    expect(decoder('sensor', { unit_of_meas: '°C' })('')).toBeNull();
    const decode = decoder('sensor', { unit_of_meas: '°C', val_tpl: '{{ value_json["temperature"] }}' });
    expect(decode('{"temperature":null}')).toBeNull();
    expect(decode('{"temperature":-0.85}')).toBe(-0.85);
    expect(decode('{"temperature":0}')).toBe(0);
  });

  test('a message about other properties changes nothing', () => {
    const decode = decoder('sensor', { unit_of_meas: '°C', val_tpl: '{{ value_json.temperature }}' });
    expect(decode('{"humidity":40}')).toBeUndefined();
    expect(decode('not JSON')).toBeUndefined();
    expect(decode('{"temperature":1}', 'other')).toBeUndefined();
  });

  test('numbers without a kind keep their unit, texts stay texts', () => {
    const codec = (config: Record<string, unknown>): unknown => {
      const made = toCodec('sensor', expandConfig({ stat_t: 's', ...config }), new Templates(silentLogger));
      return typeof made === 'string' ? made : made.capabilities[0];
    };
    expect(codec({ unit_of_meas: 'lqi' })).toEqual({
      kind: 'number',
      unit: 'lqi',
      range: null,
      writable: false,
    });
    expect(codec({ stat_cla: 'measurement' })).toMatchObject({ kind: 'number', unit: null });
    expect(codec({})).toMatchObject({ kind: 'text', unit: null });
    expect(codec({ dev_cla: 'timestamp' })).toMatchObject({ kind: 'text' });
    expect(codec({ ops: ['a', 'b'], dev_cla: 'enum' })).toMatchObject({ kind: 'text', options: ['a', 'b'] });
  });

  test('an option named unknown means itself', () => {
    expect(decoder('sensor', { ops: ['ok', 'unknown'] })('unknown')).toBe('unknown');
    expect(decoder('sensor', {})('unknown')).toBeNull();
    expect(decoder('sensor', {})('x'.repeat(5000))).toHaveLength(1024);
  });

  test('a topic with a wildcard is listened to', () => {
    const decode = decoder('sensor', {
      stat_t: 'home/+/BTtoMQTT/#',
      unit_of_meas: '°C',
      val_tpl: '{{ value_json.t }}',
    });
    expect(decode('{"t":7}', 'home/gateway/BTtoMQTT/AABB')).toBe(7);
    expect(decode('{"t":7}', 'home/BTtoMQTT')).toBeUndefined();
  });
});

describe('binary_sensor', () => {
  test.each([
    ['door', 'contact'],
    ['moisture', 'leak'],
    ['presence', 'occupancy'],
    ['moving', 'motion'],
    ['battery', 'battery_low'],
    ['running', 'binary'],
    ['constructor', 'binary'],
  ])('%s is %s', (deviceClass, kind) => {
    const codec = toCodec(
      'binary_sensor',
      { state_topic: 's', device_class: deviceClass },
      new Templates(silentLogger),
    );
    expect(codec).toMatchObject({ capabilities: [{ kind, writable: false }] });
  });

  test('truth values are compared as Python prints them, with and without a template', () => {
    const inverted = { pl_on: false, pl_off: true, dev_cla: 'door' };
    const decode = decoder('binary_sensor', { ...inverted, val_tpl: '{{ value_json["contact"] }}' });
    expect(decode('{"contact":false}')).toBe(true);
    expect(decode('{"contact":true}')).toBe(false);
    expect(decode('{"contact":null}')).toBeNull();
    expect(decode('{"battery":9}')).toBeUndefined();
    expect(decoder('binary_sensor', inverted)('false')).toBe(true);
  });

  test('a text that is neither changes nothing', () => {
    const decode = decoder('binary_sensor', {});
    expect([decode('ON'), decode('OFF'), decode('maybe'), decode('None')]).toEqual([
      true,
      false,
      undefined,
      null,
    ]);
  });
});

describe('time', () => {
  test('values expire when their sensor falls silent', async () => {
    await using house = await startHouse();
    const device = await house.connect();
    await announce(device, 'homeassistant/sensor/t/config', {
      stat_t: 't',
      unit_of_meas: '°C',
      exp_aft: 0.2,
    });
    await device.publishAsync('t', '20', { qos: 1 });
    await vi.waitFor(() => expect(house.registry.value('sensor/t', 'temperature')).toBeNull());
    expect(house.registry.reports.map(({ value }) => value)).toEqual([20, null]);
    await device.publishAsync('t', '21', { qos: 1 });
    await vi.waitFor(() => expect(house.registry.value('sensor/t', 'temperature')).toBe(21));
  });

  test('a sensor that only tells on goes off by itself', async () => {
    await using house = await startHouse();
    const device = await house.connect();
    const config = { stat_t: 'm', dev_cla: 'motion', off_dly: '0.1' };
    await announce(device, 'homeassistant/binary_sensor/m/config', config);
    await device.publishAsync('m', 'ON', { qos: 1 });
    await vi.waitFor(() => expect(house.registry.value('binary_sensor/m', 'motion')).toBe(false));
    expect(house.registry.reports.map(({ value, origin }) => [value, origin])).toEqual([
      [true, 'mqtt'],
      [false, 'mqtt'],
    ]);
  });
});
