import type { Db } from '../base/db.ts';
import type { DeviceRow } from './reader.ts';
import type { Capability, CapabilityKind, CapabilityValue, ComponentDescription } from './types.ts';

import { readCapabilities, readComponents, readDevices, readIdentifiers, readStates } from './reader.ts';
import { toCapability } from './rules.ts';

/** A capability with its present value. */
export interface CapabilityRecord {
  readonly key: number;
  readonly name: string;
  readonly kind: CapabilityKind;
  readonly component: ComponentRecord;
  value: CapabilityValue;
  reportedMs: number | null;
  /** What the value was made of; not kept over a restart. */
  raw: string | undefined;
}

export interface ComponentRecord {
  readonly key: number;
  readonly device: DeviceRecord;
  /** The id under which it was first found; what others build on, because it stays. */
  readonly firstId: string;
  readonly byKind: Map<CapabilityKind, CapabilityRecord>;
  description: ComponentDescription;
  available: boolean;
  withdrawnAtMs: number | null;
}

export interface DeviceRecord {
  row: DeviceRow;
  readonly components: ComponentRecord[];
  /** By name, the ones that a component has stopped describing included: names are never reused. */
  readonly byName: Map<string, CapabilityRecord>;
  /** What the components describe at present; the entity's content holds a copy for phones. */
  capabilities: readonly Capability[];
}

/** Everything that discovery told, in memory: the hot path from a message to a follower meets no disk. */
export class Inventory {
  readonly byEntityId = new Map<string, DeviceRecord>();
  readonly byComponentId = new Map<string, ComponentRecord>();
  readonly byIdentifier = new Map<string, DeviceRecord>();

  /** Reads the tables; values come back as they were last written. */
  static load(db: Db): Inventory {
    const inventory = new Inventory();
    const devices = new Map<number, DeviceRecord>();
    for (const row of readDevices(db)) devices.set(row.key, inventory.addDevice(row));
    for (const { identifier, deviceKey } of readIdentifiers(db)) {
      const device = devices.get(deviceKey);
      if (device) inventory.byIdentifier.set(identifier, device);
    }
    const components = new Map<number, ComponentRecord>();
    for (const row of readComponents(db)) {
      const device = devices.get(row.deviceKey);
      if (device) components.set(row.key, inventory.addComponent(device, row));
    }
    const capabilities = new Map<number, CapabilityRecord>();
    for (const row of readCapabilities(db)) {
      const component = components.get(row.componentKey);
      if (component) capabilities.set(row.key, inventory.addCapability(component, row));
    }
    for (const { capabilityKey, value, reportedMs } of readStates(db)) {
      const capability = capabilities.get(capabilityKey);
      if (!capability) continue;
      capability.value = value;
      capability.reportedMs = reportedMs;
    }
    for (const device of devices.values())
      device.capabilities = describedCapabilities(device.components.map(namedComponent));
    return inventory;
  }

  addDevice(row: DeviceRow): DeviceRecord {
    const device: DeviceRecord = { row, components: [], byName: new Map(), capabilities: [] };
    this.byEntityId.set(row.entityId, device);
    return device;
  }

  addComponent(
    device: DeviceRecord,
    row: {
      key: number;
      firstId: string;
      description: ComponentDescription;
      available: boolean;
      withdrawnAtMs: number | null;
    },
  ): ComponentRecord {
    const component: ComponentRecord = {
      key: row.key,
      firstId: row.firstId,
      description: row.description,
      available: row.available,
      withdrawnAtMs: row.withdrawnAtMs,
      device,
      byKind: new Map(),
    };
    device.components.push(component);
    this.byComponentId.set(row.description.id, component);
    return component;
  }

  /** Forgets a component that was not stored after all. */
  removeComponent({ device, description }: ComponentRecord): void {
    const index = device.components.findIndex((component) => component.description.id === description.id);
    if (index >= 0) device.components.splice(index, 1);
    this.byComponentId.delete(description.id);
  }

  /** The device that goes by one of these names. */
  deviceNamed(identifiers: readonly string[]): DeviceRecord | undefined {
    for (const identifier of identifiers) {
      const device = this.byIdentifier.get(identifier);
      if (device) return device;
    }
    return undefined;
  }

  /** A component goes by another id from now on. */
  renameComponent(component: ComponentRecord, description: ComponentDescription): void {
    this.byComponentId.delete(component.description.id);
    component.description = description;
    this.byComponentId.set(description.id, component);
  }

  addCapability(
    component: ComponentRecord,
    row: { key: number; kind: CapabilityKind; name: string },
  ): CapabilityRecord {
    const capability: CapabilityRecord = { ...row, component, value: null, reportedMs: null, raw: undefined };
    component.byKind.set(row.kind, capability);
    component.device.byName.set(row.name, capability);
    return capability;
  }
}

/** A device answers when any of its components does that was not withdrawn. */
export function isAvailable(device: DeviceRecord): boolean {
  return device.components.some((component) => component.available && component.withdrawnAtMs === null);
}

/** It came from HomeKit. */
export function isImported(device: DeviceRecord): boolean {
  return device.components.some(({ description }) => description.source === 'homekit');
}

/** A component and the names that its capabilities were given. */
export interface NamedComponent {
  readonly description: ComponentDescription;
  readonly firstId: string;
  readonly names: ReadonlyMap<CapabilityKind, string>;
}

export function namedComponent(component: ComponentRecord): NamedComponent {
  const names = new Map([...component.byKind].map(([kind, { name }]) => [kind, name] as const));
  return { description: component.description, firstId: component.firstId, names };
}

/** The capabilities as they stand in the entity's content: what the components describe, in a stable order. */
export function describedCapabilities(components: readonly NamedComponent[]): Capability[] {
  return components.flatMap(({ description, firstId, names }) =>
    description.capabilities.flatMap((capability) => {
      const name = names.get(capability.kind);
      return name === undefined ? [] : [toCapability(name, { ...description, id: firstId }, capability)];
    }),
  );
}
