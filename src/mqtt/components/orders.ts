import type {
  CapabilityDescription,
  CapabilityKind,
  CapabilityValue,
  SinkWrite,
} from '../../devices/types.ts';
import type { TemplateVariables } from '../template/template.ts';
import type { OutgoingMessage } from '../types.ts';
import type { CommandChannel } from './parts.ts';

import { HubError } from '../../base/errors.ts';
import { readPayload, readText, type Config } from './fields.ts';
import { isUnknown } from './templates.ts';

/** The orders that a component takes, and the payload of each. */
export type Orders = ReadonlyMap<string, string>;

/** An order, the key of its payload, and the payload where none is configured; null: then there is no such order. */
export type OrderKey = readonly [order: string, key: string, fallback: string | null];

/** The orders of a configuration; a payload of null takes the order away. */
export function readOrders(config: Config, keys: readonly OrderKey[]): Orders {
  const orders = new Map<string, string>();
  for (const [order, key, fallback] of keys) {
    const payload = config[key] === null ? null : (readText(config, key) ?? fallback);
    if (payload !== null) orders.set(order, payload);
  }
  return orders;
}

/** An order that was given; the code is null where none came with it. */
export interface GivenOrder {
  readonly command: string;
  readonly payload: string;
  readonly code: string | null;
}

/**
 * The order that the writes hold, if any; a later one wins.
 * @throws HubError `invalid` when the component takes no such order.
 */
export function findOrder(
  writes: readonly SinkWrite[],
  kind: CapabilityKind,
  orders: Orders,
): GivenOrder | undefined {
  const write = writes.findLast((candidate) => candidate.kind === kind);
  if (!write) return undefined;
  const { value } = write;
  const coded = typeof value === 'object' && 'command' in value ? value : null;
  const command = coded ? coded.command : value;
  const payload = typeof command === 'string' ? orders.get(command) : undefined;
  if (typeof command !== 'string' || payload === undefined) {
    throw new HubError('invalid', `${kind} takes one of ${[...orders.keys()].join(', ')}`, {
      field: 'value',
    });
  }
  return { command, payload, code: coded && coded.code !== '' ? coded.code : null };
}

/**
 * The message for an order that may carry a code.
 * @throws HubError `invalid` when the template fails; it does not quote the code, as the template's own complaint would.
 */
export function codedMessage(
  command: CommandChannel,
  { payload, code }: GivenOrder,
  variables: TemplateVariables,
): OutgoingMessage {
  if (code === null) return command.message(payload, { ...variables, code });
  try {
    return command.message(payload, { ...variables, code });
  } catch (error) {
    if (!(error instanceof HubError)) throw error;
    throw new HubError('invalid', "The device's command template can't take that code.", { field: 'value' });
  }
}

/** What the orders make of a capability: writable with the orders as its commands, or only told. */
export function orderable(
  kind: CapabilityKind,
  options: readonly string[],
  orders: Orders,
): CapabilityDescription {
  const base = { kind, unit: null, range: null, options };
  return orders.size === 0
    ? { ...base, writable: false }
    : { ...base, writable: true, commands: [...orders.keys()] };
}

/** @throws HubError `invalid` when there is nothing to write, or something that the component only tells. */
export function requireWritable(
  writes: readonly SinkWrite[],
  capabilities: readonly CapabilityDescription[],
): void {
  if (writes.length === 0) throw new HubError('invalid', 'The command sets nothing.');
  for (const { kind } of writes) {
    if (capabilities.some((capability) => capability.kind === kind && capability.writable)) continue;
    throw new HubError('invalid', `This device can't set ${kind}.`, { field: 'capability' });
  }
}

/** A state, the key of the text that tells it, and that text where none is configured. */
export type StateKey = readonly [state: CapabilityValue, key: string, fallback: string];

/**
 * Reads states in the configuration's own words; the first that fits counts. Unknown is null, a text that fits
 * nothing is undefined.
 */
export function stateReader(
  config: Config,
  keys: readonly StateKey[],
): (text: string) => CapabilityValue | undefined {
  const states = keys.map(([state, key, fallback]) => ({
    state,
    text: readPayload(config, [key], fallback),
  }));
  return (received) => {
    const found = states.find(({ text }) => text.matches(received));
    if (found) return found.state;
    return isUnknown(received) ? null : undefined;
  };
}

/** Reads states that Home Assistant fixes: the text is the state. */
export function wordReader(states: readonly string[]): (text: string) => CapabilityValue | undefined {
  return (received) => {
    if (states.includes(received)) return received;
    return isUnknown(received) ? null : undefined;
  };
}
