import type { SinkWrite } from '../../devices/types.ts';
import type { Message } from '../message.ts';
import type { Codec, Command, Reading } from './codec.ts';

import { hsToRgb, invertTemperature, rgbToHs } from './colour.ts';
import {
  ConfigProblem,
  readFlag,
  readQos,
  readText,
  requireCommandTopic,
  toNumber,
  type Config,
} from './fields.ts';
import {
  fromPercent,
  isKelvin,
  readEffects,
  readLightWrites,
  readTemperatureRange,
  toAssumed,
  toLightCapabilities,
  toLightSources,
  toMired,
  toPercent,
  type LightFeatures,
  type LightWrite,
} from './light.ts';
import { Channel, isUnknown, type Templates } from './templates.ts';

/** Templates count brightness from 0 to 255, whatever the device does. */
const SCALE = 255;

/**
 * A light that is all templates, https://www.home-assistant.io/integrations/light.mqtt/#template-schema.
 * @throws ConfigProblem when the configuration can't be used.
 */
export function toTemplateLight(config: Config, templates: Templates): Codec {
  const topic = requireCommandTopic(config, 'command_topic');
  const onTemplate = requireTemplate(config, 'command_on_template', templates);
  const offTemplate = requireTemplate(config, 'command_off_template', templates);
  const channel = (key: string): Channel | null =>
    readText(config, key) === null ? null : Channel.read(config, 'state_topic', [key], templates);
  const [state, brightness, temperature, effect] = ['state', 'brightness', 'color_temp', 'effect'].map(
    (name) => channel(`${name}_template`),
  );
  const rgb = ['red', 'green', 'blue'].map((name) => channel(`${name}_template`));
  const kelvin = isKelvin(config);
  const range = readTemperatureRange(config);
  const features: LightFeatures = {
    brightness: Boolean(brightness),
    temperature: temperature ? range : null,
    colour: rgb.every((part) => part !== null),
    effects: effect ? readEffects(config) : [],
  };
  const channels = [state, brightness, temperature, effect, ...rgb];
  const capabilities = toLightCapabilities(features);
  const optimistic = readFlag(config, 'optimistic', false);
  const qos = readQos(config);
  let hue = 0;

  const variablesOf = (write: LightWrite): Record<string, unknown> => {
    const [red, green, blue] = write.colour ? hsToRgb(write.colour) : [];
    return {
      state: write.on === false ? 'off' : 'on',
      ...(write.brightness === undefined ? {} : { brightness: fromPercent(write.brightness, SCALE) }),
      ...(write.temperature === undefined
        ? {}
        : { color_temp: kelvin ? invertTemperature(write.temperature) : write.temperature }),
      ...(write.colour ? { red, green, blue, hue: write.colour.hue, sat: write.colour.saturation } : {}),
      ...(write.effect === undefined ? {} : { effect: write.effect }),
    };
  };

  return {
    capabilities,
    topics: [...new Set(channels.flatMap((found) => (found ? [found.topic] : [])))],
    sources: toLightSources(capabilities, [
      ['on_off', state],
      ['brightness', brightness],
      ['color_temperature', temperature],
      ...rgb.map((part) => ['color_hs', part] as const),
      ['effect', effect],
    ]),
    qos,
    decode(message: Message): Reading[] {
      const readings: Reading[] = [];
      const onOff = state?.read(message);
      if (onOff === 'on' || onOff === 'off') readings.push({ kind: 'on_off', value: onOff === 'on' });
      else if (onOff !== undefined && isUnknown(onOff)) readings.push({ kind: 'on_off', value: null });
      const percent = toPercent(toNumber(brightness?.read(message)) ?? 0, SCALE);
      if (percent !== undefined) readings.push({ kind: 'brightness', value: percent });
      const mired = toMired(toNumber(temperature?.read(message)) ?? 0, kelvin, range);
      if (mired !== undefined) readings.push({ kind: 'color_temperature', value: mired });
      if (features.colour) {
        const [red, green, blue] = rgb.map((part) => toNumber(part?.read(message)) ?? -1);
        const colour = rgbToHs([red ?? -1, green ?? -1, blue ?? -1], hue);
        hue = colour?.hue ?? hue;
        if (colour) readings.push({ kind: 'color_hs', value: colour });
      }
      const effectName = features.effects.length > 0 ? effect?.read(message) : undefined;
      if (effectName) readings.push({ kind: 'effect', value: isUnknown(effectName) ? null : effectName });
      return readings;
    },
    encode(writes: readonly SinkWrite[]): Command {
      const write = readLightWrites(writes, features);
      const template = write.on === false ? offTemplate : onTemplate;
      const payload = templates.renderCommand(template, variablesOf(write));
      const reports = (found: Channel | null | undefined): boolean => Boolean(found) && !optimistic;
      return {
        messages: [{ topic, payload, qos, retain: readFlag(config, 'retain', false) }],
        assumed: toAssumed(write, {
          on: reports(state),
          brightness: reports(brightness),
          temperature: reports(temperature),
          colour: reports(rgb[0]),
          effect: reports(effect),
        }),
      };
    },
  };
}

function requireTemplate(config: Config, key: string, templates: Templates): string {
  const template = readText(config, key);
  if (template === null) throw new ConfigProblem(`Its configuration has no ${key}.`);
  templates.check(template);
  return template;
}
