import type { Component, ServicePlan } from '../service-plan.ts';

import { toFlag } from '../convert.ts';
import { planSensor } from '../service-plan.ts';

/** LeakDetected 1 is wet. */
export function planLeakSensor(component: Component): ServicePlan | null {
  const capability = component.byKind.get('leak');
  return capability ? planSensor(component, capability, 'LeakSensor', 'LeakDetected', toFlag) : null;
}
