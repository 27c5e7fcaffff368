import type { Content, EntityVersion } from '../graph/types.ts';
import type { Capability, CapabilityDescription, CapabilityKind, ComponentDescription } from './types.ts';

import { jsonEqual } from '../base/json.ts';

/** The content keys that discovery writes until a person changes them; every further key is the person's from the start. */
const DESCRIBED_KEYS = ['name', 'manufacturer', 'model', 'sw_version', 'hw_version', 'serial_number'];

/** The content keys that are what the hub knows, whatever anybody pushes. */
const HUB_KEYS = ['identifiers', 'capabilities', 'source'];

/** What a component's device is in the graph: an accessory that was imported from HomeKit, or a device. */
export function entityKindOf({ source }: Pick<ComponentDescription, 'source'>): {
  entityType: 'accessory' | 'device';
  sourceType: 'homekit' | 'mqtt';
} {
  return source === 'homekit'
    ? { entityType: 'accessory', sourceType: 'homekit' }
    : { entityType: 'device', sourceType: 'mqtt' };
}

/**
 * A capability's name: its kind for the first of that kind on the device, `kind:object_id` for further ones, and a
 * number after that where two components share an object id.
 */
export function capabilityName(
  kind: CapabilityKind,
  componentId: string,
  taken: ReadonlySet<string>,
): string {
  if (!taken.has(kind)) return kind;
  const base = `${kind}:${componentId.slice(componentId.lastIndexOf('/') + 1)}`;
  if (!taken.has(base)) return base;
  for (let n = 2; ; n++) if (!taken.has(`${base}:${n}`)) return `${base}:${n}`;
}

export function toCapability(
  name: string,
  component: ComponentDescription,
  description: CapabilityDescription,
): Capability {
  return {
    name,
    kind: description.kind,
    unit: description.unit,
    range: description.range,
    writable: description.writable,
    ...(description.options ? { options: description.options } : {}),
    ...(description.commands ? { commands: description.commands } : {}),
    ...(description.needsCode === true ? { needs_code: true } : {}),
    ...(description.reportedUnit === undefined ? {} : { reported_unit: description.reportedUnit }),
    ...(description.stateClass ? { state_class: description.stateClass } : {}),
    component: component.id,
    component_type: component.type,
    device_class: component.deviceClass,
    category: component.category,
    label: component.label,
    enabled_by_default: component.enabledByDefault,
  };
}

/**
 * What discovery says about a device, from all of its components. `newest` wins where it says something; firmware
 * often repeats the full device block in one component and leaves it out in the others.
 */
export function discoveredContent(
  components: readonly ComponentDescription[],
  newest: ComponentDescription,
  capabilities: readonly Capability[],
): Record<string, unknown> {
  const byRank = [newest, ...components.filter((component) => component.id !== newest.id)];
  const say = <K extends keyof ComponentDescription['device']>(key: K) =>
    byRank.map((component) => component.device[key]).find((value) => value !== null) ?? undefined;
  const first = components[0] ?? newest;
  const content: Record<string, unknown> = {
    name: say('name') ?? first.label ?? say('model') ?? first.id.slice(first.id.lastIndexOf('/') + 1),
    manufacturer: say('manufacturer'),
    model: say('model'),
    sw_version: say('swVersion'),
    hw_version: say('hwVersion'),
    serial_number: say('serialNumber'),
    identifiers: [...new Set(components.flatMap((component) => component.device.identifiers))].toSorted(),
    capabilities,
    source: entityKindOf(newest).sourceType,
  };
  for (const key of Object.keys(content)) if (content[key] === undefined) delete content[key];
  return content;
}

/** Joins what discovery says with what people said: people win, key by key, and their further keys stay. */
export function mergeContent(
  current: Content,
  discovered: Content,
  previouslyDiscovered: Content,
  personKeys: readonly string[],
): Record<string, unknown> {
  const merged: Record<string, unknown> = { ...current };
  for (const key of [...DESCRIBED_KEYS, ...HUB_KEYS]) {
    if (DESCRIBED_KEYS.includes(key) && personKeys.includes(key)) continue;
    if (discovered[key] !== undefined) merged[key] = discovered[key];
    else if (previouslyDiscovered[key] !== undefined) delete merged[key];
  }
  return merged;
}

/**
 * Which keys belong to people after one more version that a person made: a key becomes theirs when its value differs
 * from the parent's, and goes back to discovery when they clear it.
 */
export function personKeysAfter(before: readonly string[], version: Content, parent: Content): string[] {
  const keys = new Set(before);
  for (const key of new Set([...Object.keys(version), ...Object.keys(parent)])) {
    const value = version[key];
    if (jsonEqual(value, parent[key])) continue;
    if (value === undefined || value === null || value === '') keys.delete(key);
    else keys.add(key);
  }
  return [...keys].toSorted();
}

/** True for versions that a person (not the hub) made and that count: what lost a conflict changes nothing. */
export function isPersonsVersion(version: EntityVersion): boolean {
  return version.deviceId !== 'hub' && version.heldAs === 'state' && version.contentJson !== null;
}
