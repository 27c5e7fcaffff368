import type { SinkWrite } from '../../devices/types.ts';
import type { Message } from '../message.ts';
import type { OutgoingMessage } from '../types.ts';
import type { Codec, Command, Reading } from './codec.ts';

import { COLOUR_FORMS, type ColourForm } from './colour-forms.ts';
import { invertTemperature } from './colour.ts';
import {
  readCommandTopic,
  readFlag,
  readPayload,
  readQos,
  readText,
  requireCommandTopic,
  toNumber,
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
  toLightSources,
  toMired,
  toPercent,
  type LightFeatures,
  type LightWrite,
} from './light.ts';
import { Channel, isUnknown, type Templates } from './templates.ts';

/**
 * A light with a topic for each property, https://www.home-assistant.io/integrations/light.mqtt/#default-schema.
 * @throws ConfigProblem when the configuration can't be used.
 */
export function toBasicLight(config: Config, templates: Templates): Codec {
  return new BasicLight(config, templates);
}

class BasicLight implements Codec {
  readonly capabilities: Codec['capabilities'];
  readonly topics: Codec['topics'];
  readonly sources: NonNullable<Codec['sources']>;
  readonly qos: Codec['qos'];
  readonly #templates: Templates;
  readonly #config: Config;
  readonly #features: LightFeatures;
  readonly #state: Channel | null;
  readonly #brightness: Channel | null;
  readonly #temperature: Channel | null;
  readonly #effect: Channel | null;
  readonly #modeChannel: Channel | null;
  readonly #colours: readonly { channel: Channel; form: ColourForm }[];
  readonly #colourForm: ColourForm | undefined;
  readonly #mode: ColourMode;
  #lastPercent = 100;

  constructor(config: Config, templates: Templates) {
    requireCommandTopic(config, 'command_topic');
    const channel = (name: string, ...templateKeys: string[]): Channel | null =>
      Channel.read(config, `${name}state_topic`, [`${name}value_template`, ...templateKeys], templates);
    this.#config = config;
    this.#templates = templates;
    // `value_template` is what Zigbee2MQTT and old Tasmota send for it.
    this.#state = Channel.read(config, 'state_topic', ['state_value_template', 'value_template'], templates);
    this.#brightness = channel('brightness_');
    this.#temperature = channel('color_temp_');
    this.#effect = channel('effect_');
    this.#modeChannel = channel('color_mode_');
    this.#colours = COLOUR_FORMS.flatMap((form) => {
      const found = channel(`${form.prefix}_`);
      return found ? [{ channel: found, form }] : [];
    });
    this.#colourForm = COLOUR_FORMS.find((form) => readCommandTopic(config, `${form.prefix}_command_topic`));
    for (const name of ['brightness', 'color_temp', 'effect', ...COLOUR_FORMS.map(({ prefix }) => prefix)]) {
      const template = readText(config, `${name}_command_template`);
      if (template !== null) templates.check(template);
    }
    this.#features = {
      brightness: readCommandTopic(config, 'brightness_command_topic') !== null,
      temperature: readCommandTopic(config, 'color_temp_command_topic') ? readTemperatureRange(config) : null,
      colour: this.#colourForm !== undefined,
      effects: readCommandTopic(config, 'effect_command_topic') ? readEffects(config) : [],
    };
    this.#mode = new ColourMode(this.#features);
    this.capabilities = toLightCapabilities(this.#features);
    this.qos = readQos(config);
    const channels = [this.#state, this.#brightness, this.#temperature, this.#effect, this.#modeChannel];
    const all = [...channels, ...this.#colours.map((colour) => colour.channel)];
    this.topics = [...new Set(all.flatMap((found) => (found ? [found.topic] : [])))];
    this.sources = toLightSources(this.capabilities, [
      ['on_off', this.#state],
      ['brightness', this.#brightness],
      ['color_temperature', this.#temperature],
      ...this.#colours.map((colour) => ['color_hs', colour.channel] as const),
      ['effect', this.#effect],
    ]);
  }

  decode(message: Message): Reading[] {
    // The mode first: it says whether the white or the colour that follow mean anything.
    const modeName = this.#modeChannel?.read(message);
    const entered = modeName === undefined || isUnknown(modeName) ? [] : this.#mode.enter(modeName);
    const coloured = [...this.#decodeTemperature(message), ...this.#decodeColour(message)];
    return [
      ...this.#decodeState(message),
      ...this.#decodeBrightness(message),
      ...(coloured.length > 0 ? coloured : entered),
      ...this.#decodeEffect(message),
    ];
  }

  encode(writes: readonly SinkWrite[]): Command {
    const write = readLightWrites(writes, this.#features);
    const messages =
      write.on === false ? [this.#message('command_topic', this.#payload('off'))] : this.#turnOn(write);
    if (write.brightness !== undefined) this.#lastPercent = write.brightness;
    const optimistic = readFlag(this.#config, 'optimistic', false);
    const assumed = toAssumed(write, {
      on: this.#state !== null && !optimistic,
      brightness: this.#brightness !== null && !optimistic,
      temperature: this.#temperature !== null && !optimistic,
      colour: this.#colours.length > 0 && !optimistic,
      effect: this.#effect !== null && !optimistic,
    });
    return { messages, assumed };
  }

  #turnOn(write: LightWrite): OutgoingMessage[] {
    const settings = this.#settings(write);
    const on = this.#message('command_topic', this.#payload('on'));
    switch (readText(this.#config, 'on_command_type')) {
      case 'first':
        return [on, ...settings];
      case 'brightness':
        // Such a light has no ON: a brightness is what turns it on.
        if (!this.#features.brightness) return [...settings, on];
        return write.brightness === undefined
          ? [...settings, ...this.#settings({ brightness: this.#lastPercent })]
          : settings;
      default:
        return [...settings, on];
    }
  }

  #settings({ brightness, temperature, colour, effect }: LightWrite): OutgoingMessage[] {
    const messages: OutgoingMessage[] = [];
    if (temperature !== undefined) {
      const value = isKelvin(this.#config) ? invertTemperature(temperature) : temperature;
      messages.push(this.#setting('color_temp', { value }, String(value)));
    }
    const form = this.#colourForm;
    if (colour !== undefined && form) {
      const variables = form.variables(colour);
      messages.push(this.#setting(form.prefix, variables, Object.values(variables).join(',')));
    }
    if (effect !== undefined) messages.push(this.#setting('effect', { value: effect }, effect));
    if (brightness !== undefined) {
      const value = fromPercent(brightness, readScale(this.#config));
      messages.push(this.#setting('brightness', { value }, String(value)));
    }
    return messages;
  }

  #setting(name: string, variables: Readonly<Record<string, unknown>>, plain: string): OutgoingMessage {
    const template = readText(this.#config, `${name}_command_template`);
    const payload = template === null ? plain : this.#templates.renderCommand(template, variables);
    return this.#message(`${name}_command_topic`, payload);
  }

  #message(topicKey: string, payload: string): OutgoingMessage {
    const topic = requireCommandTopic(this.#config, topicKey);
    return { topic, payload, qos: this.qos, retain: readFlag(this.#config, 'retain', false) };
  }

  #payload(state: 'on' | 'off'): string {
    return readPayload(this.#config, [`payload_${state}`], state.toUpperCase()).text;
  }

  #decodeState(message: Message): Reading[] {
    const text = this.#state?.read(message);
    if (text === undefined) return [];
    if (readPayload(this.#config, ['payload_on'], 'ON').matches(text))
      return [{ kind: 'on_off', value: true }];
    if (readPayload(this.#config, ['payload_off'], 'OFF').matches(text))
      return [{ kind: 'on_off', value: false }];
    return isUnknown(text) ? [{ kind: 'on_off', value: null }] : [];
  }

  #decodeBrightness(message: Message): Reading[] {
    const text = this.#features.brightness ? this.#brightness?.read(message) : undefined;
    if (text === undefined) return [];
    if (isUnknown(text)) return [{ kind: 'brightness', value: null }];
    const percent = toPercent(toNumber(text) ?? 0, readScale(this.#config));
    if (percent === undefined) return [];
    this.#lastPercent = percent;
    return [{ kind: 'brightness', value: percent }];
  }

  #decodeTemperature(message: Message): Reading[] {
    const range = this.#features.temperature;
    const text = range ? this.#temperature?.read(message) : undefined;
    if (text === undefined || !range) return [];
    if (isUnknown(text)) return this.#mode.temperature(null);
    const mired = toMired(toNumber(text) ?? 0, isKelvin(this.#config), range);
    return mired === undefined ? [] : this.#mode.temperature(mired);
  }

  #decodeColour(message: Message): Reading[] {
    if (!this.#features.colour) return [];
    for (const { channel, form } of this.#colours) {
      const text = channel.read(message);
      if (text === undefined) continue;
      if (isUnknown(text)) return this.#mode.colour(null);
      const numbers = text.split(',').map((part) => toNumber(part) ?? -1);
      const colour = form.parse(numbers, this.#mode.hue);
      if (colour) return this.#mode.colour(colour);
    }
    return [];
  }

  #decodeEffect(message: Message): Reading[] {
    const text = this.#features.effects.length > 0 ? this.#effect?.read(message) : undefined;
    if (text === undefined) return [];
    return [{ kind: 'effect', value: isUnknown(text) ? null : text }];
  }
}
