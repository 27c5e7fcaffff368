import type {
  CapabilityDescription,
  CapabilityKind,
  CapabilityValue,
  SinkWrite,
} from '../../devices/types.ts';
import type { Message } from '../message.ts';
import type { OutgoingMessage, Qos, ValueSource } from '../types.ts';

/** A value that a message told, in the unit of its kind. */
export interface Reading {
  readonly kind: CapabilityKind;
  readonly value: CapabilityValue;
  /** The text that the value was made of, where it was a single one. */
  readonly raw?: string;
}

/** What a command sends, and what is believed at once because the device will not report it. */
export interface Command {
  readonly messages: readonly OutgoingMessage[];
  readonly assumed: readonly Reading[];
}

/** One component's language: between its topics and the hub's capabilities. */
export interface Codec {
  readonly capabilities: readonly CapabilityDescription[];
  /** Filters of the state topics. */
  readonly topics: readonly string[];
  readonly sources?: readonly ValueSource[];
  readonly qos: Qos;
  /** The values that the message tells; what it does not tell is left out. Must not throw. */
  decode(message: Message): Reading[];
  /**
   * Missing where the component only tells.
   * @throws HubError `invalid` when the component takes no such command.
   */
  encode?(writes: readonly SinkWrite[]): Command;
  /** Without a message for so long, the values are unknown. */
  readonly expireAfterMs?: number | null;
  /** So long after a message that told true, the value is false again. */
  readonly offDelayMs?: number | null;
}

/** The value written to a kind, when the writes hold one of that type; a later one wins. */
export function findWrite<T>(
  writes: readonly SinkWrite[],
  kind: CapabilityKind,
  isType: (value: unknown) => value is T,
): T | undefined {
  const write = writes.findLast((candidate) => candidate.kind === kind);
  return write && isType(write.value) ? write.value : undefined;
}

export const isBoolean = (value: unknown): value is boolean => typeof value === 'boolean';
export const isNumber = (value: unknown): value is number =>
  typeof value === 'number' && Number.isFinite(value);
export const isString = (value: unknown): value is string => typeof value === 'string';
export const isHueSaturation = (value: unknown): value is { hue: number; saturation: number } =>
  typeof value === 'object' &&
  value !== null &&
  'hue' in value &&
  'saturation' in value &&
  isNumber(value.hue) &&
  isNumber(value.saturation);
