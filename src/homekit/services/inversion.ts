import type { Capability, CapabilityValue, CapabilityWrite } from '../../devices/types.ts';
import type { Component, DeviceValues, ServicePlan } from '../service-plan.ts';
import type { Inversion } from '../types.ts';

import { toFinite } from '../convert.ts';
import { findOpening, FULLY_OPEN } from './opening.ts';
import { toOrder, toWrite } from './parts.ts';

/** Words of states and of orders, with what they are the other way round; `stop` and `stopped` are the same both ways. */
const OPPOSITES: ReadonlyMap<CapabilityValue, string> = new Map(
  Object.entries({
    open: 'closed',
    closed: 'open',
    opening: 'closing',
    closing: 'opening',
  }),
);
const OPPOSITE_ORDERS: ReadonlyMap<unknown, string> = new Map(
  Object.entries({ open: 'close', close: 'open' }),
);

/** Whether there is a direction that could be turned round. */
export function canInvert({ type }: Pick<Component, 'type'>): boolean {
  return type === 'cover';
}

/**
 * The plan of a component whose motor or slats are wired the other way: the plan sees the values turned round, and what
 * it orders is turned round on its way to the device.
 */
export function invertPlan(plan: ServicePlan, component: Component, inversion: Inversion): ServicePlan {
  const turned = turnedCapabilities(component, inversion);
  if (turned.size === 0) return plan;
  const { characteristics, actuator } = plan;
  return {
    ...plan,
    characteristics: characteristics.map((one) => ({
      ...one,
      read: (values, shown) => one.read(turnValues(values, turned), shown),
    })),
    actuator: actuator && {
      ...actuator,
      toWrites: (requested, values, shown) =>
        actuator
          .toWrites(requested, turnValues(values, turned), shown)
          .map((write) => turnWrite(write, turned)),
    },
  };
}

/** By name. What a blind that can only tilt is open by is its tilt. */
function turnedCapabilities(component: Component, { opening, tilt }: Inversion): Map<string, Capability> {
  const found = findOpening(component);
  const slats = component.byKind.get('tilt');
  const wanted = [
    ...(opening ? [found?.openClose, found?.position] : []),
    ...(tilt && slats !== found?.position ? [slats] : []),
  ];
  return new Map(wanted.filter((one) => one !== undefined).map((one) => [one.name, one]));
}

function turnValues(values: DeviceValues, turned: ReadonlyMap<string, Capability>): DeviceValues {
  const result = new Map(values);
  for (const name of turned.keys()) {
    const value = values.get(name);
    if (value !== undefined) result.set(name, turn(value));
  }
  return result;
}

function turn(value: CapabilityValue): CapabilityValue {
  const percent = toFinite(value);
  return percent === undefined ? (OPPOSITES.get(value) ?? value) : FULLY_OPEN - percent;
}

/** @throws HapStatusError `notAllowed` where the device knows the order one way only. */
function turnWrite(write: CapabilityWrite, turned: ReadonlyMap<string, Capability>): CapabilityWrite {
  const capability = turned.get(write.capability);
  if (!capability) return write;
  const { value } = write;
  if (typeof value === 'number') return toWrite(capability, FULLY_OPEN - value);
  const order = OPPOSITE_ORDERS.get(value);
  return order === undefined ? write : toOrder(capability, [order]);
}
