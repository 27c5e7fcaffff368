import type { Component, ServicePlan } from '../service-plan.ts';

import { toBoolean } from '../convert.ts';
import { planSensor } from '../service-plan.ts';

/** True while something moves; how long that lasts is the device's business. */
export function planMotionSensor(component: Component): ServicePlan | null {
  const capability = component.byKind.get('motion');
  return capability ? planSensor(component, capability, 'MotionSensor', 'MotionDetected', toBoolean) : null;
}
