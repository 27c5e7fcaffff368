import { describe, expect, test } from 'vitest';

import { MAC, open, options } from './tasmota-bench.ts';

describe('switches and buttons', () => {
  test('a detached switch that follows has a state', () => {
    const bench = open({ swc: [-1, 1], so: options(114) });
    const read = (topic: string, payload: unknown): unknown =>
      bench.read(MAC, 'binary_sensor/switch_2', topic, payload);
    expect(bench.ids(MAC)).toEqual(['binary_sensor/switch_2', 'sensor/signal']);
    expect(read('stat/bench/RESULT', { Switch2: { Action: 'ON' } })).toEqual({ binary: true });
    expect(read('tele/bench/SENSOR', { Switch1: 'ON', Switch2: 'OFF' })).toEqual({ binary: false });
    expect(read('stat/bench/STATUS10', { StatusSNS: { Switch2: 'ON' } })).toEqual({ binary: true });
    expect(read('stat/bench/RESULT', { Switch2: { Action: 'TOGGLE' } })).toEqual({});
  });

  test('a switch that the sensor model lists has one too, by the name that it was given', () => {
    const bench = open({ swc: [1, 0], swn: ['Window', null] }, { Window: 'ON', Switch2: 'OFF' });
    expect(bench.ids(MAC)).toEqual(['binary_sensor/switch_1', 'binary_sensor/switch_2', 'sensor/signal']);
    expect(bench.find(MAC, 'binary_sensor/switch_1').config.name).toBe('Window');
    expect(bench.find(MAC, 'binary_sensor/switch_2').config.entity_category).toBe('diagnostic');
    expect(bench.read(MAC, 'binary_sensor/switch_1', 'tele/bench/SENSOR', { Window: 'OFF' })).toEqual({
      binary: false,
    });
  });

  test('a motion sensor only tells that it saw something', () => {
    const bench = open({ swc: [13], so: options(114) });
    expect(bench.find(MAC, 'binary_sensor/switch_1').config.off_delay).toBe(1);
    expect(bench.read(MAC, 'binary_sensor/switch_1', 'tele/bench/SENSOR', { Switch1: 'ON' })).toEqual({});
  });

  test.each([
    [0, ['single']],
    [5, ['single', 'hold']],
    [8, ['single', 'double']],
    [9, ['double']],
    [11, ['single', 'hold']],
  ])('switch mode %i tells of moments', (mode, expected) => {
    const bench = open({ swc: [mode], so: options(114) });
    expect(bench.find(MAC, 'event/switch_1').config.event_types).toEqual(expected);
    const read = bench.read(MAC, 'event/switch_1', 'stat/bench/RESULT', { Switch1: { Action: 'HOLD' } });
    expect(read).toEqual(mode === 0 || mode === 11 ? {} : { button_event: expected.at(-1) });
  });

  test.each([
    [[73], 'SINGLE', 'single'],
    [[73], 'PENTA', 'quintuple'],
    [[73, 11], 'SINGLE', 'double'],
    [[73, 13], 'SINGLE', 'single'],
  ])('a button with the options %j', (on, action, expected) => {
    const bench = open({ btn: [1, 0], so: options(...on) });
    expect(bench.ids(MAC)).toEqual(['event/button_1', 'sensor/signal']);
    const read = bench.read(MAC, 'event/button_1', 'stat/bench/RESULT', { Button1: { Action: action } });
    expect(read).toEqual({ button_event: expected });
  });
});

describe('sensors', () => {
  const bench = open(
    {},
    {
      Time: '2026-01-01T00:00:00',
      ENERGY: {
        TotalStartTime: '2025-01-01T00:00:00',
        Total: 10.5,
        TotalTariff: [4, 6.5],
        Today: 0.5,
        Yesterday: 1,
        Power: [10, 20],
        Factor: 0.9,
        ApparentPower: 12,
        Voltage: 230,
        Current: 0.1,
      },
      'DS18B20-1': { Id: '3CCC', Temperature: 68 },
      TX23: { Speed: { Act: 14.8, Avg: 8.5 }, Dir: { Card: 'WSW', Deg: 247.5 } },
      TempUnit: 'F',
      SpeedUnit: 'm/s',
    },
  );

  test('the values of the model, each with its unit', () => {
    expect(bench.ids(MAC)).toEqual([
      'sensor/ENERGY_Total',
      'sensor/ENERGY_TotalTariff_0',
      'sensor/ENERGY_TotalTariff_1',
      'sensor/ENERGY_Today',
      'sensor/ENERGY_Yesterday',
      'sensor/ENERGY_Power_0',
      'sensor/ENERGY_Power_1',
      'sensor/ENERGY_Factor',
      'sensor/ENERGY_ApparentPower',
      'sensor/ENERGY_Voltage',
      'sensor/ENERGY_Current',
      'sensor/DS18B20-1_Temperature',
      'sensor/TX23_Speed_Act',
      'sensor/TX23_Speed_Avg',
      'sensor/TX23_Dir_Card',
      'sensor/TX23_Dir_Deg',
      'sensor/signal',
    ]);
    expect(bench.find(MAC, 'sensor/ENERGY_Total').config).toMatchObject({
      name: 'Energy total',
      device_class: 'energy',
      unit_of_measurement: 'kWh',
      state_class: 'total_increasing',
    });
    expect(bench.find(MAC, 'sensor/TX23_Speed_Act').config).toMatchObject({
      name: 'TX23 Speed Act',
      unit_of_measurement: 'm/s',
    });
    expect(bench.find(MAC, 'sensor/ENERGY_ApparentPower').config.name).toBe('Apparent power');
  });

  const read = (id: string, payload: unknown, topic = 'tele/bench/SENSOR'): unknown =>
    bench.read(MAC, `sensor/${id}`, topic, payload);

  test('telemetry, answers, and what is missing from either', () => {
    expect(read('DS18B20-1_Temperature', { 'DS18B20-1': { Temperature: 68 } })).toEqual({ temperature: 20 });
    expect(
      read(
        'DS18B20-1_Temperature',
        { StatusSNS: { 'DS18B20-1': { Temperature: 50 } } },
        'stat/bench/STATUS10',
      ),
    ).toEqual({ temperature: 10 });
    expect(read('DS18B20-1_Temperature', { 'DS18B20-1': { Temperature: null } })).toEqual({
      temperature: null,
    });
    expect(read('DS18B20-1_Temperature', { 'DS18B20-1': {} })).toEqual({});
    expect(read('DS18B20-1_Temperature', { ENERGY: { Total: 1 } })).toEqual({});
    expect(read('DS18B20-1_Temperature', 'Done', 'stat/bench/RESULT')).toEqual({});
    expect(read('TX23_Speed_Act', { TX23: { Speed: { Act: 3 } } })).toEqual({ number: 3 });
    expect(read('TX23_Dir_Card', { TX23: { Dir: { Card: 'N' } } })).toEqual({ text: 'N' });
  });

  test('lists, also where only their first value came', () => {
    expect(read('ENERGY_TotalTariff_1', { ENERGY: { TotalTariff: [1.2, 3.4] } })).toEqual({ energy: 3.4 });
    expect(read('ENERGY_Power_0', { ENERGY: { Power: 76.2 } })).toEqual({ power: 76.2 });
    expect(read('ENERGY_Power_1', { ENERGY: { Power: 76.2 } })).toEqual({});
    expect(read('ENERGY_Power_1', { ENERGY: { Power: [1] } })).toEqual({});
  });
});
