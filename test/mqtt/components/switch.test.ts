import { describe, expect, test } from 'vitest';

import { toSwitch } from '../../../src/mqtt/components/switch.ts';
import { Bench, checkHostile } from './codec-bench.ts';

describe('switch', () => {
  const plug = { cmd_t: 'plug/set', stat_t: 's', val_tpl: '{{ value_json.state }}' };

  test('says where its state comes from and what it was made of', () => {
    const bench = new Bench(toSwitch, plug);
    expect(bench.codec.sources).toEqual([{ kind: 'on_off', topic: 's', template: '{{ value_json.state }}' }]);
    expect(bench.readings('{"state":"ON"}')).toEqual([{ kind: 'on_off', value: true, raw: 'ON' }]);
    expect([bench.value('{"state":"OFF"}'), bench.value('{"state":null}')]).toEqual([false, null]);
    expect([bench.value('{"state":"half"}'), bench.value('{"power":3}')]).toEqual([undefined, undefined]);
  });

  test('states and payloads may be other words', () => {
    const bench = new Bench(toSwitch, {
      cmd_t: 'x',
      stat_t: 's',
      pl_on: '1',
      pl_off: '0',
      stat_on: 'on',
      stat_off: 'off',
    });
    expect([bench.value('on'), bench.value('off'), bench.value('1')]).toEqual([true, false, undefined]);
    expect([bench.sent('on_off', true), bench.sent('on_off', false)]).toEqual([['x 1'], ['x 0']]);
    const template = new Bench(toSwitch, { ...plug, cmd_tpl: '{"state":"{{ value }}"}' });
    expect(template.sent('on_off', false)).toEqual(['plug/set {"state":"OFF"}']);
  });

  test('is believed at once only where nobody reports', () => {
    expect(new Bench(toSwitch, plug).assumed('on_off', true)).toEqual([]);
    expect(new Bench(toSwitch, { ...plug, opt: 1 }).assumed('on_off', true)).toEqual([
      { kind: 'on_off', value: true },
    ]);
    expect(new Bench(toSwitch, { cmd_t: 'x' }).assumed('on_off', false)).toEqual([
      { kind: 'on_off', value: false },
    ]);
    expect(() => new Bench(toSwitch, plug).sent('on_off', 'on')).toThrow(/on or off/);
  });

  test('any configuration and any payload', () => {
    checkHostile(toSwitch, plug, ['payload_on', 'state_off', 'command_template', 'optimistic']);
  });
});
