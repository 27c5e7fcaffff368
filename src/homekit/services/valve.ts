import type { Component, DeviceValues, ServicePlan } from '../service-plan.ts';
import type { Opening } from './opening.ts';

import { findOpening, toOpenOrClosed, toState, toTold } from './opening.ts';
import { planService, shows, showsAlways } from './parts.ts';

const IRRIGATION = 1;

/**
 * A valve for water is one to Apple Home too; any other is a switch that is on while it is open.
 * @param isValve as it was shown first, whatever its class is by now
 */
export function planValve(
  component: Component,
  isValve = component.deviceClass === 'water',
): ServicePlan | null {
  const opening = findOpening(component);
  if (!opening) return null;
  const main = opening.openClose ?? opening.main;
  if (!isValve) {
    return planService(
      'Switch',
      component,
      [{ ...shows('On', main, (values) => isToBeOpen(opening, values)), settlesWithin: 0 }],
      (requested) => {
        const on = requested.get('On');
        return on === undefined ? [] : [toOpenOrClosed(opening, on === true)];
      },
    );
  }
  return planService(
    'Valve',
    component,
    [
      { ...shows('Active', main, (values) => toFlag(isToBeOpen(opening, values))), settlesWithin: 0 },
      shows('InUse', main, (values) => toFlag(letsThrough(opening, values))),
      showsAlways('ValveType', main, IRRIGATION),
    ],
    (requested) => {
      const active = requested.get('Active');
      return active === undefined ? [] : [toOpenOrClosed(opening, active === 1)];
    },
  );
}

/** Whether it is open or about to be. */
export function isToBeOpen(opening: Opening, values: DeviceValues): boolean | undefined {
  const state = toState(opening, values);
  if (state === 'opening') return true;
  return state === 'closing' ? false : letsThrough(opening, values);
}

/** Whether something can flow; until it is closed, it can. */
export function letsThrough(opening: Opening, values: DeviceValues): boolean | undefined {
  const percent = toTold(opening, values);
  if (percent !== undefined) return percent > 0;
  switch (toState(opening, values)) {
    case 'open':
    case 'closing':
    case 'stopped':
      return true;
    case 'closed':
    case 'opening':
      return false;
    default:
      return undefined;
  }
}

function toFlag(value: boolean | undefined): number | undefined {
  return value === undefined ? undefined : Number(value);
}
