import type { Config } from '../../components/fields.ts';
import type { ComponentSpec } from '../../discovery/description.ts';
import type { BridgeInfo, Scene, ZigbeeDevice, ZigbeeGroup } from './payloads.ts';

import { toComponents } from './components.ts';
import { ACCESS, type Expose } from './expose.ts';
import { toComponent, type Target } from './target.ts';

/** What can be made of a network: the retained messages below one base topic. */
export interface Network {
  readonly base: string;
  readonly devices: readonly ZigbeeDevice[];
  readonly groups: readonly ZigbeeGroup[];
  readonly info: BridgeInfo | null;
}

/** A device or a group as the hub is to know it. */
export interface Described {
  readonly key: string;
  readonly components: readonly ComponentSpec[];
  /** A request that makes it tell its state; null where it would not answer. */
  readonly request: { readonly topic: string; readonly payload: string } | null;
}

/** Zigbee2MQTT reads these from the device when it is asked; reading more would keep the radio busy. */
const ASKED = new Set(['state', 'brightness', 'position']);

/** Types that a group can be, as in Zigbee2MQTT's own discovery. */
const GROUP_TYPES = new Set(['light', 'switch', 'lock', 'cover']);

export function describeDevices(network: Network): Described[] {
  return network.devices.flatMap((device) => {
    if (device.isCoordinator || !device.isUsable || device.name === null) return [];
    const target: Target = {
      key: device.ieee,
      topic: `${network.base}/${device.name}`,
      shared: {
        ...toAvailability(network, device.name, isAvailabilityTold(network, device)),
        device: toDeviceBlock(network, device, device.name),
      },
      exposes: device.exposes,
    };
    const components = [
      ...toComponents(target),
      ...toScenes(target, device.scenes),
      ...toUpdate(network, target, device),
    ];
    return [{ key: device.ieee, components, request: device.isBattery ? null : toRequest(target) }];
  });
}

export function describeGroups(network: Network): Described[] {
  const byAddress = new Map(network.devices.map((device) => [device.ieee, device]));
  return network.groups.map((group) => {
    const members = group.members.flatMap((ieee) => byAddress.get(ieee) ?? []);
    const key = groupKey(network.base, group.id);
    const isTold = members.length > 0 && members.every((member) => isAvailabilityTold(network, member));
    const target: Target = {
      key,
      topic: `${network.base}/${group.name}`,
      shared: {
        ...toAvailability(network, group.name, isTold),
        device: {
          identifiers: [`zigbee2mqtt_${key}`],
          name: group.name,
          manufacturer: 'Zigbee2MQTT',
          model: 'Group',
          ...(network.info?.version ? { sw_version: `Zigbee2MQTT ${network.info.version}` } : {}),
          ...toParent(network),
        },
      },
      exposes: toGroupExposes(members),
    };
    return { key, components: [...toComponents(target), ...toScenes(target, group.scenes)], request: null };
  });
}

/** As Zigbee2MQTT's own discovery has it: two networks may both have a group 1. */
export function groupKey(base: string, id: number): string {
  return `${Array.from(base, (char) => char.charCodeAt(0)).join('')}_${id}`;
}

function toDeviceBlock(network: Network, device: ZigbeeDevice, name: string): Config {
  return {
    identifiers: [`zigbee2mqtt_${device.ieee}`],
    name,
    manufacturer: device.manufacturer,
    model: device.model,
    model_id: device.modelId,
    sw_version: device.swVersion,
    ...toParent(network),
  };
}

function toParent({ devices }: Network): Config {
  const coordinator = devices.find(({ isCoordinator }) => isCoordinator);
  return coordinator ? { via_device: `zigbee2mqtt_bridge_${coordinator.ieee}` } : {};
}

function isAvailabilityTold({ info }: Network, { ieee }: ZigbeeDevice): boolean {
  return info !== null && (info.availability.get(ieee) ?? info.isAvailabilityTold);
}

/** Old versions tell the plain word. */
function toAvailability({ base }: Network, name: string, isTold: boolean): Config {
  const value_template = '{{ value_json.state if value_json is mapping else value }}';
  const bridge = { topic: `${base}/bridge/state`, value_template };
  return {
    availability: isTold ? [bridge, { topic: `${base}/${name}/availability`, value_template }] : [bridge],
    availability_mode: 'all',
  };
}

/** What a group's members have in common is not said by the list: what one of them can do, the group can be asked for. */
function toGroupExposes(members: readonly ZigbeeDevice[]): Expose[] {
  const merged = new Map<string, Expose>();
  for (const expose of members.flatMap(({ exposes }) => exposes)) {
    if (!GROUP_TYPES.has(expose.type)) continue;
    const features = expose.features.filter(
      ({ features, name }) => features.length === 0 || name.startsWith('color_'),
    );
    const known = merged.get(expose.type) ?? { ...expose, endpoint: null, features: [] };
    const names = new Set(known.features.map(({ name }) => name));
    const added = features.filter(({ name }) => !names.has(name)).map(withoutEndpoint);
    merged.set(expose.type, { ...known, features: [...known.features, ...added] });
  }
  return [...merged.values()].map((expose) => ({
    ...expose,
    features: expose.features.filter(({ name }) => GROUP_FEATURES.has(name)),
  }));
}

const GROUP_FEATURES = new Set([
  'state',
  'brightness',
  'color_temp',
  'color_xy',
  'color_hs',
  'position',
  'tilt',
]);

/** A group's state knows no endpoints. */
function withoutEndpoint(feature: Expose): Expose {
  const suffix = feature.endpoint === null ? '' : `_${feature.endpoint}`;
  const property =
    suffix !== '' && feature.property.endsWith(suffix)
      ? feature.property.slice(0, -suffix.length)
      : feature.property;
  return { ...feature, endpoint: null, property };
}

function toScenes(target: Target, scenes: readonly Scene[]): ComponentSpec[] {
  return scenes.map(({ id, name }) =>
    toComponent(target, 'scene', `scene_${id}`, {
      name,
      command_topic: `${target.topic}/set`,
      payload_on: `{ "scene_recall": ${id} }`,
    }),
  );
}

function toUpdate({ base }: Network, target: Target, { ieee, canUpdate }: ZigbeeDevice): ComponentSpec[] {
  if (!canUpdate) return [];
  return [
    toComponent(target, 'update', 'update', {
      name: null,
      device_class: 'firmware',
      entity_category: 'config',
      state_topic: target.topic,
      value_template:
        '{% set u = value_json["update"] %}{% if u is mapping %}{"installed_version": {{ u.installed_version | default(none) | tojson }}, ' +
        '"latest_version": {{ u.latest_version | default(none) | tojson }}, ' +
        '"update_percentage": {{ u.progress | default(none) | tojson }}, ' +
        '"in_progress": {{ (u.state == "updating") | tojson }}}{% endif %}',
      command_topic: `${base}/bridge/request/device/ota_update/update`,
      payload_install: JSON.stringify({ id: ieee }),
    }),
  ];
}

/** States are not retained: without a question they would be unknown until they change. */
function toRequest({ topic, exposes }: Target): Described['request'] {
  const properties = exposes
    .flatMap(({ features }) => features)
    .filter(({ name, access, property }) => ASKED.has(name) && (access & ACCESS.get) !== 0 && property !== '')
    .map(({ property }) => [property, '']);
  if (properties.length === 0) return null;
  return { topic: `${topic}/get`, payload: JSON.stringify(Object.fromEntries(properties)) };
}
