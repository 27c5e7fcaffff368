import type { Config } from '../../components/fields.ts';
import type { ComponentSpec } from '../../discovery/description.ts';

import { findFeature, isReadable, isWritable, printed, propertyTemplate, type Expose } from './expose.ts';
import { setTopic, toComponent, toMainName, toObjectId, type Target } from './target.ts';

/** The features of a light that its component speaks of; others are settings of their own. */
export const LIGHT_FEATURES = new Set(['state', 'brightness', 'color_temp', 'color_xy', 'color_hs']);

/** Brightness where nothing else is said. */
const SCALE = 254;

export function toLight(target: Target, light: Expose): ComponentSpec[] {
  const state = findFeature(light, 'state');
  if (!state) return [];
  const effects = findEffects(target, light);
  // A light on an endpoint shares its message with others, where its properties have its endpoint in their names.
  const isAlone = light.features.every(({ name, property }) => isOwnProperty(name, property));
  const config = isAlone ? toJsonLight(target, light) : toBasicLight(target, light, state);
  return [
    toComponent(target, 'light', toObjectId('light', light), {
      name: toMainName(light),
      ...config,
      ...(effects.length > 0 && isAlone ? { effect: true, effect_list: effects } : {}),
    }),
  ];
}

function isOwnProperty(name: string, property: string): boolean {
  return (
    !LIGHT_FEATURES.has(name) ||
    property === (name.startsWith('color_') && name !== 'color_temp' ? 'color' : name)
  );
}

/** The effects are no feature of the light, but beside it. */
function findEffects(target: Target, { endpoint }: Expose): readonly string[] {
  const effect = target.exposes.find((expose) => expose.name === 'effect' && expose.endpoint === endpoint);
  return effect?.type === 'enum' && isWritable(effect) && effect.property === 'effect' ? effect.values : [];
}

function toJsonLight(target: Target, light: Expose): Config {
  const brightness = findFeature(light, 'brightness');
  const temperature = findFeature(light, 'color_temp');
  const modes = [...toColourModes(light), ...(temperature ? ['color_temp'] : [])];
  const plain = brightness ? 'brightness' : 'onoff';
  return {
    schema: 'json',
    state_topic: target.topic,
    command_topic: `${target.topic}/set`,
    brightness: brightness !== undefined,
    brightness_scale: brightness?.max ?? SCALE,
    supported_color_modes: modes.length > 0 ? modes : [plain],
    ...toMireds(temperature),
  };
}

/** As Zigbee2MQTT's own discovery: the one that the device lists first. */
function toColourModes(light: Expose): string[] {
  const first = light.features.find(({ name }) => name === 'color_xy' || name === 'color_hs');
  return first ? [first.name.slice('color_'.length)] : [];
}

function toMireds(temperature: Expose | undefined): Config {
  if (!temperature || temperature.min === null || temperature.max === null) return {};
  return { min_mireds: temperature.min, max_mireds: temperature.max };
}

function toBasicLight(target: Target, light: Expose, state: Expose): Config {
  const brightness = findFeature(light, 'brightness');
  const temperature = findFeature(light, 'color_temp');
  const colour = findFeature(light, 'color_hs', 'color_xy');
  return {
    state_topic: target.topic,
    state_value_template: propertyTemplate(state.property),
    command_topic: setTopic(target, state.property),
    payload_on: printed(state.on ?? 'ON'),
    payload_off: printed(state.off ?? 'OFF'),
    ...(brightness
      ? { ...toSetting(target, 'brightness', brightness), brightness_scale: brightness.max ?? SCALE }
      : {}),
    ...(temperature ? { ...toSetting(target, 'color_temp', temperature), ...toMireds(temperature) } : {}),
    ...(colour ? toColour(target, light, colour) : {}),
  };
}

function toSetting(target: Target, name: string, feature: Expose): Config {
  return {
    [`${name}_command_topic`]: setTopic(target, feature.property),
    ...(isReadable(feature)
      ? {
          [`${name}_state_topic`]: target.topic,
          [`${name}_value_template`]: propertyTemplate(feature.property),
        }
      : {}),
  };
}

/** The state holds the colour in both forms, or in the one that the lamp works with. */
function toColour(target: Target, light: Expose, { name, property }: Expose): Config {
  const form = name === 'color_hs' ? 'hs' : 'xy';
  const template =
    form === 'hs' ? '{"hue": {{ hue }}, "saturation": {{ sat }}}' : '{"x": {{ x }}, "y": {{ y }}}';
  const state = findFeature(light, 'state')?.property ?? 'state';
  const mode = `color_mode${state.startsWith('state') ? state.slice('state'.length) : ''}`;
  const value = (first: string, second: string): string =>
    `{% set c = value_json["${property}"] %}` +
    `{% if c is mapping and c.${first} is number %}{{ c.${first} ~ "," ~ c.${second} }}{% endif %}`;
  return {
    [`${form}_command_topic`]: setTopic(target, property),
    [`${form}_command_template`]: template,
    hs_state_topic: target.topic,
    hs_value_template: value('hue', 'saturation'),
    xy_state_topic: target.topic,
    xy_value_template: value('x', 'y'),
    color_mode_state_topic: target.topic,
    color_mode_value_template: propertyTemplate(mode),
  };
}
