import type { Config } from '../../components/fields.ts';
import type { ComponentSpec } from '../../discovery/description.ts';

import { findFeature, isReadable, propertyTemplate, type Expose } from './expose.ts';
import { setTopic, toComponent, toMainName, toObjectId, type Target } from './target.ts';
import { toSwitching } from './values.ts';

export const FAN_FEATURES = new Set(['state', 'mode', 'speed']);

/** Modes that are speeds, the slowest first; `on` is the fastest of the standard's. */
const SPEEDS = ['low', 'medium', 'high', 'on', '1', '2', '3', '4', '5', '6', '7', '8', '9', '10'];

export function toFan(target: Target, fan: Expose): ComponentSpec[] {
  const state = findFeature(fan, 'state');
  if (!state) return [];
  const { value_template: template, ...switching } = toSwitching(target, state);
  const speed = findFeature(fan, 'speed');
  const mode = findFeature(fan, 'mode');
  return [
    toComponent(target, 'fan', toObjectId('fan', fan), {
      name: toMainName(fan),
      ...switching,
      ...(template === undefined ? {} : { state_value_template: template }),
      ...(speed ? toSpeed(target, speed) : mode ? toModeSpeed(target, mode) : {}),
      ...(mode ? toPresets(target, mode) : {}),
    }),
  ];
}

function toSpeed(target: Target, speed: Expose): Config {
  return {
    percentage_command_topic: setTopic(target, speed.property),
    ...toState(target, 'percentage', speed, propertyTemplate(speed.property)),
    speed_range_min: Math.max(speed.min ?? 1, 1),
    speed_range_max: speed.max ?? 254,
  };
}

/** A mode's name stands for a speed. */
function toModeSpeed(target: Target, mode: Expose): Config {
  const speeds = listSpeeds(mode);
  if (speeds.length === 0) return {};
  const toNumber = { off: 0, ...Object.fromEntries(speeds.map((name, at) => [name, at + 1])) };
  return {
    percentage_command_topic: setTopic(target, mode.property),
    percentage_command_template: `{{ ${JSON.stringify(speeds)}[(value | int) - 1] }}`,
    ...toState(
      target,
      'percentage',
      mode,
      `{% set m = value_json["${mode.property}"] %}{{ ${JSON.stringify(toNumber)}[m] | default("") if m is string else m }}`,
    ),
    speed_range_min: 1,
    speed_range_max: speeds.length,
  };
}

function toPresets(target: Target, mode: Expose): Config {
  const speeds = new Set(listSpeeds(mode));
  const presets = mode.values.filter((name) => name !== 'off' && !speeds.has(name));
  if (presets.length === 0) return {};
  // At a speed there is no preset.
  const template =
    `{% set m = value_json["${mode.property}"] %}` +
    `{% if m is string %}{{ m if m in ${JSON.stringify(presets)} else "None" }}{% endif %}`;
  return {
    preset_modes: presets,
    preset_mode_command_topic: setTopic(target, mode.property),
    ...toState(target, 'preset_mode', mode, template),
  };
}

function toState(target: Target, name: string, feature: Expose, template: string): Config {
  if (!isReadable(feature)) return {};
  return { [`${name}_state_topic`]: target.topic, [`${name}_value_template`]: template };
}

function listSpeeds({ values }: Expose): string[] {
  return SPEEDS.filter((name) => values.includes(name));
}
