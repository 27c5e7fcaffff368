import { describe, expect, test } from 'vitest';

import { toLawnMower } from '../../../src/mqtt/components/lawn-mower.ts';
import { Bench } from './codec-bench.ts';
import { assumed, checkAnything, order, refusal, sent } from './order-bench.ts';

const start = order('lawn_mower', 'start_mowing');
const pause = order('lawn_mower', 'pause');
const dock = order('lawn_mower', 'dock');

const mower = {
  activity_state_topic: 's',
  activity_value_template: '{{ value_json.activity }}',
  start_mowing_command_topic: 'mower/start',
  start_mowing_command_template: '{"cmd":"{{ value }}"}',
  pause_command_topic: 'mower/pause',
  dock_command_topic: 'mower/dock',
};

describe('lawn_mower', () => {
  test('says what it can do', () => {
    expect(new Bench(toLawnMower, mower).codec).toMatchObject({
      capabilities: [
        {
          kind: 'lawn_mower',
          writable: true,
          options: ['mowing', 'paused', 'docked', 'returning', 'error'],
          commands: ['start_mowing', 'pause', 'dock'],
        },
      ],
      topics: ['s'],
      sources: [{ kind: 'lawn_mower', topic: 's', template: '{{ value_json.activity }}' }],
    });
    const only = new Bench(toLawnMower, { dock_command_topic: 'd' });
    expect(only.codec.capabilities[0]?.commands).toEqual(['dock']);
    const silent = new Bench(toLawnMower, { activity_state_topic: 's' });
    expect(silent.codec.capabilities).toMatchObject([{ writable: false }]);
    expect(() => new Bench(toLawnMower, {})).toThrow(/names no topic/);
  });

  test.each(['mowing', 'paused', 'docked', 'returning', 'error'])('tells %s', (activity) => {
    const bench = new Bench(toLawnMower, mower);
    expect(bench.readings(JSON.stringify({ activity }))).toEqual([
      { kind: 'lawn_mower', value: activity, raw: activity },
    ]);
  });

  test('unknown is null, another word says nothing', () => {
    const bench = new Bench(toLawnMower, mower);
    const tell = (activity: unknown): unknown => bench.value(JSON.stringify({ activity }));
    expect([null, 'none', 'NONE', 'unknown'].map(tell)).toEqual([null, null, null, null]);
    expect(['Mowing', 'sleeping', 1].map(tell)).toEqual([undefined, undefined, undefined]);
    expect(bench.value('{"battery":3}')).toBeUndefined();
  });

  test('each order has a topic and a template of its own', () => {
    const bench = new Bench(toLawnMower, mower);
    expect(sent(bench, start)).toEqual(['mower/start {"cmd":"start_mowing"}']);
    expect(sent(bench, pause)).toEqual(['mower/pause pause']);
    expect(sent(bench, dock)).toEqual(['mower/dock dock']);
    expect(refusal(new Bench(toLawnMower, { dock_command_topic: 'd' }), pause).message).toMatch(
      /takes one of dock/,
    );
    expect(refusal(bench, { kind: 'on_off', value: true }).kind).toBe('invalid');
  });

  test('is taken at its word where it tells nothing or is optimistic', () => {
    const { activity_state_topic: _, ...silent } = mower;
    const bench = new Bench(toLawnMower, silent);
    expect(assumed(bench, start)).toEqual({ lawn_mower: 'mowing' });
    expect(assumed(bench, pause)).toEqual({ lawn_mower: 'paused' });
    expect(assumed(bench, dock)).toEqual({ lawn_mower: 'docked' });
    expect(assumed(new Bench(toLawnMower, mower), dock)).toEqual({});
    expect(assumed(new Bench(toLawnMower, { ...mower, opt: true }), dock)).toEqual({ lawn_mower: 'docked' });
  });

  test('whatever is configured and told', () => {
    checkAnything(toLawnMower, { ...mower, optimistic: true });
  });
});
