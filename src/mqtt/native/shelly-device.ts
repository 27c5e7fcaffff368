import type { Config } from '../components/fields.ts';
import type { ComponentSpec } from '../discovery/description.ts';

/** Who Shelly devices are named to have been made by. */
const MANUFACTURER = 'Shelly';

/** The hub's own corner of the broker: answers to its requests arrive at `funkygibbon/<something>/rpc`. */
export const OWN_TOPIC = 'funkygibbon';

/** A component before it is known which device it belongs to. */
export interface Draft {
  readonly type: string;
  /** The last part of the identity: letters, digits and underscores. */
  readonly objectId: string;
  readonly config: Config;
}

/** What the components of one device have in common. */
export interface Frame {
  /** Names the device in the identities of its components. */
  readonly key: string;
  readonly device: Config;
  /** Null for devices that sleep: that they can't be reached says nothing about them. */
  readonly onlineTopic: string | null;
}

/** The draft's identity, and what it shares with its siblings; a `device` of its own stays. */
export function toSpec({ type, objectId, config }: Draft, frame: Frame): ComponentSpec {
  return {
    id: `${type}/shelly_${frame.key}/${objectId}`,
    type,
    objectId,
    config: {
      device: frame.device,
      ...(frame.onlineTopic === null ? {} : { availability: [toAvailability(frame.onlineTopic)] }),
      ...config,
    },
  };
}

function toAvailability(topic: string): Config {
  return { topic, payload_available: 'true', payload_not_available: 'false' };
}

export interface DeviceFacts {
  /** Twelve lower-case hex digits, or null while they are not known. */
  readonly mac: string | null;
  /** Stands for the device while its MAC is not known. */
  readonly fallbackId: string;
  readonly name: string;
  readonly model: string | null;
  readonly modelId: string | null;
  readonly swVersion: string | null;
}

/**
 * The `device` block. The discovery scripts for Shelly name devices by their MAC, the older one without colons, the
 * newer one with them: both are given, so that a device known through either is the same one.
 */
export function toDeviceBlock({ mac, fallbackId, name, model, modelId, swVersion }: DeviceFacts): Config {
  const withColons = mac === null ? null : mac.replaceAll(/(..)(?=.)/g, '$1:');
  return {
    identifiers: mac === null || withColons === null ? [fallbackId] : [withColons, mac],
    ...(withColons === null ? {} : { connections: [['mac', withColons]] }),
    name,
    manufacturer: MANUFACTURER,
    ...(model === null ? {} : { model }),
    ...(modelId === null ? {} : { model_id: modelId }),
    ...(swVersion === null ? {} : { sw_version: swVersion }),
  };
}

/** Twelve lower-case hex digits; null for anything else. */
export function toMac(value: unknown): string | null {
  if (typeof value !== 'string') return null;
  const digits = value.replaceAll(/[:-]/g, '').toLowerCase();
  return /^[0-9a-f]{12}$/.test(digits) ? digits : null;
}

/** One command as firmware of the second and later generations takes it. Refusals come back to the hub's own topic. */
export function toRpcPayload(method: string, params: Config): string {
  return JSON.stringify({ id: 1, src: COMMAND_SOURCE, method, params });
}

export const COMMAND_SOURCE = `${OWN_TOPIC}/command`;

/** A sensor of a quantity. */
export interface Quantity {
  readonly objectId: string;
  readonly name: string;
  readonly deviceClass: string | null;
  readonly unit: string | null;
  readonly stateClass: 'measurement' | 'total_increasing' | null;
  readonly isDiagnostic?: boolean;
}

/** The configuration of a quantity's sensor, without the topic. */
export function toSensorConfig({ name, deviceClass, unit, stateClass, isDiagnostic }: Quantity): Config {
  return {
    name,
    ...(deviceClass === null ? {} : { device_class: deviceClass }),
    ...(unit === null ? {} : { unit_of_measurement: unit }),
    ...(stateClass === null ? {} : { state_class: stateClass }),
    ...(isDiagnostic ? { entity_category: 'diagnostic' } : {}),
  };
}

/** `power`, `Kitchen` as `Kitchen power`; `power` of the only output as `Power`. */
export function joinNames(owner: string | null, name: string): string {
  if (owner === null || owner === '') return name;
  return `${owner} ${name.charAt(0).toLowerCase()}${name.slice(1)}`;
}
