import type { Config } from '../../components/fields.ts';
import type { ComponentSpec } from '../../discovery/description.ts';

import { findFeature, isReadable, isWritable, propertyTemplate, type Expose } from './expose.ts';
import { setTopic, toComponent, toMainName, toObjectId, type Target } from './target.ts';

export const CLIMATE_FEATURES = new Set([
  'current_heating_setpoint',
  'fan_mode',
  'local_temperature',
  'occupied_cooling_setpoint',
  'occupied_heating_setpoint',
  'preset',
  'running_state',
  'swing_mode',
  'system_mode',
]);

/** What Zigbee2MQTT and Home Assistant both call a mode. */
const MODES = new Set(['auto', 'cool', 'dry', 'fan_only', 'heat', 'heat_cool', 'off']);

/** Their words for what a device does at the moment. */
const ACTIONS = { idle: 'idle', heat: 'heating', cool: 'cooling', fan_only: 'fan', off: 'off' };

export function toClimate(target: Target, climate: Expose): ComponentSpec[] {
  if (!climate.features.some(({ name }) => CLIMATE_FEATURES.has(name))) return [];
  const current = findFeature(climate, 'local_temperature');
  const humidity = target.exposes.find(({ name, type }) => name === 'humidity' && type === 'numeric');
  return [
    toComponent(target, 'climate', toObjectId('climate', climate), {
      name: toMainName(climate),
      temperature_unit: 'C',
      ...(current
        ? toReading(target, current, 'current_temperature_topic', 'current_temperature_template')
        : {}),
      ...(humidity ? toReading(target, humidity, 'current_humidity_topic', 'current_humidity_template') : {}),
      ...toSetpoints(target, climate),
      ...toModes(target, climate),
      ...toAction(target, findFeature(climate, 'running_state')),
      ...toChoice(target, 'fan_mode', 'fan_mode_state_template', findFeature(climate, 'fan_mode')),
      ...toChoice(target, 'swing_mode', 'swing_mode_state_template', findFeature(climate, 'swing_mode')),
      ...toChoice(target, 'preset_mode', 'preset_mode_value_template', findFeature(climate, 'preset')),
    }),
  ];
}

function toReading(target: Target, feature: Expose, topicKey: string, templateKey: string): Config {
  if (!isReadable(feature)) return {};
  return { [topicKey]: target.topic, [templateKey]: propertyTemplate(feature.property) };
}

/** One temperature to reach, or a lower and an upper one. */
function toSetpoints(target: Target, climate: Expose): Config {
  const heating = findFeature(climate, 'occupied_heating_setpoint', 'current_heating_setpoint');
  const cooling = findFeature(climate, 'occupied_cooling_setpoint');
  const main = heating ?? cooling;
  if (!main) return {};
  const range = {
    ...(main.min === null ? {} : { min_temp: main.min }),
    ...(main.max === null ? {} : { max_temp: main.max }),
    temp_step: main.step ?? 0.5,
  };
  if (!heating || !cooling) return { ...range, ...toSetpoint(target, 'temperature', main) };
  return {
    ...range,
    ...toSetpoint(target, 'temperature_low', heating),
    ...toSetpoint(target, 'temperature_high', cooling),
  };
}

function toSetpoint(target: Target, name: string, feature: Expose): Config {
  return {
    ...(isWritable(feature) ? { [`${name}_command_topic`]: setTopic(target, feature.property) } : {}),
    ...toReading(target, feature, `${name}_state_topic`, `${name}_state_template`),
  };
}

function toModes(target: Target, climate: Expose): Config {
  const mode = findFeature(climate, 'system_mode');
  if (!mode) return {};
  return {
    modes: mode.values.filter((value) => MODES.has(value)),
    ...(isWritable(mode) ? { mode_command_topic: setTopic(target, mode.property) } : {}),
    ...toReading(target, mode, 'mode_state_topic', 'mode_state_template'),
  };
}

function toAction(target: Target, running: Expose | undefined): Config {
  if (!running || !isReadable(running)) return {};
  return {
    action_topic: target.topic,
    action_template:
      `{% set r = value_json["${running.property}"] %}` +
      `{{ ${JSON.stringify(ACTIONS)}[r] | default("") if r is string else r }}`,
  };
}

function toChoice(target: Target, name: string, templateKey: string, feature: Expose | undefined): Config {
  const options = feature?.values.filter((value) => name !== 'preset_mode' || value !== 'none') ?? [];
  if (!feature || options.length === 0) return {};
  return {
    [`${name}s`]: options,
    ...(isWritable(feature) ? { [`${name}_command_topic`]: setTopic(target, feature.property) } : {}),
    ...toReading(target, feature, `${name}_state_topic`, templateKey),
  };
}
