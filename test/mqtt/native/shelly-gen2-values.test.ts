import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import type { Answers, FakeHub } from './shelly-harness.ts';

import { silentLogger } from '../../../src/base/log.ts';
import { hasFixtures, readFixture } from '../harness.ts';
import { KEY, meet, PREFIX, read } from './shelly-harness.ts';

// What a device sends in earnest must not make a template fail.
beforeEach(() => {
  vi.spyOn(silentLogger, 'warn');
});
afterEach(() => {
  expect(vi.mocked(silentLogger.warn).mock.calls).toEqual([]);
  vi.restoreAllMocks();
});

const METERED = {
  id: 0,
  output: true,
  apower: 107.6,
  voltage: 231.2,
  current: 0.667,
  aenergy: { total: 26586.84 },
};

/** The same device by both of its ways to tell states. */
const WAYS = [
  { way: 'status topics', mqtt: { status_ntf: true } },
  { way: 'notifications', mqtt: { status_ntf: false } },
];

describe.each(WAYS)('values by $way', ({ mqtt }) => {
  function open(answers: Omit<Answers, 'id'>): FakeHub {
    const hub = meet({ ...answers, mqtt });
    expect(hub.complaints).toEqual([]);
    return hub;
  }

  /** What a component reads from a state of the device. */
  function tell(hub: FakeHub, id: string, component: string, status: object): unknown {
    const codec = hub.codec(KEY, id);
    if (mqtt.status_ntf) return read(codec, `${PREFIX}/status/${component}`, status);
    const partial = { src: PREFIX, method: 'NotifyStatus', params: { ts: 1, [component]: status } };
    const full = { id: 1, src: PREFIX, dst: `${PREFIX}/funkygibbon`, result: { [component]: status } };
    const readings = read(codec, `${PREFIX}/events/rpc`, partial);
    expect(read(codec, `${PREFIX}/funkygibbon/rpc`, full)).toEqual(readings);
    return readings;
  }

  test('a relay that meters', () => {
    using hub = open({ status: { 'switch:0': METERED } });
    expect(tell(hub, 'switch switch_0', 'switch:0', METERED)).toEqual({ on_off: true });
    expect(tell(hub, 'switch switch_0', 'switch:0', { id: 0, output: false })).toEqual({ on_off: false });
    expect(tell(hub, 'sensor switch_0_apower', 'switch:0', METERED)).toEqual({ power: 107.6 });
    expect(tell(hub, 'sensor switch_0_voltage', 'switch:0', METERED)).toEqual({ voltage: 231.2 });
    expect(tell(hub, 'sensor switch_0_current', 'switch:0', METERED)).toEqual({ current: 0.667 });
    expect(tell(hub, 'sensor switch_0_aenergy_total', 'switch:0', METERED)).toEqual({ energy: 26.58684 });
  });

  test('what a message does not hold changes nothing', () => {
    using hub = open({ status: { 'switch:0': METERED } });
    for (const id of ['switch switch_0', 'sensor switch_0_apower', 'sensor switch_0_aenergy_total']) {
      expect(tell(hub, id, 'switch:0', { id: 0 })).toEqual({});
    }
    expect(tell(hub, 'sensor switch_0_apower', 'switch:0', { id: 0, apower: null })).toEqual({ power: null });
  });

  test('a relay that switches a lamp is a light', () => {
    using hub = open({
      config: { sys: { ui_data: { consumption_types: ['', 'light'] } }, 'switch:1': { name: 'Mirror' } },
      status: { 'switch:0': { output: true }, 'switch:1': { output: true } },
    });
    expect(hub.ids(KEY)).toEqual(expect.arrayContaining(['switch switch_0', 'light switch_1']));
    expect(hub.config(KEY, 'light switch_1')).toMatchObject({ name: 'Mirror' });
    expect(hub.config(KEY, 'switch switch_0')).toMatchObject({ name: 'Output 1' });
    expect(tell(hub, 'light switch_1', 'switch:1', { output: false })).toEqual({ on_off: false });
  });

  test('a dimmer', () => {
    using hub = open({ status: { 'light:0': { output: true, brightness: 40 } } });
    const state = { id: 0, output: true, brightness: 40 };
    expect(tell(hub, 'light light_0', 'light:0', state)).toEqual({ on_off: true, brightness: 40 });
    expect(tell(hub, 'light light_0', 'light:0', { brightness: 1 })).toEqual({ brightness: 1 });
    expect(tell(hub, 'light light_0', 'light:0', { output: false })).toEqual({ on_off: false });
  });

  test('lights with colour, with white, and with both', () => {
    const rgb = { output: true, brightness: 100, rgb: [255, 0, 0] };
    const cct = { output: true, brightness: 50, ct: 4000 };
    using hub = open({
      config: { 'cct:0': { ct_range: [2700, 6500] } },
      status: { 'rgb:0': rgb, 'rgbw:0': { ...rgb, white: 7 }, 'cct:0': cct, 'rgbcct:0': { mode: 'rgb' } },
    });
    const red = { on_off: true, brightness: 100, color_hs: { hue: 0, saturation: 100 } };
    expect(tell(hub, 'light rgb_0', 'rgb:0', rgb)).toEqual(red);
    expect(tell(hub, 'light rgbw_0', 'rgbw:0', { ...rgb, white: 7 })).toEqual(red);
    expect(tell(hub, 'light cct_0', 'cct:0', cct)).toEqual({
      on_off: true,
      brightness: 50,
      color_temperature: 250,
    });
    const number = tell(hub, 'number rgbw_0_white', 'rgbw:0', { white: 7 });
    if (number) expect(number).toEqual({ number: 7 });
    const state = { output: true, mode: 'rgb', rgb: [0, 0, 255], brightness: 40, ct: 3000 };
    expect(tell(hub, 'light rgbcct_0', 'rgbcct:0', state)).toEqual({
      on_off: true,
      brightness: 40,
      color_hs: { hue: 240, saturation: 100 },
    });
    expect(tell(hub, 'light rgbcct_0', 'rgbcct:0', { output: false })).toEqual({ on_off: false });
  });

  test('a cover, calibrated and with slats', () => {
    const status = { state: 'opening', current_pos: 30, pos_control: true, slat_pos: 10 };
    using hub = open({ config: { 'cover:0': { slat: { enable: true } } }, status: { 'cover:0': status } });
    const readings = tell(hub, 'cover cover_0', 'cover:0', status);
    if (readings) expect(readings).toEqual({ open_close: 'opening', position: 30, tilt: 10 });
    expect(hub.config(KEY, 'cover cover_0')).toMatchObject({ device_class: 'shutter' });
  });

  test('a cover that was not calibrated has no position', () => {
    using hub = open({ status: { 'cover:0': { state: 'stopped', pos_control: false } } });
    expect(hub.config(KEY, 'cover cover_0')).not.toHaveProperty('position_topic');
    expect(hub.config(KEY, 'cover cover_0')).not.toHaveProperty('tilt_command_topic');
  });

  test('inputs: a switch is a state, a button tells presses, one that is off is not there', () => {
    using hub = open({
      config: {
        'input:0': { id: 0, type: 'button', name: 'Bell' },
        'input:1': { id: 1, type: 'switch' },
        'input:2': { id: 2, type: 'analog' },
        'input:3': { id: 3, type: 'switch', enable: false },
        'input:4': { id: 4, type: 'count' },
      },
      status: { 'input:0': { state: null }, 'input:1': { state: true }, 'input:2': { percent: 12 } },
    });
    expect(hub.ids(KEY).filter((id) => id.includes('input'))).toEqual([
      'binary_sensor input_1',
      'event input_0',
      'sensor input_2',
      'sensor input_4',
    ]);
    expect(tell(hub, 'binary_sensor input_1', 'input:1', { state: true })).toEqual({ binary: true });
    expect(tell(hub, 'sensor input_2', 'input:2', { percent: 12.5 })).toEqual({ number: 12.5 });
    expect(tell(hub, 'sensor input_4', 'input:4', { counts: { total: 9 } })).toEqual({ number: 9 });
    expect(hub.config(KEY, 'event input_0')).toMatchObject({
      name: 'Bell',
      state_topic: `${PREFIX}/events/rpc`,
      event_types: ['single_push', 'double_push', 'triple_push', 'long_push'],
    });
    const codec = hub.codec(KEY, 'event input_0');
    const press = (...events: object[]): unknown =>
      read(codec, `${PREFIX}/events/rpc`, { src: PREFIX, method: 'NotifyEvent', params: { ts: 1, events } });
    if (!codec) return;
    expect(press({ component: 'input:0', id: 0, event: 'single_push' })).toEqual({
      button_event: 'single_push',
    });
    expect(press({ component: 'input:1', id: 1, event: 'single_push' })).toEqual({});
    expect(press({ component: 'input:0', id: 0, event: 'btn_down' })).toEqual({});
    const up = { component: 'input:0', event: 'btn_up' };
    expect(press(up, { component: 'input:0', event: 'long_push' })).toEqual({ button_event: 'long_push' });
    expect(read(codec, `${PREFIX}/events/rpc`, { method: 'NotifyStatus', params: {} })).toEqual({});
  });

  test('sensors', () => {
    const status = {
      'temperature:0': { tC: 21.5, tF: 70.7 },
      'temperature:101': { tC: null },
      'humidity:0': { rh: 55 },
      'devicepower:0': { battery: { V: 5.3, percent: 80 } },
      'flood:0': { alarm: true, mute: false },
      'smoke:0': { alarm: false },
      'illuminance:0': { lux: 300 },
      'presencezone:200': { state: true, num_objects: 2 },
      'occupancy:0': { value: false },
      'voltmeter:100': { voltage: 3.3 },
      wifi: { rssi: -60 },
      sys: { available_updates: { stable: { version: '1.5.0' } } },
    };
    using hub = open({ status });
    const expected: [id: string, component: keyof typeof status, value: object][] = [
      ['sensor temperature_0', 'temperature:0', { temperature: 21.5 }],
      ['sensor temperature_101', 'temperature:101', { temperature: null }],
      ['sensor humidity_0', 'humidity:0', { humidity: 55 }],
      ['sensor devicepower_0_battery_percent', 'devicepower:0', { battery: 80 }],
      ['binary_sensor flood_0', 'flood:0', { leak: true }],
      ['binary_sensor smoke_0', 'smoke:0', { smoke: false }],
      ['sensor illuminance_0', 'illuminance:0', { illuminance: 300 }],
      ['binary_sensor presencezone_200', 'presencezone:200', { occupancy: true }],
      ['binary_sensor occupancy_0', 'occupancy:0', { occupancy: false }],
      ['sensor voltmeter_100_voltage', 'voltmeter:100', { voltage: 3.3 }],
      ['sensor wifi_rssi', 'wifi', { number: -60 }],
      ['binary_sensor update', 'sys', { binary: true }],
    ];
    for (const [id, component, value] of expected) {
      expect(tell(hub, id, component, status[component]), id).toEqual(value);
    }
    expect(tell(hub, 'binary_sensor update', 'sys', { available_updates: {} })).toEqual({ binary: false });
    expect(hub.config(KEY, 'sensor wifi_rssi')).toMatchObject({ entity_category: 'diagnostic' });
  });

  test('energy meters', () => {
    const status = {
      'em:0': {
        total_act_power: 300.5,
        a_act_power: 100,
        a_voltage: 230,
        b_act_power: -20.5,
        n_current: null,
      },
      'emdata:0': { total_act: 1234567.89, a_total_act_energy: 2000 },
      'em1:1': { act_power: 12, pf: 0.9 },
      'em1data:1': { total_act_energy: 1500, total_act_ret_energy: 0 },
      'pm1:0': { apower: 5, aenergy: { total: 250 } },
    };
    using hub = open({ status });
    const expected: [id: string, component: keyof typeof status, value: object][] = [
      ['sensor em_0_total_act_power', 'em:0', { power: 300.5 }],
      ['sensor em_0_b_act_power', 'em:0', { power: -20.5 }],
      ['sensor em_0_a_voltage', 'em:0', { voltage: 230 }],
      ['sensor emdata_0_total_act', 'emdata:0', { energy: 1234.56789 }],
      ['sensor emdata_0_a_total_act_energy', 'emdata:0', { energy: 2 }],
      ['sensor em1_1_act_power', 'em1:1', { power: 12 }],
      ['sensor em1data_1_total_act_energy', 'em1data:1', { energy: 1.5 }],
      ['sensor pm1_0_aenergy_total', 'pm1:0', { energy: 0.25 }],
    ];
    for (const [id, component, value] of expected) {
      expect(tell(hub, id, component, status[component]), id).toEqual(value);
    }
  });

  test('Bluetooth sensors are devices of their own', () => {
    const addr = 'f8:44:77:22:33:cc';
    using hub = open({
      status: { bthome: {} },
      components: [
        { key: 'bthomedevice:201', config: { addr, name: 'Terrace' }, status: { battery: 90 } },
        { key: 'bthomesensor:203', config: { addr, obj_id: 0x45, idx: 0 }, status: { value: 12.3 } },
        { key: 'bthomesensor:204', config: { addr, obj_id: 0x2d, idx: 0 }, status: { value: true } },
        { key: 'bthomesensor:205', config: { addr, obj_id: 0x3a, idx: 1 }, status: {} },
        { key: 'bthomesensor:206', config: { addr, obj_id: 0xee, idx: 0 }, status: { value: 1 } },
        { key: 'bthomesensor:207', config: { addr: 'nonsense', obj_id: 0x45 }, status: { value: 1 } },
      ],
    });
    expect(hub.ids(KEY).filter((id) => id.includes('bthome'))).toEqual([
      'binary_sensor bthomesensor_204',
      'event bthomesensor_205',
      'sensor bthomedevice_201_battery',
      'sensor bthomesensor_203',
    ]);
    expect(hub.config(KEY, 'sensor bthomesensor_203')).toMatchObject({
      device: { identifiers: [addr], connections: [['bluetooth', addr]], name: 'Terrace' },
    });
    expect(tell(hub, 'sensor bthomesensor_203', 'bthomesensor:203', { value: 12.3 })).toEqual({
      temperature: 12.3,
    });
    expect(tell(hub, 'binary_sensor bthomesensor_204', 'bthomesensor:204', { value: true })).toEqual({
      contact: true,
    });
    expect(tell(hub, 'sensor bthomedevice_201_battery', 'bthomedevice:201', { battery: 90 })).toEqual({
      battery: 90,
    });
    const codec = hub.codec(KEY, 'event bthomesensor_205');
    if (!codec) return;
    const press = (idx: number): unknown =>
      read(codec, `${PREFIX}/events/rpc`, {
        method: 'NotifyEvent',
        params: { events: [{ component: 'bthomedevice:201', event: 'double_push', idx }] },
      });
    expect(press(1)).toEqual({ button_event: 'double_push' });
    expect(press(0)).toEqual({});
  });
});

/** They live beside the project, in ../shared/fixtures. */
describe.skipIf(!hasFixtures)('recorded payloads (reads ../shared/fixtures)', () => {
  const recorded = hasFixtures ? readFixture('shelly-native.jsonl') : [];
  const recordedAt = (end: string): { topic: string; payload: string }[] =>
    recorded.filter(({ topic }) => topic.endsWith(end));

  test('states of relays', () => {
    const [plain, metering] = recordedAt('/status/switch:0');
    if (!plain || !metering) throw new Error('the recordings have changed');
    using hub = meet({ status: { 'switch:0': JSON.parse(plain.payload) } }, 'shellyplus1-4417939458e0');
    expect(read(hub.codec(KEY, 'switch switch_0'), plain.topic, plain.payload)).toEqual({ on_off: true });
    expect(read(hub.codec(KEY, 'sensor switch_0_temperature_tc'), plain.topic, plain.payload)).toEqual({
      temperature: 37.8,
    });
    expect(hub.ids(KEY)).not.toContain('sensor switch_0_apower');
    const [sys] = recordedAt('/status/sys');
    expect(read(hub.codec(KEY, 'binary_sensor update'), sys?.topic ?? '', sys?.payload)).toEqual({
      binary: false,
    });

    using other = meet(
      { status: { 'switch:0': JSON.parse(metering.payload) } },
      'shellyplus1pm-WaMaTrockner',
    );
    expect(read(other.codec(KEY, 'sensor switch_0_apower'), metering.topic, metering.payload)).toEqual({
      power: 107.6,
    });
    expect(read(other.codec(KEY, 'sensor switch_0_aenergy_total'), metering.topic, metering.payload)).toEqual(
      {
        energy: 26.58684,
      },
    );
  });

  test('notifications are heard, and a button is pressed', () => {
    const [partial, push, down] = recordedAt('/events/rpc');
    if (!partial || !push || !down) throw new Error('the recordings have changed');
    const mqtt = { status_ntf: false };
    using hub = meet({ mqtt, status: { 'switch:0': { output: true } } }, 'shellyplus1-4417939458e0');
    expect(read(hub.codec(KEY, 'binary_sensor update'), partial.topic, partial.payload)).toEqual({
      binary: false,
    });
    expect(read(hub.codec(KEY, 'switch switch_0'), partial.topic, partial.payload)).toEqual({});
    for (const [message, value] of [
      [push, { button_event: 'single_push' }],
      [down, {}],
    ] as const) {
      using pressed = meet({ config: { 'input:0': { type: 'button' } } }, message.topic.split('/')[0]);
      const readings = read(pressed.codec(KEY, 'event input_0'), message.topic, message.payload);
      if (readings) expect(readings).toEqual(value);
    }
  });
});
