import { describe, expect, test } from 'vitest';

import { expose, IEEE, open, STATE, TOPIC } from './zigbee2mqtt-bench.ts';

describe('values', () => {
  test.each([
    [
      expose('numeric', 'temperature', 1, { unit: '°C' }),
      'sensor',
      { temperature: 21.5 },
      { temperature: 21.5 },
    ],
    [expose('numeric', 'battery', 1, { unit: '%' }), 'sensor', { battery: null }, { battery: null }],
    [expose('numeric', 'voltage', 1, { unit: 'mV' }), 'sensor', { voltage: 3005 }, { voltage: 3.005 }],
    [expose('numeric', 'energy', 1, { unit: 'kWh' }), 'sensor', { energy: 12.5 }, { energy: 12.5 }],
    [expose('numeric', 'illuminance', 1, { unit: 'lx' }), 'sensor', { illuminance: 3 }, { illuminance: 3 }],
    [
      expose('binary', 'contact', 1, { value_on: false, value_off: true }),
      'binary_sensor',
      { contact: true },
      { contact: false },
    ],
    [
      expose('binary', 'water_leak', 1, { value_on: true, value_off: false }),
      'binary_sensor',
      { water_leak: true },
      { leak: true },
    ],
    [
      expose('binary', 'occupancy', 1, { value_on: true, value_off: false }),
      'binary_sensor',
      { occupancy: null },
      { occupancy: null },
    ],
    [
      expose('enum', 'sensitivity', 1, { values: ['low', 'high'] }),
      'sensor',
      { sensitivity: 'low' },
      { text: 'low' },
    ],
    [expose('text', 'note', 1), 'sensor', { note: 'hi' }, { text: 'hi' }],
  ])('%j', (described, type, state, expected) => {
    const bench = open([described]);
    const id = `${type}/${String(described.name)}`;
    expect(bench.read(IEEE, id, TOPIC, state)).toEqual(expected);
    expect(bench.read(IEEE, id, TOPIC, { linkquality: 100 })).toEqual({});
  });

  test('settings are set by their own topic', () => {
    const bench = open([
      expose('numeric', 'delay', 7, {
        unit: 's',
        value_min: 1,
        value_max: 90,
        value_step: 2,
        category: 'config',
      }),
      expose('numeric', 'offset', 3, { unit: '°C', value_min: -5, value_max: 5 }),
      expose('binary', 'led', 7, { value_on: true, value_off: false }),
      expose('enum', 'mode', 3, { values: ['a', 'b'] }),
      expose('enum', 'identify', 2, { values: ['identify'] }),
      expose('text', 'note', 3),
    ]);
    expect(bench.ids(IEEE)).toEqual([
      'number/delay',
      'number/offset',
      'switch/switch_led',
      'select/mode',
      'button/identify',
      'text/note',
    ]);
    expect(bench.find(IEEE, 'number/delay').config).toMatchObject({
      min: 1,
      max: 90,
      step: 2,
      unit_of_measurement: 's',
      entity_category: 'config',
      command_topic: `${TOPIC}/set/delay`,
    });
    expect(bench.find(IEEE, 'number/offset').config.step).toBe(0.1);
    expect(bench.find(IEEE, 'select/mode').config.options).toEqual(['a', 'b']);
    expect(bench.find(IEEE, 'button/identify').config).toMatchObject({
      command_topic: `${TOPIC}/set/identify`,
      payload_press: 'identify',
    });
    expect(bench.write(IEEE, 'switch/switch_led', { on_off: true })).toEqual([`${TOPIC}/set/led true`]);
    expect(bench.read(IEEE, 'switch/switch_led', TOPIC, { led: false })).toEqual({ on_off: false });
    const sent = bench.write(IEEE, 'number/delay', { number: 11 });
    expect(sent).toEqual([`${TOPIC}/set/delay 11`]);
  });

  test('the parts of an object are set together with its name', () => {
    const features = [
      expose('binary', 'execute', 2, { value_on: true, value_off: false }),
      expose('numeric', 'level', 7, { value_min: 0, value_max: 9 }),
      expose('enum', 'kind', 7, { values: ['x', 'y'] }),
    ];
    const bench = open([{ ...expose('composite', 'options', 7), features }]);
    expect(bench.write(IEEE, 'switch/switch_options_execute', { on_off: true })).toEqual([
      `${TOPIC}/set/options {"execute": true}`,
    ]);
    const level = bench.read(IEEE, 'number/options_level', TOPIC, { options: { level: 4 } });
    expect(level).toEqual({ number: 4 });
    const kind = bench.write(IEEE, 'select/options_kind', { select: 'y' });
    expect(kind).toEqual([`${TOPIC}/set/options {"kind": "y"}`]);
  });

  test('actions are events', () => {
    const bench = open([
      expose('enum', 'action', 1, { values: ['single', 'double'], category: 'diagnostic' }),
    ]);
    expect(bench.find(IEEE, 'event/action').config).toMatchObject({ event_types: ['single', 'double'] });
    const read = bench.read(IEEE, 'event/action', TOPIC, { action: 'single', battery: 100 });
    expect(read).toEqual({ button_event: 'single' });
    for (const state of [{ action: '' }, { action: null }, { battery: 100 }]) {
      const none = bench.read(IEEE, 'event/action', TOPIC, state);
      expect(none).toEqual({});
    }
  });
});

describe('covers, locks, fans, climates', () => {
  const cover = {
    type: 'cover',
    features: [
      expose('enum', 'state', 3, { values: ['OPEN', 'CLOSE', 'STOP'] }),
      expose('numeric', 'position', 7, { value_min: 0, value_max: 100 }),
      expose('numeric', 'tilt', 7, { value_min: 0, value_max: 100 }),
    ],
  };

  test.each([
    [[], { state: 'OPEN', position: 40 }, { open_close: 'open', position: 40 }],
    [[], { state: 'CLOSE', position: 0, tilt: 20 }, { open_close: 'closed', position: 0, tilt: 20 }],
    [[], { state: null }, { open_close: null }],
    [[], { linkquality: 1 }, {}],
    [
      [expose('enum', 'motor_state', 1, { values: ['opening', 'stopped'] })],
      { state: 'CLOSE', motor_state: 'opening' },
      { open_close: 'opening' },
    ],
    [
      [expose('enum', 'moving', 1, { values: ['UP', 'STOP', 'DOWN'] })],
      { state: 'OPEN', moving: 'DOWN' },
      { open_close: 'closing' },
    ],
    [
      [expose('enum', 'moving', 1, { values: ['UP', 'STOP', 'DOWN'] })],
      { state: 'OPEN', moving: 'STOP' },
      { open_close: 'open' },
    ],
    [
      [expose('binary', 'running', 1, { value_on: true })],
      { state: 'CLOSE', running: true },
      { open_close: 'closing' },
    ],
    [
      [expose('binary', 'running', 1, { value_on: true })],
      { state: 'CLOSE', running: false },
      { open_close: 'closed' },
    ],
  ])('a cover beside %j that tells %j', (others, state, expected) => {
    const read = open([cover, ...others]).read(IEEE, 'cover/cover', TOPIC, state);
    expect(read).toEqual(expected);
  });

  test('commands of a cover', () => {
    const bench = open([cover]);
    expect(bench.find(IEEE, 'cover/cover').config).toMatchObject({
      command_topic: `${TOPIC}/set/state`,
      payload_open: 'OPEN',
      payload_close: 'CLOSE',
      payload_stop: 'STOP',
      set_position_topic: `${TOPIC}/set/position`,
      tilt_command_topic: `${TOPIC}/set/tilt`,
    });
    const sent = bench.write(IEEE, 'cover/cover', { position: 40 });
    expect(sent).toEqual([`${TOPIC}/set/position 40`]);
  });

  test('a lock', () => {
    const state = expose('binary', 'state', 7, { value_on: 'LOCK', value_off: 'UNLOCK' });
    const bench = open([{ type: 'lock', features: [state] }]);
    expect(bench.find(IEEE, 'lock/lock').config).toMatchObject({
      payload_lock: 'LOCK',
      state_unlocked: 'UNLOCK',
    });
    const read = bench.read(IEEE, 'lock/lock', TOPIC, { state: 'LOCK' });
    expect(read).toEqual({ locked: 'locked' });
    const sent = bench.write(IEEE, 'lock/lock', { locked: 'unlock' });
    expect(sent).toEqual([`${TOPIC}/set/state UNLOCK`]);
  });

  test('a fan whose modes are speeds', () => {
    const features = [
      { ...STATE, property: 'fan_state' },
      expose('enum', 'mode', 7, {
        property: 'fan_mode',
        values: ['off', 'low', 'medium', 'high', 'on', 'smart'],
      }),
    ];
    const bench = open([{ type: 'fan', features }]);
    expect(bench.find(IEEE, 'fan/fan').config).toMatchObject({
      speed_range_max: 4,
      preset_modes: ['smart'],
      command_topic: `${TOPIC}/set/fan_state`,
    });
    const read = bench.read(IEEE, 'fan/fan', TOPIC, { fan_state: 'ON', fan_mode: 'medium' });
    expect(read).toEqual({ on_off: true, speed: 50, preset_mode: null });
    const sent = bench.write(IEEE, 'fan/fan', { speed: 75 });
    expect(sent).toEqual([`${TOPIC}/set/fan_mode high`]);
  });

  test('a thermostat', () => {
    const features = [
      expose('numeric', 'occupied_heating_setpoint', 7, {
        value_min: 5,
        value_max: 30,
        value_step: 0.5,
        unit: '°C',
      }),
      expose('numeric', 'local_temperature', 5, { unit: '°C' }),
      expose('enum', 'system_mode', 7, { values: ['off', 'auto', 'heat', 'sleep'] }),
      expose('enum', 'running_state', 5, { values: ['idle', 'heat'] }),
      expose('enum', 'preset', 7, { values: ['none', 'eco'] }),
      expose('numeric', 'local_temperature_calibration', 7, { value_min: -5, value_max: 5, unit: '°C' }),
    ];
    const bench = open([{ type: 'climate', features }]);
    expect(bench.ids(IEEE)).toEqual(['climate/climate', 'number/local_temperature_calibration']);
    expect(bench.find(IEEE, 'climate/climate').config).toMatchObject({
      min_temp: 5,
      max_temp: 30,
      temp_step: 0.5,
      modes: ['off', 'auto', 'heat'],
      preset_modes: ['eco'],
      temperature_command_topic: `${TOPIC}/set/occupied_heating_setpoint`,
      mode_command_topic: `${TOPIC}/set/system_mode`,
    });
    const read = bench.read(IEEE, 'climate/climate', TOPIC, {
      occupied_heating_setpoint: 21.5,
      local_temperature: 19.8,
      system_mode: 'heat',
      running_state: 'heat',
      preset: 'eco',
    });
    expect(read).toEqual({
      target_temperature: 21.5,
      temperature: 19.8,
      hvac_mode: 'heat',
      hvac_action: 'heating',
      preset_mode: 'eco',
    });
    const partial = bench.read(IEEE, 'climate/climate', TOPIC, { local_temperature: 20 });
    expect(partial).toEqual({ temperature: 20 });
  });
});

describe('what stands beside', () => {
  test('the firmware', () => {
    const bench = open([STATE], { definition: { exposes: [], supports_ota: true } });
    const update = { installed_version: 1, latest_version: 2, state: 'available' };
    expect(bench.read(IEEE, 'update/update', TOPIC, { update })).toEqual({
      update: 'available',
      installed_version: '1',
      latest_version: '2',
    });
    expect(bench.read(IEEE, 'update/update', TOPIC, { linkquality: 1 })).toEqual({});
    expect(bench.write(IEEE, 'update/update', { update: 'install' })).toEqual([
      `zigbee2mqtt/bridge/request/device/ota_update/update {"id":"${IEEE}"}`,
    ]);
  });

  test('scenes', () => {
    const endpoints = { 1: { scenes: [{ id: 3, name: 'Evening' }] } };
    const bench = open([], { endpoints });
    expect(bench.find(IEEE, 'scene/scene_3').config.name).toBe('Evening');
    expect(bench.write(IEEE, 'scene/scene_3', { scene: 'activate' })).toEqual([
      `${TOPIC}/set { "scene_recall": 3 }`,
    ]);
  });

  test('a siren', () => {
    const features = [
      expose('enum', 'mode', 2, { values: ['stop', 'burglar', 'fire'] }),
      expose('numeric', 'duration', 2, { unit: 's' }),
    ];
    const bench = open([{ ...expose('composite', 'warning', 2), features }]);
    expect(bench.write(IEEE, 'siren/siren', { on_off: true, tone: 'fire', duration: 5 })).toEqual([
      `${TOPIC}/set/warning {"mode": "fire", "duration": 5}`,
    ]);
    expect(bench.write(IEEE, 'siren/siren', { on_off: false })).toEqual([
      `${TOPIC}/set/warning {"mode": "stop"}`,
    ]);
  });
});
