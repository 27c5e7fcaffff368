import type { Component, ServicePlan } from '../service-plan.ts';

import { toFlag } from '../convert.ts';
import { planSensor } from '../service-plan.ts';

/** OccupancyDetected 1 is somebody there. */
export function planOccupancySensor(component: Component): ServicePlan | null {
  const capability = component.byKind.get('occupancy');
  return capability
    ? planSensor(component, capability, 'OccupancySensor', 'OccupancyDetected', toFlag)
    : null;
}
