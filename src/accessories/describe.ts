import type { CapabilityDescription, ComponentDescription, DeviceInfo } from '../devices/types.ts';
import type { ImportedAccessory, ImportedCapability, ImportedService } from './mapping.ts';

import { accessoryComponentId, componentIdOf } from './component-ids.ts';

/** The aid of a bridge itself, by which its other accessories are reached. */
const BRIDGE_AID = '1';

/** What an imported accessory is to the devices: a component for itself, and one for each of its services. */
export function toComponents(
  pairing: { id: string; name: string },
  accessory: ImportedAccessory,
): ComponentDescription[] {
  const device = toDevice(pairing, accessory);
  const common = { device, category: null, enabledByDefault: true, source: 'homekit' } as const;
  const own: ComponentDescription = {
    ...common,
    id: accessoryComponentId(pairing.id, accessory.aid),
    type: 'accessory',
    label: null,
    deviceClass: null,
    capabilities: [],
    unsupported: null,
  };
  const services = accessory.services.map((service): ComponentDescription => ({
    ...common,
    id: componentIdOf(pairing.id, service),
    type: service.component ?? 'service',
    label: labelOf(service, accessory),
    deviceClass: service.deviceClass,
    capabilities: service.capabilities.map(toCapability),
    unsupported: service.capabilities.length > 0 ? null : unsupportedText(service),
  }));
  return [own, ...services];
}

function toDevice({ id, name }: { id: string; name: string }, accessory: ImportedAccessory): DeviceInfo {
  const { aid } = accessory;
  return {
    identifiers: [identifier(id, aid)],
    name: accessory.name ?? name,
    manufacturer: accessory.manufacturer,
    model: accessory.model,
    swVersion: accessory.swVersion,
    hwVersion: accessory.hwVersion,
    serialNumber: accessory.serialNumber,
    suggestedArea: null,
    viaDevice: aid === BRIDGE_AID ? null : identifier(id, BRIDGE_AID),
  };
}

/** Not by serial number or MAC: the same lamp behind two bridges are two accessories, with ids of their own. */
function identifier(pairingId: string, aid: string): string {
  return `hap:${pairingId}/${aid}`;
}

function labelOf({ name, labelIndex }: ImportedService, accessory: ImportedAccessory): string | null {
  if (labelIndex !== null) return name === null || name === accessory.name ? `Button ${labelIndex}` : name;
  return name === accessory.name ? null : name;
}

/** Without what only the importer needs, for it is kept and compared. */
function toCapability(capability: ImportedCapability): CapabilityDescription {
  const { kind, unit, range, writable, options, commands, stateClass } = capability;
  return {
    kind,
    unit,
    range,
    writable,
    ...(options && { options }),
    ...(commands && { commands }),
    ...(stateClass && { stateClass }),
  };
}

function unsupportedText({ typeName, type }: ImportedService): string {
  return typeName === null
    ? `The hub does not know the HomeKit service ${type}.`
    : `The hub does nothing with the HomeKit service ${typeName} yet.`;
}
