import { describe, expect, test } from 'vitest';

import { toWaterHeater } from '../../../src/mqtt/components/water-heater.ts';
import { Bench, checkHostile } from './codec-bench.ts';

const BOILER = {
  mode_cmd_t: 'boiler/mode/set',
  mode_stat_t: 's',
  mode_stat_tpl: '{{ value_json.mode }}',
  modes: ['off', 'eco', 'performance'],
  pow_cmd_t: 'boiler/power/set',
  power_command_template: '{"power":"{{ value }}"}',
  temp_cmd_t: 'boiler/target/set',
  temp_stat_t: 's',
  temp_stat_tpl: '{{ value_json.target }}',
  curr_temp_t: 's',
  curr_temp_tpl: '{{ value_json.now }}',
  min_temp: '40',
  max_temp: 65,
  precision: 1.0,
};

describe('water heater', () => {
  test('mode, power, target and the temperature of the water', () => {
    const boiler = new Bench(toWaterHeater, BOILER);
    expect(boiler.codec.capabilities).toEqual([
      { kind: 'on_off', unit: null, range: null, writable: true },
      { kind: 'mode', unit: null, range: null, writable: true, options: ['off', 'eco', 'performance'] },
      { kind: 'target_temperature', unit: '°C', range: { min: 40, max: 65, step: 1 }, writable: true },
      { kind: 'temperature', unit: '°C', range: null, writable: false },
    ]);
    expect(boiler.values('{"mode":"eco","target":"55","now":48.2}')).toEqual({
      on_off: true,
      mode: 'eco',
      target_temperature: 55,
      temperature: 48.2,
    });
    expect(boiler.values('{"mode":"off"}')).toEqual({ on_off: false, mode: 'off' });
    expect(boiler.values('{"mode":null,"target":null}')).toEqual({
      on_off: null,
      mode: null,
      target_temperature: null,
    });
    expect(boiler.values('{"mode":"holiday"}')).toEqual({});
  });

  test('takes orders: on and the mode before the target, off after it', () => {
    const { codec } = new Bench(toWaterHeater, BOILER);
    const send = (on: boolean): string[] =>
      (
        codec.encode?.([
          { kind: 'target_temperature', value: 54.6 },
          { kind: 'mode', value: 'eco' },
          { kind: 'on_off', value: on },
        ]).messages ?? []
      ).map(({ topic, payload }) => `${topic} ${payload}`);
    const settings = ['boiler/mode/set eco', 'boiler/target/set 55.0'];
    const power = 'boiler/power/set {"power":"';
    expect(send(true)).toEqual([`${power}ON"}`, ...settings]);
    expect(send(false)).toEqual([...settings, `${power}OFF"}`]);
  });

  test('defaults, also in Fahrenheit, and a device that tells nothing', () => {
    const plain = new Bench(toWaterHeater, { temp_cmd_t: 't', mode_cmd_t: 'm' });
    expect(plain.codec.capabilities).toMatchObject([
      { kind: 'mode', options: expect.arrayContaining(['eco', 'heat_pump', 'off']) },
      { kind: 'target_temperature', range: { min: 43.3, max: 60 } },
    ]);
    expect(plain.assumed('mode', 'eco')).toEqual([{ kind: 'mode', value: 'eco' }]);
    const american = new Bench(toWaterHeater, {
      temp_cmd_t: 't',
      temp_stat_t: 's',
      temp_unit: 'F',
      min_temp: 95,
      max_temp: 149,
    });
    expect(american.codec.capabilities).toMatchObject([{ range: { min: 35, max: 65 }, reportedUnit: '°F' }]);
    expect(american.value('122')).toBe(50);
    expect(american.sent('target_temperature', 50)).toEqual(['t 122.0']);
    expect(american.assumed('target_temperature', 50)).toEqual([]);
  });

  test('any configuration and any payload', () => {
    checkHostile(toWaterHeater, BOILER, ['temperature_unit', 'temp_step', 'payload_off', 'optimistic']);
  });
});
