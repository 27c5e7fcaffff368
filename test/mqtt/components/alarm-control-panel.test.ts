import { describe, expect, test } from 'vitest';

import { toAlarmControlPanel } from '../../../src/mqtt/components/alarm-control-panel.ts';
import { Bench } from './codec-bench.ts';
import { checkAnything, order, refusal, sent } from './order-bench.ts';

const house = { cmd_t: 'alarm/set', stat_t: 's' };
const armAway = order('alarm', 'arm_away');
const disarm = order('alarm', 'disarm');

const bench = (config: Record<string, unknown> = {}): Bench =>
  new Bench(toAlarmControlPanel, { ...house, ...config });
const commands = (config: Record<string, unknown>): readonly string[] | undefined =>
  bench(config).codec.capabilities[0]?.commands;

describe('alarm_control_panel', () => {
  test('says what it can do', () => {
    expect(bench().codec).toMatchObject({
      capabilities: [{ kind: 'alarm', writable: true, options: expect.arrayContaining(['armed_home']) }],
      topics: ['s'],
      sources: [{ kind: 'alarm', topic: 's', template: null }],
    });
    expect(commands({})).toEqual([
      'arm_home',
      'arm_away',
      'arm_night',
      'arm_vacation',
      'arm_custom_bypass',
      'trigger',
      'disarm',
    ]);
    expect(commands({ sup_feat: ['arm_home', 'arm_away', 'fly'] })).toEqual([
      'arm_home',
      'arm_away',
      'disarm',
    ]);
    expect(commands({ sup_feat: 'trigger' })).toEqual(['trigger', 'disarm']);
    expect(commands({ sup_feat: [] })).toEqual(['disarm']);
    expect(() => new Bench(toAlarmControlPanel, { cmd_t: 'c' })).toThrow(/no state_topic/);
    expect(() => new Bench(toAlarmControlPanel, { stat_t: 's' })).toThrow(/no command_topic/);
  });

  test.each([
    'disarmed',
    'armed_home',
    'armed_away',
    'armed_night',
    'armed_vacation',
    'armed_custom_bypass',
    'pending',
    'arming',
    'disarming',
    'triggered',
  ])('tells %s', (state) => {
    expect(bench().readings(state)).toEqual([{ kind: 'alarm', value: state, raw: state }]);
  });

  test('unknown is null, and never disarmed; another word says nothing', () => {
    expect(['None', 'null', ''].map((text) => bench().value(text))).toEqual([null, null, null]);
    expect(['DISARMED', 'off', '0'].map((text) => bench().value(text))).toEqual(Array(3).fill(undefined));
    const templated = bench({ val_tpl: '{{ value_json.mode }}' });
    expect([templated.value('{"mode":"arming"}'), templated.value('{}')]).toEqual(['arming', undefined]);
  });

  test('orders in its own words and through its template', () => {
    expect(sent(bench(), armAway)).toEqual(['alarm/set ARM_AWAY']);
    expect(sent(bench({ pl_arm_nite: 3 }), order('alarm', 'arm_night'))).toEqual(['alarm/set 3']);
    expect(sent(bench({ cmd_tpl: '{"do":"{{ action }}"}' }), disarm)).toEqual(['alarm/set {"do":"DISARM"}']);
    expect(bench().codec.encode?.([disarm]).assumed).toEqual([]);
    expect(refusal(bench({ sup_feat: ['arm_home'] }), armAway).message).toMatch(/arm_home, disarm/);
    expect(refusal(bench({ pl_trig: null }), order('alarm', 'trigger')).kind).toBe('invalid');
  });

  describe('a code that the hub checks', () => {
    const local = { code: '1234' };

    test('the right one sends the order without it', () => {
      expect(sent(bench(local), order('alarm', 'disarm', '1234'))).toEqual(['alarm/set DISARM']);
      expect(sent(bench({ code: 1234 }), order('alarm', 'arm_home', '1234'))).toEqual(['alarm/set ARM_HOME']);
    });

    test('it is published where the template asks for it', () => {
      const config = { ...local, cmd_tpl: '{{ action }}:{{ code }}' };
      expect(sent(bench(config), order('alarm', 'disarm', '1234'))).toEqual(['alarm/set DISARM:1234']);
    });

    test.each(['1235', '12345', '123', ' 1234', 'REMOTE_CODE', '0'])('%j is refused', (code) => {
      expect(refusal(bench(local), order('alarm', 'disarm', code))).toMatchObject({
        kind: 'invalid',
        message: 'The code is wrong; the alarm system was not told anything.',
      });
    });

    test('none at all is refused with the way to send it', () => {
      const message = 'The alarm system asks for its code: send {"command": "disarm", "code": …}.';
      expect(refusal(bench(local), disarm)).toMatchObject({ kind: 'invalid', message });
      expect(refusal(bench(local), order('alarm', 'disarm', '')).message).toBe(message);
    });
  });

  describe('a code that the panel checks', () => {
    test.each(['REMOTE_CODE', 'REMOTE_CODE_TEXT'])('%s takes any code, and needs one', (code) => {
      const config = { code, cmd_tpl: '{ "action": "{{ action }}", "code": "{{ code }}" }' };
      expect(sent(bench(config), order('alarm', 'disarm', '0000'))).toEqual([
        'alarm/set { "action": "DISARM", "code": "0000" }',
      ]);
      expect(refusal(bench(config), disarm).message).toMatch(/asks for its code/);
      expect(bench(config).codec.capabilities[0]).toMatchObject({ needsCode: true });
    });
  });

  test.each([
    [{}, false],
    [{ code: '' }, false],
    [{ code: '1' }, true],
    [{ code: '1', cod_arm_req: false }, false],
    [{ code: '1', cod_dis_req: 'false' }, false],
    [{ code: '1', cod_trig_req: false }, false],
    [{ code: '1', cod_trig_req: false, sup_feat: ['arm_home'] }, true],
  ])('%j: every order needs a code: %s', (config, needsCode) => {
    expect(bench(config).codec.capabilities[0]?.needsCode ?? false).toBe(needsCode);
  });

  test('each order asks for the code only where it is required', () => {
    const arm = bench({ code: '1', cod_arm_req: false });
    expect(sent(arm, armAway)).toEqual(['alarm/set ARM_AWAY']);
    expect(refusal(arm, disarm).message).toMatch(/asks for its code/);
    const panic = bench({ code: '1', cod_trig_req: false });
    expect(sent(panic, order('alarm', 'trigger'))).toEqual(['alarm/set TRIGGER']);
    expect(refusal(panic, armAway).message).toMatch(/asks for its code/);
    expect(sent(bench({ code: '1', cod_dis_req: false }), disarm)).toEqual(['alarm/set DISARM']);
  });

  test('whatever is configured and told', () => {
    checkAnything(toAlarmControlPanel, {
      ...house,
      code: '1',
      code_arm_required: true,
      supported_features: ['arm_home'],
      command_template: '{{ action }} {{ code }}',
      value_template: '{{ value }}',
      payload_disarm: 'DISARM',
    });
  });
});
