import type { Component, ServicePlan } from '../service-plan.ts';

import { toBoolean } from '../convert.ts';
import { planService, shows, writable } from './parts.ts';

/** A siren, as a switch that identify leaves alone. Tone, volume and duration stay in the graph. */
export function planSiren(component: Component): ServicePlan | null {
  const onOff = writable(component, 'on_off');
  if (!onOff) return null;
  return planService(
    'Switch',
    component,
    [shows('On', onOff, (values) => toBoolean(values.get(onOff.name)))],
    (requested) => {
      const on = requested.get('On');
      return on === undefined ? [] : [{ capability: onOff.name, value: on === true }];
    },
  );
}
