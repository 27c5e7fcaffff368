import type { CapabilityDescription, SinkWrite } from '../../devices/types.ts';
import type { Message } from '../message.ts';
import type { OutgoingMessage } from '../types.ts';

import { HubError } from '../../base/errors.ts';
import { LIMITS } from '../limits.ts';
import { findWrite, isBoolean, isNumber, isString, type Codec, type Command, type Reading } from './codec.ts';
import {
  readFlag,
  readPayload,
  readQos,
  readTexts,
  toNumber,
  type Config,
  type PayloadText,
} from './fields.ts';
import { readProperties, toJsonObject, type JsonProperty } from './json-text.ts';
import { requireWritable } from './orders.ts';
import { CommandChannel } from './parts.ts';
import { Channel, isUnknown, type Templates } from './templates.ts';

/** No siren sounds for longer: it is what two bytes hold. */
const MAX_DURATION_S = 65_535;

/** A setting that goes with a start, in the siren's own unit. */
type Settings = Readonly<Record<string, string | number>>;

/**
 * A siren, https://www.home-assistant.io/integrations/siren.mqtt/.
 * @throws ConfigProblem when the configuration can't be used.
 */
export function toSiren(config: Config, templates: Templates): Codec {
  return new Siren(config, templates);
}

class Siren implements Codec {
  readonly capabilities: readonly CapabilityDescription[];
  readonly topics: Codec['topics'];
  readonly sources: NonNullable<Codec['sources']>;
  readonly qos: Codec['qos'];
  readonly #state: Channel | null;
  readonly #start: CommandChannel;
  readonly #stop: CommandChannel;
  readonly #isTemplated: { readonly start: boolean; readonly stop: boolean };
  readonly #payloads: { readonly on: PayloadText; readonly off: PayloadText };
  readonly #states: { readonly on: PayloadText; readonly off: PayloadText };
  readonly #onOff: JsonProperty = {
    name: 'state',
    description: { kind: 'on_off', unit: null, range: null, writable: true },
    parse: (text) => this.#toOnOff(text),
  };
  readonly #settings: readonly JsonProperty[];
  readonly #optimistic: boolean;
  /** For the next start only: an alarm must not sound as briefly as the test before it. */
  #pending: readonly Reading[] = [];

  constructor(config: Config, templates: Templates) {
    // `value_template` is what firmware sends that treats all components alike.
    this.#state = Channel.read(config, 'state_topic', ['state_value_template', 'value_template'], templates);
    const hasTemplate = (key: string): boolean => typeof config[key] === 'string' && config[key] !== '';
    const stopTemplate = ['command_off_template', 'command_template'].find(hasTemplate) ?? null;
    this.#start = CommandChannel.require(config, 'command_topic', 'command_template', templates);
    this.#stop = CommandChannel.require(config, 'command_topic', stopTemplate, templates);
    this.#isTemplated = { start: hasTemplate('command_template'), stop: stopTemplate !== null };
    this.#payloads = {
      on: readPayload(config, ['payload_on'], 'ON'),
      off: readPayload(config, ['payload_off'], 'OFF'),
    };
    this.#states = {
      on: readPayload(config, ['state_on', 'payload_on'], 'ON'),
      off: readPayload(config, ['state_off', 'payload_off'], 'OFF'),
    };
    this.#settings = readSettings(config);
    this.#optimistic = this.#state === null || readFlag(config, 'optimistic', false);
    this.qos = readQos(config);
    const properties = [this.#onOff, ...this.#settings];
    this.capabilities = properties.map(({ description }) => description);
    const { topic, template } = this.#state ?? { topic: null, template: null };
    this.topics = topic === null ? [] : [topic];
    this.sources = properties.flatMap(({ name, description: { kind } }) =>
      topic === null ? [] : [{ kind, topic, template: template ?? `{{ value_json.${name} }}` }],
    );
  }

  decode(message: Message): Reading[] {
    const text = this.#state?.read(message);
    if (text === undefined) return [];
    const plain = this.#toOnOff(text);
    if (plain !== undefined) return [{ kind: 'on_off', value: plain, raw: text }];
    const object = toJsonObject(text);
    if (!object) return [];
    return readProperties(object, [this.#onOff, ...this.#settings]);
  }

  #toOnOff(text: string): boolean | null | undefined {
    if (this.#states.on.matches(text)) return true;
    if (this.#states.off.matches(text)) return false;
    return isUnknown(text) ? null : undefined;
  }

  encode(writes: readonly SinkWrite[]): Command {
    requireWritable(writes, this.capabilities);
    const on = findWrite(writes, 'on_off', isBoolean);
    const chosen = this.#choose(writes);
    if (on === undefined && chosen.length === 0) {
      throw new HubError('invalid', 'A siren takes on or off, a volume, a duration or a tone.');
    }
    if (on !== true) this.#pending = chosen;
    if (on === undefined) return { messages: [], assumed: chosen };
    if (!on) {
      const assumed: Reading[] = this.#optimistic ? [{ kind: 'on_off', value: false }] : [];
      return { messages: [this.#message(false, {})], assumed: [...assumed, ...this.#pending] };
    }
    const message = this.#message(true, toSettings(chosen));
    this.#pending = [];
    return {
      messages: [message],
      assumed: this.#optimistic ? [{ kind: 'on_off', value: true }, ...chosen] : [],
    };
  }

  /** What was chosen for the next start, now or before. */
  #choose(writes: readonly SinkWrite[]): Reading[] {
    const readings: Reading[] = [];
    for (const { description } of this.#settings) {
      const { kind } = description;
      const value = kind === 'tone' ? findWrite(writes, kind, isString) : findWrite(writes, kind, isNumber);
      const before = this.#pending.find((reading) => reading.kind === kind);
      if (value !== undefined) readings.push({ kind, value });
      else if (before) readings.push(before);
    }
    return readings;
  }

  #message(on: boolean, settings: Settings): OutgoingMessage {
    const { text: state } = on ? this.#payloads.on : this.#payloads.off;
    const variables = { state, ...settings };
    const channel = on ? this.#start : this.#stop;
    if (!(on ? this.#isTemplated.start : this.#isTemplated.stop)) {
      return channel.message(JSON.stringify(variables));
    }
    const message = channel.message(state, { value: state, ...variables });
    // Home Assistant sends nothing then, and the siren would seem to obey.
    if (message.payload === '' || message.payload === 'None') {
      throw new HubError('invalid', `The siren's command template has no word for ${on ? 'on' : 'off'}.`);
    }
    return message;
  }
}

function readSettings(config: Config): JsonProperty[] {
  const tones = readTexts(config, 'available_tones').slice(0, LIMITS.options);
  const settings: JsonProperty[] = [];
  const base = { unit: null, range: null, writable: true };
  if (tones.length > 0) {
    settings.push({
      name: 'tone',
      description: { ...base, kind: 'tone', options: tones },
      parse: (text) => (tones.includes(text) ? text : isUnknown(text) ? null : undefined),
    });
  }
  if (readFlag(config, 'support_duration', true)) {
    const range = { min: 1, max: MAX_DURATION_S };
    settings.push({
      name: 'duration',
      description: { ...base, kind: 'duration', unit: 's', range },
      parse: (text) => toNumberWithin(text, 0, Number.MAX_VALUE),
    });
  }
  if (readFlag(config, 'support_volume_set', true)) {
    settings.push({
      name: 'volume_level',
      description: { ...base, kind: 'volume', unit: '%', range: { min: 0, max: 100 } },
      parse(text) {
        const level = toNumberWithin(text, 0, 1);
        return typeof level === 'number' ? Math.round(level * 100) : level;
      },
    });
  }
  return settings;
}

function toNumberWithin(text: string, min: number, max: number): number | null | undefined {
  if (isUnknown(text)) return null;
  const number = toNumber(text);
  return number === null || number < min || number > max ? undefined : number;
}

function toSettings(readings: readonly Reading[]): Settings {
  const settings: Record<string, string | number> = {};
  for (const { kind, value } of readings) {
    if (kind === 'tone' && typeof value === 'string') settings.tone = value;
    if (kind === 'duration' && typeof value === 'number') settings.duration = Math.round(value);
    if (kind === 'volume' && typeof value === 'number') settings.volume_level = value / 100;
  }
  return settings;
}
