import { describe, expect, test } from 'vitest';

import type { SinkWrite } from '../../../src/devices/types.ts';

import { toVacuum } from '../../../src/mqtt/components/vacuum.ts';
import { Bench } from './codec-bench.ts';
import { assumed, checkAnything, order, refusal, sent } from './order-bench.ts';

const speed = (value: string): SinkWrite => ({ kind: 'fan_speed', value });

/** As Valetudo describes a robot. */
const robot = {
  cmd_t: 'valetudo/robot/command',
  stat_t: 's',
  set_fan_spd_t: 'valetudo/robot/fan',
  fanspd_lst: ['low', 'medium', 'max', 3],
  send_cmd_t: 'valetudo/robot/custom',
  sup_feat: [
    'start',
    'stop',
    'pause',
    'return_home',
    'battery',
    'status',
    'locate',
    'clean_spot',
    'fan_speed',
    'send_command',
  ],
};

describe('vacuum', () => {
  test('says what it can do', () => {
    const { capabilities, sources, topics } = new Bench(toVacuum, robot).codec;
    expect(capabilities).toEqual([
      {
        kind: 'vacuum',
        unit: null,
        range: null,
        writable: true,
        options: ['cleaning', 'docked', 'paused', 'idle', 'returning', 'error'],
        commands: ['start', 'pause', 'stop', 'return_to_base', 'clean_spot', 'locate'],
      },
      {
        kind: 'fan_speed',
        unit: null,
        range: null,
        writable: true,
        options: ['low', 'medium', 'max', '3'],
      },
      { kind: 'battery', unit: '%', range: { min: 0, max: 100 }, writable: false },
    ]);
    expect(topics).toEqual(['s']);
    expect(sources?.[2]).toEqual({
      kind: 'battery',
      topic: 's',
      template: '{{ value_json.battery_level }}',
    });
  });

  test('only the features that are there', () => {
    const plain = new Bench(toVacuum, { cmd_t: 'c', stat_t: 's', schema: 'state' });
    expect(plain.kinds).toEqual(['vacuum']);
    expect(plain.codec.capabilities[0]?.commands).toEqual(['start', 'stop', 'return_to_base', 'clean_spot']);
    expect(new Bench(toVacuum, { stat_t: 's' }).codec.capabilities[0]).toMatchObject({ writable: false });
    const noted = new Bench(toVacuum, { stat_t: 's', sup_feat: ['fan_speed'], fanspd_lst: ['low'] });
    expect(noted.codec.capabilities[1]).toMatchObject({ writable: false, options: ['low'] });
    expect(() => new Bench(toVacuum, {})).toThrow(/names no topic/);
    expect(() => new Bench(toVacuum, { ...robot, schema: 'Legacy' })).toThrow(/"legacy"/);
  });

  test.each(['cleaning', 'docked', 'paused', 'idle', 'returning', 'error'])('tells %s', (state) => {
    const bench = new Bench(toVacuum, robot);
    expect(bench.readings(`{"state":"${state}"}`)).toEqual([{ kind: 'vacuum', value: state, raw: state }]);
  });

  test('property by property', () => {
    const bench = new Bench(toVacuum, robot);
    const tell = (state: unknown): unknown => bench.values(JSON.stringify(state));
    expect(tell({ state: 'docked', fan_speed: 'max', battery_level: 61 })).toEqual({
      vacuum: 'docked',
      fan_speed: 'max',
      battery: 61,
    });
    expect(tell({ fan_speed: 3 })).toEqual({ fan_speed: '3' });
    expect(tell({ state: null, fan_speed: null, battery_level: null })).toEqual({
      vacuum: null,
      fan_speed: null,
      battery: null,
    });
    expect(tell({ state: 'dancing', fan_speed: 'turbo', battery_level: 140 })).toEqual({});
    expect(tell({ state: ['docked'], battery_level: 'full' })).toEqual({});
    expect(['docked', '', '[]', '{"state":'].map((text) => bench.values(text))).toEqual([{}, {}, {}, {}]);
    expect(bench.values('{"state":"docked"}', 'other')).toEqual({});
  });

  test('a speed without a list is told as it is', () => {
    const bench = new Bench(toVacuum, { stat_t: 's', sup_feat: ['fan_speed'], set_fan_spd_t: 'f' });
    expect(bench.values('{"fan_speed":"whisper"}')).toEqual({ fan_speed: 'whisper' });
    expect(bench.codec.capabilities[1]).toMatchObject({ kind: 'fan_speed', writable: false });
  });

  test('takes orders in its own words, and a speed before them', () => {
    const bench = new Bench(toVacuum, { ...robot, pl_strt: 'go', pl_ret: 'HOME' });
    expect(sent(bench, order('vacuum', 'start'), speed('max'))).toEqual([
      'valetudo/robot/fan max',
      'valetudo/robot/command go',
    ]);
    expect(sent(bench, order('vacuum', 'return_to_base'))).toEqual(['valetudo/robot/command HOME']);
    expect(sent(bench, order('vacuum', 'locate'))).toEqual(['valetudo/robot/command locate']);
    expect(sent(bench, speed('low'))).toEqual(['valetudo/robot/fan low']);
  });

  test('what it does not take is refused', () => {
    const plain = new Bench(toVacuum, { cmd_t: 'c', stat_t: 's' });
    expect(refusal(plain, order('vacuum', 'locate')).message).toMatch(/start, stop/);
    expect(refusal(plain, speed('max')).message).toMatch(/can't set fan_speed/);
    expect(refusal(new Bench(toVacuum, robot), { kind: 'fan_speed', value: 3 }).kind).toBe('invalid');
    expect(refusal(new Bench(toVacuum, robot), { kind: 'battery', value: 3 }).kind).toBe('invalid');
  });

  test('is taken at its word where it tells nothing', () => {
    const { stat_t: _, ...silent } = robot;
    const bench = new Bench(toVacuum, silent);
    const after = (command: string): unknown => assumed(bench, order('vacuum', command)).vacuum;
    expect(['start', 'pause', 'stop', 'return_to_base', 'clean_spot', 'locate'].map(after)).toEqual([
      'cleaning',
      'paused',
      'idle',
      'docked',
      'cleaning',
      undefined,
    ]);
    expect(assumed(bench, speed('low'))).toEqual({ fan_speed: 'low' });
    expect(assumed(new Bench(toVacuum, robot), order('vacuum', 'start'), speed('low'))).toEqual({});
  });

  test('whatever is configured and told', () => {
    checkAnything(toVacuum, { ...robot, payload_start: 'start', schema: 'state' });
  });
});
