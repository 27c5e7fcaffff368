import type { Capability, CapabilityKind, CapabilityWrite, ValueRange } from '../../devices/types.ts';
import type {
  Actuator,
  CharacteristicKind,
  CharacteristicPlan,
  Component,
  HapValue,
  Requested,
  ServiceKind,
  ServicePlan,
} from '../service-plan.ts';

import { clamp } from '../convert.ts';
import { HAP_STATUS, hapError } from '../status.ts';

export function planService(
  kind: ServiceKind,
  component: Component,
  characteristics: readonly (CharacteristicPlan | null)[],
  toWrites: Actuator['toWrites'],
): ServicePlan {
  return {
    kind,
    subtype: component.id,
    component: component.id,
    label: component.label,
    characteristics: characteristics.filter((plan) => plan !== null),
    actuator: { toWrites, isHalf: () => false },
  };
}

/** A characteristic with HomeKit's own limits. */
export function shows(
  kind: CharacteristicKind,
  { name }: Capability,
  read: CharacteristicPlan['read'],
): CharacteristicPlan {
  return { kind, source: name, range: null, read };
}

/** What HomeKit requires and no device tells. */
export function showsAlways(
  kind: CharacteristicKind,
  { name }: Capability,
  value: HapValue,
): CharacteristicPlan {
  return { kind, source: name, range: null, read: () => value };
}

export function writable(component: Component, kind: CapabilityKind): Capability | undefined {
  const capability = component.byKind.get(kind);
  return capability?.writable ? capability : undefined;
}

export function numberOf(requested: Requested, kind: CharacteristicKind): number | undefined {
  const value = requested.get(kind);
  return typeof value === 'number' ? value : undefined;
}

/**
 * The first of the orders that the device knows. HomeKit has no way to ask for a code, so that what needs one can only
 * be watched.
 * @throws HapStatusError `notAllowed` when it takes none of them.
 */
export function toOrder(capability: Capability | undefined, orders: readonly string[]): CapabilityWrite {
  const value = orders.find((order) => capability?.commands?.includes(order));
  if (!capability?.writable || capability.needs_code === true || value === undefined) return refuse();
  return { capability: capability.name, value };
}

/** The value within the limits of a capability, which refuses what is beyond them. */
export function toWrite(capability: Capability, value: number): CapabilityWrite {
  const { name, range, writable } = capability;
  if (!writable) return refuse();
  return { capability: name, value: range ? clamp(value, range.min, range.max) : value };
}

/** @throws HapStatusError always: the device takes no such command. */
export function refuse(): never {
  throw hapError(HAP_STATUS.notAllowed);
}

/** The value on a step of the range, as the library would round it. */
export function toStep(value: number, { min, max, step = 1 }: ValueRange): number {
  const steps = Math.round((clamp(value, min, max) - min) / step);
  return clamp(min + steps * step, min, max);
}
