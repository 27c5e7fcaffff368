import type { Capability, CapabilityValue } from '../../devices/types.ts';
import type { Component, HapValue, ServicePlan } from '../service-plan.ts';

import { planService, shows, toOrder } from './parts.ts';

/** A robot that works by itself, as a switch. */
interface Robot {
  readonly working: string;
  readonly start: readonly string[];
  /** What ends its work, the way home first. */
  readonly end: readonly string[];
}
const VACUUM: Robot = {
  working: 'cleaning',
  start: ['start'],
  end: ['return_to_base', 'stop', 'pause'],
};
const MOWER: Robot = { working: 'mowing', start: ['start_mowing'], end: ['dock', 'pause'] };

export function planVacuum(component: Component): ServicePlan | null {
  return planRobot(component, component.byKind.get('vacuum'), VACUUM);
}

export function planLawnMower(component: Component): ServicePlan | null {
  return planRobot(component, component.byKind.get('lawn_mower'), MOWER);
}

function planRobot(component: Component, state: Capability | undefined, robot: Robot): ServicePlan | null {
  if (!state) return null;
  return planService(
    'Switch',
    component,
    [
      {
        ...shows('On', state, (values, shown) => isWorking(values.get(state.name), shown, robot.working)),
        settlesWithin: 0,
      },
    ],
    (requested) => {
      const on = requested.get('On');
      return on === undefined ? [] : [toOrder(state, on === true ? robot.start : robot.end)];
    },
  );
}

/** One that returns by itself still works; one that was sent home was switched off, and stays so on its way. */
export function isWorking(
  value: CapabilityValue | undefined,
  shown: HapValue | undefined,
  working: string,
): boolean | undefined {
  if (typeof value !== 'string') return undefined;
  if (value === 'returning') return shown !== false;
  return value === working;
}
