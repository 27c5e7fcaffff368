import type { CapabilityKind } from '../../devices/types.ts';
import type { Message } from '../message.ts';
import type { Codec } from './codec.ts';
import type { Templates } from './templates.ts';

import { readPayload, readQos, readSecondsAsMs, readText, requireStateTopic, type Config } from './fields.ts';
import { decodeParts, sourcesOf, topicsOf } from './parts.ts';
import { Channel, isUnknown } from './templates.ts';
import { readOnly } from './units.ts';

/** Device classes that are not here, such as `lock`, `plug` or `running`, are two states without a kind. */
const KIND_BY_CLASS: Readonly<Record<string, CapabilityKind>> = {
  motion: 'motion',
  moving: 'motion',
  occupancy: 'occupancy',
  presence: 'occupancy',
  door: 'contact',
  garage_door: 'contact',
  window: 'contact',
  opening: 'contact',
  moisture: 'leak',
  water: 'leak',
  smoke: 'smoke',
  carbon_monoxide: 'co_detected',
  gas: 'gas_detected',
  battery: 'battery_low',
  problem: 'problem',
  safety: 'problem',
  connectivity: 'connectivity',
  tamper: 'tamper',
  vibration: 'vibration',
  sound: 'sound',
};

/**
 * A sensor with two states, https://www.home-assistant.io/integrations/binary_sensor.mqtt/.
 * @throws ConfigProblem when the configuration can't be used.
 */
export function toBinarySensor(config: Config, templates: Templates): Codec {
  requireStateTopic(config, 'state_topic');
  const state = Channel.read(config, 'state_topic', ['value_template'], templates);
  const kind = toKind(readText(config, 'device_class'));
  const on = readPayload(config, ['payload_on'], 'ON');
  const off = readPayload(config, ['payload_off'], 'OFF');
  const parse = (text: string): boolean | null | undefined => {
    if (on.matches(text)) return true;
    if (off.matches(text)) return false;
    return isUnknown(text) ? null : undefined;
  };
  const parts = [{ kind, channel: state, parse }];
  return {
    capabilities: [readOnly(kind, null, null)],
    topics: topicsOf(parts),
    sources: sourcesOf(parts),
    qos: readQos(config),
    expireAfterMs: readSecondsAsMs(config, 'expire_after'),
    offDelayMs: readSecondsAsMs(config, 'off_delay'),
    decode: (message: Message) => decodeParts(parts, message),
  };
}

function toKind(deviceClass: string | null): CapabilityKind {
  if (deviceClass === null || !Object.hasOwn(KIND_BY_CLASS, deviceClass)) return 'binary';
  return KIND_BY_CLASS[deviceClass] ?? 'binary';
}
