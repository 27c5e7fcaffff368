import { describe, expect, test } from 'vitest';

import type { SinkWrite } from '../../../src/devices/types.ts';

import { toFan } from '../../../src/mqtt/components/fan.ts';
import { Bench, checkHostile } from './codec-bench.ts';

const HOOD = {
  cmd_t: 'hood/set',
  stat_t: 's',
  pct_cmd_t: 'hood/speed/set',
  pct_stat_t: 'hood/speed',
  spd_rng_max: 3,
  pr_mode_cmd_t: 'hood/preset/set',
  pr_mode_stat_t: 'hood/speed',
  pr_modes: ['boost', 'breeze'],
  osc_cmd_t: 'hood/swing/set',
  osc_stat_t: 'hood/swing',
  dir_cmd_t: 'hood/way/set',
  dir_stat_t: 'hood/way',
};

/** As a Zigbee gateway describes a ceiling fan: named speeds behind templates. */
const CEILING = {
  cmd_t: 'fan/set/state',
  stat_t: 's',
  stat_val_tpl: '{{ value_json.fan_state }}',
  pct_cmd_t: 'fan/set/mode',
  pct_cmd_tpl: "{{ {0:'off', 1:'low', 2:'medium', 3:'high'}[value] | default('') }}",
  pct_stat_t: 's',
  pct_val_tpl: "{{ {'off':0, 'low':1, 'medium':2, 'high':3}[value_json.fan_mode] | default('None') }}",
  spd_rng_min: '1',
  spd_rng_max: '3',
};

const on: SinkWrite = { kind: 'on_off', value: true };
const off: SinkWrite = { kind: 'on_off', value: false };
const speed = (value: number): SinkWrite => ({ kind: 'speed', value });
const preset = (value: string): SinkWrite => ({ kind: 'preset_mode', value });

function sent({ codec }: Bench, ...writes: SinkWrite[]): string[] {
  return (codec.encode?.(writes).messages ?? []).map(({ topic, payload }) => `${topic} ${payload}`);
}

describe('fan', () => {
  test('what it can do', () => {
    const hood = new Bench(toFan, HOOD);
    expect(hood.codec.capabilities).toEqual([
      { kind: 'on_off', unit: null, range: null, writable: true },
      { kind: 'speed', unit: '%', range: { min: 0, max: 100, step: 100 / 3 }, writable: true },
      { kind: 'preset_mode', unit: null, range: null, writable: true, options: ['boost', 'breeze'] },
      { kind: 'oscillation', unit: null, range: null, writable: true },
      { kind: 'direction', unit: null, range: null, writable: true, options: ['forward', 'reverse'] },
    ]);
    expect(hood.codec.topics).toEqual(['s', 'hood/speed', 'hood/swing', 'hood/way']);
    expect(new Bench(toFan, { cmd_t: 'a' }).kinds).toEqual(['on_off']);
    expect(new Bench(toFan, { cmd_t: 'a', pct_stat_t: 's' }).codec.capabilities[1]).toMatchObject({
      kind: 'speed',
      range: { min: 0, max: 100, step: 1 },
      writable: false,
    });
  });

  test('one topic carries percentage and preset: what fits neither says nothing', () => {
    const hood = new Bench(toFan, HOOD);
    const tell = (text: string): unknown => hood.values(text, 'hood/speed');
    expect(tell('2')).toEqual({ speed: 200 / 3 });
    expect(tell('3.0')).toEqual({ speed: 100 });
    expect(tell('0')).toEqual({ speed: 0 });
    expect(tell('boost')).toEqual({ preset_mode: 'boost' });
    expect(tell('None')).toEqual({ speed: null, preset_mode: null });
    expect([tell('4'), tell('-1'), tell('storm'), tell('')]).toEqual([{}, {}, {}, {}]);
  });

  test('the resets are told by texts of its own', () => {
    const own = new Bench(toFan, { ...HOOD, pl_rst_pct: 'no speed', pl_rst_pr_mode: 'no preset' });
    expect(own.values('no speed', 'hood/speed')).toEqual({ speed: null });
    expect(own.values('no preset', 'hood/speed')).toEqual({ preset_mode: null });
  });

  test('state, oscillation and direction', () => {
    const hood = new Bench(toFan, HOOD);
    expect(['ON', 'OFF', 'None', '', 'on'].map((text) => hood.value(text))).toEqual([
      true,
      false,
      null,
      undefined,
      undefined,
    ]);
    expect(
      ['oscillate_on', 'oscillate_off', 'None', ''].map((text) => hood.value(text, 'hood/swing')),
    ).toEqual([true, false, null, undefined]);
    expect(['forward', 'reverse', 'None', 'up'].map((text) => hood.value(text, 'hood/way'))).toEqual([
      'forward',
      'reverse',
      null,
      undefined,
    ]);
    expect(hood.readings('reverse', 'hood/way')).toEqual([
      { kind: 'direction', value: 'reverse', raw: 'reverse' },
    ]);
  });

  test('percent to the speeds of the device, however a third was rounded', () => {
    const hood = new Bench(toFan, HOOD);
    const speeds = [1, 33, 100 / 3, 33.34, 34, 50, 66.67, 67, 70, 100].map((value) =>
      hood.sent('speed', value),
    );
    expect(speeds.flat().map((text) => text.replace('hood/speed/set ', ''))).toEqual([
      '1',
      '1',
      '1',
      '1',
      '2',
      '2',
      '2',
      '2',
      '3',
      '3',
    ]);
    const offset = new Bench(toFan, {
      cmd_t: 'a',
      pct_cmd_t: 'b',
      pct_stat_t: 's',
      spd_rng_min: 4,
      spd_rng_max: 7,
    });
    expect(['4', '7', '3'].map((text) => offset.value(text))).toEqual([25, 100, 0]);
    expect([25, 50, 100].flatMap((value) => offset.sent('speed', value))).toEqual(['b 4', 'b 5', 'b 7']);
    const byte = new Bench(toFan, { cmd_t: 'a', pct_cmd_t: 'b', spd_rng_max: 255 });
    expect([1, 50, 100].flatMap((value) => byte.sent('speed', value))).toEqual(['b 3', 'b 128', 'b 255']);
    for (let value = 1; value <= 255; value += 1) {
      expect(byte.sent('speed', (value * 100) / 255)).toEqual([`b ${value}`]);
    }
  });

  test('on before the speed before the preset; off alone, also as a speed of 0', () => {
    const hood = new Bench(toFan, HOOD);
    expect(sent(hood, preset('breeze'), speed(100), on)).toEqual([
      'hood/set ON',
      'hood/speed/set 3',
      'hood/preset/set breeze',
    ]);
    expect(sent(hood, speed(50))).toEqual(['hood/speed/set 2']);
    expect(sent(hood, speed(0))).toEqual(['hood/set OFF']);
    expect(sent(hood, speed(0), on)).toEqual(['hood/set OFF']);
    expect(sent(hood, off, speed(50), preset('boost'), { kind: 'direction', value: 'reverse' })).toEqual([
      'hood/way/set reverse',
      'hood/set OFF',
    ]);
    expect(hood.sent('oscillation', true)).toEqual(['hood/swing/set oscillate_on']);
    expect(() => hood.sent('brightness', 3)).toThrow(/takes no such command/);
  });

  test('templates see the number of the device', () => {
    const ceiling = new Bench(toFan, CEILING);
    expect(ceiling.values('{"fan_state":"ON","fan_mode":"medium"}')).toEqual({
      on_off: true,
      speed: 200 / 3,
    });
    expect(ceiling.values('{"fan_mode":"smart"}')).toEqual({ speed: null });
    expect(ceiling.sent('speed', 100)).toEqual(['fan/set/mode high']);
    expect(ceiling.sent('speed', 20)).toEqual(['fan/set/mode low']);
  });

  test('what nobody reports is taken at the word', () => {
    const blind = new Bench(toFan, {
      cmd_t: 'a',
      pct_cmd_t: 'b',
      spd_rng_max: 4,
      osc_cmd_t: 'c',
      dir_cmd_t: 'd',
    });
    expect(blind.codec.encode?.([on, speed(60)]).assumed).toEqual([
      { kind: 'on_off', value: true },
      { kind: 'speed', value: 75 },
    ]);
    expect(blind.assumed('speed', 0)).toEqual([
      { kind: 'speed', value: 0 },
      { kind: 'on_off', value: false },
    ]);
    expect(blind.assumed('direction', 'reverse')).toEqual([{ kind: 'direction', value: 'reverse' }]);
    expect(new Bench(toFan, HOOD).assumed('speed', 60)).toEqual([]);
    expect(new Bench(toFan, { ...HOOD, opt: true }).assumed('oscillation', true)).toEqual([
      { kind: 'oscillation', value: true },
    ]);
  });

  test('configurations that are no fan', () => {
    expect(() => new Bench(toFan, { stat_t: 's' })).toThrow(/no command_topic/);
    expect(() => new Bench(toFan, { cmd_t: 'a', pct_cmd_t: 'b', spd_rng_max: 0 })).toThrow(/speed_range_min/);
    expect(() => new Bench(toFan, { cmd_t: 'a', pct_cmd_t: 'b', pct_cmd_tpl: '{{' })).toThrow(/templates/);
  });

  test('any configuration and any payload', () => {
    const usable = { ...HOOD, pct_stat_t: 's', pr_mode_stat_t: 's', osc_stat_t: 's', dir_stat_t: 's' };
    checkHostile(toFan, usable, ['speed_range_min', 'payload_reset_percentage', 'payload_oscillation_on']);
  });
});
