import { describe, expect, test } from 'vitest';

import { toScene } from '../../../src/mqtt/components/scene.ts';
import { Bench, checkHostile } from './codec-bench.ts';

describe('scene', () => {
  const chill = { cmd_t: 'zigbee2mqtt/living/set', pl_on: '{ "scene_recall": 3 }', name: 'Chill' };

  test('takes activate and has no value', () => {
    const bench = new Bench(toScene, chill);
    expect(bench.codec.capabilities).toEqual([
      { kind: 'scene', unit: null, range: null, writable: true, commands: ['activate'] },
    ]);
    expect(bench.sent('scene', 'activate')).toEqual(['zigbee2mqtt/living/set { "scene_recall": 3 }']);
    expect(bench.assumed('scene', 'activate')).toEqual([]);
    expect(new Bench(toScene, { cmd_t: 'x' }).sent('scene', 'activate')).toEqual(['x ON']);
  });

  test('a template is no part of it', () => {
    const bench = new Bench(toScene, { ...chill, pl_on: 'go', command_template: 'not {{ value }}' });
    expect(bench.sent('scene', 'activate')).toEqual(['zigbee2mqtt/living/set go']);
  });

  test('refuses another order, and a configuration without a topic', () => {
    expect(() => new Bench(toScene, chill).sent('scene', 'on')).toThrow(/takes "activate"/);
    expect(() => new Bench(toScene, { pl_on: 'ON' })).toThrow(/no command_topic/);
  });

  test('any configuration and any payload', () => {
    checkHostile(toScene, chill, ['payload_on', 'retain', 'qos']);
  });
});
