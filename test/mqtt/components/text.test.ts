import { describe, expect, test } from 'vitest';

import { toTextSetting } from '../../../src/mqtt/components/text.ts';
import { Bench, checkHostile } from './codec-bench.ts';

describe('text', () => {
  const label = { cmd_t: 'set', stat_t: 's' };

  test('is a text of 0 to 255 characters, or as many as are said', () => {
    const bench = new Bench(toTextSetting, label);
    expect(bench.codec.capabilities).toEqual([
      { kind: 'text', unit: null, range: { min: 0, max: 255 }, writable: true },
    ]);
    expect(bench.readings('Hello')).toEqual([{ kind: 'text', value: 'Hello', raw: 'Hello' }]);
    expect([bench.value(''), bench.value('None'), bench.value('unknown')]).toEqual(['', null, 'unknown']);
    const range = (config: Record<string, unknown>) =>
      new Bench(toTextSetting, { ...label, ...config }).codec.capabilities[0]?.range;
    expect(range({ min: '2', max: '8' })).toEqual({ min: 2, max: 8 });
    expect(range({ min: -3, max: 1e9 })).toEqual({ min: 0, max: 1024 });
    expect(() => range({ min: 9, max: 8 })).toThrow(/min 9 is above its max 8/);
  });

  test('an empty text where none may be empty is unknown', () => {
    expect(new Bench(toTextSetting, { ...label, min: 1 }).value('')).toBeNull();
  });

  test('sends what fits', () => {
    const bench = new Bench(toTextSetting, { ...label, min: 2, max: 4, cmd_tpl: '{{ value | upper }}' });
    expect(bench.sent('text', 'abc')).toEqual(['set ABC']);
    expect(() => bench.sent('text', 'a')).toThrow(/2 to 4 characters/);
    expect(() => bench.sent('text', 'abcde')).toThrow(/2 to 4 characters/);
  });

  test('a text that does not begin as the pattern says is refused', () => {
    const bench = new Bench(toTextSetting, { ...label, pattern: '[0-9]{3}$' });
    expect(bench.sent('text', '123')).toEqual(['set 123']);
    expect(() => bench.sent('text', '12a')).toThrow(/form/);
    expect(() => bench.sent('text', 'x123')).toThrow(/form/);
  });

  test('a pattern that can not be followed safely is left to the device', () => {
    expect(new Bench(toTextSetting, { ...label, pattern: '(?=a)b' }).sent('text', 'z')).toEqual(['set z']);
    const costly = new Bench(toTextSetting, { ...label, pattern: '(a+)+$' });
    const before = performance.now();
    expect(() => costly.sent('text', `${'a'.repeat(200)}!`)).toThrow(/form/);
    expect(performance.now() - before).toBeLessThan(1000);
  });

  test('a password is written and never read', () => {
    const secret = new Bench(toTextSetting, { ...label, mode: 'password', opt: true });
    expect([secret.codec.topics, secret.codec.sources]).toEqual([[], []]);
    expect(secret.readings('swordfish')).toEqual([]);
    expect(secret.sent('text', 'swordfish')).toEqual(['set swordfish']);
    expect(secret.assumed('text', 'swordfish')).toEqual([]);
    expect(new Bench(toTextSetting, { cmd_t: 'set', mode: 'PASSWORD' }).assumed('text', 'x')).toEqual([]);
  });

  test('is believed at once only where nobody reports', () => {
    expect(new Bench(toTextSetting, label).assumed('text', 'a')).toEqual([]);
    expect(new Bench(toTextSetting, { cmd_t: 'set' }).assumed('text', 'a')).toEqual([
      { kind: 'text', value: 'a' },
    ]);
    expect(() => new Bench(toTextSetting, { stat_t: 's' })).toThrow(/no command_topic/);
  });

  test('any configuration and any payload', () => {
    checkHostile(toTextSetting, label, [
      'min',
      'max',
      'pattern',
      'mode',
      'value_template',
      'command_template',
    ]);
  });
});
