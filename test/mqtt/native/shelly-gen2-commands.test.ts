import { expect, test } from 'vitest';

import type { FakeHub } from './shelly-harness.ts';

import { KEY, meet, PREFIX, write } from './shelly-harness.ts';

/** The device's command, with the frame around it checked. */
function call(hub: FakeHub, id: string, ...writes: Parameters<typeof write>[1][]): unknown {
  const sent = write(hub.codec(KEY, id), ...writes);
  return (
    sent?.map((message) => {
      const [topic, frame] = message as [string, Record<string, unknown>];
      expect(topic).toBe(`${PREFIX}/rpc`);
      expect(frame).toMatchObject({ id: 1, src: 'funkygibbon/command' });
      return [frame.method, frame.params];
    }) ?? null
  );
}

const hub = meet({
  config: { 'cover:1': { slat: { enable: true } } },
  status: {
    'switch:2': { output: true },
    'light:0': { brightness: 1 },
    'rgb:0': {},
    'rgbw:0': {},
    'cct:0': {},
    'rgbcct:0': {},
    'cover:1': { pos_control: true },
  },
});

test.each<[id: string, writes: Parameters<typeof write>[1][], sent: unknown[]]>([
  ['switch switch_2', [{ kind: 'on_off', value: true }], [['Switch.Set', { id: 2, on: true }]]],
  ['switch switch_2', [{ kind: 'on_off', value: false }], [['Switch.Set', { id: 2, on: false }]]],
  ['light light_0', [{ kind: 'on_off', value: true }], [['Light.Set', { id: 0, on: true }]]],
  ['light light_0', [{ kind: 'on_off', value: false }], [['Light.Set', { id: 0, on: false }]]],
  ['light light_0', [{ kind: 'brightness', value: 1 }], [['Light.Set', { id: 0, on: true, brightness: 1 }]]],
  [
    'light light_0',
    [{ kind: 'brightness', value: 63 }],
    [['Light.Set', { id: 0, on: true, brightness: 63 }]],
  ],
  [
    'light rgb_0',
    [
      { kind: 'color_hs', value: { hue: 120, saturation: 100 } },
      { kind: 'brightness', value: 50 },
    ],
    [['RGB.Set', { id: 0, on: true, brightness: 50, rgb: [0, 255, 0] }]],
  ],
  [
    'light rgbw_0',
    [{ kind: 'color_hs', value: { hue: 120, saturation: 100 } }],
    [['RGBW.Set', { id: 0, on: true, rgb: [0, 255, 0], white: 0 }]],
  ],
  ['light cct_0', [{ kind: 'color_temperature', value: 250 }], [['CCT.Set', { id: 0, on: true, ct: 4000 }]]],
  [
    'light rgbcct_0',
    [{ kind: 'color_temperature', value: 250 }],
    [
      ['RGBCCT.Set', { id: 0, mode: 'cct', ct: 4000 }],
      ['RGBCCT.Set', { id: 0, on: true }],
    ],
  ],
  ['number rgbw_0_white', [{ kind: 'number', value: 99 }], [['RGBW.Set', { id: 0, white: 99 }]]],
  ['cover cover_1', [{ kind: 'open_close', value: 'stop' }], [['Cover.Stop', { id: 1 }]]],
  ['cover cover_1', [{ kind: 'position', value: 42 }], [['Cover.GoToPosition', { id: 1, pos: 42 }]]],
  ['cover cover_1', [{ kind: 'tilt', value: 5 }], [['Cover.GoToPosition', { id: 1, slat_pos: 5 }]]],
])('%s %j', (id, writes, sent) => {
  const called = call(hub, id, ...writes);
  if (called) expect(called).toEqual(sent);
});

test('every brightness arrives as it was meant', () => {
  for (let value = 1; value <= 100; value += 1) {
    expect(call(hub, 'light light_0', { kind: 'brightness', value })).toEqual([
      ['Light.Set', { id: 0, on: true, brightness: value }],
    ]);
  }
});
