import { describe, expect, test } from 'vitest';

import { toDeviceAutomation } from '../../../src/mqtt/components/device-automation.ts';
import { Bench, checkHostile } from './codec-bench.ts';

describe('device automation', () => {
  const remote = {
    atype: 'trigger',
    type: 'action',
    stype: 'on_press',
    pl: 'on_press',
    t: 'zigbee2mqtt/Remote/action',
    dev: { ids: ['zigbee2mqtt_0x01'], name: 'Remote' },
  };
  const input = {
    ...remote,
    type: 'button_short_press',
    stype: 'button_1',
    pl: '0_single',
    t: 'plug/events',
    val_tpl: '{{ value_json.id }}_{{ value_json.event }}',
  };

  test('of Zigbee2MQTT: the subtype says it all', () => {
    const bench = new Bench(toDeviceAutomation, remote);
    expect(bench.codec.capabilities).toEqual([
      { kind: 'button_event', unit: null, range: null, writable: false, options: ['on_press'] },
    ]);
    expect(bench.codec.encode).toBeUndefined();
    expect(bench.readings('on_press', 'zigbee2mqtt/Remote/action')).toEqual([
      { kind: 'button_event', value: 'on_press', raw: 'on_press' },
    ]);
    expect(bench.readings('off_press', 'zigbee2mqtt/Remote/action')).toEqual([]);
    expect(bench.readings('on_press', 'zigbee2mqtt/Remote')).toEqual([]);
  });

  test('of others: subtype and type together, picked out by a template', () => {
    const bench = new Bench(toDeviceAutomation, input);
    expect(bench.value('{"id":0,"event":"single"}', 'plug/events')).toBe('button_1 button_short_press');
    expect(bench.value('{"id":1,"event":"single"}', 'plug/events')).toBeUndefined();
    expect(bench.codec.sources).toEqual([
      { kind: 'button_event', topic: 'plug/events', template: '{{ value_json.id }}_{{ value_json.event }}' },
    ]);
  });

  test('without a payload any message is the event, but none in which the template finds nothing', () => {
    const { pl: _, ...any } = { ...input, t: 's' };
    const plain = new Bench(toDeviceAutomation, { ...any, val_tpl: undefined });
    expect([plain.value('whatever'), plain.value(''), plain.value('None')]).toEqual(
      Array.from({ length: 3 }, () => 'button_1 button_short_press'),
    );
    const picking = new Bench(toDeviceAutomation, { ...any, val_tpl: '{{ value_json.action }}' });
    expect(picking.value('{"action":"x"}')).toBe('button_1 button_short_press');
    expect(picking.value('{"action":null}')).toBeUndefined();
    expect(picking.value('{"battery":3}')).toBeUndefined();
  });

  test('what the broker kept is no event', () => {
    const bench = new Bench(toDeviceAutomation, remote);
    expect(bench.readings('on_press', 'zigbee2mqtt/Remote/action', true)).toEqual([]);
  });

  test('a truth value as payload is met in either spelling', () => {
    const bench = new Bench(toDeviceAutomation, { ...remote, t: 's', pl: true });
    expect([bench.value('true'), bench.value('True'), bench.value('false')]).toEqual([
      'on_press',
      'on_press',
      undefined,
    ]);
  });

  test.each([
    [{ atype: 'action' }, /automation_type "trigger"/],
    [{ atype: undefined }, /automation_type "trigger"/],
    [{ dev: {} }, /no device/],
    [{ dev: undefined }, /no device/],
    [{ t: undefined }, /no topic/],
    [{ type: undefined }, /both a type and a subtype/],
    [{ stype: '' }, /both a type and a subtype/],
  ])('%j can not be used', (change, message) => {
    expect(() => new Bench(toDeviceAutomation, { ...remote, ...change })).toThrow(message);
  });

  test('a device may be named by its connections', () => {
    const dev = { cns: [['mac', 'aa:bb:cc:dd:ee:ff']] };
    expect(new Bench(toDeviceAutomation, { ...remote, dev }).kinds).toEqual(['button_event']);
  });

  test('any configuration and any payload', () => {
    checkHostile(toDeviceAutomation, { ...remote, t: 's' }, ['payload', 'value_template', 'topic', 'device']);
  });
});
