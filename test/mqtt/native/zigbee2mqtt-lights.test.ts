import { describe, expect, test } from 'vitest';

import { expose, IEEE, open, STATE, TOPIC, type Json } from './zigbee2mqtt-bench.ts';

describe('lights', () => {
  const brightness = expose('numeric', 'brightness', 7, { value_min: 0, value_max: 254 });
  const temperature = expose('numeric', 'color_temp', 7, { value_min: 150, value_max: 500 });
  const colour = (property: string): Json => ({
    type: 'composite',
    name: 'color_xy',
    property,
    access: 7,
    features: [expose('numeric', 'x', 7), expose('numeric', 'y', 7)],
  });

  test('one that has a message to itself speaks JSON', () => {
    const bench = open([
      {
        type: 'light',
        features: [
          STATE,
          brightness,
          temperature,
          colour('color'),
          expose('numeric', 'color_temp_startup', 7),
        ],
      },
      expose('enum', 'effect', 2, { values: ['blink', 'okay'] }),
    ]);
    expect(bench.ids(IEEE)).toEqual(['light/light', 'number/color_temp_startup']);
    const state = { state: 'ON', brightness: 127, color_mode: 'color_temp', color_temp: 300, effect: null };
    expect(bench.read(IEEE, 'light/light', TOPIC, state)).toMatchObject({
      on_off: true,
      brightness: 50,
      color_temperature: 300,
    });
    expect(bench.write(IEEE, 'light/light', { brightness: 100, effect: 'blink' })).toEqual([
      `${TOPIC}/set {"state":"ON","brightness":254,"effect":"blink"}`,
    ]);
    expect(bench.find(IEEE, 'light/light').config).toMatchObject({ min_mireds: 150, max_mireds: 500 });
  });

  test('two that share a message', () => {
    const on = (endpoint: string): Json => ({
      type: 'light',
      endpoint,
      features: [
        { ...STATE, property: `state_${endpoint}`, endpoint },
        { ...brightness, property: `brightness_${endpoint}`, endpoint },
        { ...colour(`color_${endpoint}`), endpoint },
      ],
    });
    const bench = open([on('l1'), on('l2')]);
    const state = {
      state_l1: 'OFF',
      state_l2: 'ON',
      brightness_l1: 10,
      brightness_l2: 254,
      color_l2: { hue: 120, saturation: 100, x: 0.17, y: 0.7 },
      color_mode_l2: 'xy',
    };
    expect(bench.read(IEEE, 'light/light_l2', TOPIC, state)).toEqual({
      on_off: true,
      brightness: 100,
      color_hs: { hue: 120, saturation: 100 },
    });
    expect(bench.read(IEEE, 'light/light_l1', TOPIC, { state_l2: 'ON' })).toEqual({});
    expect(bench.read(IEEE, 'light/light_l1', TOPIC, { state_l1: null })).toEqual({ on_off: null });
    expect(bench.write(IEEE, 'light/light_l1', { brightness: 50 })).toEqual([
      `${TOPIC}/set/brightness_l1 127`,
      `${TOPIC}/set/state_l1 ON`,
    ]);
    expect(bench.write(IEEE, 'light/light_l1', { color_hs: { hue: 0, saturation: 0 } })[0]).toMatch(
      /set\/color_l1 \{"x": 0\.3\d*, "y": 0\.3\d*\}$/,
    );
  });
});
