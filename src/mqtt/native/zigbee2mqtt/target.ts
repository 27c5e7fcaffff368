import type { Config } from '../../components/fields.ts';
import type { ComponentSpec } from '../../discovery/description.ts';
import type { Expose } from './expose.ts';

/** The device or group whose components are made. */
export interface Target {
  /** The key within the protocol: the address, or what Zigbee2MQTT's own discovery calls a group. */
  readonly key: string;
  /** Where its state is told. */
  readonly topic: string;
  /** The keys that all its components have. */
  readonly shared: Config;
  /** Everything that it exposes. */
  readonly exposes: readonly Expose[];
}

export function toComponent(target: Target, type: string, objectId: string, config: Config): ComponentSpec {
  const id = objectId.replaceAll(/[^A-Za-z0-9_-]/g, '_').slice(0, 200);
  return {
    id: `${type}/zigbee2mqtt_${target.key}/${id}`,
    type,
    objectId: id,
    config: { ...config, unique_id: `zigbee2mqtt_${target.key}_${id}`, ...target.shared },
  };
}

/** The command topic of a single property. */
export function setTopic(target: Target, property: string): string {
  return `${target.topic}/set/${property}`;
}

/** As Zigbee2MQTT's own discovery calls it: `switch`, `switch_left`. */
export function toObjectId(name: string, { endpoint }: Expose): string {
  return endpoint === null ? name : `${name}_${endpoint}`;
}

/** Null for the device's main feature, which goes by the device's name. */
export function toMainName({ endpoint }: Expose): string | null {
  return endpoint === null ? null : capitalize(endpoint);
}

export function toName({ label, name, endpoint }: Expose): string {
  const words = label ?? capitalize(name.replaceAll('_', ' '));
  return endpoint === null ? words : `${words} ${endpoint}`;
}

/** The keys that say how much a component matters. */
export function toCategory({ category }: Expose): Config {
  return category === null ? {} : { entity_category: category };
}

function capitalize(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
