import type { CapabilityDescription, CapabilityValue, SinkWrite } from '../../devices/types.ts';
import type { Message } from '../message.ts';
import type { OutgoingMessage } from '../types.ts';

import { HubError } from '../../base/errors.ts';
import { findWrite, isNumber, type Codec, type Command, type Reading } from './codec.ts';
import { ConfigProblem, readFlag, readNumber, readQos, type Config } from './fields.ts';
import { propertyText, toJsonObject } from './json-text.ts';
import { findOrder, orderable, readOrders, requireWritable, stateReader, type Orders } from './orders.ts';
import { assumedOf, CommandChannel, sourcesOf, topicsOf, type ValuePart } from './parts.ts';
import { fromPercentOpen, readPositionScale, toPercentOpen, type PositionScale } from './position.ts';
import { Channel, type Templates } from './templates.ts';

const STATES = ['open', 'opening', 'closed', 'closing', 'stopped'];
const PERCENT = { unit: '%', range: { min: 0, max: 100 } };

/**
 * A cover: blind, garage door, gate …, https://www.home-assistant.io/integrations/cover.mqtt/.
 * @throws ConfigProblem when the configuration can't be used.
 */
export function toCover(config: Config, templates: Templates): Codec {
  return new Cover(config, templates);
}

class Cover implements Codec {
  readonly capabilities: readonly CapabilityDescription[];
  readonly topics: Codec['topics'];
  readonly sources: NonNullable<Codec['sources']>;
  readonly qos: Codec['qos'];
  readonly #parts: readonly ValuePart[];
  readonly #state: Channel | null;
  readonly #position: Channel | null;
  readonly #tilt: Channel | null;
  readonly #command: CommandChannel | null;
  readonly #setPosition: CommandChannel | null;
  readonly #setTilt: CommandChannel | null;
  readonly #orders: Orders;
  readonly #readState: (text: string) => CapabilityValue | undefined;
  readonly #scale: PositionScale;
  readonly #tiltScale: PositionScale;
  readonly #variables: Readonly<Record<string, number>>;
  readonly #optimistic: boolean;
  #last: CapabilityValue = null;
  #percent: number | null = null;
  /** The device told that it stands still, and not where: its position says whether it is open. */
  #isResting = false;

  constructor(config: Config, templates: Templates) {
    this.#state = Channel.read(config, 'state_topic', ['value_template'], templates);
    // Before 2021 the only template there was belonged to the position, where no state was told.
    const positionKeys = this.#state ? ['position_template'] : ['position_template', 'value_template'];
    this.#position = Channel.read(config, 'position_topic', positionKeys, templates);
    this.#tilt = Channel.read(config, 'tilt_status_topic', ['tilt_status_template'], templates);
    this.#command = CommandChannel.read(config, 'command_topic', null, templates);
    this.#setPosition = CommandChannel.read(config, 'set_position_topic', 'set_position_template', templates);
    this.#setTilt = CommandChannel.read(config, 'tilt_command_topic', 'tilt_command_template', templates);
    this.#orders = this.#command
      ? readOrders(config, [
          ['open', 'payload_open', 'OPEN'],
          ['close', 'payload_close', 'CLOSE'],
          ['stop', 'payload_stop', 'STOP'],
        ])
      : new Map();
    // Some firmware has one word for two of them; the moving states then mean what is meant.
    this.#readState = stateReader(config, [
      ['stopped', 'state_stopped', 'stopped'],
      ['opening', 'state_opening', 'opening'],
      ['closing', 'state_closing', 'closing'],
      ['open', 'state_open', 'open'],
      ['closed', 'state_closed', 'closed'],
    ]);
    this.#scale = readPositionScale(config);
    this.#tiltScale = readTiltScale(config);
    this.#variables = {
      position_open: this.#scale.open,
      position_closed: this.#scale.closed,
      tilt_min: readNumber(config, 'tilt_min') ?? 0,
      tilt_max: readNumber(config, 'tilt_max') ?? 100,
    };
    this.#optimistic = readFlag(config, 'optimistic', false);
    this.qos = readQos(config);
    this.capabilities = this.#describe();
    if (this.capabilities.length === 0) throw new ConfigProblem('Its configuration names no topic.');
    const parts: ValuePart[] = [
      { kind: 'open_close', channel: this.#state ?? this.#position, parse: this.#readState },
      {
        kind: 'position',
        channel: this.#position,
        parse: (text) => toPercentOpen(text, this.#scale),
      },
      { kind: 'tilt', channel: this.#tilt, parse: (text) => this.#parseTilt(text) },
    ];
    this.topics = topicsOf(parts);
    this.sources = sourcesOf(parts);
    const isTiltReported = !readFlag(config, 'tilt_optimistic', false);
    this.#parts = parts.filter(({ kind }) => kind !== 'tilt' || isTiltReported);
  }

  #describe(): CapabilityDescription[] {
    const capabilities: CapabilityDescription[] = [];
    if (this.#state ?? this.#position ?? this.#command) {
      capabilities.push(orderable('open_close', STATES, this.#orders));
    }
    if (this.#position ?? this.#setPosition) {
      capabilities.push({ kind: 'position', ...PERCENT, writable: this.#setPosition !== null });
    }
    if (this.#tilt ?? this.#setTilt) {
      capabilities.push({ kind: 'tilt', ...PERCENT, writable: this.#setTilt !== null });
    }
    return capabilities;
  }

  decode(message: Message): Reading[] {
    // The position first: a device that tells both in one message stands where it says now.
    const readings = [...this.#decodePosition(message), ...this.#decodeTilt(message)];
    return [...this.#decodeState(message, readings), ...readings];
  }

  #decodePosition(message: Message): Reading[] {
    const text = this.#position?.read(message);
    if (text === undefined) return [];
    const object = toJsonObject(text);
    const readings: Reading[] = [];
    const raw = object ? propertyText(object, 'position') : text;
    const value = raw === undefined ? undefined : toPercentOpen(raw, this.#scale);
    if (raw !== undefined && value !== undefined) {
      this.#percent = value;
      readings.push({ kind: 'position', value, raw });
    }
    const tilt = object ? propertyText(object, 'tilt_position') : undefined;
    return tilt === undefined ? readings : [...readings, ...this.#toTiltReadings(tilt)];
  }

  #decodeTilt(message: Message): Reading[] {
    const text = this.#tilt?.read(message);
    return text === undefined ? [] : this.#toTiltReadings(text);
  }

  #toTiltReadings(raw: string): Reading[] {
    const value = this.#tilt || this.#setTilt ? this.#parseTilt(raw) : undefined;
    return value === undefined ? [] : [{ kind: 'tilt', value, raw }];
  }

  /** Unlike a position, a tilt out of range is no tilt at all. */
  #parseTilt(text: string): number | null | undefined {
    const { closed, open } = this.#tiltScale;
    const number = Number(text);
    if (number < Math.min(closed, open) || number > Math.max(closed, open)) return undefined;
    return toPercentOpen(text, this.#tiltScale);
  }

  #decodeState(message: Message, readings: readonly Reading[]): Reading[] {
    const position = readings.find(({ kind }) => kind === 'position');
    const raw = this.#state?.read(message);
    const told = raw === undefined ? undefined : this.#readState(raw);
    if (told !== undefined) this.#isResting = told === 'stopped';
    if (told !== undefined && told !== 'stopped') return this.#tellState(told, raw);
    if (told === 'stopped') return this.#tellState(this.#whereItRests(), raw);
    if (!position || (this.#state && !this.#isResting)) return [];
    if (position.value === null && this.#isResting) return [];
    return this.#tellState(byPosition(this.#percent), position.raw);
  }

  #tellState(value: CapabilityValue, raw: string | undefined): Reading[] {
    this.#last = value;
    return [{ kind: 'open_close', value, ...(raw === undefined ? {} : { raw }) }];
  }

  /** Where nothing tells the position, a cover that stops has arrived where it was going. */
  #whereItRests(): CapabilityValue {
    if (this.#percent !== null) return byPosition(this.#percent);
    switch (this.#last) {
      case 'open':
      case 'opening':
        return 'open';
      case 'closed':
      case 'closing':
        return 'closed';
      default:
        return 'stopped';
    }
  }

  encode(writes: readonly SinkWrite[]): Command {
    requireWritable(writes, this.capabilities);
    const messages: OutgoingMessage[] = [];
    const expected: Reading[] = [];
    const order = findOrder(writes, 'open_close', this.#orders);
    if (order && this.#command) {
      messages.push(this.#command.message(order.payload));
      expected.push(...this.#expect(order.command));
    }
    const position = findWrite(writes, 'position', isNumber);
    if (position !== undefined && this.#setPosition) {
      const value = fromPercentOpen(position, this.#scale);
      messages.push(this.#setPosition.message(value, { value, position, ...this.#variables }));
      expected.push(...this.#expectPosition(position));
    }
    const tilt = findWrite(writes, 'tilt', isNumber);
    if (tilt !== undefined && this.#setTilt) {
      const value = fromPercentOpen(tilt, this.#tiltScale);
      messages.push(this.#setTilt.message(value, { value, tilt_position: tilt, ...this.#variables }));
      expected.push({ kind: 'tilt', value: tilt });
    }
    if (messages.length === 0) throw new HubError('invalid', 'A position is a number of percent.');
    return { messages, assumed: assumedOf(this.#parts, expected, this.#optimistic) };
  }

  #expect(command: string): Reading[] {
    if (command === 'open') return this.#expectPosition(100);
    if (command === 'close') return this.#expectPosition(0);
    // Halted on the way, it has not arrived: "stopped" no longer means closed.
    if (this.#last === 'closing') this.#last = 'stopped';
    return [];
  }

  #expectPosition(percent: number): Reading[] {
    const readings: Reading[] = [
      { kind: 'open_close', value: byPosition(percent) },
      { kind: 'position', value: percent },
    ];
    return readings.filter(({ kind }) => this.capabilities.some((capability) => capability.kind === kind));
  }
}

function byPosition(percent: number | null): CapabilityValue {
  if (percent === null) return null;
  return percent === 0 ? 'closed' : 'open';
}

/** The whole way from tilt_min to tilt_max; downwards where the closed value is the upper end. */
function readTiltScale(config: Config): PositionScale {
  const min = readNumber(config, 'tilt_min') ?? 0;
  const max = readNumber(config, 'tilt_max') ?? 100;
  if (min === max) throw new ConfigProblem('Its tilt_min and tilt_max are the same.');
  const isInverted =
    readNumber(config, 'tilt_closed_value') === max && readNumber(config, 'tilt_opened_value') === min;
  return isInverted ? { closed: max, open: min } : { closed: min, open: max };
}
