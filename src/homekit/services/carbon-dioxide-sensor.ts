import type { Component, ServicePlan } from '../service-plan.ts';

import { toAmount, toFinite } from '../convert.ts';
import { PUSH_MEASURED_EVERY_MS } from './pace.ts';

/**
 * Above this the air counts as bad: the limit that Pettenkofer set for rooms, the one at which the German environment
 * agency asks for a window to be opened, and the one that Home Assistant's bridge uses.
 */
const DETECTED_ABOVE_PPM = 1000;

/** The level in ppm, and whether it is time to open a window. */
export function planCarbonDioxideSensor(component: Component): ServicePlan | null {
  const capability = component.byKind.get('co2');
  if (!capability) return null;
  const { name } = capability;
  return {
    kind: 'CarbonDioxideSensor',
    subtype: component.id,
    component: component.id,
    label: component.label,
    characteristics: [
      {
        kind: 'CarbonDioxideDetected',
        source: name,
        range: null,
        read: (values) => {
          const ppm = toFinite(values.get(name));
          return ppm === undefined ? undefined : Number(ppm > DETECTED_ABOVE_PPM);
        },
      },
      {
        kind: 'CarbonDioxideLevel',
        source: name,
        range: null,
        pushEveryMs: PUSH_MEASURED_EVERY_MS,
        read: (values) => toAmount(values.get(name), 100_000),
      },
    ],
    actuator: null,
  };
}
