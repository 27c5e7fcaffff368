import type { CapabilityDescription, CapabilityKind, CapabilityValue } from '../devices/types.ts';
import type {
  CharacteristicId,
  CharacteristicWrite,
  HapAccessory,
  HapCharacteristic,
  HapService,
  HapValue,
} from './types.ts';

import { HubError } from '../base/errors.ts';
import { characteristicName, serviceName, type CharacteristicName, type ServiceName } from './hap-types.ts';
import { type CapabilityRule, type Characteristics, type NamedValues, toFlag } from './mapping-rules.ts';
import { capabilityRules, serviceRule } from './mapping-services.ts';

/** A capability of an imported service; `characteristics` are those that its value is made of. */
export interface ImportedCapability extends CapabilityDescription {
  readonly characteristics: readonly CharacteristicId[];
}

/** One service, to become a `service` entity that is `part_of` its accessory. */
export interface ImportedService {
  readonly aid: string;
  readonly iid: string;
  /** As the accessory says: Apple's own short, others as UUID. */
  readonly type: string;
  /** Null for a service that the hub does not know: it is kept and listed. */
  readonly typeName: ServiceName | null;
  /** As discovery calls such a component (`light`, `lock` …); null where that is not known. */
  readonly component: string | null;
  readonly deviceClass: string | null;
  /** What the accessory calls it, or null. */
  readonly name: string | null;
  /** The number of a button on its accessory. */
  readonly labelIndex: number | null;
  readonly primary: boolean;
  readonly hidden: boolean;
  readonly linked: readonly string[];
  readonly capabilities: readonly ImportedCapability[];
  /** All of its characteristics as they were read, so that nothing is lost that the hub does not understand. */
  readonly characteristics: readonly HapCharacteristic[];
}

/** One accessory, to become an `accessory` entity. */
export interface ImportedAccessory {
  readonly aid: string;
  readonly name: string | null;
  readonly manufacturer: string | null;
  readonly model: string | null;
  readonly serialNumber: string | null;
  readonly swVersion: string | null;
  readonly hwVersion: string | null;
  readonly services: readonly ImportedService[];
}

/** They are about the accessory or the protocol, and are no thing of their own. */
const ABOUT: ReadonlySet<ServiceName> = new Set([
  'AccessoryInformation',
  'Pairing',
  'ProtocolInformation',
  'ServiceLabel',
]);

export function describeAccessories(accessories: readonly HapAccessory[]): ImportedAccessory[] {
  return accessories.map(({ aid, services }) => {
    const about = services.find(({ type }) => serviceName(type) === 'AccessoryInformation');
    const say = (name: CharacteristicName): string | null => (about ? textIn(about, name) : null);
    return {
      aid,
      name: say('Name'),
      manufacturer: say('Manufacturer'),
      model: say('Model'),
      serialNumber: say('SerialNumber'),
      swVersion: say('FirmwareRevision'),
      hwVersion: say('HardwareRevision'),
      services: services.filter(isThing).map((service) => describeService(aid, service)),
    };
  });
}

/** The values that came with the list. */
export function valuesOf(accessories: readonly HapAccessory[]): Map<CharacteristicId, HapValue> {
  const all = accessories.flatMap(({ services }) => services.flatMap((one) => one.characteristics));
  return new Map(all.flatMap(({ id, value }) => (value === undefined ? [] : [[id, value] as const])));
}

/** What a capability is at the moment; null is unknown. */
export function readCapability(
  service: ImportedService,
  kind: CapabilityKind,
  values: ReadonlyMap<CharacteristicId, HapValue>,
): CapabilityValue {
  return ruleFor(service, kind)?.read(namedValues(service, values)) ?? null;
}

/** The capabilities that may change with a characteristic. */
export function affectedBy(service: ImportedService, id: CharacteristicId): CapabilityKind[] {
  return service.capabilities.filter((one) => one.characteristics.includes(id)).map(({ kind }) => kind);
}

/**
 * The writes for commands to one service, to be sent as one.
 * @throws HubError `invalid` for what it does not take.
 */
export function toWrites(
  service: ImportedService,
  commands: readonly { readonly kind: CapabilityKind; readonly value: unknown }[],
  values: ReadonlyMap<CharacteristicId, HapValue>,
): CharacteristicWrite[] {
  const present = namedValues(service, values);
  const named = byName(service.characteristics);
  const writes = new Map<CharacteristicId, HapValue>();
  for (const { kind, value } of commands) {
    const capability = service.capabilities.find((one) => one.kind === kind);
    if (!capability?.writable) throw new HubError('invalid', `${kind} of this accessory cannot be set.`);
    const wanted = ruleFor(service, kind)?.write?.(value, present) ?? {};
    const there = (Object.entries(wanted) as [CharacteristicName, number | boolean][]).flatMap(
      ([name, one]) => {
        const characteristic = named.get(name);
        return characteristic ? [{ characteristic, one }] : [];
      },
    );
    if (there.length === 0) {
      throw new HubError('invalid', `${kind} of this accessory does not take that value.`);
    }
    for (const { characteristic, one } of there) writes.set(characteristic.id, fit(characteristic, one));
  }
  return [...writes].map(([id, value]) => ({ id, value }));
}

/**
 * The accessories that show what the hub shows itself, by serial number: another hub's bridge of our devices. To import
 * them would make a loop.
 */
export function loopsIn(
  accessories: readonly ImportedAccessory[],
  ownSerialNumbers: ReadonlySet<string>,
): ImportedAccessory[] {
  return accessories.filter(
    ({ serialNumber }) => serialNumber !== null && ownSerialNumbers.has(serialNumber),
  );
}

function isThing({ type }: HapService): boolean {
  const name = serviceName(type);
  return name === undefined || !ABOUT.has(name);
}

function describeService(aid: string, service: HapService): ImportedService {
  const typeName = serviceName(service.type);
  const rule = serviceRule(typeName);
  const named = byName(service.characteristics);
  const index = named.get('ServiceLabelIndex')?.value;
  return {
    aid,
    iid: service.iid,
    type: service.type,
    typeName: typeName ?? null,
    component: rule?.component ?? null,
    deviceClass: rule?.deviceClass ?? null,
    name: textIn(service, 'ConfiguredName') ?? textIn(service, 'Name'),
    labelIndex: typeof index === 'number' ? index : null,
    primary: service.primary,
    hidden: service.hidden,
    linked: service.linked,
    capabilities: applicable(typeName, named).map((one) => describeCapability(one, named)),
    characteristics: service.characteristics,
  };
}

function describeCapability(rule: CapabilityRule, named: Characteristics): ImportedCapability {
  const told = rule.describe?.(named) ?? {};
  const names = [...rule.needs, ...(rule.also ?? []), ...(rule.target ?? [])];
  const ids = names.flatMap((name) => named.get(name)?.id ?? []);
  const writable =
    rule.write !== undefined &&
    (rule.target ?? []).every((name) => named.get(name)?.perms.includes('pw') ?? false);
  return {
    kind: rule.kind,
    unit: rule.unit ?? null,
    range: told.range ?? null,
    writable,
    ...(told.options ? { options: told.options } : {}),
    ...(told.commands && writable ? { commands: told.commands } : {}),
    ...(rule.stateClass ? { stateClass: rule.stateClass } : {}),
    characteristics: [...new Set(ids)],
  };
}

/** The rules whose characteristics are there; of one kind the first. */
function applicable(name: ServiceName | undefined, named: Characteristics): CapabilityRule[] {
  const rules = new Map<CapabilityKind, CapabilityRule>();
  for (const rule of capabilityRules(name)) {
    if (!rules.has(rule.kind) && rule.needs.every((need) => named.has(need))) rules.set(rule.kind, rule);
  }
  return [...rules.values()];
}

function ruleFor(service: ImportedService, kind: CapabilityKind): CapabilityRule | undefined {
  return applicable(service.typeName ?? undefined, byName(service.characteristics)).find(
    (rule) => rule.kind === kind,
  );
}

function byName(characteristics: readonly HapCharacteristic[]): Characteristics {
  const named = new Map<CharacteristicName, HapCharacteristic>();
  for (const one of characteristics) {
    const name = characteristicName(one.type);
    if (name !== undefined && !named.has(name)) named.set(name, one);
  }
  return named;
}

function namedValues(service: ImportedService, values: ReadonlyMap<CharacteristicId, HapValue>): NamedValues {
  const named = new Map<CharacteristicName, HapValue>();
  for (const [name, { id }] of byName(service.characteristics)) {
    const value = values.get(id);
    if (value !== undefined && value !== null) named.set(name, value);
  }
  return named;
}

function textIn(service: HapService, name: CharacteristicName): string | null {
  const value = byName(service.characteristics).get(name)?.value;
  const text = typeof value === 'string' ? value.trim() : '';
  return text === '' ? null : text;
}

const WHOLE = new Set(['int', 'uint8', 'uint16', 'uint32', 'uint64']);

/** In the form, within the limits and on a step of the characteristic: accessories refuse anything else. */
function fit(one: HapCharacteristic, value: number | boolean): HapValue {
  if (one.format === 'bool') return toFlag(value) ?? Number(value) > 0;
  const { minValue, maxValue, minStep } = one;
  let fitted = Math.min(maxValue ?? Infinity, Math.max(minValue ?? -Infinity, Number(value)));
  if (minStep !== null && minStep > 0) {
    const base = minValue ?? 0;
    fitted = base + Math.round((fitted - base) / minStep) * minStep;
    // A step of 0.1 leaves 21.400000000000002.
    fitted = Number(fitted.toFixed(6));
    if (maxValue !== null && fitted > maxValue) fitted = Number((fitted - minStep).toFixed(6));
  }
  return one.format !== null && WHOLE.has(one.format) ? Math.round(fitted) : fitted;
}
