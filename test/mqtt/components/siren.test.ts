import { describe, expect, test } from 'vitest';

import type { SinkWrite } from '../../../src/devices/types.ts';

import { toSiren } from '../../../src/mqtt/components/siren.ts';
import { Bench } from './codec-bench.ts';
import { assumed, checkAnything, refusal, sent } from './order-bench.ts';

const on: SinkWrite = { kind: 'on_off', value: true };
const off: SinkWrite = { kind: 'on_off', value: false };
const tone = (value: string): SinkWrite => ({ kind: 'tone', value });
const volume = (value: number): SinkWrite => ({ kind: 'volume', value });
const duration = (value: number): SinkWrite => ({ kind: 'duration', value });

const horn = { cmd_t: 'horn/set', stat_t: 's', av_tones: ['fire', 'burglar', 3] };
/** As Zigbee2MQTT describes a warning device: it reports nothing. */
const warning = {
  cmd_t: 'zigbee2mqtt/horn/set',
  opt: true,
  av_tones: ['burglar', 'fire'],
  sup_dur: true,
  cmd_tpl:
    '{"warning": {"mode": "{{ tone | default(\'burglar\') }}", "level": "{% if volume_level is defined and volume_level | float <= 0.5 %}low{% else %}high{% endif %}", "duration": {{ duration | default(10) }}}}',
  cmd_off_tpl: '{"warning": {"mode": "stop"}}',
};

describe('siren', () => {
  test('says what it can do', () => {
    const { capabilities, sources, topics } = new Bench(toSiren, horn).codec;
    const base = { unit: null, range: null, writable: true };
    expect(capabilities).toEqual([
      { ...base, kind: 'on_off' },
      { ...base, kind: 'tone', options: ['fire', 'burglar', '3'] },
      { ...base, kind: 'duration', unit: 's', range: { min: 1, max: 65_535 } },
      { ...base, kind: 'volume', unit: '%', range: { min: 0, max: 100 } },
    ]);
    expect(topics).toEqual(['s']);
    expect(sources?.[3]).toEqual({ kind: 'volume', topic: 's', template: '{{ value_json.volume_level }}' });
    const plain = new Bench(toSiren, { cmd_t: 'c', sup_dur: 'false', sup_vol: false });
    expect(plain.kinds).toEqual(['on_off']);
    expect(() => new Bench(toSiren, { stat_t: 's' })).toThrow(/no command_topic/);
    expect(() => new Bench(toSiren, { cmd_t: 'c', cmd_off_tpl: '{{' })).toThrow(/templates can't be used/);
  });

  test.each([
    ['ON', { on_off: true }],
    ['OFF', { on_off: false }],
    ['None', { on_off: null }],
    ['', { on_off: null }],
    ['{}', {}],
    ['loud', {}],
    [
      '{"state":"ON","tone":"fire","duration":5,"volume_level":0.55}',
      {
        on_off: true,
        tone: 'fire',
        duration: 5,
        volume: 55,
      },
    ],
    [
      '{"state":null,"tone":null,"duration":null,"volume_level":null}',
      {
        on_off: null,
        tone: null,
        duration: null,
        volume: null,
      },
    ],
    ['{"state":"howling","tone":"whale","duration":-1,"volume_level":55}', {}],
    ['{"tone":3,"volume_level":"1"}', { tone: '3', volume: 100 }],
    ['{"volume_level":0}', { volume: 0 }],
  ])('%s is %j', (text, values) => {
    expect(new Bench(toSiren, horn).values(text)).toEqual(values);
  });

  test('states in words of its own, from a template', () => {
    const bench = new Bench(toSiren, {
      ...horn,
      pl_on: 'beep ON',
      stat_on: true,
      stat_off: false,
      stat_val_tpl: '{{ value_json.alarm }}',
    });
    expect(bench.values('{"alarm":true}')).toEqual({ on_off: true });
    expect(bench.values('{"alarm":false}')).toEqual({ on_off: false });
    expect(bench.values('{"battery":1}')).toEqual({});
    expect(bench.codec.sources?.[1]?.template).toBe('{{ value_json.alarm }}');
    expect(new Bench(toSiren, { ...horn, pl_on: 'beep' }).values('beep')).toEqual({ on_off: true });
  });

  test('sends JSON where there is no template', () => {
    const bench = new Bench(toSiren, { ...horn, pl_off: 'quiet' });
    expect(sent(bench, on)).toEqual(['horn/set {"state":"ON"}']);
    expect(sent(bench, off)).toEqual(['horn/set {"state":"quiet"}']);
    expect(sent(bench, on, tone('fire'), volume(50), duration(2.4))).toEqual([
      'horn/set {"state":"ON","tone":"fire","duration":2,"volume_level":0.5}',
    ]);
  });

  test('sends what its templates make of it', () => {
    const bench = new Bench(toSiren, warning);
    expect(sent(bench, on)).toEqual([
      'zigbee2mqtt/horn/set {"warning": {"mode": "burglar", "level": "high", "duration": 10}}',
    ]);
    expect(sent(bench, on, tone('fire'), duration(3), volume(20))).toEqual([
      'zigbee2mqtt/horn/set {"warning": {"mode": "fire", "level": "low", "duration": 3}}',
    ]);
    expect(sent(bench, off)).toEqual(['zigbee2mqtt/horn/set {"warning": {"mode": "stop"}}']);
    const shared = new Bench(toSiren, { cmd_t: 'c', cmd_tpl: '{{ value }}/{{ state }}' });
    expect([...sent(shared, on), ...sent(shared, off)]).toEqual(['c ON/ON', 'c OFF/OFF']);
    const onlyOff = new Bench(toSiren, { cmd_t: 'c', cmd_off_tpl: 'stop' });
    expect([...sent(onlyOff, on), ...sent(onlyOff, off)]).toEqual(['c {"state":"ON"}', 'c stop']);
  });

  test('a setting rides with the next start, and with that one only', () => {
    const bench = new Bench(toSiren, horn);
    expect(sent(bench, volume(20))).toEqual([]);
    expect(assumed(bench, duration(3))).toEqual({ duration: 3, volume: 20 });
    expect(sent(bench, off, tone('burglar'))).toEqual(['horn/set {"state":"OFF"}']);
    expect(sent(bench, on, duration(4))).toEqual([
      'horn/set {"state":"ON","tone":"burglar","duration":4,"volume_level":0.2}',
    ]);
    expect(sent(bench, on)).toEqual(['horn/set {"state":"ON"}']);
  });

  test('is taken at its word where it tells nothing or is optimistic', () => {
    expect(assumed(new Bench(toSiren, horn), on, volume(5))).toEqual({});
    expect(assumed(new Bench(toSiren, { ...horn, opt: true }), on)).toEqual({ on_off: true });
    const silent = new Bench(toSiren, { cmd_t: 'c' });
    expect(assumed(silent, on, volume(5))).toEqual({ on_off: true, volume: 5 });
    expect(assumed(silent, off)).toEqual({ on_off: false });
  });

  test('what it does not take is refused', () => {
    const plain = new Bench(toSiren, { cmd_t: 'c', sup_dur: false });
    expect(refusal(plain, duration(5)).message).toMatch(/can't set duration/);
    expect(refusal(plain, { kind: 'on_off', value: 'ON' }).kind).toBe('invalid');
    expect(refusal(plain).message).toMatch(/sets nothing/);
    const mute = new Bench(toSiren, { cmd_t: 'c', cmd_tpl: "{{ 'go' if state == 'ON' else '' }}" });
    expect(sent(mute, on)).toEqual(['c go']);
    expect(refusal(mute, off).message).toMatch(/no word for off/);
  });

  test('whatever is configured and told', () => {
    checkAnything(toSiren, {
      ...horn,
      command_template: '{{ state }}',
      state_value_template: '{{ value }}',
      support_duration: true,
      state_on: 'ON',
      payload_off: 'OFF',
    });
  });
});
