import { describe, expect, test } from 'vitest';

import type { CapabilityKind, SinkWrite } from '../../../src/devices/types.ts';

import { toClimate } from '../../../src/mqtt/components/climate.ts';
import { Bench, checkHostile } from './codec-bench.ts';

/** A radiator valve as a Zigbee gateway describes it: one topic of JSON, limits as texts. */
const VALVE = {
  act_t: 's',
  act_tpl: "{% set values = {None:None,'idle':'idle','heat':'heating'} %}{{ values[value_json.running] }}",
  curr_temp_t: 's',
  curr_temp_tpl: '{{ value_json["local_temperature"] }}',
  min_temp: '5',
  max_temp: '30',
  temp_step: 0.5,
  mode_cmd_t: 'valve/set/mode',
  mode_stat_t: 's',
  mode_stat_tpl: '{{ value_json["mode"] }}',
  modes: ['heat', 'auto', 'off'],
  pr_mode_cmd_t: 'valve/set/preset',
  pr_mode_stat_t: 's',
  pr_mode_val_tpl: '{{ value_json["preset"] }}',
  pr_modes: ['eco', 'boost'],
  temp_cmd_t: 'valve/set/target',
  temp_stat_t: 's',
  temp_stat_tpl: '{{ value_json["target"] }}',
  temp_unit: 'C',
};

/** An air conditioner behind an infrared sender: it takes everything and tells nothing. */
const BLIND = {
  pow_cmd_t: 'ac/power',
  mode_cmd_t: 'ac/mode',
  temp_cmd_t: 'ac/temp',
  fan_mode_cmd_t: 'ac/fan',
  swing_mode_cmd_t: 'ac/swing',
  swing_horizontal_mode_command_topic: 'ac/hswing',
  hum_cmd_t: 'ac/hum',
};

const bench = (config: Record<string, unknown>): Bench => new Bench(toClimate, config);

function sent({ codec }: Bench, ...writes: SinkWrite[]): string[] {
  return (codec.encode?.(writes).messages ?? []).map(({ topic, payload }) => `${topic} ${payload}`);
}

function assumed({ codec }: Bench, ...writes: SinkWrite[]): Record<string, unknown> {
  const readings = codec.encode?.(writes).assumed ?? [];
  return Object.fromEntries(readings.map(({ kind, value }) => [kind, value]));
}

function capability({ codec }: Bench, kind: CapabilityKind): unknown {
  return codec.capabilities.find((candidate) => candidate.kind === kind);
}

describe('climate', () => {
  test('a valve: what it can do', () => {
    const valve = bench(VALVE);
    expect(valve.kinds).toEqual([
      'hvac_mode',
      'preset_mode',
      'target_temperature',
      'temperature',
      'hvac_action',
    ]);
    expect(capability(valve, 'hvac_mode')).toMatchObject({
      options: ['heat', 'auto', 'off'],
      writable: true,
    });
    expect(capability(valve, 'preset_mode')).toMatchObject({ options: ['none', 'eco', 'boost'] });
    expect(capability(valve, 'target_temperature')).toEqual({
      kind: 'target_temperature',
      unit: '°C',
      range: { min: 5, max: 30, step: 0.5 },
      writable: true,
    });
    expect(capability(valve, 'hvac_action')).toMatchObject({
      writable: false,
      options: expect.arrayContaining(['heating', 'idle', 'off']),
    });
    expect(valve.codec.topics).toEqual(['s']);
    expect(valve.codec.sources).toContainEqual({
      kind: 'temperature',
      topic: 's',
      template: '{{ value_json["local_temperature"] }}',
    });
  });

  test('a valve: what it tells', () => {
    const valve = bench(VALVE);
    const state = { mode: 'heat', preset: 'eco', target: 21.5, local_temperature: '19.25', running: 'heat' };
    expect(valve.values(JSON.stringify(state))).toEqual({
      hvac_mode: 'heat',
      preset_mode: 'eco',
      target_temperature: 21.5,
      temperature: 19.25,
      hvac_action: 'heating',
    });
    expect(valve.readings('{"target":20}')).toEqual([{ kind: 'target_temperature', value: 20, raw: '20' }]);
    expect(valve.readings('{"running":null}')).toEqual([{ kind: 'hvac_action', value: null, raw: 'None' }]);
  });

  test('None resets, empty and foreign texts say nothing', () => {
    const plain = bench({ mode_stat_t: 's', modes: ['heat', 'off'] });
    expect(['None', '', 'turbo', 'heat', 'unknown'].map((text) => plain.value(text))).toEqual([
      null,
      undefined,
      undefined,
      'heat',
      null,
    ]);
    const target = bench({ temp_stat_t: 's' });
    expect(['None', '', 'warm', '21,5', '+21.5', 'nan', '-300'].map((text) => target.value(text))).toEqual([
      null,
      undefined,
      undefined,
      undefined,
      21.5,
      null,
      null,
    ]);
    expect(target.readings('-300')).toEqual([{ kind: 'target_temperature', value: null, raw: '-300' }]);
    expect(bench({ pr_mode_stat_t: 's', pr_modes: ['eco'] }).value('none')).toBe('none');
    expect(bench({ act_t: 's' }).value('boiling')).toBeUndefined();
  });

  test('a value_template serves the values that have none of their own', () => {
    const shared = bench({ temp_stat_t: 's', curr_temp_t: 't', val_tpl: '{{ value_json.x }}' });
    expect(shared.values('{"x":20}')).toEqual({ target_temperature: 20 });
    expect(shared.values('{"x":18}', 't')).toEqual({ temperature: 18 });
  });

  test('the mode before the preset before the temperature, and off last', () => {
    const valve = bench(VALVE);
    const target: SinkWrite = { kind: 'target_temperature', value: 21 };
    expect(
      sent(valve, target, { kind: 'preset_mode', value: 'none' }, { kind: 'hvac_mode', value: 'heat' }),
    ).toEqual(['valve/set/mode heat', 'valve/set/preset none', 'valve/set/target 21.0']);
    expect(sent(valve, { kind: 'hvac_mode', value: 'off' }, target)).toEqual([
      'valve/set/target 21.0',
      'valve/set/mode off',
    ]);
    expect(assumed(valve, target)).toEqual({});
    expect(assumed(bench({ ...VALVE, opt: 'true' }), target)).toEqual({ target_temperature: 21 });
  });

  test('templates receive numbers', () => {
    const template = bench({
      temp_cmd_t: 'a',
      temp_cmd_tpl: '{{ {"target": value, "next": value + 1} | tojson }}',
      temp_step: 0.5,
      hum_cmd_t: 'b',
      hum_cmd_tpl: '{{ {"humidity": value} | tojson }}',
    });
    expect(template.sent('target_temperature', 21)).toEqual(['a {"target": 21.0, "next": 22.0}']);
    expect(template.sent('target_temperature', 21.26)).toEqual(['a {"target": 21.5, "next": 22.5}']);
    expect(template.sent('target_humidity', 44.6)).toEqual(['b {"humidity": 45}']);
  });

  test('a target is rounded to the steps, else to the precision, and kept within the limits', () => {
    const target = (config: Record<string, unknown>, value: number): string[] =>
      bench({ temp_cmd_t: 't', ...config }).sent('target_temperature', value);
    expect(target({}, 20.44)).toEqual(['t 20.4']);
    expect(target({ precision: '0.5' }, 20.3)).toEqual(['t 20.5']);
    expect(target({ precision: 0.1, temp_step: 1 }, 20.3)).toEqual(['t 20.0']);
    expect(target({ temp_step: 2, min_temp: 5, max_temp: 21 }, 18.2)).toEqual(['t 19.0']);
    expect(target({ min_temp: -5, temp_step: 1 }, -0.2)).toEqual(['t 0.0']);
    expect(target({}, 90)).toEqual(['t 35.0']);
  });

  test('Fahrenheit both ways', () => {
    const american = bench({
      temp_unit: 'F',
      min_temp: 50,
      max_temp: '86',
      temp_cmd_t: 'set',
      temp_stat_t: 's',
      curr_temp_t: 'now',
    });
    expect(capability(american, 'target_temperature')).toEqual({
      kind: 'target_temperature',
      unit: '°C',
      range: { min: 10, max: 30, step: 0.555555555556 },
      writable: true,
      reportedUnit: '°F',
    });
    expect(american.values('68')).toEqual({ target_temperature: 20 });
    expect(american.values('70.7', 'now')).toEqual({ temperature: 21.5 });
    expect(american.values('-500', 'now')).toEqual({ temperature: null });
    expect(american.sent('target_temperature', 21)).toEqual(['set 70.0']);
    expect(bench({ temp_unit: 'F', temp_cmd_t: 't' }).codec.capabilities[0]?.range).toMatchObject({
      min: 7,
      max: 35,
    });
    const own = bench({ temp_unit: '°F', temp_cmd_t: 't' });
    expect(assumed(own, { kind: 'target_temperature', value: 21 })).toEqual({
      target_temperature: 21.1111111111,
    });
  });

  test('two targets, of a device without a mode', () => {
    const range = bench({
      temp_hi_cmd_t: 'hi',
      temp_lo_cmd_t: 'lo',
      temp_hi_stat_t: 's',
      temp_lo_stat_t: 's2',
    });
    expect(range.kinds).toEqual(['target_temperature_low', 'target_temperature_high']);
    expect(range.values('24')).toEqual({ target_temperature_high: 24 });
    expect(
      sent(
        range,
        { kind: 'target_temperature_high', value: 24 },
        { kind: 'target_temperature_low', value: 19.5 },
      ),
    ).toEqual(['lo 19.5', 'hi 24.0']);
  });

  test('humidity, now and wanted', () => {
    const damp = bench({ curr_hum_t: 's', hum_cmd_t: 'set', hum_stat_t: 't', min_hum: '35', max_hum: 65 });
    expect(capability(damp, 'target_humidity')).toMatchObject({
      unit: '%',
      range: { min: 35, max: 65, step: 1 },
      writable: true,
    });
    expect(damp.values('48.5')).toEqual({ humidity: 48.5 });
    expect(damp.readings('130')).toEqual([{ kind: 'humidity', value: null, raw: '130' }]);
    expect(damp.values('50', 't')).toEqual({ target_humidity: 50 });
    expect(capability(bench({ hum_cmd_t: 'set' }), 'target_humidity')).toMatchObject({
      range: { min: 30, max: 99 },
    });
  });

  test('a device that tells nothing is taken at the word', () => {
    const blind = bench(BLIND);
    expect(blind.codec.topics).toEqual([]);
    expect(capability(blind, 'fan_mode')).toMatchObject({ options: ['auto', 'low', 'medium', 'high'] });
    expect(blind.kinds).toContain('swing_horizontal_mode');
    const on: SinkWrite = { kind: 'on_off', value: true };
    const cool: SinkWrite = { kind: 'hvac_mode', value: 'cool' };
    const writes = [{ kind: 'fan_mode', value: 'low' } as const, cool, on];
    expect(sent(blind, ...writes)).toEqual(['ac/power ON', 'ac/mode cool', 'ac/fan low']);
    expect(assumed(blind, ...writes)).toEqual({ on_off: true, hvac_mode: 'cool', fan_mode: 'low' });
    expect(assumed(blind, cool)).toEqual({ on_off: true, hvac_mode: 'cool' });
    const off: SinkWrite = { kind: 'on_off', value: false };
    expect(sent(blind, off, cool)).toEqual(['ac/mode cool', 'ac/power OFF']);
    expect(assumed(blind, off)).toEqual({ on_off: false, hvac_mode: 'off' });
  });

  test('power is read from the mode, or from a topic of its own', () => {
    const tied = bench({ pow_cmd_t: 'p', pl_on: 1, pl_off: 0, mode_cmd_t: 'm', mode_stat_t: 's' });
    expect(tied.values('boost')).toEqual({});
    expect(tied.values('cool')).toEqual({ on_off: true, hvac_mode: 'cool' });
    expect(tied.values('off')).toEqual({ on_off: false, hvac_mode: 'off' });
    expect(tied.sent('on_off', true)).toEqual(['p 1']);
    const own = bench({ pow_cmd_t: 'p', pow_stat_t: 'ps', mode_stat_t: 's', modes: ['heat', 'off'] });
    expect(own.values('off')).toEqual({ hvac_mode: 'off' });
    expect([own.value('ON', 'ps'), own.value('False', 'ps'), own.value('None', 'ps')]).toEqual([
      true,
      false,
      null,
    ]);
  });

  test('hold and away of old firmware are presets', () => {
    const old = bench({
      hold_cmd_t: 'hold/set',
      hold_stat_t: 's',
      hold_modes: ['eco', 'boost', 'off'],
      away_mode_cmd_t: 'away/set',
      away_mode_stat_t: 'away',
    });
    expect(capability(old, 'preset_mode')).toMatchObject({
      options: ['none', 'away', 'eco', 'boost'],
      writable: true,
    });
    expect(['eco', 'off', 'None', 'x'].map((text) => old.value(text))).toEqual([
      'eco',
      'none',
      null,
      undefined,
    ]);
    expect([old.value('ON', 'away'), old.value('OFF', 'away')]).toEqual(['away', undefined]);
    expect(old.sent('preset_mode', 'away')).toEqual(['away/set ON', 'hold/set off']);
    expect(old.sent('preset_mode', 'eco')).toEqual(['away/set OFF', 'hold/set eco']);
    const away = bench({ away_mode_stat_t: 's' });
    expect([away.value('OFF'), away.value('True')]).toEqual(['none', 'away']);
    expect(away.codec.encode).toBeUndefined();
  });

  test('nothing that the hub knows is a reason, and so is a broken template', () => {
    expect(() => bench({ stat_t: 's' })).toThrow(/no topic that the hub knows/);
    expect(() => bench({ ...VALVE, mode_cmd_tpl: '{{' })).toThrow(/templates can't be used/);
    expect(() => bench({ mode_cmd_t: 'a/#' })).toThrow(/not an MQTT topic/);
    expect(() => bench(VALVE).sent('on_off', true)).toThrow(/takes no such command/);
    expect(bench({ temp_cmd_t: 't', min_temp: 40, max_temp: 5 }).codec.capabilities[0]?.range).toMatchObject({
      min: 7,
      max: 35,
    });
  });

  test('any configuration and any payload', () => {
    checkHostile(toClimate, { ...BLIND, ...VALVE }, [
      'temperature_unit',
      'precision',
      'value_template',
      'away_mode_state_topic',
      'hold_state_topic',
      'hold_modes',
      'current_humidity_topic',
      'target_humidity_state_topic',
      'optimistic',
      'payload_on',
    ]);
  });
});
