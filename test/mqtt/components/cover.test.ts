import { describe, expect, test } from 'vitest';

import type { SinkWrite } from '../../../src/devices/types.ts';

import { toCover } from '../../../src/mqtt/components/cover.ts';
import { Bench } from './codec-bench.ts';
import { assumed, checkAnything, order, refusal, sent } from './order-bench.ts';

const open = order('open_close', 'open');
const close = order('open_close', 'close');
const stop = order('open_close', 'stop');
const position = (value: number): SinkWrite => ({ kind: 'position', value });
const tilt = (value: number): SinkWrite => ({ kind: 'tilt', value });

/** As Zigbee2MQTT describes a blind: one topic tells everything. */
const blind = {
  cmd_t: 'zigbee2mqtt/office blind/set',
  stat_t: 's',
  val_tpl: '{{ value_json["state"] }}',
  stat_open: 'OPEN',
  stat_clsd: 'CLOSE',
  stat_stopped: 'STOP',
  pos_t: 's',
  pos_tpl: '{{ value_json["position"] }}',
  set_pos_t: 'zigbee2mqtt/office blind/set',
  set_pos_tpl: '{ "position": {{ position }} }',
  tilt_cmd_t: 'zigbee2mqtt/office blind/set/tilt',
  tilt_status_t: 's',
  tilt_status_tpl: '{{ value_json["tilt"] }}',
};
/** As a garage door that tells only its state. */
const garage = { cmd_t: 'garage/set', stat_t: 's', dev_cla: 'garage' };

describe('cover', () => {
  test('says what it can do', () => {
    const percent = { unit: '%', range: { min: 0, max: 100 } };
    const bench = new Bench(toCover, blind);
    expect(bench.codec.capabilities).toEqual([
      {
        kind: 'open_close',
        unit: null,
        range: null,
        writable: true,
        options: ['open', 'opening', 'closed', 'closing', 'stopped'],
        commands: ['open', 'close', 'stop'],
      },
      { kind: 'position', ...percent, writable: true },
      { kind: 'tilt', ...percent, writable: true },
    ]);
    expect(bench.codec.topics).toEqual(['s']);
    expect(bench.codec.sources).toEqual([
      { kind: 'open_close', topic: 's', template: '{{ value_json["state"] }}' },
      { kind: 'position', topic: 's', template: '{{ value_json["position"] }}' },
      { kind: 'tilt', topic: 's', template: '{{ value_json["tilt"] }}' },
    ]);
  });

  test.each([
    [{ stat_t: 's' }, ['open_close'], [false]],
    [{ cmd_t: 'c' }, ['open_close'], [true]],
    [{ pos_t: 's' }, ['open_close', 'position'], [false, false]],
    [{ set_pos_t: 'c' }, ['position'], [true]],
    [{ tilt_cmd_t: 'c' }, ['tilt'], [true]],
    [{ cmd_t: 'c', tilt_status_t: 's' }, ['open_close', 'tilt'], [true, false]],
  ])('%j has %j', (config, kinds, writable) => {
    const { capabilities } = new Bench(toCover, config).codec;
    expect(capabilities.map(({ kind }) => kind)).toEqual(kinds);
    expect(capabilities.map((capability) => capability.writable)).toEqual(writable);
  });

  test.each([
    [{}, /names no topic/],
    [{ stat_t: 'a/#/b' }, /not an MQTT topic/],
    [{ cmd_t: 'a/+' }, /not an MQTT topic/],
    [{ pos_t: 's', pos_open: 5, pos_clsd: '5' }, /are the same/],
    [{ tilt_cmd_t: 's', tilt_min: 100 }, /are the same/],
    [{ cmd_t: 'c', set_pos_t: 's', set_pos_tpl: '{{ position' }, /templates can't be used/],
  ])('%j can not be used', (config, reason) => {
    expect(() => new Bench(toCover, config)).toThrow(reason);
  });

  describe('state', () => {
    test('in the default words, and in no others', () => {
      const bench = new Bench(toCover, garage);
      expect(bench.readings('opening')).toEqual([{ kind: 'open_close', value: 'opening', raw: 'opening' }]);
      expect(['open', 'closing', 'closed'].map((text) => bench.value(text))).toEqual([
        'open',
        'closing',
        'closed',
      ]);
      expect(['OPEN', 'ajar', '0', '{}'].map((text) => bench.value(text))).toEqual(Array(4).fill(undefined));
    });

    test('in words of its own, also truth values and one word for two states', () => {
      const bench = new Bench(toCover, { ...garage, stat_open: false, stat_clsd: true });
      expect([bench.value('true'), bench.value('False')]).toEqual(['closed', 'open']);
      const roller = new Bench(toCover, {
        stat_t: 's',
        stat_opening: 'open',
        stat_closing: 'close',
        stat_stopped: 'stop',
      });
      expect(['open', 'close'].map((text) => roller.value(text))).toEqual(['opening', 'closing']);
    });

    test.each(['None', 'null', 'unknown', 'unavailable', ''])('%j is unknown, and never closed', (text) => {
      expect(new Bench(toCover, garage).value(text)).toBeNull();
      expect(new Bench(toCover, { pos_t: 's' }).values(text)).toEqual({ open_close: null, position: null });
    });

    test('only a state: no position', () => {
      expect(new Bench(toCover, garage).values('open')).toEqual({ open_close: 'open' });
    });

    test('only a position: open unless it is 0', () => {
      const bench = new Bench(toCover, { pos_t: 's' });
      expect(bench.values('0')).toEqual({ open_close: 'closed', position: 0 });
      expect(bench.values('1')).toEqual({ open_close: 'open', position: 1 });
      expect(bench.values('half')).toEqual({});
    });

    test('a state of its own is not overruled by the position', () => {
      const bench = new Bench(toCover, { ...garage, pos_t: 'p' });
      bench.value('closing');
      expect(bench.values('0', 'p')).toEqual({ position: 0 });
    });
  });

  describe('stopped', () => {
    test('is open or closed by the position in the same message', () => {
      const bench = new Bench(toCover, blind);
      const tell = (state: unknown): unknown => bench.values(JSON.stringify(state));
      expect(tell({ state: 'STOP', position: 30 })).toEqual({ open_close: 'open', position: 30 });
      expect(tell({ state: 'STOP', position: 0 })).toEqual({ open_close: 'closed', position: 0 });
      expect(tell({ state: 'STOP' })).toEqual({ open_close: 'closed' });
      expect(tell({ linkquality: 9 })).toEqual({});
      expect(tell({ state: null, position: null, tilt: null })).toEqual({
        open_close: null,
        position: null,
        tilt: null,
      });
    });

    test('is corrected by a position that comes after it', () => {
      const bench = new Bench(toCover, { ...garage, pos_t: 'p' });
      bench.value('40', 'p');
      bench.value('closing');
      expect(bench.values('stopped')).toEqual({ open_close: 'open' });
      expect(bench.values('0', 'p')).toEqual({ open_close: 'closed', position: 0 });
      expect(bench.values('None', 'p')).toEqual({ position: null });
    });

    test.each([
      ['opening', 'open'],
      ['open', 'open'],
      ['closing', 'closed'],
      ['closed', 'closed'],
      ['None', 'stopped'],
    ])('without a position, after %s it is %s', (before, after) => {
      const bench = new Bench(toCover, garage);
      bench.value(before);
      expect(bench.value('stopped')).toBe(after);
    });

    test('halted while it closes, a door without a position is not closed', () => {
      const bench = new Bench(toCover, garage);
      bench.value('closing');
      expect(sent(bench, stop)).toEqual(['garage/set STOP']);
      expect(bench.value('stopped')).toBe('stopped');
    });
  });

  describe('position', () => {
    test.each([
      [{}, '40', 40],
      [{}, '99.9', 99],
      [{}, '0.2', 1],
      [{}, '104', 100],
      [{}, '-1', null],
      [{ pos_open: 0, pos_clsd: 100 }, '30', 70],
      [{ pos_open: 0, pos_clsd: 100 }, '100', 0],
      [{ pos_open: '255' }, '51', 20],
      [{ pos_open: 50, pos_clsd: -50 }, '-50', 0],
      [{ pos_open: 50, pos_clsd: -50 }, '0', 50],
      [{}, '{"position": 25}', 25],
      [{}, '{"position": null}', null],
      [{}, '{"position": [1]}', undefined],
      [{}, '{"angle": 25}', undefined],
    ])('%j tells %s as %s', (config, text, value) => {
      expect(new Bench(toCover, { pos_t: 's', ...config }).values(text).position).toBe(value);
    });

    test('before there was a template of its own, it shared the one of the state', () => {
      const bench = new Bench(toCover, { pos_t: 's', val_tpl: '{{ value_json.pos }}' });
      expect(bench.values('{"pos":7}').position).toBe(7);
    });

    test('is sent in the range of the device', () => {
      const inverted = { set_pos_t: 'c', pos_open: 0, pos_clsd: 255 };
      expect(sent(new Bench(toCover, inverted), position(100))).toEqual(['c 0']);
      expect(sent(new Bench(toCover, inverted), position(20))).toEqual(['c 204']);
      const tpl =
        '{{ value }} {{ position }} {{ position_open }} {{ position_closed }} {{ tilt_min }} {{ tilt_max }}';
      const bench = new Bench(toCover, { ...inverted, set_pos_tpl: tpl });
      expect(sent(bench, position(20))).toEqual(['c 204 20 0 255 0 100']);
      expect(sent(new Bench(toCover, blind), position(33))).toEqual([
        'zigbee2mqtt/office blind/set { "position": 33 }',
      ]);
    });
  });

  describe('tilt', () => {
    test.each([
      [{}, '50', 50],
      [{ tilt_max: 180 }, '45', 25],
      [{ tilt_min: 100, tilt_max: 0 }, '30', 70],
      [{ tilt_clsd_val: 100, tilt_opnd_val: 0 }, '30', 70],
      [{ tilt_opnd_val: 50 }, '50', 50],
      [{}, '101', undefined],
      [{}, '-1', undefined],
      [{}, 'None', null],
      [{}, 'flat', undefined],
    ])('%j tells %s as %s', (config, text, value) => {
      expect(new Bench(toCover, { tilt_status_t: 's', ...config }).values(text).tilt).toBe(value);
    });

    test('may come with the position', () => {
      const both = '{"position": 10, "tilt_position": 20}';
      const bench = new Bench(toCover, { pos_t: 's', tilt_cmd_t: 'c' });
      expect(bench.values(both)).toEqual({ open_close: 'open', position: 10, tilt: 20 });
      expect(new Bench(toCover, { pos_t: 's' }).values(both)).toEqual({ open_close: 'open', position: 10 });
    });

    test('is sent in its range', () => {
      expect(sent(new Bench(toCover, { tilt_cmd_t: 'c', tilt_max: 180 }), tilt(25))).toEqual(['c 45']);
      const bench = new Bench(toCover, {
        tilt_cmd_t: 'c',
        tilt_min: 90,
        tilt_max: -90,
        tilt_cmd_tpl: '{{ value }} {{ tilt_position }} {{ tilt_min }} {{ tilt_max }}',
      });
      expect(sent(bench, tilt(50))).toEqual(['c 0 50 90 -90']);
    });
  });

  describe('orders', () => {
    test('in words of its own, with the QoS and the retain of the configuration', () => {
      const bench = new Bench(toCover, { ...garage, pl_open: 'UP', pl_cls: 0, qos: 1, ret: 'true' });
      expect(sent(bench, open)).toEqual(['garage/set UP']);
      expect(bench.codec.encode?.([close]).messages).toEqual([
        { topic: 'garage/set', payload: '0', qos: 1, retain: true },
      ]);
    });

    test('null takes an order away', () => {
      const bench = new Bench(toCover, { ...garage, pl_stop: null });
      expect(bench.codec.capabilities[0]?.commands).toEqual(['open', 'close']);
      expect(refusal(bench, stop)).toMatchObject({
        kind: 'invalid',
        message: expect.stringMatching(/open, close/),
      });
      const dumb = new Bench(toCover, { ...garage, pl_stop: null, pl_open: null, pl_cls: null });
      expect(dumb.codec.capabilities[0]).toMatchObject({ writable: false });
    });

    test('several in one command go out one after the other', () => {
      expect(sent(new Bench(toCover, blind), position(10), tilt(20))).toEqual([
        'zigbee2mqtt/office blind/set { "position": 10 }',
        'zigbee2mqtt/office blind/set/tilt 20',
      ]);
    });

    test('what it does not take is refused', () => {
      expect(refusal(new Bench(toCover, { stat_t: 's' }), open).message).toMatch(/can't set open_close/);
      expect(refusal(new Bench(toCover, garage), position(5)).message).toMatch(/can't set position/);
      expect(refusal(new Bench(toCover, blind)).message).toMatch(/sets nothing/);
      expect(refusal(new Bench(toCover, blind), { kind: 'position', value: 'up' }).kind).toBe('invalid');
      expect(refusal(new Bench(toCover, blind), { kind: 'open_close', value: true }).kind).toBe('invalid');
    });
  });

  describe('taken at its word', () => {
    test('what nobody reports', () => {
      const bench = new Bench(toCover, { cmd_t: 'c', set_pos_t: 'c', tilt_cmd_t: 'c' });
      expect(assumed(bench, open)).toEqual({ open_close: 'open', position: 100 });
      expect(assumed(bench, close)).toEqual({ open_close: 'closed', position: 0 });
      expect(assumed(bench, position(40), tilt(5))).toEqual({ open_close: 'open', position: 40, tilt: 5 });
      expect(assumed(bench, stop)).toEqual({});
      expect(assumed(new Bench(toCover, { cmd_t: 'c' }), close)).toEqual({ open_close: 'closed' });
    });

    test('nothing that is reported, unless it is said to be optimistic', () => {
      expect(assumed(new Bench(toCover, blind), open, tilt(1))).toEqual({});
      expect(assumed(new Bench(toCover, { cmd_t: 'c', pos_t: 's' }), open)).toEqual({});
      expect(assumed(new Bench(toCover, { ...garage, set_pos_t: 'c' }), position(9))).toEqual({
        position: 9,
      });
      expect(assumed(new Bench(toCover, { ...garage, opt: 'true' }), open)).toEqual({ open_close: 'open' });
      expect(assumed(new Bench(toCover, { ...garage, opt: 'false' }), open)).toEqual({});
      expect(assumed(new Bench(toCover, { ...blind, tilt_opt: true }), open, tilt(1))).toEqual({ tilt: 1 });
    });
  });

  test('whatever is configured and told', () => {
    checkAnything(toCover, {
      ...blind,
      position_open: 100,
      position_closed: 0,
      tilt_min: 0,
      tilt_max: 100,
      payload_stop: 'STOP',
      optimistic: false,
      tilt_closed_value: 0,
      tilt_opened_value: 100,
    });
  });
});
