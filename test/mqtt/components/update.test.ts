import { describe, expect, test } from 'vitest';

import { toUpdate } from '../../../src/mqtt/components/update.ts';
import { Bench, checkHostile } from './codec-bench.ts';

describe('update', () => {
  const json = { stat_t: 's', cmd_t: 'ota/update', pl_inst: '{"id":"0x01"}' };

  test('tells the state and both versions, and takes install', () => {
    const bench = new Bench(toUpdate, json);
    expect(bench.codec.capabilities).toEqual([
      {
        kind: 'update',
        unit: null,
        range: null,
        writable: true,
        options: ['up_to_date', 'available', 'installing'],
        commands: ['install'],
      },
      { kind: 'installed_version', unit: null, range: null, writable: false },
      { kind: 'latest_version', unit: null, range: null, writable: false },
    ]);
    expect(bench.sent('update', 'install')).toEqual(['ota/update {"id":"0x01"}']);
    expect(bench.assumed('update', 'install')).toEqual([]);
    expect(() => bench.sent('update', 'skip')).toThrow(/takes "install"/);
  });

  test('can only be read without a topic or without a word for the order', () => {
    for (const config of [{ stat_t: 's' }, { stat_t: 's', cmd_t: 'x' }, { stat_t: 's', pl_inst: 'x' }]) {
      const { codec } = new Bench(toUpdate, config);
      expect(codec.encode).toBeUndefined();
      expect(codec.capabilities[0]).toMatchObject({ writable: false });
      expect(codec.capabilities[0]).not.toHaveProperty('commands');
    }
  });

  test.each([
    ['1.2.0', '1.10.0', 'available'],
    ['1.10.0', '1.2.0', 'up_to_date'],
    ['v2.0', '2', 'up_to_date'],
    [16, 17, 'available'],
    ['20240101/1.7-gab', '20240301/1.8-gcd', 'available'],
    ['same-text', 'same-text', 'up_to_date'],
    [null, '2.0', null],
    ['1.0', 'None', null],
    ['-1', -1, null],
  ])('%s, and %s is the latest: %s', (installed_version, latest_version, state) => {
    const { update } = new Bench(toUpdate, json).values(
      JSON.stringify({ installed_version, latest_version }),
    );
    expect(update).toBe(state);
  });

  test('is installing while it says so', () => {
    const bench = new Bench(toUpdate, json);
    const told = (state: Record<string, unknown>) => bench.values(JSON.stringify(state)).update;
    expect(told({ installed_version: '1', latest_version: '2', in_progress: false })).toBe('available');
    expect(told({ update_percentage: 12 })).toBe('installing');
    expect(told({ update_percentage: null })).toBe('available');
    expect(told({ in_progress: true })).toBe('installing');
    expect(told({ in_progress: 'false' })).toBe('available');
    expect(told({ in_progress: 40 })).toBe('installing');
    expect(told({ update_percentage: null, in_progress: false, installed_version: '2' })).toBe('up_to_date');
  });

  test('a message about something else says nothing', () => {
    const bench = new Bench(toUpdate, json);
    for (const text of ['{}', '', '{"title":"Firmware"}', '{"installed_version":}'])
      expect(bench.readings(text)).toEqual([]);
  });

  test('a plain payload is the installed version, the latest one comes on a topic of its own', () => {
    const bench = new Bench(toUpdate, {
      stat_t: 's',
      val_tpl: '{{ value_json.now }}',
      l_ver_t: 'latest',
      l_ver_tpl: '{{ value_json.v }}',
    });
    expect(bench.codec.topics).toEqual(['s', 'latest']);
    expect(bench.readings('{"now":"1.5"}')).toEqual([
      { kind: 'update', value: null },
      { kind: 'installed_version', value: '1.5', raw: '1.5' },
    ]);
    expect(bench.values('{"v":"1.6"}', 'latest')).toEqual({ update: 'available', latest_version: '1.6' });
    expect(bench.readings('{"x":1}', 'latest')).toEqual([]);
    expect(bench.codec.sources).toContainEqual({
      kind: 'latest_version',
      topic: 'latest',
      template: '{{ value_json.v }}',
    });
  });

  test('both versions may come in one message', () => {
    const bench = new Bench(toUpdate, {
      stat_t: 's',
      val_tpl: '{{ value_json.now }}',
      l_ver_t: 's',
      l_ver_tpl: '{{ value_json.new }}',
    });
    expect(bench.codec.topics).toEqual(['s']);
    expect(bench.values('{"now":"a","new":"b"}')).toEqual({
      update: 'available',
      installed_version: 'a',
      latest_version: 'b',
    });
  });

  test('needs something to listen to', () => {
    expect(() => new Bench(toUpdate, { cmd_t: 'x', pl_inst: 'y' })).toThrow(/no state_topic/);
  });

  test('any configuration and any payload', () => {
    checkHostile(toUpdate, json, ['latest_version_topic', 'latest_version_template', 'value_template']);
  });
});
