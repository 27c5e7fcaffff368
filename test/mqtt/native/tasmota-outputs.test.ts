import { describe, expect, test } from 'vitest';

import type { Bench } from './native-harness.ts';

import { MAC, open, options } from './tasmota-bench.ts';

describe('relays', () => {
  const bench = open({ rl: [1, 1], fn: ['Pump', null], dn: 'Garden' });

  test('names, and states by whatever topic they come', () => {
    expect(bench.find(MAC, 'switch/relay_1').config.name).toBe('Pump');
    expect(bench.find(MAC, 'switch/relay_2').config.name).toBe('Output 2');
    const read = (topic: string, payload: unknown): unknown =>
      bench.read(MAC, 'switch/relay_2', topic, payload);
    expect(read('stat/bench/RESULT', { POWER2: 'ON' })).toEqual({ on_off: true });
    expect(read('stat/bench/POWER2', { POWER2: 'OFF' })).toEqual({ on_off: false });
    expect(read('tele/bench/STATE', { POWER1: 'ON', POWER2: 'ON', Wifi: { Signal: -50 } })).toEqual({
      on_off: true,
    });
    expect(read('stat/bench/STATUS11', { StatusSTS: { POWER2: 'ON' } })).toEqual({ on_off: true });
    expect(read('stat/bench/RESULT', { POWER1: 'ON' })).toEqual({});
    expect(read('stat/bench/POWER2', 'ON')).toEqual({});
    expect(read('tele/bench/LWT', 'Online')).toEqual({});
    expect(read('tele/other/STATE', { POWER2: 'ON' })).toEqual({});
  });

  test('a single one leaves its number out', () => {
    expect(bench.read(MAC, 'switch/relay_1', 'tele/bench/STATE', { POWER: 'ON' })).toEqual({ on_off: true });
  });

  test('commands', () => {
    expect(bench.write(MAC, 'switch/relay_2', { on_off: false })).toEqual(['cmnd/bench/POWER2 OFF']);
  });

  test("a device's own words for on and off", () => {
    const german = open({ rl: [1], state: ['Aus', 'An', 'Umschalten', 'Halten'] });
    expect(german.write(MAC, 'switch/relay_1', { on_off: true })).toEqual(['cmnd/bench/POWER1 An']);
    expect(german.read(MAC, 'switch/relay_1', 'tele/bench/STATE', { POWER: 'Aus' })).toEqual({
      on_off: false,
    });
  });

  test('SetOption30 makes lights of them', () => {
    expect(open({ rl: [1, 1], so: options(30) }).ids(MAC)).toEqual([
      'light/relay_1',
      'light/relay_2',
      'sensor/signal',
    ]);
  });
});

describe('lights', () => {
  const kinds = (bench: Bench, id: string): string[] => {
    const codec = bench.codec(bench.find(MAC, id));
    return typeof codec === 'string' ? [] : codec.capabilities.map(({ kind }) => kind);
  };

  test.each([
    [0, ['on_off']],
    [1, ['on_off', 'brightness']],
    [2, ['on_off', 'brightness', 'color_temperature']],
    [3, ['on_off', 'brightness', 'color_hs', 'effect']],
    [4, ['on_off', 'brightness', 'color_hs', 'effect']],
    [5, ['on_off', 'brightness', 'color_temperature', 'color_hs', 'effect']],
  ])('lt_st %i', (lt_st, expected) => {
    expect(kinds(open({ rl: [2], lt_st }), 'light/light_1')).toEqual(expected);
  });

  test('colour and white in one light: the white tells which of them shines', () => {
    const bench = open({ rl: [2], lt_st: 5, so: options(82) });
    expect(bench.find(MAC, 'light/light_1').config).toMatchObject({ min_mireds: 200, max_mireds: 380 });
    const state = {
      POWER: 'ON',
      Dimmer: 60,
      Color: '0000000099',
      HSBColor: '30,80,0',
      White: 60,
      CT: 300,
      Scheme: 0,
    };
    expect(bench.read(MAC, 'light/light_1', 'tele/bench/STATE', state)).toMatchObject({
      on_off: true,
      brightness: 60,
      color_temperature: 300,
      effect: 'Solid',
    });
    expect(bench.read(MAC, 'light/light_1', 'stat/bench/RESULT', { ...state, White: 0 })).toMatchObject({
      color_hs: { hue: 30, saturation: 80 },
    });
    expect(bench.write(MAC, 'light/light_1', { brightness: 40 })).toEqual([
      'cmnd/bench/Dimmer 40',
      'cmnd/bench/POWER1 ON',
    ]);
    expect(bench.write(MAC, 'light/light_1', { color_hs: { hue: 119.7, saturation: 50 } })[0]).toBe(
      'cmnd/bench/Backlog NoDelay;HsbColor1 120;NoDelay;HsbColor2 50',
    );
    expect(bench.write(MAC, 'light/light_1', { color_temperature: 250 })[0]).toBe('cmnd/bench/CT 250');
    expect(bench.write(MAC, 'light/light_1', { effect: 'Cycle up' })[0]).toBe('cmnd/bench/Scheme 2');
  });

  test('colour and white apart', () => {
    const bench = open({ rl: [2, 2], lt_st: 5, lk: 0 });
    expect(kinds(bench, 'light/light_1')).toEqual(['on_off', 'brightness', 'color_hs', 'effect']);
    expect(kinds(bench, 'light/light_2')).toEqual(['on_off', 'brightness', 'color_temperature']);
    const state = {
      POWER1: 'ON',
      Dimmer1: 20,
      POWER2: 'OFF',
      Dimmer2: 90,
      HSBColor: '10,20,20',
      White: 0,
      CT: 153,
    };
    expect(bench.read(MAC, 'light/light_1', 'stat/bench/RESULT', state)).toMatchObject({
      on_off: true,
      brightness: 20,
    });
    expect(bench.read(MAC, 'light/light_2', 'stat/bench/RESULT', state)).toEqual({
      on_off: false,
      brightness: 90,
      color_temperature: 153,
    });
    expect(bench.write(MAC, 'light/light_2', { brightness: 5 })[0]).toBe('cmnd/bench/Dimmer2 5');
  });

  test('SetOption68: each channel on its own', () => {
    const bench = open({ rl: [2, 2, 2], lt_st: 3, so: options(68) });
    const state = { POWER1: 'ON', Channel1: 10, POWER2: 'ON', Channel2: 55, POWER3: 'OFF', Channel3: 0 };
    expect(bench.read(MAC, 'light/light_2', 'tele/bench/STATE', state)).toEqual({
      on_off: true,
      brightness: 55,
    });
    expect(bench.write(MAC, 'light/light_3', { brightness: 70 })[0]).toBe('cmnd/bench/Channel3 70');
  });

  test('a dimmer of Tuya', () => {
    const bench = open({ rl: [2], lt_st: 1, ty: 1 });
    expect(bench.read(MAC, 'light/light_1', 'tele/bench/STATE', { POWER: 'ON', Dimmer: 30 })).toEqual({
      on_off: true,
      brightness: 30,
    });
    expect(bench.write(MAC, 'light/light_1', { brightness: 31 })[0]).toBe('cmnd/bench/Dimmer3 31');
  });
});

describe('shutters and fans', () => {
  test('two relays in a row make a shutter', () => {
    expect(open({ rl: [3, 3, 1, 3, 3] }).ids(MAC)).toEqual([
      'cover/shutter_1',
      'cover/shutter_2',
      'switch/relay_3',
      'sensor/signal',
    ]);
  });

  test.each([
    [{ Position: 7, Direction: 1, Target: 100 }, [0], { open_close: 'opening', position: 7 }],
    [{ Position: 50, Direction: -1, Target: 0 }, [0], { open_close: 'closing', position: 50 }],
    [{ Position: 0, Direction: 0, Target: 0 }, [0], { open_close: 'closed', position: 0 }],
    [{ Position: 100, Direction: 0, Target: 100 }, [], { open_close: 'open', position: 100 }],
    [{ Position: 30, Direction: 1, Target: 100 }, [1], { open_close: 'closing', position: 70 }],
    [{ Position: 100, Direction: 0, Target: 100 }, [1], { open_close: 'closed', position: 0 }],
  ])('%j with sho %j', (shutter, sho, expected) => {
    const bench = open({ rl: [3, 3], sho });
    for (const [topic, payload] of [
      ['stat/bench/RESULT', { Shutter1: shutter }],
      ['tele/bench/SENSOR', { Time: '2026-01-01T00:00:00', Shutter1: shutter }],
      ['stat/bench/STATUS10', { StatusSNS: { Shutter1: shutter } }],
    ] as const) {
      const read = bench.read(MAC, 'cover/shutter_1', topic, payload);
      expect(read).toEqual(expected);
    }
    const read = bench.read(MAC, 'cover/shutter_1', 'stat/bench/RESULT', { Shutter2: shutter });
    expect(read).toEqual({});
  });

  test('commands, also of an inverted one with slats', () => {
    const bench = open({ rl: [1, 3, 3], sho: [1], sht: [[-90, 90, 20]] });
    expect(bench.find(MAC, 'cover/shutter_1').config).toMatchObject({
      command_topic: 'cmnd/bench/Backlog',
      payload_open: 'ShutterOpen1',
      payload_close: 'ShutterClose1',
      payload_stop: 'ShutterStop1',
      set_position_topic: 'cmnd/bench/ShutterPosition1',
      position_open: 0,
      position_closed: 100,
      tilt_command_topic: 'cmnd/bench/ShutterTilt1',
      tilt_min: -90,
      tilt_max: 90,
    });
    const sent = bench.write(MAC, 'cover/shutter_1', { position: 30 });
    expect(sent).toEqual(['cmnd/bench/ShutterPosition1 70']);
    const opened = bench.write(MAC, 'cover/shutter_1', { open_close: 'open' });
    expect(opened).toEqual(['cmnd/bench/Backlog ShutterOpen1']);
    const read = bench.read(MAC, 'cover/shutter_1', 'stat/bench/RESULT', { Shutter1: { Tilt: 0 } });
    expect(read).toEqual({ tilt: 50 });
  });

  test('an iFan: its light and its speeds', () => {
    const bench = open({ if: 1, rl: [1, 1, 1, 1] });
    expect(bench.ids(MAC)).toEqual(['fan/fan', 'light/relay_1', 'sensor/signal']);
    const read = bench.read(MAC, 'fan/fan', 'tele/bench/STATE', { POWER1: 'ON', FanSpeed: 3 });
    expect(read).toEqual({ on_off: true, speed: 100 });
    const off = bench.read(MAC, 'fan/fan', 'stat/bench/RESULT', { FanSpeed: 0 });
    expect(off).toEqual({ on_off: false, speed: 0 });
    const sent = bench.write(MAC, 'fan/fan', { on_off: false });
    expect(sent).toEqual(['cmnd/bench/FanSpeed 0']);
  });
});
