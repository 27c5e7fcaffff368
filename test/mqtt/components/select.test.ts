import { describe, expect, test } from 'vitest';

import { toSelect } from '../../../src/mqtt/components/select.ts';
import { Bench, checkHostile } from './codec-bench.ts';

describe('select', () => {
  const mode = {
    cmd_t: 'set',
    stat_t: 's',
    ops: ['light', 'shutter', ' off '],
    val_tpl: '{{ value_json["mode"] }}',
  };

  test('is one of its options', () => {
    const bench = new Bench(toSelect, mode);
    expect(bench.codec.capabilities).toEqual([
      { kind: 'select', unit: null, range: null, writable: true, options: ['light', 'shutter', ' off '] },
    ]);
    expect(bench.readings('{"mode":"light"}')).toEqual([{ kind: 'select', value: 'light', raw: 'light' }]);
    expect(bench.value('{"mode":" off "}')).toBe(' off ');
    expect(bench.codec.sources).toEqual([
      { kind: 'select', topic: 's', template: '{{ value_json["mode"] }}' },
    ]);
  });

  test('null is unknown, another text says nothing', () => {
    const bench = new Bench(toSelect, mode);
    expect([bench.value('{"mode":null}'), bench.value('{"mode":"none"}')]).toEqual([null, null]);
    expect([bench.value('{"mode":"blind"}'), bench.value('{"a":1}')]).toEqual([undefined, undefined]);
  });

  test('an option named none or a number means itself', () => {
    const bench = new Bench(toSelect, { cmd_t: 'set', stat_t: 's', ops: ['none', 'unknown', 1, 1, true] });
    expect(['none', 'unknown', '1', 'True'].map((text) => bench.value(text))).toEqual([
      'none',
      'unknown',
      '1',
      'True',
    ]);
    expect(bench.codec.capabilities[0]?.options).toEqual(['none', 'unknown', '1', 'True']);
  });

  test('sends an option, through the template where there is one', () => {
    expect(new Bench(toSelect, mode).sent('select', 'shutter')).toEqual(['set shutter']);
    const bench = new Bench(toSelect, { ...mode, cmd_tpl: '{"mode":"{{ value }}"}' });
    expect(bench.sent('select', 'shutter')).toEqual(['set {"mode":"shutter"}']);
    expect(() => bench.sent('select', 'blind')).toThrow(/one of light, shutter/);
  });

  test('is believed at once only where nobody reports', () => {
    const assumed = (config: Record<string, unknown>) =>
      new Bench(toSelect, { ...mode, ...config }).assumed('select', 'light');
    expect(assumed({})).toEqual([]);
    expect(assumed({ opt: true })).toEqual([{ kind: 'select', value: 'light' }]);
    expect(assumed({ stat_t: undefined })).toEqual([{ kind: 'select', value: 'light' }]);
  });

  test('needs options and a topic', () => {
    expect(() => new Bench(toSelect, { cmd_t: 'set', ops: [] })).toThrow(/no options/);
    expect(() => new Bench(toSelect, { ops: ['a'] })).toThrow(/no command_topic/);
  });

  test('any configuration and any payload', () => {
    checkHostile(toSelect, { ...mode, val_tpl: '{{ value }}' }, [
      'options',
      'command_template',
      'optimistic',
    ]);
  });
});
