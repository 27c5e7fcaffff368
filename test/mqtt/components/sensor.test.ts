import { describe, expect, test } from 'vitest';

import { toBinarySensor } from '../../../src/mqtt/components/binary-sensor.ts';
import { toSensor } from '../../../src/mqtt/components/sensor.ts';
import { toMeasure } from '../../../src/mqtt/components/units.ts';
import { Bench, checkHostile } from './codec-bench.ts';

const sensor = (config: Record<string, unknown>): Bench => new Bench(toSensor, { stat_t: 's', ...config });

describe('measures', () => {
  test.each([
    ['carbon_dioxide', 'ppm', 812, 'co2', 812],
    ['carbon_dioxide', null, 812, 'co2', 812],
    ['carbon_monoxide', 'ppm', 9, 'co', 9],
    ['carbon_monoxide', 'ppb', 900, 'co', 0.9],
    ['pm1', 'µg/m³', 4, 'pm1', 4],
    ['pm25', 'μg/m³', 12.5, 'pm25', 12.5],
    ['pm10', 'ug/m3', 30, 'pm10', 30],
    ['pm25', 'mg/m³', 0.012, 'pm25', 12],
    ['volatile_organic_compounds', 'mg/m³', 0.35, 'voc', 350],
    ['aqi', null, 42, 'aqi', 42],
    ['power_factor', '%', 95, 'power_factor', 0.95],
    ['power_factor', null, 0.95, 'power_factor', 0.95],
    ['power_factor', '', -0.4, 'power_factor', -0.4],
    ['apparent_power', 'W', 5, 'power', 5],
    ['power', 'kWh', 2, 'energy', 2],
    ['energy_storage', 'Wh', 500, 'energy', 0.5],
    ['battery', 'V', 3, 'voltage', 3],
  ])('%s in %s: %d is %s %d', (deviceClass, unit, reported, kind, value) => {
    const measure = toMeasure(deviceClass, unit);
    expect([measure?.kind, measure?.toKind(reported)]).toEqual([kind, value]);
  });

  test.each([
    ['volatile_organic_compounds_parts', 'ppb'],
    ['carbon_dioxide', '%'],
    ['carbon_monoxide', 'mg/m³'],
    ['pm4', 'µg/m³'],
    ['apparent_power', 'VA'],
    ['reactive_power', 'var'],
    ['moisture', '%'],
    ['humidity', 'g/m³'],
    ['absolute_humidity', 'g/m³'],
    [null, 'ppm'],
    [null, '%'],
    ['toString', ''],
    ['constructor', 'µg/m³'],
  ])('%s in %s has no kind of its own', (deviceClass, unit) => {
    expect(toMeasure(deviceClass, unit)).toBeNull();
  });

  test.each([
    ['temperature', '°C', -273.16],
    ['temperature', '°F', -460],
    ['temperature', 'K', -1],
    ['humidity', '%', 101],
    ['humidity', '%', -3],
    ['battery', '%', 255],
    ['power_factor', null, 95],
    ['carbon_dioxide', 'ppm', -1],
    ['illuminance', 'lx', -1],
    ['energy', 'GWh', 1e308],
  ])('%s in %s can not be %d', (deviceClass, unit, reported) => {
    expect(toMeasure(deviceClass, unit)?.toKind(reported)).toBeNull();
  });

  test('a rounding is no impossibility', () => {
    expect([100.4, -0.2, 99.9].map((value) => toMeasure('humidity', '%')?.toKind(value))).toEqual([
      100, 0, 99.9,
    ]);
    expect(toMeasure('temperature', '°C')?.toKind(-273.15)).toBe(-273.15);
  });
});

describe('sensor', () => {
  test('tells how a number runs, and the unit of the publisher where it is another', () => {
    expect(
      sensor({ dev_cla: 'energy', unit_of_meas: 'Wh', stat_cla: 'total_increasing' }).codec.capabilities,
    ).toEqual([
      {
        kind: 'energy',
        unit: 'kWh',
        range: null,
        writable: false,
        reportedUnit: 'Wh',
        stateClass: 'total_increasing',
      },
    ]);
    expect(
      sensor({ dev_cla: 'energy', unit_of_meas: 'kWh', name: 'Total today' }).codec.capabilities,
    ).toEqual([{ kind: 'energy', unit: 'kWh', range: null, writable: false }]);
    expect(sensor({ unit_of_meas: 'kWh', stat_cla: 'sometimes' }).codec.capabilities[0]).not.toHaveProperty(
      'stateClass',
    );
    expect(sensor({ unit_of_meas: 'min', stat_cla: 'measurement' }).codec.capabilities).toEqual([
      { kind: 'number', unit: 'min', range: null, writable: false, stateClass: 'measurement' },
    ]);
    expect(sensor({ dev_cla: 'pm25', unit_of_meas: 'ug/m3' }).codec.capabilities).toMatchObject([
      { unit: 'µg/m³', reportedUnit: 'ug/m3' },
    ]);
  });

  test('keeps the text that a value was made of, and where it is from', () => {
    const template = '{{ value_json.ENERGY.Power }}';
    const { codec } = sensor({ unit_of_meas: 'W', val_tpl: template });
    expect(codec.sources).toEqual([{ kind: 'power', topic: 's', template }]);
    expect(sensor({ unit_of_meas: 'W', val_tpl: template }).readings('{"ENERGY":{"Power":12}}')).toEqual([
      { kind: 'power', value: 12, raw: '12' },
    ]);
    const battery = sensor({ dev_cla: 'battery', unit_of_meas: '%' });
    expect(battery.readings('255')).toEqual([{ kind: 'battery', value: null, raw: '255' }]);
    expect(sensor({}).readings('Standby')).toEqual([{ kind: 'text', value: 'Standby', raw: 'Standby' }]);
  });

  test.each(['21,5', '230 V', '1 000', '0x10', '1e999', 'NaN', '-', '.', '1.2.3', 'true'])(
    '"%s" is no number',
    (text) => {
      expect(sensor({ unit_of_meas: 'V' }).readings(text)).toEqual([
        { kind: 'voltage', value: null, raw: text },
      ]);
    },
  );

  test.each([
    [' 21.5 ', 21.5],
    ['+3', 3],
    ['-.5', -0.5],
    ['2.', 2],
    ['1.5e3', 1500],
  ])('"%s" is a number', (text, value) => {
    expect(sensor({ unit_of_meas: 'V' }).value(text)).toBe(value);
  });

  test('when a total began again is not asked', () => {
    const counter = { unit_of_meas: 'kWh', val_tpl: '{{ value_json.total }}', stat_cla: 'total' };
    const codec = sensor({ ...counter, lrst_val_tpl: '{{ value_json.' });
    expect(codec.value('{"total":7,"since":"2024-01-01T00:00:00Z"}')).toBe(7);
  });

  test('any configuration and any payload', () => {
    checkHostile(toSensor, { stat_t: 's', dev_cla: 'humidity', unit_of_meas: '%', val_tpl: '{{ value }}' }, [
      'state_class',
      'options',
      'expire_after',
    ]);
  });
});

describe('binary_sensor', () => {
  test.each([
    ['carbon_monoxide', 'co_detected'],
    ['gas', 'gas_detected'],
    ['sound', 'sound'],
    ['safety', 'problem'],
    ['problem', 'problem'],
    ['battery', 'battery_low'],
    ['tamper', 'tamper'],
    ['lock', 'binary'],
    ['plug', 'binary'],
    ['power', 'binary'],
    ['light', 'binary'],
    ['update', 'binary'],
    ['heat', 'binary'],
    [null, 'binary'],
  ])('%s is %s', (deviceClass, kind) => {
    const { codec } = new Bench(toBinarySensor, { stat_t: 's', dev_cla: deviceClass });
    expect(codec.capabilities).toEqual([{ kind, unit: null, range: null, writable: false }]);
    expect(codec.sources).toEqual([{ kind, topic: 's', template: null }]);
  });

  test('keeps the text that a value was made of', () => {
    const template = {
      stat_t: 's',
      dev_cla: 'gas',
      val_tpl: '{{ value_json.gas }}',
      pl_on: true,
      pl_off: false,
    };
    const detector = new Bench(toBinarySensor, template);
    expect(detector.readings('{"gas":true}')).toEqual([{ kind: 'gas_detected', value: true, raw: 'True' }]);
    expect(detector.readings('{"gas":null}')).toEqual([{ kind: 'gas_detected', value: null, raw: 'None' }]);
    expect(detector.readings('{"gas":"maybe"}')).toEqual([]);
  });

  test('any configuration and any payload', () => {
    checkHostile(toBinarySensor, { stat_t: 's', dev_cla: 'gas', val_tpl: '{{ value_json.a }}' }, [
      'payload_on',
      'payload_off',
      'off_delay',
    ]);
  });
});
