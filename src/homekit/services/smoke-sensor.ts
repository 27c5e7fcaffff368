import type { Component, ServicePlan } from '../service-plan.ts';

import { toFlag } from '../convert.ts';
import { planSensor } from '../service-plan.ts';

/** SmokeDetected 1 is smoke. */
export function planSmokeSensor(component: Component): ServicePlan | null {
  const capability = component.byKind.get('smoke');
  return capability ? planSensor(component, capability, 'SmokeSensor', 'SmokeDetected', toFlag) : null;
}
