import type { CapabilityDescription, CapabilityKind, SinkWrite } from '../../devices/types.ts';
import type { OutgoingMessage } from '../types.ts';
import type { Templates } from './templates.ts';

import { HubError } from '../../base/errors.ts';
import { LIMITS } from '../limits.ts';
import { isBoolean, isNumber, isString, type Codec, type Command, type Reading } from './codec.ts';
import { ConfigProblem, readFlag, readPayload, readTexts, type Config, type PayloadText } from './fields.ts';
import { assumedOf, CommandChannel, type ValuePart, tellingOf } from './parts.ts';
import { Channel, isUnknown } from './templates.ts';
import { toDecimal } from './units.ts';

/** What an order sends, and what holds once the device has obeyed. */
export interface Order {
  readonly messages: readonly OutgoingMessage[];
  readonly readings: readonly Reading[];
}

/** One capability of a component with several: how it is described, told and set. */
export interface Control {
  readonly capability: CapabilityDescription;
  readonly parts: readonly ValuePart[];
  /** Missing where the control only tells. Undefined for a value of another type. */
  readonly order?: (value: SinkWrite['value']) => Order | undefined;
}

/** A configuration and how its keys are read. */
export interface ControlSource {
  readonly config: Config;
  readonly templates: Templates;
  /** Keys of templates that stand in where a value has none of its own. */
  readonly sharedTemplates: readonly string[];
}

/**
 * The language of a component that is a set of controls. Orders go out in the sequence of the controls.
 * `settle` takes out the writes that others make pointless.
 * @throws ConfigProblem when there is no control.
 */
export function toControlCodec(
  config: Config,
  controls: readonly Control[],
  settle: (writes: readonly SinkWrite[]) => readonly SinkWrite[] = (writes) => writes,
): Codec {
  if (controls.length === 0) throw new ConfigProblem('Its configuration has no topic that the hub knows.');
  const parts = controls.flatMap((control) => control.parts);
  const isOptimistic = readFlag(config, 'optimistic', false);
  const teller: Codec = {
    capabilities: controls.map(({ capability }) => capability),
    ...tellingOf(parts, config),
  };
  if (controls.every(({ order }) => order === undefined)) return teller;
  return {
    ...teller,
    encode(writes: readonly SinkWrite[]): Command {
      const orders = toOrders(controls, settle(writes));
      if (orders.length === 0) throw new HubError('invalid', 'The device takes no such command.');
      const readings = orders.flatMap((order) => order.readings);
      return {
        messages: orders.flatMap((order) => order.messages),
        assumed: assumedOf(parts, readings, isOptimistic),
      };
    },
  };
}

/** Turning off comes last: many devices take any other setting as the wish to be on. */
function toOrders(controls: readonly Control[], writes: readonly SinkWrite[]): Order[] {
  const orders: Order[] = [];
  const last: Order[] = [];
  for (const { capability, order } of controls) {
    const write = writes.findLast(({ kind }) => kind === capability.kind);
    const made = write && order?.(write.value);
    if (made) (isOff(write) ? last : orders).push(made);
  }
  return [...orders, ...last];
}

function isOff({ kind, value }: SinkWrite): boolean {
  if (kind === 'on_off') return value === false;
  if (kind === 'hvac_mode' || kind === 'mode') return value === 'off';
  return kind === 'speed' && value === 0;
}

/** The channel that tells the value `name`. */
export function readState(
  { config, templates, sharedTemplates }: ControlSource,
  name: string,
): Channel | null {
  const keys = [`${name}_state_template`, `${name}_value_template`, ...sharedTemplates];
  return Channel.read(config, `${name}_state_topic`, keys, templates);
}

/** The channel that takes orders for the value `name`. */
export function readCommand({ config, templates }: ControlSource, name: string): CommandChannel | null {
  return CommandChannel.read(config, `${name}_command_topic`, `${name}_command_template`, templates);
}

/** The choices of the configuration; `fallback` where it says nothing about them. */
export function readOptions(config: Config, key: string, fallback: readonly string[]): string[] {
  const value = config[key];
  const listed = value === undefined || value === null ? fallback : readTexts(config, key);
  return [...new Set(listed)].filter((text) => text !== '').slice(0, LIMITS.options);
}

export interface OptionKeys {
  readonly kind: CapabilityKind;
  readonly name: string;
  readonly options: readonly string[];
  /** The text that means that the value is not known. */
  readonly reset?: string;
}

/** A value that is one of a list of texts; empty where the device has none. */
export function readOptionControl(source: ControlSource, keys: OptionKeys): Control[] {
  const { kind, name, options, reset = 'None' } = keys;
  return toOptionControl(kind, options, reset, readState(source, name), readCommand(source, name));
}

export function toOptionControl(
  kind: CapabilityKind,
  options: readonly string[],
  reset: string,
  channel: Channel | null,
  command: CommandChannel | null,
): Control[] {
  if (options.length === 0 || (!channel && !command)) return [];
  const order = (value: SinkWrite['value']): Order | undefined =>
    command && isString(value)
      ? { messages: [command.message(value)], readings: [{ kind, value }] }
      : undefined;
  return [
    {
      capability: { kind, unit: null, range: null, writable: command !== null, options },
      parts: [{ kind, channel, parse: (text) => parseOption(text, options, reset) }],
      ...(command ? { order } : {}),
    },
  ];
}

/** What is not in the list says nothing: one topic may carry several values. */
export function parseOption(
  text: string,
  options: readonly string[],
  reset = 'None',
): string | null | undefined {
  if (text === '') return undefined;
  if (text === reset) return null;
  if (options.includes(text)) return text;
  return isUnknown(text) ? null : undefined;
}

export interface NumberKeys {
  readonly capability: CapabilityDescription;
  readonly channel: Channel | null;
  readonly command: CommandChannel | null;
  readonly reset?: string;
  /** Null where the reported number is impossible. */
  toValue(reported: number): number | null;
  toMessage(value: number): { readonly message: OutgoingMessage; readonly value: number } | undefined;
}

/** A value that is a number; empty where the device has none. */
export function toNumberControl(keys: NumberKeys): Control[] {
  const { capability, channel, command, reset = 'None' } = keys;
  if (!channel && !command) return [];
  const { kind } = capability;
  const order = (value: SinkWrite['value']): Order | undefined => {
    const made = isNumber(value) ? keys.toMessage(value) : undefined;
    return made && { messages: [made.message], readings: [{ kind, value: made.value }] };
  };
  const parse = (text: string): number | null | undefined =>
    text === reset && text !== '' ? null : parseNumber(text, (reported) => keys.toValue(reported));
  return [{ capability, parts: [{ kind, channel, parse }], ...(command ? { order } : {}) }];
}

/** Python's words for numbers that are none. */
const NO_NUMBER = /^[+-]?(?:nan|inf|infinity)$/i;

/** Null is unknown; undefined is a text that says nothing about the number. */
export function parseNumber(
  text: string,
  toValue: (reported: number) => number | null,
): number | null | undefined {
  if (text === '') return undefined;
  if (isUnknown(text) || NO_NUMBER.test(text)) return null;
  const number = toDecimal(text);
  return number === null ? undefined : toValue(number);
}

/** On and off by payload_on and payload_off. */
export function toOnOffControl(
  config: Config,
  channel: Channel | null,
  command: CommandChannel | null,
): Control[] {
  const on = readPayload(config, ['payload_on'], 'ON');
  const off = readPayload(config, ['payload_off'], 'OFF');
  return toTwoStateControl('on_off', { on, off }, channel, command);
}

/** A value that is true or false; empty where the device has none. */
export function toTwoStateControl(
  kind: CapabilityKind,
  { on, off }: { readonly on: PayloadText; readonly off: PayloadText },
  channel: Channel | null,
  command: CommandChannel | null,
): Control[] {
  if (!channel && !command) return [];
  const parse = (text: string): boolean | null | undefined => {
    if (text === '') return undefined;
    if (on.matches(text)) return true;
    if (off.matches(text)) return false;
    // A template that picks a JSON truth value prints it as Python does.
    if (text === 'True' || text === 'False') return text === 'True';
    return isUnknown(text) ? null : undefined;
  };
  const order = (value: SinkWrite['value']): Order | undefined =>
    command && isBoolean(value)
      ? { messages: [command.message((value ? on : off).text)], readings: [{ kind, value }] }
      : undefined;
  return [
    {
      capability: { kind, unit: null, range: null, writable: command !== null },
      parts: [{ kind, channel, parse }],
      ...(command ? { order } : {}),
    },
  ];
}
