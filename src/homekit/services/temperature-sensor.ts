import type { Component, ServicePlan } from '../service-plan.ts';

import { toCelsius } from '../convert.ts';
import { planSensor } from '../service-plan.ts';

/** °C to a tenth, −270 to 100. */
export function planTemperatureSensor(component: Component): ServicePlan | null {
  const capability = component.byKind.get('temperature');
  return capability
    ? planSensor(component, capability, 'TemperatureSensor', 'CurrentTemperature', toCelsius)
    : null;
}
