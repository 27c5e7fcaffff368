import { describe, expect, test } from 'vitest';

import { toLock } from '../../../src/mqtt/components/lock.ts';
import { Bench } from './codec-bench.ts';
import { assumed, checkAnything, order, refusal, sent } from './order-bench.ts';

const lock = order('locked', 'lock');
const unlock = order('locked', 'unlock');
const open = order('locked', 'open');

const door = { cmd_t: 'door/set', stat_t: 's' };
/** Numbers tell the state, other ones are the orders. */
const nuki = {
  ...door,
  pl_lock: 2,
  pl_unlk: '1',
  pl_open: '3',
  val_tpl: '{% if value in ("5", "6", "7") %}5{% else %}{{ value }}{% endif %}',
  stat_locked: 1,
  stat_unlocking: '2',
  stat_unlocked: '3',
  stat_locking: 4,
  stat_open: '5',
  stat_opening: '8',
  stat_jam: 254,
  pl_rst: 255,
};

describe('lock', () => {
  test('says what it can do', () => {
    const options = ['locked', 'locking', 'unlocked', 'unlocking', 'jammed', 'open', 'opening'];
    const base = { kind: 'locked', unit: null, range: null, writable: true, options };
    expect(new Bench(toLock, door).codec).toMatchObject({
      capabilities: [{ ...base, commands: ['lock', 'unlock'] }],
      topics: ['s'],
      sources: [{ kind: 'locked', topic: 's', template: null }],
    });
    expect(new Bench(toLock, nuki).codec.capabilities[0]?.commands).toEqual(['lock', 'unlock', 'open']);
    expect(new Bench(toLock, nuki).codec.capabilities[0]).not.toHaveProperty('needsCode');
    expect(() => new Bench(toLock, { stat_t: 's' })).toThrow(/no command_topic/);
  });

  test.each([
    ['LOCKED', 'locked'],
    ['LOCKING', 'locking'],
    ['UNLOCKED', 'unlocked'],
    ['UNLOCKING', 'unlocking'],
    ['JAMMED', 'jammed'],
    ['OPEN', 'open'],
    ['OPENING', 'opening'],
    ['None', null],
    ['unknown', null],
    ['', null],
    ['locked', undefined],
    ['ajar', undefined],
  ])('%s is %s', (text, value) => {
    expect(new Bench(toLock, door).value(text)).toBe(value);
  });

  test('numbers as words, and one that resets', () => {
    const bench = new Bench(toLock, nuki);
    const told = ['1', '2', '3', '4', '6', '8', '254', '255', '0'].map((text) => bench.value(text));
    expect(told).toEqual([
      'locked',
      'unlocking',
      'unlocked',
      'locking',
      'open',
      'opening',
      'jammed',
      null,
      undefined,
    ]);
    expect(sent(bench, lock)).toEqual(['door/set 2']);
    expect(sent(bench, unlock)).toEqual(['door/set 1']);
    expect(sent(bench, open)).toEqual(['door/set 3']);
  });

  test('what it does not take is refused', () => {
    expect(refusal(new Bench(toLock, door), open).message).toMatch(/lock, unlock/);
    expect(refusal(new Bench(toLock, door), { kind: 'on_off', value: true }).message).toMatch(
      /can't set on_off/,
    );
    expect(refusal(new Bench(toLock, { ...door, pl_unlk: null }), unlock).kind).toBe('invalid');
  });

  test('a code goes where the template puts it, and nowhere else', () => {
    const tpl = '{ "action": "{{ value }}", "code": "{{ code }}" }';
    const bench = new Bench(toLock, { ...door, cmd_tpl: tpl, code_format: '^\\d{4}$' });
    expect(bench.codec.capabilities[0]).toMatchObject({ needsCode: true });
    expect(sent(bench, order('locked', 'unlock', '1234'))).toEqual([
      'door/set { "action": "UNLOCK", "code": "1234" }',
    ]);
    expect(sent(new Bench(toLock, { ...door, code_format: '.+' }), order('locked', 'lock', '9'))).toEqual([
      'door/set LOCK',
    ]);
    expect(
      sent(new Bench(toLock, { ...door, cmd_tpl: '{{ value }}{{ code if code else "" }}' }), lock),
    ).toEqual(['door/set LOCK']);
  });

  test('a missing or malformed code is refused before anything is sent', () => {
    const bench = new Bench(toLock, { ...door, code_format: '^\\d{4}$' });
    expect(refusal(bench, unlock)).toMatchObject({
      kind: 'invalid',
      message: 'The lock asks for its code: send {"command": "unlock", "code": …}.',
    });
    expect(refusal(bench, order('locked', 'unlock', '')).message).toMatch(/asks for its code/);
    const { message } = refusal(bench, order('locked', 'unlock', 'secret-77'));
    expect(message).toMatch(/form of this lock's codes/);
    expect(message).not.toContain('secret-77');
  });

  test('a template that fails does not give the code away', () => {
    const bench = new Bench(toLock, { ...door, cmd_tpl: '{{ code | int }}' });
    expect(sent(bench, order('locked', 'unlock', '0042'))).toEqual(['door/set 42']);
    const error = refusal(bench, order('locked', 'unlock', 'secret-77'));
    expect(error).toMatchObject({ kind: 'invalid', message: expect.stringMatching(/can't take that code/) });
    expect(error.cause).toBeUndefined();
    expect(refusal(bench, lock).message).toMatch(/command template failed/);
  });

  test('a pattern that can not be checked is left to the lock, and none can hold up the hub', () => {
    const code = order('locked', 'lock', `${'a'.repeat(60)}!`);
    expect(sent(new Bench(toLock, { ...door, code_format: '(?=x)' }), code)).toEqual(['door/set LOCK']);
    const started = performance.now();
    expect(refusal(new Bench(toLock, { ...door, code_format: '^(a+)+$' }), code).kind).toBe('invalid');
    expect(performance.now() - started).toBeLessThan(500);
  });

  test('is taken at its word where it tells nothing or is optimistic', () => {
    expect(assumed(new Bench(toLock, door), lock)).toEqual({});
    const silent = new Bench(toLock, { cmd_t: 'c', pl_open: 'OPEN' });
    expect(assumed(silent, lock)).toEqual({ locked: 'locked' });
    expect(assumed(silent, unlock)).toEqual({ locked: 'unlocked' });
    expect(assumed(silent, open)).toEqual({ locked: 'open' });
    expect(assumed(new Bench(toLock, { ...door, opt: 'true' }), lock)).toEqual({ locked: 'locked' });
  });

  test('whatever is configured and told', () => {
    checkAnything(toLock, {
      ...nuki,
      code_format: '^\\d+$',
      command_template: '{{ value }}',
      optimistic: true,
    });
  });
});
