import { describe, expect, test } from 'vitest';

import { toDeviceTracker } from '../../../src/mqtt/components/device-tracker.ts';
import { Bench, checkHostile } from './codec-bench.ts';

describe('device tracker', () => {
  test('is at home, away, or in a zone', () => {
    const bench = new Bench(toDeviceTracker, { stat_t: 's', source_type: 'bluetooth_le' });
    expect(bench.codec.capabilities).toEqual([
      { kind: 'location', unit: null, range: null, writable: false },
    ]);
    expect(bench.readings('home')).toEqual([{ kind: 'location', value: 'home', raw: 'home' }]);
    expect(['not_home', 'Work', 'None'].map((text) => bench.value(text))).toEqual(['not_home', 'Work', null]);
    expect(bench.readings('')).toEqual([]);
    expect(bench.codec.sources).toEqual([{ kind: 'location', topic: 's', template: null }]);
  });

  test('in its own words', () => {
    const bench = new Bench(toDeviceTracker, {
      stat_t: 's',
      payload_home: true,
      payload_not_home: false,
      pl_rst: 'reset',
      val_tpl: '{{ value_json.present }}',
    });
    expect(
      ['true', 'false', '"reset"', 'null', '"Garden"'].map((json) => bench.value(`{"present":${json}}`)),
    ).toEqual(['home', 'not_home', null, null, 'Garden']);
    expect(bench.value('{"rssi":-70}')).toBeUndefined();
  });

  test('coordinates are not read', () => {
    expect(() => new Bench(toDeviceTracker, { json_attr_t: 'phone/attributes' })).toThrow(/coordinates/);
    expect(() => new Bench(toDeviceTracker, {})).toThrow(/no state_topic/);
  });

  test('any configuration and any payload', () => {
    checkHostile(toDeviceTracker, { stat_t: 's' }, ['payload_home', 'payload_reset', 'value_template']);
  });
});
