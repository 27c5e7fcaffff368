import { describe, expect, test } from 'vitest';

import { toNumberSetting } from '../../../src/mqtt/components/number.ts';
import { Bench, checkHostile } from './codec-bench.ts';

describe('number', () => {
  const target = { cmd_t: 'set', stat_t: 's', min: '15', max: '40', step: '0.5', unit_of_meas: '°C' };

  test('is a number whatever its unit, its limits may be texts', () => {
    const { codec } = new Bench(toNumberSetting, { ...target, dev_cla: 'temperature' });
    expect(codec.capabilities).toEqual([
      { kind: 'number', unit: '°C', range: { min: 15, max: 40, step: 0.5 }, writable: true },
    ]);
    expect(codec.sources).toEqual([{ kind: 'number', topic: 's', template: null }]);
  });

  test('goes from 1 to 100 where nothing is said, and limits that contradict each other are refused', () => {
    const range = (config: Record<string, unknown>) =>
      new Bench(toNumberSetting, { cmd_t: 'set', ...config }).codec.capabilities[0]?.range;
    expect(range({})).toEqual({ min: 1, max: 100, step: 1 });
    expect(range({ min: 'low', max: [], step: 0 })).toEqual({ min: 1, max: 100, step: 1 });
    expect(range({ min: 5, max: 5 })).toEqual({ min: 5, max: 5, step: 1 });
    expect(() => range({ min: 200 })).toThrow(/min 200 is above its max 100/);
  });

  test('a value is kept as reported, also out of range', () => {
    const bench = new Bench(toNumberSetting, target);
    expect(bench.readings('21.50')).toEqual([{ kind: 'number', value: 21.5, raw: '21.50' }]);
    expect([bench.value('0'), bench.value('99')]).toEqual([0, 99]);
  });

  test('reset and unknown are null, nonsense says nothing', () => {
    const bench = new Bench(toNumberSetting, target);
    expect(['None', '', 'unknown', 'nan', 'NaN'].map((text) => bench.value(text))).toEqual(
      Array.from({ length: 5 }, () => null),
    );
    expect(['abc', '1e999', '1,5', 'True'].map((text) => bench.value(text))).toEqual(
      Array.from({ length: 4 }, () => undefined),
    );
    const reset = new Bench(toNumberSetting, { ...target, pl_rst: '-1' });
    expect([reset.value('-1'), reset.value('-2')]).toEqual([null, -2]);
  });

  test('the template picks it out of a message about many things', () => {
    const bench = new Bench(toNumberSetting, { ...target, val_tpl: '{{ value_json.target }}' });
    expect([bench.value('{"target":20}'), bench.value('{"target":null}')]).toEqual([20, null]);
    expect(bench.value('{"other":20}')).toBeUndefined();
  });

  test('a whole number is sent as one, and a template gets a number', () => {
    const bench = new Bench(toNumberSetting, target);
    expect([bench.sent('number', 21), bench.sent('number', 21.5)]).toEqual([['set 21'], ['set 21.5']]);
    const json = new Bench(toNumberSetting, {
      ...target,
      cmd_tpl: '{{ {"v": value, "x": value * 2} | tojson }}',
    });
    expect(json.sent('number', 20)).toEqual([expect.stringMatching(/^set \{"v": ?20, ?"x": ?40\}$/)]);
  });

  test.each([14.9, 40.1, 'warm', true])('%s is refused', (value) => {
    expect(() => new Bench(toNumberSetting, target).sent('number', value)).toThrow(/from 15 to 40/);
  });

  test('is believed at once only where nobody reports', () => {
    const assumed = (config: Record<string, unknown>) =>
      new Bench(toNumberSetting, { ...target, ...config }).assumed('number', 20);
    expect(assumed({})).toEqual([]);
    expect(assumed({ opt: 'true' })).toEqual([{ kind: 'number', value: 20 }]);
    expect(assumed({ stat_t: undefined })).toEqual([{ kind: 'number', value: 20 }]);
    expect(() => new Bench(toNumberSetting, { stat_t: 's' })).toThrow(/no command_topic/);
  });

  test('any configuration and any payload', () => {
    checkHostile(toNumberSetting, target, [
      'value_template',
      'command_template',
      'payload_reset',
      'optimistic',
    ]);
  });
});
