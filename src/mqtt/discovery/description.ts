import type { CapabilityDescription, ComponentDescription, DeviceInfo } from '../../devices/types.ts';

import { readFlag, readText, toText, type Config } from '../components/fields.ts';
import { isObject, readLabel } from './expand.ts';

const MAX_IDENTIFIERS = 16;

/** A component as discovery tells of it, before the hub knows whether it speaks its language. */
export interface ComponentSpec {
  readonly id: string;
  readonly type: string;
  /** The last part of the identity, for components that have no name. */
  readonly objectId: string;
  /** Keys in full, base topic resolved. */
  readonly config: Config;
}

export function describeComponent(
  { id, type, objectId, config }: ComponentSpec,
  capabilities: readonly CapabilityDescription[],
  unsupported: string | null,
  source = 'discovery',
): ComponentDescription {
  const device = readDevice(config, id);
  const category = readText(config, 'entity_category');
  return {
    id,
    type,
    device,
    label: readName(config, objectId, device.name),
    deviceClass: readLabel(config, 'device_class'),
    category: category === 'config' || category === 'diagnostic' ? category : null,
    capabilities,
    unsupported,
    enabledByDefault: readFlag(config, 'enabled_by_default', true),
    uniqueId: readText(config, 'unique_id')?.slice(0, 255) ?? null,
    source,
  };
}

/** The texts that name the physical device of a component, see DeviceInfo. */
export function deviceIdentifiers({ id, config }: ComponentSpec): readonly string[] {
  return readDevice(config, id).identifiers;
}

/** The physical device; a component without one is a device of its own. */
function readDevice(config: Config, componentId: string): DeviceInfo {
  const device = isObject(config.device) ? config.device : {};
  const identifiers = readIdentifiers(device);
  const via = readLabel(device, 'via_device');
  return {
    identifiers: identifiers.length > 0 ? identifiers : [`component:${componentId}`],
    name: readLabel(device, 'name'),
    manufacturer: readLabel(device, 'manufacturer'),
    model: readLabel(device, 'model') ?? readLabel(device, 'model_id'),
    swVersion: readLabel(device, 'sw_version'),
    hwVersion: readLabel(device, 'hw_version'),
    serialNumber: readLabel(device, 'serial_number'),
    suggestedArea: readLabel(device, 'suggested_area'),
    viaDevice: via === null ? null : `id:${via}`,
  };
}

function readIdentifiers(device: Config): string[] {
  const found = new Set<string>();
  const identifiers: readonly unknown[] = Array.isArray(device.identifiers)
    ? device.identifiers
    : [device.identifiers];
  for (const identifier of identifiers) {
    const text = toText(identifier)?.trim().slice(0, 255);
    if (text) found.add(`id:${text}`);
  }
  const connections: readonly unknown[] = Array.isArray(device.connections) ? device.connections : [];
  for (const connection of connections) {
    if (!Array.isArray(connection)) continue;
    const [type, value] = (connection as readonly unknown[]).map(toText);
    const mac = type?.toLowerCase() === 'mac' ? toMac(value ?? '') : null;
    if (mac) found.add(`mac:${mac}`);
  }
  return [...found].slice(0, MAX_IDENTIFIERS);
}

/** Twelve lower-case hex digits; null for the names that some firmware puts in a MAC's place. */
function toMac(text: string): string | null {
  const digits = text.replaceAll(/[:.\-\s]/g, '').toLowerCase();
  return /^[0-9a-f]{12}$/.test(digits) ? digits : null;
}

/** Null for the device's main feature, which goes by the device's name. */
function readName(config: Config, objectId: string, deviceName: string | null): string | null {
  if (config.name === null || config.name === '') return null;
  const name = readLabel(config, 'name');
  if (name === null) return toWords(readLabel(config, 'device_class') ?? objectId);
  if (deviceName === null) return name;
  if (name.toLowerCase() === deviceName.toLowerCase()) return null;
  // Old firmware repeats the device's name before each of its features.
  const prefix = `${deviceName} `.toLowerCase();
  const rest = name.toLowerCase().startsWith(prefix) ? name.slice(prefix.length).trim() : '';
  return rest === '' ? name : rest;
}

/** `garage_door` as a person would write it. */
function toWords(identifier: string): string {
  const words = identifier.replaceAll('_', ' ').trim();
  return words === '' ? identifier : words.charAt(0).toUpperCase() + words.slice(1);
}
