import { describe, expect, test } from 'vitest';

import type { SinkWrite } from '../../../src/devices/types.ts';

import { toValve } from '../../../src/mqtt/components/valve.ts';
import { Bench } from './codec-bench.ts';
import { assumed, checkAnything, order, refusal, sent } from './order-bench.ts';

const open = order('open_close', 'open');
const close = order('open_close', 'close');
const stop = order('open_close', 'stop');
const position = (value: number): SinkWrite => ({ kind: 'position', value });

const tap = { cmd_t: 'garden/tap/set', stat_t: 's', dev_cla: 'water' };
const mixer = { cmd_t: 'heating/mixer/set', stat_t: 's', pos: true };

describe('a valve that is open or closed', () => {
  test('says what it can do', () => {
    expect(new Bench(toValve, tap).codec).toMatchObject({
      capabilities: [
        {
          kind: 'open_close',
          writable: true,
          options: ['open', 'opening', 'closed', 'closing'],
          commands: ['open', 'close'],
        },
      ],
      topics: ['s'],
      sources: [{ kind: 'open_close', topic: 's', template: null }],
    });
    expect(new Bench(toValve, { stat_t: 's' }).codec.capabilities).toMatchObject([{ writable: false }]);
    expect(() => new Bench(toValve, {})).toThrow(/names no topic/);
  });

  test.each([
    ['open', 'open'],
    ['closing', 'closing'],
    ['{"state": "opening"}', 'opening'],
    ['{"state": null}', null],
    ['None', null],
    ['', null],
    ['OPEN', undefined],
    ['50', undefined],
    ['{"position": 50}', undefined],
    ['{"state": "ajar"}', undefined],
  ])('%s is %s', (text, value) => {
    expect(new Bench(toValve, tap).value(text)).toBe(value);
  });

  test('reads its own words, also whole objects', () => {
    const bench = new Bench(toValve, { ...tap, stat_open: '{"on":1}', stat_clsd: 0 });
    expect([bench.value('{"on":1}'), bench.value('0')]).toEqual(['open', 'closed']);
    const templated = new Bench(toValve, { ...tap, val_tpl: '{{ value_json.v }}', stat_open: 'True' });
    expect([templated.value('{"v":true}'), templated.value('{"w":1}')]).toEqual(['open', undefined]);
  });

  test('takes orders through its template; without a payload there is no stop', () => {
    expect(sent(new Bench(toValve, { ...tap, pl_cls: 'SHUT' }), close)).toEqual(['garden/tap/set SHUT']);
    const bench = new Bench(toValve, { ...tap, pl_stop: 'HALT', cmd_tpl: '{"do":"{{ value }}"}' });
    expect(sent(bench, open)).toEqual(['garden/tap/set {"do":"OPEN"}']);
    expect(sent(bench, stop)).toEqual(['garden/tap/set {"do":"HALT"}']);
    expect(refusal(new Bench(toValve, tap), stop).message).toMatch(/open, close/);
    expect(refusal(new Bench(toValve, tap), position(5)).message).toMatch(/can't set position/);
    expect(new Bench(toValve, { ...tap, pl_open: null }).codec.capabilities).toMatchObject([
      { commands: ['close'] },
    ]);
  });

  test('is taken at its word where it tells nothing or is optimistic', () => {
    expect(assumed(new Bench(toValve, tap), open)).toEqual({});
    expect(assumed(new Bench(toValve, { cmd_t: 'c', pl_stop: 'X' }), close)).toEqual({
      open_close: 'closed',
    });
    expect(assumed(new Bench(toValve, { cmd_t: 'c', pl_stop: 'X' }), stop)).toEqual({});
    expect(assumed(new Bench(toValve, { ...tap, opt: true }), open)).toEqual({ open_close: 'open' });
  });
});

describe('a valve that reports its position', () => {
  test('says what it can do', () => {
    const { capabilities, sources } = new Bench(toValve, { ...mixer, val_tpl: '{{ value_json.p }}' }).codec;
    expect(capabilities).toMatchObject([
      { kind: 'open_close', commands: ['open', 'close'] },
      { kind: 'position', unit: '%', range: { min: 0, max: 100 }, writable: true },
    ]);
    expect(sources?.map(({ kind }) => kind)).toEqual(['open_close', 'position']);
    expect(new Bench(toValve, { ...mixer, cmd_t: '' }).codec.capabilities).toMatchObject([
      { writable: false },
      { writable: false },
    ]);
  });

  test.each([
    ['50', { open_close: 'open', position: 50 }],
    ['0', { open_close: 'closed', position: 0 }],
    ['opening', { open_close: 'opening' }],
    ['{"position": 20, "state": "closing"}', { open_close: 'closing', position: 20 }],
    ['{"position": 0, "state": "opening"}', { open_close: 'opening', position: 0 }],
    ['{"position": 20, "state": "stopped"}', { open_close: 'open', position: 20 }],
    ['{"position": 20, "state": null}', { open_close: 'open', position: 20 }],
    ['{"position": null}', { open_close: null, position: null }],
    ['{"state": null}', { open_close: null }],
    ['{"state": "open"}', {}],
    ['None', { open_close: null, position: null }],
    ['half', {}],
    ['{"flow": 3}', {}],
  ])('%s is %j', (text, values) => {
    expect(new Bench(toValve, mixer).values(text)).toEqual(values);
  });

  test('moves until it arrives at an end, or says that it stands', () => {
    const bench = new Bench(toValve, mixer);
    expect(bench.values('opening')).toEqual({ open_close: 'opening' });
    expect(bench.values('60')).toEqual({ open_close: 'opening', position: 60 });
    expect(bench.values('100')).toEqual({ open_close: 'open', position: 100 });
    expect(bench.values('60')).toEqual({ open_close: 'open', position: 60 });
    bench.values('{"state":"closing","position":50}');
    expect(bench.values('{"state":"","position":40}')).toEqual({ open_close: 'open', position: 40 });
  });

  test('is opened, closed and set by position, in its own range', () => {
    const bench = new Bench(toValve, { ...mixer, pos_open: 0, pos_clsd: 255, pl_stop: 'STOP' });
    expect(bench.values('204')).toEqual({ open_close: 'open', position: 20 });
    expect(sent(bench, open)).toEqual(['heating/mixer/set 0']);
    expect(sent(bench, close)).toEqual(['heating/mixer/set 255']);
    expect(sent(bench, stop)).toEqual(['heating/mixer/set STOP']);
    expect(sent(bench, position(20))).toEqual(['heating/mixer/set 204']);
    expect(sent(bench, open, position(20))).toEqual(['heating/mixer/set 204']);
    const tpl = '{{ value }} {{ position }} {{ position_open }} {{ position_closed }}';
    expect(sent(new Bench(toValve, { ...mixer, pos_open: 10, cmd_tpl: tpl }), position(50))).toEqual([
      'heating/mixer/set 5 50 10 0',
    ]);
    expect(refusal(new Bench(toValve, mixer), stop).message).toMatch(/open, close/);
    expect(refusal(bench, { kind: 'position', value: 'wide' }).kind).toBe('invalid');
  });

  test('is taken at its word where it tells nothing', () => {
    const bench = new Bench(toValve, { cmd_t: 'c', pos: true, pl_stop: 'STOP' });
    expect(assumed(bench, position(0))).toEqual({ open_close: 'closed', position: 0 });
    expect(assumed(bench, open)).toEqual({ open_close: 'open', position: 100 });
    expect(assumed(bench, stop)).toEqual({});
    expect(assumed(new Bench(toValve, mixer), open)).toEqual({});
    expect(() => new Bench(toValve, { ...mixer, pos_open: 0 })).toThrow(/are the same/);
  });
});

test.each([tap, mixer])('whatever is configured and told', (config) => {
  checkAnything(toValve, {
    ...config,
    payload_stop: 'STOP',
    state_opening: 'opening',
    position_open: 100,
    value_template: '{{ value }}',
    command_template: '{{ value }}',
  });
});
