import type { CapabilityValue } from '../../devices/types.ts';
import type { Component, HapValue, ServicePlan } from '../service-plan.ts';

import { numberOf, planService, shows, toOrder } from './parts.ts';

const UNSECURED = 0;
const SECURED = 1;
const JAMMED = 2;
const UNKNOWN = 3;

/** On the way, the old state is shown together with the new target. */
const CURRENT: ReadonlyMap<string, number> = new Map(
  Object.entries({
    locked: SECURED,
    locking: UNSECURED,
    unlocked: UNSECURED,
    unlocking: SECURED,
    open: UNSECURED,
    opening: UNSECURED,
    jammed: JAMMED,
  }),
);
const TARGET: ReadonlyMap<string, number> = new Map(
  Object.entries({
    locked: SECURED,
    locking: SECURED,
    unlocked: UNSECURED,
    unlocking: UNSECURED,
    open: UNSECURED,
    opening: UNSECURED,
  }),
);

/** A lock. One that asks for a code is shown and cannot be commanded: HomeKit has no way to ask for it. */
export function planLock(component: Component): ServicePlan | null {
  const locked = component.byKind.get('locked');
  if (!locked) return null;
  const { name } = locked;
  return planService(
    'LockMechanism',
    component,
    [
      shows('LockCurrentState', locked, (values) => toLockState(values.get(name))),
      {
        ...shows('LockTargetState', locked, (values, shown) => toLockTarget(values.get(name), shown)),
        settlesWithin: 0,
      },
    ],
    (requested) => {
      const target = numberOf(requested, 'LockTargetState');
      return target === undefined ? [] : [toOrder(locked, [target === SECURED ? 'lock' : 'unlock'])];
    },
  );
}

export function toLockState(value: CapabilityValue | undefined): number {
  return typeof value === 'string' ? (CURRENT.get(value) ?? UNKNOWN) : UNKNOWN;
}

/**
 * A jammed lock keeps its target; locks mostly jam while they lock. Of an unknown one the target is open, so that the
 * next tap locks it.
 */
export function toLockTarget(value: CapabilityValue | undefined, shown: HapValue | undefined): number {
  const known = typeof value === 'string' ? TARGET.get(value) : undefined;
  if (known !== undefined) return known;
  if (value === 'jammed') return shown === UNSECURED ? UNSECURED : SECURED;
  return UNSECURED;
}
