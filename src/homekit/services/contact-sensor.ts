import type { Component, ServicePlan } from '../service-plan.ts';

import { toFlag } from '../convert.ts';
import { planSensor } from '../service-plan.ts';

/** ContactSensorState 1 is open (contact not detected), as the hub's true is. */
export function planContactSensor(component: Component): ServicePlan | null {
  const capability = component.byKind.get('contact');
  return capability ? planSensor(component, capability, 'ContactSensor', 'ContactSensorState', toFlag) : null;
}
