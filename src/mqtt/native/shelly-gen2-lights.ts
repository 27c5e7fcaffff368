import { toNumber, type Config } from '../components/fields.ts';
import { toRpcPayload } from './shelly-device.ts';
import { commandTemplate, valueTemplate, type StateSource } from './shelly-gen2-source.ts';

/** A component of the device that is a light, in the way that Shelly calls it. */
export interface LightPart {
  readonly source: StateSource;
  /** Such as `rgbw:0`. */
  readonly component: string;
  readonly id: number;
  readonly config: Config;
}

const BRIGHTNESS =
  '{% if brightness is defined %},"brightness":{{ (brightness / 2.55) | round | int }}{% endif %}';
const TEMPERATURE = '{% if color_temp is defined %},"ct":{{ color_temp | int }}{% endif %}';
const RGB = '{% if red is defined %},"rgb":[{{ red }},{{ green }},{{ blue }}]{% endif %}';
/** The white LEDs go dark for a colour, or red would be pink. */
const RGBW = '{% if red is defined %},"rgb":[{{ red }},{{ green }},{{ blue }}],"white":0{% endif %}';

/** An output that the person has declared to be a lamp. */
export function toRelayLight(part: LightPart): Config {
  return toTemplateLight(part, 'Switch.Set', '', {});
}

export function toDimmer(part: LightPart): Config {
  return toTemplateLight(part, 'Light.Set', BRIGHTNESS, brightnessOf(part));
}

export function toRgbLight(part: LightPart): Config {
  return toTemplateLight(part, 'RGB.Set', BRIGHTNESS + RGB, { ...brightnessOf(part), ...rgbOf(part) });
}

export function toRgbwLight(part: LightPart): Config {
  return toTemplateLight(part, 'RGBW.Set', BRIGHTNESS + RGBW, { ...brightnessOf(part), ...rgbOf(part) });
}

export function toCctLight(part: LightPart): Config {
  return toTemplateLight(part, 'CCT.Set', BRIGHTNESS + TEMPERATURE, {
    ...brightnessOf(part),
    ...kelvinOf(part),
    color_temp_template: valueTemplate(part.source, part.component, 'ct'),
  });
}

/** The white LEDs of an RGBW light, which no colour reaches. */
export function toWhiteNumber({ source, component, id }: LightPart): Config {
  return {
    command_topic: `${source.prefix}/rpc`,
    command_template: commandTemplate('RGBW.Set', { id }, ',"white":{{ value | int }}'),
    state_topic: source.topic(component),
    value_template: valueTemplate(source, component, 'white'),
    min: 0,
    max: 255,
    step: 1,
  };
}

/**
 * One command carries all that is to change. Templates count brightness to 255, Shelly to 100.
 * @param members what the command may hold besides `on`, see commandTemplate
 */
function toTemplateLight(part: LightPart, method: string, members: string, states: Config): Config {
  const { source, component, id } = part;
  return {
    schema: 'template',
    command_topic: `${source.prefix}/rpc`,
    command_on_template: commandTemplate(method, { id, on: true }, members),
    command_off_template: commandTemplate(method, { id, on: false }, ''),
    state_topic: source.topic(component),
    state_template: `{{ "on" if ${source.status(component)}.output | is_defined else "off" }}`,
    ...states,
  };
}

function brightnessOf({ source, component }: LightPart): Config {
  return {
    brightness_template: `{{ ((${source.status(component)}.brightness | is_defined) * 2.55) | round | int }}`,
  };
}

function rgbOf({ source, component }: LightPart): Config {
  return {
    red_template: valueTemplate(source, component, 'rgb[0]'),
    green_template: valueTemplate(source, component, 'rgb[1]'),
    blue_template: valueTemplate(source, component, 'rgb[2]'),
  };
}

function kelvinOf({ config }: LightPart): Config {
  const range: readonly unknown[] = Array.isArray(config.ct_range) ? config.ct_range : [];
  const [min, max] = range.map(toNumber);
  return { color_temp_kelvin: true, min_kelvin: min || 2700, max_kelvin: max || 6500 };
}

/**
 * A light that is either white or coloured, and says which. Only the basic schema can be told of that, with a topic
 * for each property and so a command for each.
 */
export function toRgbCctLight(part: LightPart): Config {
  const { source, component, id } = part;
  const topic = `${source.prefix}/rpc`;
  const state = source.topic(component);
  const status = source.status(component);
  const [on, off] = [true, false].map((value) => toRpcPayload('RGBCCT.Set', { id, on: value }));
  const set = (members: string): string => commandTemplate('RGBCCT.Set', { id }, members);
  return {
    command_topic: topic,
    payload_on: on,
    payload_off: off,
    state_topic: state,
    state_value_template: `{% if ${status}.output | is_defined %}${on}{% else %}${off}{% endif %}`,
    brightness_command_topic: topic,
    brightness_command_template: set(',"brightness":{{ value }}'),
    brightness_state_topic: state,
    brightness_value_template: valueTemplate(source, component, 'brightness'),
    brightness_scale: 100,
    ...kelvinOf(part),
    color_temp_command_topic: topic,
    color_temp_command_template: set(',"mode":"cct","ct":{{ value }}'),
    color_temp_state_topic: state,
    color_temp_value_template: valueTemplate(source, component, 'ct'),
    rgb_command_topic: topic,
    rgb_command_template: set(',"mode":"rgb","rgb":[{{ red }},{{ green }},{{ blue }}]'),
    rgb_state_topic: state,
    rgb_value_template: `{{ (${status}.rgb | is_defined) | join(",") }}`,
    color_mode_state_topic: state,
    color_mode_value_template: `{{ "color_temp" if (${status}.mode | is_defined) == "cct" else "rgb" }}`,
  };
}
