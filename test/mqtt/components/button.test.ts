import { describe, expect, test } from 'vitest';

import { toButton } from '../../../src/mqtt/components/button.ts';
import { Bench, checkHostile } from './codec-bench.ts';

describe('button', () => {
  const restart = { cmd_t: 'plug/rpc', pl_prs: '{"method":"Reboot"}', dev_cla: 'restart', ret: true, qos: 1 };

  test('takes press and has no value', () => {
    const { codec } = new Bench(toButton, restart);
    expect(codec.capabilities).toEqual([
      { kind: 'button', unit: null, range: null, writable: true, commands: ['press'] },
    ]);
    expect([codec.topics, codec.sources]).toEqual([[], []]);
    expect(codec.encode?.([{ kind: 'button', value: 'press' }])).toEqual({
      messages: [{ topic: 'plug/rpc', payload: '{"method":"Reboot"}', qos: 1, retain: true }],
      assumed: [],
    });
  });

  test('sends PRESS where nothing else is said, or what its template makes of it', () => {
    expect(new Bench(toButton, { cmd_t: 'b/set' }).sent('button', 'press')).toEqual(['b/set PRESS']);
    const template = { cmd_t: 'b/set', pl_prs: 'go', cmd_tpl: '{"do":"{{ value }}"}' };
    expect(new Bench(toButton, template).sent('button', 'press')).toEqual(['b/set {"do":"go"}']);
  });

  test('refuses another order, and a configuration that it can not use', () => {
    const bench = new Bench(toButton, restart);
    expect(() => bench.sent('button', 'hold')).toThrow(/takes "press"/);
    expect(() => bench.sent('button', true)).toThrow(/takes "press"/);
    expect(() => new Bench(toButton, {})).toThrow(/no command_topic/);
    expect(() => new Bench(toButton, { cmd_t: 'a/#' })).toThrow(/not an MQTT topic/);
    expect(() => new Bench(toButton, { cmd_t: 'a', cmd_tpl: '{{' })).toThrow(/templates can't be used/);
  });

  test('any configuration and any payload', () => {
    checkHostile(toButton, restart, ['command_template', 'payload_press', 'command_topic']);
  });
});
