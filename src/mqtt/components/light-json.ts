import type { CapabilityKind, HueSaturation, SinkWrite } from '../../devices/types.ts';
import type { Message } from '../message.ts';
import type { Codec, Command, Reading } from './codec.ts';

import { hsToRgb, hsToXy, invertTemperature, rgbToHs, toHueSaturation, xyToHs } from './colour.ts';
import {
  readFlag,
  readQos,
  readStateTopic,
  readTexts,
  requireCommandTopic,
  toNumber,
  toText,
  type Config,
} from './fields.ts';
import {
  ColourMode,
  fromPercent,
  isKelvin,
  readEffects,
  readLightWrites,
  readScale,
  readTemperatureRange,
  toAssumed,
  toLightCapabilities,
  toMired,
  toPercent,
  type LightFeatures,
} from './light.ts';
import { filterMatcher } from '../topics.ts';

/** The properties of the schema, as the templates that they stand for. */
const TEMPLATES: Partial<Record<CapabilityKind, string>> = {
  on_off: '{{ value_json.state }}',
  brightness: '{{ value_json.brightness }}',
  color_temperature: '{{ value_json.color_temp }}',
  color_hs: '{{ value_json.color }}',
  effect: '{{ value_json.effect }}',
};

type ColourForm = 'hs' | 'xy' | 'rgb' | 'rgbw' | 'rgbww';

/** In the order in which they are preferred: hs says exactly what was meant. */
const COLOUR_FORMS: readonly ColourForm[] = ['hs', 'xy', 'rgb', 'rgbww', 'rgbw'];

/**
 * A light that speaks JSON, https://www.home-assistant.io/integrations/light.mqtt/#json-schema.
 * @throws ConfigProblem when the configuration can't be used.
 */
export function toJsonLight(config: Config): Codec {
  const commandTopic = requireCommandTopic(config, 'command_topic');
  const stateTopic = readStateTopic(config, 'state_topic');
  const matches = stateTopic === null ? () => false : filterMatcher(stateTopic);
  const modes = readModes(config);
  const colourForm = COLOUR_FORMS.find((form) => modes.has(form)) ?? null;
  const range = readTemperatureRange(config);
  const kelvin = isKelvin(config);
  const scale = readScale(config);
  const features: LightFeatures = {
    // Some firmware leaves `brightness` out although the lamp dims: every mode but onoff has a brightness.
    brightness: readFlag(config, 'brightness', false) || [...modes].some((mode) => mode !== 'onoff'),
    temperature: modes.has('color_temp') ? range : null,
    colour: colourForm !== null,
    effects: readFlag(config, 'effect', true) ? readEffects(config) : [],
  };
  const reported = stateTopic !== null && !readFlag(config, 'optimistic', false);
  const qos = readQos(config);
  const retain = readFlag(config, 'retain', false);
  const mode = new ColourMode(features);
  const capabilities = toLightCapabilities(features);
  return {
    capabilities,
    topics: stateTopic === null ? [] : [stateTopic],
    sources:
      stateTopic === null
        ? []
        : capabilities.map(({ kind }) => ({ kind, topic: stateTopic, template: TEMPLATES[kind] ?? null })),
    qos,
    decode(message: Message): Reading[] {
      const state = matches(message.topic) ? message.jsonObject : undefined;
      if (!state) return [];
      return [
        ...readOnOff(state.state),
        ...(features.brightness ? readBrightness(state.brightness, scale) : []),
        ...readColour(state, features, mode, (value) => toMired(value, kelvin, range)),
        ...(features.effects.length > 0 ? readEffect(state.effect) : []),
      ];
    },
    encode(writes: readonly SinkWrite[]): Command {
      const write = readLightWrites(writes, features);
      const { brightness, temperature, colour, effect } = write;
      const state: Record<string, unknown> = { state: write.on === false ? 'OFF' : 'ON' };
      if (write.on !== false) {
        if (brightness !== undefined) state.brightness = fromPercent(brightness, scale);
        if (temperature !== undefined)
          state.color_temp = kelvin ? invertTemperature(temperature) : temperature;
        if (colour !== undefined && colourForm !== null) state.color = toColour(colour, colourForm);
        if (effect !== undefined) state.effect = effect;
      }
      return {
        messages: [{ topic: commandTopic, payload: JSON.stringify(state), qos, retain }],
        assumed: toAssumed(write, {
          on: reported,
          brightness: reported,
          temperature: reported,
          colour: reported,
          effect: reported,
        }),
      };
    },
  };
}

/** `supported_color_modes`, or the flags that were its forerunners. */
function readModes(config: Config): ReadonlySet<string> {
  const modes = new Set(readTexts(config, 'supported_color_modes'));
  if (modes.size > 0) return modes;
  return new Set(['color_temp', 'hs', 'xy', 'rgb'].filter((flag) => readFlag(config, flag, false)));
}

function readOnOff(value: unknown): Reading[] {
  if (value === null) return [{ kind: 'on_off', value: null }];
  const text = toText(value)?.toUpperCase();
  if (text === 'ON' || text === 'TRUE') return [{ kind: 'on_off', value: true }];
  return text === 'OFF' || text === 'FALSE' ? [{ kind: 'on_off', value: false }] : [];
}

function readBrightness(value: unknown, scale: number): Reading[] {
  if (value === null) return [{ kind: 'brightness', value: null }];
  const number = toNumber(value);
  const percent = number === null ? undefined : toPercent(number, scale);
  return percent === undefined ? [] : [{ kind: 'brightness', value: percent }];
}

function readEffect(value: unknown): Reading[] {
  if (value === null) return [{ kind: 'effect', value: null }];
  const effect = toText(value);
  return effect === null ? [] : [{ kind: 'effect', value: effect }];
}

/** The mode first: it says which of the two that follow means anything. */
function readColour(
  state: Config,
  features: LightFeatures,
  mode: ColourMode,
  toTemperature: (reported: number) => number | undefined,
): Reading[] {
  const readings: Reading[] = [];
  const name = toText(state.color_mode);
  const entered = name === null ? [] : mode.enter(name);
  if (features.temperature) {
    const number = toNumber(state.color_temp);
    const mired = number === null ? undefined : toTemperature(number);
    if (mired !== undefined) readings.push(...mode.temperature(mired));
    else if (state.color_temp === null) readings.push(...mode.temperature(null));
  }
  if (features.colour && typeof state.color === 'object' && state.color !== null) {
    const colour = fromColour(state.color as Config, mode.hue);
    if (colour) readings.push(...mode.colour(colour));
  }
  const told = new Set(readings.map(({ kind }) => kind));
  return [...entered.filter(({ kind }) => !told.has(kind)), ...readings];
}

function fromColour(colour: Config, hueBefore: number): HueSaturation | null {
  const number = (...keys: string[]): number | null =>
    keys.map((key) => toNumber(colour[key])).find((value) => value !== null) ?? null;
  const hs = toHueSaturation(number('h', 'hue'), number('s', 'saturation'));
  if (hs) return hs;
  const [red, green, blue] = [number('r'), number('g'), number('b')];
  if (red !== null && green !== null && blue !== null) return rgbToHs([red, green, blue], hueBefore);
  const [x, y] = [number('x'), number('y')];
  return x !== null && y !== null ? xyToHs([x, y], hueBefore) : null;
}

function toColour(colour: HueSaturation, form: ColourForm): Record<string, number> {
  if (form === 'hs') return { h: colour.hue, s: colour.saturation };
  if (form === 'xy') {
    const [x, y] = hsToXy(colour);
    return { x, y };
  }
  const [r, g, b] = hsToRgb(colour);
  if (form === 'rgbw') return { r, g, b, w: 0 };
  return form === 'rgbww' ? { r, g, b, c: 0, w: 0 } : { r, g, b };
}
