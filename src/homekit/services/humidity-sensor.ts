import type { Component, ServicePlan } from '../service-plan.ts';

import { toPercent } from '../convert.ts';
import { planSensor } from '../service-plan.ts';

/** Relative humidity in whole percent. */
export function planHumiditySensor(component: Component): ServicePlan | null {
  const capability = component.byKind.get('humidity');
  return capability
    ? planSensor(component, capability, 'HumiditySensor', 'CurrentRelativeHumidity', toPercent)
    : null;
}
