import { describe, expect, test } from 'vitest';

import { toHumidifier } from '../../../src/mqtt/components/humidifier.ts';
import { Bench, checkHostile } from './codec-bench.ts';

const DRYER = {
  dev_cla: 'dehumidifier',
  cmd_t: 'dryer/set',
  stat_t: 's',
  stat_val_tpl: '{{ value_json.state }}',
  hum_cmd_t: 'dryer/target/set',
  hum_cmd_tpl: '{{ {"target": value} | tojson }}',
  hum_stat_t: 's',
  hum_state_tpl: '{{ value_json.target }}',
  min_hum: '30',
  max_hum: 80,
  mode_cmd_t: 'dryer/mode/set',
  mode_stat_t: 's',
  mode_stat_tpl: '{{ value_json.mode }}',
  modes: ['auto', 'laundry'],
  curr_hum_t: 's',
  curr_hum_tpl: '{{ value_json.humidity }}',
  act_t: 's',
  act_tpl: '{{ value_json.action }}',
  pl_rst_mode: 'no mode',
};

describe('humidifier', () => {
  test('what it can do', () => {
    const dryer = new Bench(toHumidifier, DRYER);
    expect(dryer.codec.capabilities).toEqual([
      { kind: 'on_off', unit: null, range: null, writable: true },
      { kind: 'mode', unit: null, range: null, writable: true, options: ['auto', 'laundry'] },
      { kind: 'target_humidity', unit: '%', range: { min: 30, max: 80, step: 1 }, writable: true },
      { kind: 'humidity', unit: '%', range: { min: 0, max: 100 }, writable: false },
      {
        kind: 'action',
        unit: null,
        range: null,
        writable: false,
        options: ['off', 'humidifying', 'drying', 'idle'],
      },
    ]);
    expect(dryer.codec.sources?.map(({ kind }) => kind)).toEqual(dryer.kinds);
  });

  test('what it tells', () => {
    const dryer = new Bench(toHumidifier, DRYER);
    const state = { state: 'ON', mode: 'auto', target: '55', humidity: 61.5, action: 'drying' };
    expect(dryer.values(JSON.stringify(state))).toEqual({
      on_off: true,
      mode: 'auto',
      target_humidity: 55,
      humidity: 61.5,
      action: 'drying',
    });
    expect(dryer.values('{"state":null,"mode":"no mode","target":null,"humidity":255}')).toEqual({
      on_off: null,
      mode: null,
      target_humidity: null,
      humidity: null,
    });
    expect(dryer.values('{"mode":"disco","action":"dancing","target":"damp","state":"?"}')).toEqual({});
    expect(new Bench(toHumidifier, { cmd_t: 'a', hum_cmd_t: 'b', stat_t: 's' }).value('')).toBeUndefined();
  });

  test('what it takes, in order', () => {
    const { codec } = new Bench(toHumidifier, DRYER);
    const sent = (on: boolean): string[] =>
      (
        codec.encode?.([
          { kind: 'target_humidity', value: 54.6 },
          { kind: 'mode', value: 'auto' },
          { kind: 'on_off', value: on },
        ]).messages ?? []
      ).map(({ topic, payload }) => `${topic} ${payload}`);
    const settings = ['dryer/mode/set auto', 'dryer/target/set {"target": 55}'];
    expect(sent(true)).toEqual(['dryer/set ON', ...settings]);
    expect(sent(false)).toEqual([...settings, 'dryer/set OFF']);
  });

  test('without state topics it is taken at the word', () => {
    const blind = new Bench(toHumidifier, { cmd_t: 'a', hum_cmd_t: 'b', pl_on: 'go' });
    expect(blind.sent('on_off', true)).toEqual(['a go']);
    expect(blind.assumed('on_off', true)).toEqual([{ kind: 'on_off', value: true }]);
    expect(blind.sent('target_humidity', 40)).toEqual(['b 40']);
    expect(blind.assumed('target_humidity', 40)).toEqual([{ kind: 'target_humidity', value: 40 }]);
    expect(new Bench(toHumidifier, DRYER).assumed('on_off', true)).toEqual([]);
  });

  test('both command topics are needed; limits that contradict each other are none', () => {
    expect(() => new Bench(toHumidifier, { cmd_t: 'a' })).toThrow(/no target_humidity_command_topic/);
    expect(() => new Bench(toHumidifier, { hum_cmd_t: 'a' })).toThrow(/no command_topic/);
    const odd = new Bench(toHumidifier, { cmd_t: 'a', hum_cmd_t: 'b', min_hum: 60, max_hum: 140 });
    expect(odd.codec.capabilities[1]?.range).toEqual({ min: 0, max: 100, step: 1 });
  });

  test('any configuration and any payload', () => {
    checkHostile(toHumidifier, DRYER, ['payload_on', 'payload_reset_humidity', 'command_template']);
  });
});
