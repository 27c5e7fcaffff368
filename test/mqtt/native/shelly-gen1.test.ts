import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import { silentLogger } from '../../../src/base/log.ts';
import { hasFixtures, readFixture } from '../harness.ts';
import { FakeHub, read, write } from './shelly-harness.ts';

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(silentLogger, 'warn');
});
afterEach(() => {
  vi.useRealTimers();
  // What a device sends in earnest must not make a template fail.
  expect(vi.mocked(silentLogger.warn).mock.calls).toEqual([]);
  vi.restoreAllMocks();
});

/** A hub that has heard a device's retained topics, as `{path: payload}`. */
function hear(id: string, topics: Readonly<Record<string, unknown>>): FakeHub {
  const hub = new FakeHub();
  for (const [path, payload] of Object.entries(topics)) hub.hear(`shellies/${id}/${path}`, payload, true);
  vi.advanceTimersByTime(500);
  return hub;
}

const SWITCH25 = 'shellyswitch25-48551902F458';

describe('how a device becomes known', () => {
  test('by its announcement, which is asked for', () => {
    using hub = new FakeHub();
    hub.protocol.connected();
    expect(hub.published).toEqual([
      { topic: 'shellies/command', payload: 'announce', qos: 0, retain: false },
    ]);
    hub.hear('shellies/announce', {
      id: 'shelly1pm-BA1936',
      model: 'SHSW-PM',
      mac: '98CDACBA1936',
      ip: '192.168.1.5',
      new_fw: false,
      fw_ver: '20230913-113610/v1.14.0-gcb84623',
    });
    vi.advanceTimersByTime(500);
    const key = 'shelly1pm-BA1936';
    expect(hub.ids(key)).toEqual([
      'binary_sensor input_0',
      'sensor relay_0_energy',
      'sensor relay_0_power',
      'sensor temperature',
      'switch relay_0',
    ]);
    expect(hub.config(key, 'switch relay_0')).toEqual({
      device: {
        identifiers: ['98:cd:ac:ba:19:36', '98cdacba1936'],
        connections: [['mac', '98:cd:ac:ba:19:36']],
        name: 'Shelly 1PM BA1936',
        manufacturer: 'Shelly',
        model: 'Shelly 1PM',
        model_id: 'SHSW-PM',
        sw_version: '20230913-113610/v1.14.0-gcb84623',
      },
      availability: [
        {
          topic: 'shellies/shelly1pm-BA1936/online',
          payload_available: 'true',
          payload_not_available: 'false',
        },
      ],
      name: null,
      device_class: 'switch',
      command_topic: 'shellies/shelly1pm-BA1936/relay/0/command',
      payload_on: 'on',
      payload_off: 'off',
      state_topic: 'shellies/shelly1pm-BA1936/relay/0',
    });
  });

  test('by its model alone, once it is online', () => {
    using hub = hear('shellyem3-AABBCCDDEEFF', { online: 'true' });
    expect(hub.ids('shellyem3-AABBCCDDEEFF')).toHaveLength(13);
    expect(hub.config('shellyem3-AABBCCDDEEFF', 'switch relay_0')).toMatchObject({
      device: { connections: [['mac', 'aa:bb:cc:dd:ee:ff']] },
    });
  });

  test('by the topics that it has, where its model is not known; a burst is told of once', () => {
    using hub = hear('My device', {
      online: 'true',
      'relay/0': 'on',
      'ext_temperature/0': '21.5',
      'odd/thing': '1',
    });
    expect(hub.announcements).toBe(1);
    const [key = ''] = hub.announced.keys();
    expect(key).toMatch(/^My_device_[0-9a-f]{8}$/);
    expect(hub.ids(key)).toEqual(['sensor ext_temperature_0', 'switch relay_0']);
    expect(hub.config(key, 'switch relay_0')).toMatchObject({
      device: { identifiers: ['My device'], name: 'My device' },
    });
    hub.hear('shellies/My device/relay/0', 'off');
    vi.advanceTimersByTime(500);
    expect(hub.announcements).toBe(1);
  });

  test('its mode decides whether it has relays or a roller', () => {
    const announce = { id: SWITCH25, mac: '48551902F458', model: 'SHSW-25' };
    using relays = hear(SWITCH25, { announce: { ...announce, mode: 'relay' } });
    expect(relays.ids(SWITCH25)).toEqual(expect.arrayContaining(['switch relay_0', 'switch relay_1']));
    expect(relays.config(SWITCH25, 'switch relay_1')).toMatchObject({ name: 'Output 2' });
    using roller = hear(SWITCH25, { announce: { ...announce, mode: 'roller' } });
    expect(roller.ids(SWITCH25)).toContain('cover roller_0');
    using unknown = hear(SWITCH25, { announce });
    expect(unknown.ids(SWITCH25).filter((id) => /relay|roller/.test(id))).toEqual([]);
  });

  test('what sleeps is not dead', () => {
    for (const [id, path] of [
      ['shellyht-AABBCC', 'sensor/temperature'],
      ['custom', 'sensor/battery'],
    ] as const) {
      using hub = hear(id, { online: 'false', [path]: '20' });
      const config = hub.config(id, `sensor ${path.replace('/', '_')}`);
      expect(config).not.toHaveProperty('availability');
      expect(config).not.toHaveProperty('expire_after');
    }
  });

  test('what is known is told again when the hub asks for it', () => {
    using hub = hear('shelly1-BA1936', { 'relay/0': 'on' });
    hub.protocol.connected();
    vi.advanceTimersByTime(500);
    expect(hub.announcements).toBe(2);
  });
});

describe('values', () => {
  test.each<[id: string, path: string, payload: unknown, value: object]>([
    ['switch relay_0', 'relay/0', 'on', { on_off: true }],
    ['switch relay_0', 'relay/0', 'overpower', {}],
    ['sensor relay_0_power', 'relay/0/power', '107.60', { power: 107.6 }],
    ['sensor relay_0_energy', 'relay/0/energy', '8578', { energy: 0.14297 }],
    ['sensor emeter_1_power', 'emeter/1/power', '-12.5', { power: -12.5 }],
    ['sensor emeter_1_total', 'emeter/1/total', '1234.5', { energy: 1.2345 }],
    ['binary_sensor input_0', 'input/0', '1', { binary: true }],
    ['sensor temperature', 'temperature', '43.2', { temperature: 43.2 }],
    ['sensor sensor_temperature', 'sensor/temperature', '21.5', { temperature: 21.5 }],
    ['sensor sensor_humidity', 'sensor/humidity', '55', { humidity: 55 }],
    ['sensor sensor_battery', 'sensor/battery', '90', { battery: 90 }],
    ['binary_sensor sensor_flood', 'sensor/flood', 'true', { leak: true }],
    ['binary_sensor sensor_state', 'sensor/state', 'open', { contact: true }],
    ['binary_sensor sensor_vibration', 'sensor/vibration', '0', { vibration: false }],
    ['sensor sensor_lux', 'sensor/lux', '120', { illuminance: 120 }],
    ['sensor rssi', 'info', { wifi_sta: { rssi: -55 }, has_update: true }, { number: -55 }],
    ['binary_sensor update', 'info', { has_update: true }, { binary: true }],
    ['binary_sensor motion', 'status', { motion: true, lux: 7, bat: 80 }, { motion: true }],
    ['sensor battery', 'status', { motion: true, lux: 7, bat: 80 }, { battery: 80 }],
  ])('%s: %s %j', (id, path, payload, value) => {
    using hub = hear('device', { [path]: payload });
    expect(read(hub.codec('device', id), `shellies/device/${path}`, payload)).toEqual(value);
    expect(hub.complaints).toEqual([]);
  });

  test('gas', () => {
    using hub = hear('device', { 'sensor/gas': 'none' });
    const codec = hub.codec('device', 'binary_sensor sensor_gas');
    const values = ['none', 'mild', 'test'].map((text) => read(codec, 'shellies/device/sensor/gas', text));
    expect(values.map((value) => Object.values(value ?? {}))).toEqual([[false], [true], [false]]);
  });

  test('presses: also when the button was pressed before, and not when it never was', () => {
    using hub = hear('shellyix3-AABBCC', { online: 'true' });
    const id = 'event input_event_2';
    expect(hub.config('shellyix3-AABBCC', id)).toMatchObject({
      name: 'Button 3',
      event_types: expect.arrayContaining(['single_push', 'long_push']),
    });
    const codec = hub.codec('shellyix3-AABBCC', id);
    if (!codec) return;
    const press = (event: string): unknown =>
      read(codec, 'shellies/shellyix3-AABBCC/input_event/2', { event, event_cnt: 3 });
    expect(press('S')).toEqual({ button_event: 'single_push' });
    expect(press('L')).toEqual({ button_event: 'long_push' });
    expect(press('')).toEqual({});
  });

  test('a roller', () => {
    using hub = hear('device', { 'roller/0/pos': '40', 'roller/0/power': '0.00' });
    expect(hub.ids('device')).toEqual(['cover roller_0', 'sensor roller_0_power']);
    const codec = hub.codec('device', 'cover roller_0');
    expect(hub.config('device', 'cover roller_0')).toMatchObject({
      set_position_topic: 'shellies/device/roller/0/command/pos',
    });
    if (!codec) return;
    const tell = (path: string, payload: string): unknown => read(codec, `shellies/device/${path}`, payload);
    expect(tell('roller/0', 'open')).toEqual({ open_close: 'opening' });
    expect(tell('roller/0/pos', '40')).toMatchObject({ position: 40 });
    expect(tell('roller/0/pos', '-1')).toEqual({});
    expect(write(codec, { kind: 'position', value: 30 })).toEqual([
      ['shellies/device/roller/0/command/pos', 30],
    ]);
    expect(write(codec, { kind: 'open_close', value: 'close' })).toEqual([
      ['shellies/device/roller/0/command', 'close'],
    ]);
  });
});

describe('lamps are what their first status shows', () => {
  test('a dimmer', () => {
    const status = { ison: true, has_timer: false, mode: 'white', brightness: 50 };
    using hub = hear('shellydimmer2-AABBCC', { 'light/0/status': status, 'light/0': 'on' });
    const codec = hub.codec('shellydimmer2-AABBCC', 'light light_0');
    const base = 'shellies/shellydimmer2-AABBCC/light/0';
    expect(codec?.capabilities.map(({ kind }) => kind)).toEqual(['on_off', 'brightness']);
    expect(read(codec, `${base}/status`, status)).toEqual({ on_off: true, brightness: 50 });
    expect(write(codec, { kind: 'brightness', value: 33 })).toEqual([
      [`${base}/set`, { turn: 'on', brightness: 33 }],
    ]);
    expect(write(codec, { kind: 'on_off', value: false })).toEqual([[`${base}/set`, { turn: 'off' }]]);
  });

  test('warm and cold white', () => {
    const status = { ison: false, brightness: 62, white: 7, temp: 4000 };
    using hub = hear('ShellyBulbDuo-AABBCC', { 'light/0/status': status });
    const codec = hub.codec('ShellyBulbDuo-AABBCC', 'light light_0');
    const base = 'shellies/ShellyBulbDuo-AABBCC/light/0';
    expect(hub.config('ShellyBulbDuo-AABBCC', 'light light_0')).toMatchObject({
      device: { model: 'Shelly Duo' },
    });
    expect(read(codec, `${base}/status`, status)).toEqual({
      on_off: false,
      brightness: 62,
      color_temperature: 250,
    });
    expect(write(codec, { kind: 'color_temperature', value: 250 })).toEqual([
      [`${base}/set`, { turn: 'on', temp: 4000 }],
    ]);
  });

  test('colour or white, by the mode', () => {
    const rgb = { red: 255, green: 0, blue: 0, white: 0, gain: 80, effect: 0, temp: 3000, brightness: 20 };
    const status = { ison: true, mode: 'color', ...rgb };
    using hub = hear('shellybulb-AABBCC', { 'color/0/status': status });
    const codec = hub.codec('shellybulb-AABBCC', 'light color_0');
    const base = 'shellies/shellybulb-AABBCC/color/0';
    expect(read(codec, `${base}/status`, status)).toEqual({
      on_off: true,
      brightness: 80,
      color_hs: { hue: 0, saturation: 100 },
    });
    expect(read(codec, `${base}/status`, { ...status, mode: 'white' })).toEqual({
      on_off: true,
      brightness: 20,
      color_temperature: 333,
    });
    const green = { hue: 120, saturation: 100 };
    expect(write(codec, { kind: 'color_hs', value: green }, { kind: 'brightness', value: 10 })).toEqual([
      [
        `${base}/set`,
        { turn: 'on', brightness: 10, gain: 10, mode: 'color', red: 0, green: 255, blue: 0, white: 0 },
      ],
    ]);
    expect(write(codec, { kind: 'color_temperature', value: 250 })).toEqual([
      [`${base}/set`, { turn: 'on', mode: 'white', temp: 4000 }],
    ]);
  });

  test('a strip in colour, or four in white', () => {
    const colour = { ison: true, mode: 'color', red: 0, green: 0, blue: 255, white: 0, gain: 100, effect: 0 };
    using strip = hear('shellyrgbw2-AABBCC', { 'color/0/status': colour });
    const codec = strip.codec('shellyrgbw2-AABBCC', 'light color_0');
    expect(read(codec, 'shellies/shellyrgbw2-AABBCC/color/0/status', colour)).toEqual({
      on_off: true,
      brightness: 100,
      color_hs: { hue: 240, saturation: 100 },
    });
    const white = { ison: false, mode: 'white', brightness: 45 };
    using four = hear('shellyrgbw2-AABBCC', { 'white/0/status': white, 'white/3/status': white });
    expect(four.config('shellyrgbw2-AABBCC', 'light white_3')).toMatchObject({ name: 'Light 4' });
    expect(
      write(four.codec('shellyrgbw2-AABBCC', 'light white_3'), { kind: 'brightness', value: 5 }),
    ).toEqual([['shellies/shellyrgbw2-AABBCC/white/3/set', { turn: 'on', brightness: 5 }]]);
  });

  test('what is no status is not taken for one', () => {
    using hub = hear('device', { 'light/0/status': 'on', 'color/0/status': { red: 1 }, status: { lux: 1 } });
    expect(hub.announced.size).toBe(0);
  });
});

/** They live beside the project, in ../shared/fixtures. */
test.skipIf(!hasFixtures)('recorded payloads (reads ../shared/fixtures)', () => {
  using hub = new FakeHub();
  const recorded = readFixture('shelly-native.jsonl').filter(({ topic }) => topic.startsWith('shellies/'));
  for (const { topic, payload } of recorded) hub.hear(topic, payload, true);
  vi.advanceTimersByTime(500);
  expect(hub.complaints).toEqual([]);
  expect(hub.ids('shellybutton1-A4CF12F45174')).toEqual(['event input_event_0', 'sensor sensor_battery']);
  expect(hub.ids(SWITCH25)).toEqual(
    expect.arrayContaining(['sensor roller_0_energy', 'sensor relay_power', 'binary_sensor input_1']),
  );
  for (const [id, path, value] of [
    ['sensor roller_0_energy', 'roller/0/energy', { energy: 0.14297 }],
    ['sensor relay_power', 'relay/power', { power: 0 }],
    ['binary_sensor input_1', 'input/1', { binary: true }],
  ] as const) {
    const message = recorded.find(({ topic }) => topic === `shellies/${SWITCH25}/${path}`);
    expect(read(hub.codec(SWITCH25, id), message?.topic ?? '', message?.payload)).toEqual(value);
  }
});
