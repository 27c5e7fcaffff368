import { describe, expect, test } from 'vitest';

import { toBasicLight } from '../../../src/mqtt/components/light-basic.ts';
import { toJsonLight } from '../../../src/mqtt/components/light-json.ts';
import { toTemplateLight } from '../../../src/mqtt/components/light-template.ts';
import { Bench, checkHostile } from './codec-bench.ts';

describe('where the values of a light come from', () => {
  test('a topic for each property; what the light can not do has no source', () => {
    const { codec } = new Bench(toBasicLight, {
      cmd_t: 'x',
      stat_t: 's',
      stat_val_tpl: '{{ value_json.on }}',
      bri_stat_t: 'b',
      bri_cmd_t: 'b/set',
      clr_temp_stat_t: 't',
      rgb_stat_t: 'rgb',
      rgb_cmd_t: 'rgb/set',
    });
    expect(codec.sources).toEqual([
      { kind: 'on_off', topic: 's', template: '{{ value_json.on }}' },
      { kind: 'brightness', topic: 'b', template: null },
      { kind: 'color_hs', topic: 'rgb', template: null },
    ]);
  });

  test('JSON: the properties of one topic', () => {
    const config = { cmd_t: 'x', stat_t: 's', sup_clrm: ['color_temp'] };
    expect(new Bench(toJsonLight, config).codec.sources).toEqual([
      { kind: 'on_off', topic: 's', template: '{{ value_json.state }}' },
      { kind: 'brightness', topic: 's', template: '{{ value_json.brightness }}' },
      { kind: 'color_temperature', topic: 's', template: '{{ value_json.color_temp }}' },
    ]);
    expect(new Bench(toJsonLight, { cmd_t: 'x' }).codec.sources).toEqual([]);
  });

  const template = {
    cmd_t: 'x',
    stat_t: 's',
    command_on_template: 'on',
    command_off_template: 'off',
    state_template: '{{ value_json.s }}',
    brightness_template: '{{ value_json.b }}',
  };

  test('templates: one for each property', () => {
    expect(new Bench(toTemplateLight, template).codec.sources).toEqual([
      { kind: 'on_off', topic: 's', template: '{{ value_json.s }}' },
      { kind: 'brightness', topic: 's', template: '{{ value_json.b }}' },
    ]);
  });

  test('any configuration and any payload', () => {
    const colours = ['rgb_state_topic', 'rgb_command_topic', 'brightness_state_topic', 'effect_list'];
    checkHostile(toBasicLight, { cmd_t: 'x', stat_t: 's', bri_cmd_t: 'y' }, colours);
    checkHostile(toJsonLight, { cmd_t: 'x', stat_t: 's' }, [
      'supported_color_modes',
      'min_mireds',
      'effect_list',
    ]);
    checkHostile(toTemplateLight, template, ['red_template', 'green_template', 'blue_template']);
  });
});
