import type { Component, DeviceValues, HapValue, ServicePlan } from '../service-plan.ts';
import type { Opening } from './opening.ts';

import { findOpening, FULLY_OPEN, toOpenOrClosed, toState, toTold } from './opening.ts';
import { numberOf, planService, shows, showsAlways } from './parts.ts';

const OPEN = 0;
const CLOSED = 1;
const STATES: ReadonlyMap<string, number> = new Map(
  Object.entries({ open: 0, closed: 1, opening: 2, closing: 3 }),
);
const STOPPED = 4;
/** The target that a state tells of; a door that stopped on its way tells none. */
const TARGETS: ReadonlyMap<string, number> = new Map(
  Object.entries({
    open: OPEN,
    opening: OPEN,
    closed: CLOSED,
    closing: CLOSED,
  }),
);

/** The door of a garage, or a gate. */
export function planGarageDoor(component: Component): ServicePlan | null {
  const opening = findOpening(component);
  if (!opening) return null;
  const main = opening.openClose ?? opening.main;
  return planService(
    'GarageDoorOpener',
    component,
    [
      shows('CurrentDoorState', main, (values) => toDoorState(opening, values)),
      {
        ...shows('TargetDoorState', main, (values, shown) => toTargetDoor(opening, values, shown)),
        settlesWithin: 0,
      },
      showsAlways('ObstructionDetected', main, false),
    ],
    (requested) => {
      const target = numberOf(requested, 'TargetDoorState');
      return target === undefined ? [] : [toOpenOrClosed(opening, target === OPEN)];
    },
  );
}

export function toDoorState(opening: Opening, values: DeviceValues): number | undefined {
  const state = toState(opening, values);
  const known = state === undefined ? undefined : STATES.get(state);
  if (known !== undefined) return known;
  const position = toTold(opening, values);
  if (position === 0) return CLOSED;
  if (state !== 'stopped') return position === undefined ? undefined : OPEN;
  return position === FULLY_OPEN ? OPEN : STOPPED;
}

/** Where nothing is known of where it goes, open: the next tap closes it. */
export function toTargetDoor(
  opening: Opening,
  values: DeviceValues,
  shown: HapValue | undefined,
): number | undefined {
  const state = toState(opening, values);
  const known = state === undefined ? undefined : TARGETS.get(state);
  if (known !== undefined) return known;
  const current = toDoorState(opening, values);
  return current === STOPPED ? (toKept(shown) ?? OPEN) : current;
}

function toKept(shown: HapValue | undefined): number | undefined {
  return shown === OPEN || shown === CLOSED ? shown : undefined;
}
