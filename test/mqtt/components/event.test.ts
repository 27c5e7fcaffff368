import { describe, expect, test } from 'vitest';

import { toEvent } from '../../../src/mqtt/components/event.ts';
import { Bench, checkHostile } from './codec-bench.ts';

describe('event', () => {
  const doorbell = { stat_t: 's', evt_typ: ['press', 'hold'], dev_cla: 'doorbell' };

  test('tells the types that it lists, further attributes left out', () => {
    const bench = new Bench(toEvent, doorbell);
    expect(bench.codec.capabilities).toEqual([
      { kind: 'button_event', unit: null, range: null, writable: false, options: ['press', 'hold'] },
    ]);
    expect(bench.codec.encode).toBeUndefined();
    expect(bench.codec.topics).toEqual(['s']);
    expect(bench.codec.sources).toEqual([{ kind: 'button_event', topic: 's', template: null }]);
    const raw = '{"event_type":"press","duration":3}';
    expect(bench.readings(raw)).toEqual([{ kind: 'button_event', value: 'press', raw }]);
    expect(bench.value('{"event_type":"hold"}')).toBe('hold');
  });

  test('the same press twice is told twice', () => {
    const bench = new Bench(toEvent, doorbell);
    const [first, second] = [bench.value('{"event_type":"press"}'), bench.value('{"event_type":"press"}')];
    expect([first, second]).toEqual(['press', 'press']);
  });

  test('what the broker kept is no event', () => {
    expect(new Bench(toEvent, doorbell).readings('{"event_type":"press"}', 's', true)).toEqual([]);
  });

  test.each([
    '{"event_type":"triple"}',
    '{"event_type":null}',
    '{"a":1}',
    'press',
    '"press"',
    '{}',
    '',
    'None',
  ])('%s is ignored', (text) => {
    expect(new Bench(toEvent, doorbell).readings(text)).toEqual([]);
  });

  test('a template picks the event out of a message about many things', () => {
    const bench = new Bench(toEvent, {
      stat_t: 'plug/events',
      evt_typ: ['single', 'double'],
      val_tpl: '{% if value_json.id == 2 %}{{ {"event_type": value_json.event} | to_json }}{% endif %}',
    });
    expect(bench.value('{"id":2,"event":"double"}', 'plug/events')).toBe('double');
    expect(bench.value('{"id":1,"event":"double"}', 'plug/events')).toBeUndefined();
    expect(bench.value('{"id":2,"event":"double"}', 'other')).toBeUndefined();
  });

  test('a single type may stand alone, numbers are their text, and one type is needed', () => {
    expect(new Bench(toEvent, { stat_t: 's', evt_typ: 'ring' }).value('{"event_type":"ring"}')).toBe('ring');
    expect(new Bench(toEvent, { stat_t: 's', evt_typ: [1, 1, 2] }).value('{"event_type":2}')).toBe('2');
    expect(() => new Bench(toEvent, { stat_t: 's', evt_typ: [] })).toThrow(/no event_types/);
    expect(() => new Bench(toEvent, { evt_typ: ['a'] })).toThrow(/no state_topic/);
  });

  test('any configuration and any payload', () => {
    checkHostile(toEvent, { ...doorbell, evt_typ: ['a', '1', 'True'] }, ['value_template', 'event_types']);
  });
});
