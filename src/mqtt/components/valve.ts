import type { CapabilityDescription, CapabilityValue, SinkWrite } from '../../devices/types.ts';
import type { Message } from '../message.ts';
import type { OutgoingMessage } from '../types.ts';

import { HubError } from '../../base/errors.ts';
import { findWrite, isNumber, type Codec, type Command, type Reading } from './codec.ts';
import { ConfigProblem, readFlag, readQos, type Config } from './fields.ts';
import { propertyText, toJsonObject } from './json-text.ts';
import {
  findOrder,
  orderable,
  readOrders,
  requireWritable,
  stateReader,
  type OrderKey,
  type Orders,
} from './orders.ts';
import { assumedOf, CommandChannel, sourcesOf, topicsOf, type ValuePart } from './parts.ts';
import { fromPercentOpen, readPositionScale, toPercentOpen, type PositionScale } from './position.ts';
import { Channel, type Templates } from './templates.ts';

/** Without a payload of its own there is no stop, https://www.home-assistant.io/integrations/valve.mqtt/#payload_stop. */
const STOP: OrderKey = ['stop', 'payload_stop', null];

/**
 * A valve, https://www.home-assistant.io/integrations/valve.mqtt/.
 * @throws ConfigProblem when the configuration can't be used.
 */
export function toValve(config: Config, templates: Templates): Codec {
  const state = Channel.read(config, 'state_topic', ['value_template'], templates);
  const command = CommandChannel.read(config, 'command_topic', 'command_template', templates);
  if (!state && !command) throw new ConfigProblem('Its configuration names no topic.');
  return readFlag(config, 'reports_position', false)
    ? new PositionValve(config, state, command)
    : new PlainValve(config, state, command);
}

/** A valve that is open or closed. */
class PlainValve implements Codec {
  readonly capabilities: readonly CapabilityDescription[];
  readonly topics: Codec['topics'];
  readonly sources: NonNullable<Codec['sources']>;
  readonly qos: Codec['qos'];
  readonly #part: ValuePart;
  readonly #command: CommandChannel | null;
  readonly #orders: Orders;
  readonly #optimistic: boolean;

  constructor(config: Config, channel: Channel | null, command: CommandChannel | null) {
    const parse = stateReader(config, [
      ['opening', 'state_opening', 'opening'],
      ['closing', 'state_closing', 'closing'],
      ['open', 'state_open', 'open'],
      ['closed', 'state_closed', 'closed'],
    ]);
    this.#part = { kind: 'open_close', channel, parse };
    this.#command = command;
    const keys: OrderKey[] = [['open', 'payload_open', 'OPEN'], ['close', 'payload_close', 'CLOSE'], STOP];
    this.#orders = command ? readOrders(config, keys) : new Map();
    this.#optimistic = readFlag(config, 'optimistic', false);
    this.capabilities = [orderable('open_close', ['open', 'opening', 'closed', 'closing'], this.#orders)];
    this.topics = topicsOf([this.#part]);
    this.sources = sourcesOf([this.#part]);
    this.qos = readQos(config);
  }

  decode(message: Message): Reading[] {
    const text = this.#part.channel?.read(message);
    if (text === undefined) return [];
    const object = toJsonObject(text);
    const own = this.#part.parse(text);
    const raw = object && own === undefined ? propertyText(object, 'state') : text;
    const value = raw === undefined ? undefined : this.#part.parse(raw);
    return raw === undefined || value === undefined ? [] : [{ kind: 'open_close', value, raw }];
  }

  encode(writes: readonly SinkWrite[]): Command {
    requireWritable(writes, this.capabilities);
    const order = findOrder(writes, 'open_close', this.#orders);
    if (!order || !this.#command) throw new HubError('invalid', 'A valve can only be opened or closed.');
    return {
      messages: [this.#command.message(order.payload)],
      assumed: assumedOf([this.#part], whereItEnds(order.command), this.#optimistic),
    };
  }
}

/** A valve that tells and takes how far it is open, and is opened and closed by that. */
class PositionValve implements Codec {
  readonly capabilities: readonly CapabilityDescription[];
  readonly topics: Codec['topics'];
  readonly sources: NonNullable<Codec['sources']>;
  readonly qos: Codec['qos'];
  readonly #parts: readonly ValuePart[];
  readonly #state: Channel | null;
  readonly #command: CommandChannel | null;
  readonly #orders: Orders;
  readonly #scale: PositionScale;
  readonly #readMoving: (text: string) => CapabilityValue | undefined;
  readonly #optimistic: boolean;
  #moving: CapabilityValue = null;

  constructor(config: Config, state: Channel | null, command: CommandChannel | null) {
    this.#state = state;
    this.#command = command;
    this.#scale = readPositionScale(config);
    this.#readMoving = stateReader(config, [
      ['opening', 'state_opening', 'opening'],
      ['closing', 'state_closing', 'closing'],
    ]);
    // Opening and closing are positions here, without payloads of their own.
    const ends = new Map([
      ['open', ''],
      ['close', ''],
    ]);
    this.#orders = command ? new Map([...ends, ...readOrders(config, [STOP])]) : new Map();
    this.#optimistic = readFlag(config, 'optimistic', false);
    this.capabilities = [
      orderable('open_close', ['open', 'opening', 'closed', 'closing'], this.#orders),
      { kind: 'position', unit: '%', range: { min: 0, max: 100 }, writable: command !== null },
    ];
    this.#parts = [
      { kind: 'open_close', channel: state, parse: this.#readMoving },
      { kind: 'position', channel: state, parse: (text) => toPercentOpen(text, this.#scale) },
    ];
    this.topics = topicsOf(this.#parts);
    this.sources = sourcesOf(this.#parts);
    this.qos = readQos(config);
  }

  decode(message: Message): Reading[] {
    const text = this.#state?.read(message);
    if (text === undefined) return [];
    const object = toJsonObject(text);
    const state = object ? propertyText(object, 'state') : text;
    const position = object ? propertyText(object, 'position') : text;
    const moving = state === undefined ? undefined : this.#readMoving(state);
    const percent = position === undefined ? undefined : toPercentOpen(position, this.#scale);
    const readings: Reading[] = [];
    if (position !== undefined && percent !== undefined && (object || !moving)) {
      readings.push({ kind: 'position', value: percent, raw: position });
    }
    if (moving) this.#moving = moving;
    // Any other word, and either end, says that it stands still.
    else if ((object && state !== undefined) || percent === 0 || percent === 100) this.#moving = null;
    return [...this.#decodeOpenClose(moving, percent, text), ...readings];
  }

  #decodeOpenClose(
    moving: CapabilityValue | undefined,
    percent: number | null | undefined,
    raw: string,
  ): Reading[] {
    if (moving) return [{ kind: 'open_close', value: moving, raw }];
    if (percent === undefined) return moving === null ? [{ kind: 'open_close', value: null, raw }] : [];
    const value = percent === null ? null : (this.#moving ?? (percent === 0 ? 'closed' : 'open'));
    return [{ kind: 'open_close', value, raw }];
  }

  encode(writes: readonly SinkWrite[]): Command {
    requireWritable(writes, this.capabilities);
    const command = this.#command;
    const order = findOrder(writes, 'open_close', this.#orders);
    const messages: OutgoingMessage[] = [];
    let position = findWrite(writes, 'position', isNumber);
    if (command && order?.command === 'stop') messages.push(command.message(order.payload));
    else if (order) position ??= order.command === 'open' ? 100 : 0;
    if (command && position !== undefined) messages.push(this.#positionMessage(command, position));
    if (messages.length === 0) throw new HubError('invalid', 'A position is a number of percent.');
    const expected: Reading[] =
      position === undefined
        ? []
        : [...whereItEnds(position === 0 ? 'close' : 'open'), { kind: 'position', value: position }];
    return { messages, assumed: assumedOf(this.#parts, expected, this.#optimistic) };
  }

  #positionMessage(command: CommandChannel, position: number): OutgoingMessage {
    const value = fromPercentOpen(position, this.#scale);
    const { open, closed } = this.#scale;
    return command.message(value, { value, position, position_open: open, position_closed: closed });
  }
}

function whereItEnds(command: string): Reading[] {
  if (command === 'stop') return [];
  return [{ kind: 'open_close', value: command === 'open' ? 'open' : 'closed' }];
}
