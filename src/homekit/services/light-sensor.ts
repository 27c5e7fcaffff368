import type { Component, ServicePlan } from '../service-plan.ts';

import { toLux } from '../convert.ts';
import { PUSH_MEASURED_EVERY_MS } from './pace.ts';

/** Lux; daylight changes with every report. */
export function planLightSensor(component: Component): ServicePlan | null {
  const capability = component.byKind.get('illuminance');
  if (!capability) return null;
  const { name } = capability;
  return {
    kind: 'LightSensor',
    subtype: component.id,
    component: component.id,
    label: component.label,
    characteristics: [
      {
        kind: 'CurrentAmbientLightLevel',
        source: name,
        range: null,
        pushEveryMs: PUSH_MEASURED_EVERY_MS,
        read: (values) => toLux(values.get(name)),
      },
    ],
    actuator: null,
  };
}
