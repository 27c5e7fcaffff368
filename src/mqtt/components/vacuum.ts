import type { SinkWrite } from '../../devices/types.ts';
import type { Message } from '../message.ts';
import type { OutgoingMessage } from '../types.ts';

import { HubError } from '../../base/errors.ts';
import { LIMITS } from '../limits.ts';
import { findWrite, isString, type Codec, type Command, type Reading } from './codec.ts';
import { ConfigProblem, readQos, readText, readTexts, toNumber, type Config } from './fields.ts';
import { readProperties, toJsonObject, type JsonProperty } from './json-text.ts';
import { findOrder, orderable, readOrders, requireWritable, wordReader, type OrderKey } from './orders.ts';
import { CommandChannel } from './parts.ts';
import { Channel, isUnknown, type Templates } from './templates.ts';

const STATES = ['cleaning', 'docked', 'paused', 'idle', 'returning', 'error'];

/** The feature that an order belongs to, where it has another name. */
const FEATURE_OF: Readonly<Record<string, string>> = { return_to_base: 'return_home' };
const ORDERS: readonly OrderKey[] = [
  ['start', 'payload_start', 'start'],
  ['pause', 'payload_pause', 'pause'],
  ['stop', 'payload_stop', 'stop'],
  ['return_to_base', 'payload_return_to_base', 'return_to_base'],
  ['clean_spot', 'payload_clean_spot', 'clean_spot'],
  ['locate', 'payload_locate', 'locate'],
];
const DEFAULT_FEATURES = ['start', 'stop', 'return_home', 'clean_spot'];

/** What a vacuum that tells nothing is believed to do; `returning` would never end. */
const STATE_AFTER: Readonly<Record<string, string>> = {
  start: 'cleaning',
  clean_spot: 'cleaning',
  pause: 'paused',
  stop: 'idle',
  return_to_base: 'docked',
};

/**
 * A vacuum, https://www.home-assistant.io/integrations/vacuum.mqtt/.
 * @throws ConfigProblem when the configuration can't be used.
 */
export function toVacuum(config: Config, templates: Templates): Codec {
  if (readText(config, 'schema')?.toLowerCase() === 'legacy') {
    throw new ConfigProblem('Vacuums with the schema "legacy" are not supported.');
  }
  const state = Channel.read(config, 'state_topic', [], templates);
  const command = CommandChannel.read(config, 'command_topic', null, templates);
  if (!state && !command) throw new ConfigProblem('Its configuration names no topic.');
  const features = readFeatures(config);
  const offered = ORDERS.filter(([order]) => features.has(FEATURE_OF[order] ?? order));
  const orders = command ? readOrders(config, offered) : new Map<string, string>();
  const setFanSpeed = CommandChannel.read(config, 'set_fan_speed_topic', null, templates);
  const properties: JsonProperty[] = [
    { name: 'state', description: orderable('vacuum', STATES, orders), parse: wordReader(STATES) },
  ];
  if (features.has('fan_speed')) properties.push(toFanSpeed(config, setFanSpeed !== null));
  if (features.has('battery')) properties.push(BATTERY);
  const capabilities = properties.map(({ description }) => description);
  const isAssumed = state === null;
  return {
    capabilities,
    topics: state ? [state.topic] : [],
    sources: properties.flatMap(({ name, description: { kind } }) =>
      state ? [{ kind, topic: state.topic, template: `{{ value_json.${name} }}` }] : [],
    ),
    qos: readQos(config),
    decode(message: Message): Reading[] {
      const text = state?.read(message);
      const object = text === undefined ? undefined : toJsonObject(text);
      return object ? readProperties(object, properties) : [];
    },
    encode(writes: readonly SinkWrite[]): Command {
      requireWritable(writes, capabilities);
      const messages: OutgoingMessage[] = [];
      const expected: Reading[] = [];
      const speed = findWrite(writes, 'fan_speed', isString);
      if (speed !== undefined && setFanSpeed) {
        // Before the order: a vacuum that starts shall start at that speed.
        messages.push(setFanSpeed.message(speed));
        expected.push({ kind: 'fan_speed', value: speed });
      }
      const order = findOrder(writes, 'vacuum', orders);
      if (order && command) {
        messages.push(command.message(order.payload));
        const value = STATE_AFTER[order.command];
        if (value !== undefined) expected.push({ kind: 'vacuum', value });
      }
      if (messages.length === 0) throw new HubError('invalid', 'The speed is one of the options.');
      return { messages, assumed: isAssumed ? expected : [] };
    },
  };
}

function readFeatures(config: Config): ReadonlySet<string> {
  const said = config.supported_features;
  return new Set(
    said === undefined || said === null ? DEFAULT_FEATURES : readTexts(config, 'supported_features'),
  );
}

function toFanSpeed(config: Config, isSettable: boolean): JsonProperty {
  const options = readTexts(config, 'fan_speed_list').slice(0, LIMITS.options);
  const base = { kind: 'fan_speed', unit: null, range: null } as const;
  const writable = isSettable && options.length > 0;
  return {
    name: 'fan_speed',
    description: { ...base, writable, ...(options.length > 0 ? { options } : {}) },
    parse(text) {
      if (options.includes(text)) return text;
      if (isUnknown(text)) return null;
      return options.length > 0 ? undefined : text.slice(0, LIMITS.textChars);
    },
  };
}

/** Removed from Home Assistant in 2025; vacuums of before still tell it. */
const BATTERY: JsonProperty = {
  name: 'battery_level',
  description: { kind: 'battery', unit: '%', range: { min: 0, max: 100 }, writable: false },
  parse(text) {
    if (isUnknown(text)) return null;
    const percent = toNumber(text);
    return percent === null || percent < 0 || percent > 100 ? undefined : percent;
  },
};
