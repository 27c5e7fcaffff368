import type { Capability } from '../../devices/types.ts';
import type { Component, ServicePlan } from '../service-plan.ts';

import { toBoolean, toFinite } from '../convert.ts';
import { PUSH_MEASURED_EVERY_MS } from './pace.ts';
import { onOffActuator, planOn } from './switch.ts';

/** Below this a plug counts as idle: chargers and standby lights draw a watt or so. */
const IN_USE_ABOVE_W = 2;

/** A plug. It is in use when it feeds more than 2 W; where no power is measured, when it is on. */
export function planOutlet(component: Component, power: Capability | undefined): ServicePlan | null {
  const onOff = component.byKind.get('on_off');
  if (!onOff?.writable) return null;
  return {
    kind: 'Outlet',
    subtype: component.id,
    component: component.id,
    label: component.label,
    characteristics: [
      planOn(onOff),
      {
        kind: 'OutletInUse',
        source: power?.name ?? onOff.name,
        range: null,
        ...(power ? { pushEveryMs: PUSH_MEASURED_EVERY_MS } : {}),
        read: (values) => {
          const watts = power && toFinite(values.get(power.name));
          return watts === undefined ? toBoolean(values.get(onOff.name)) : watts > IN_USE_ABOVE_W;
        },
      },
    ],
    actuator: onOffActuator(onOff),
  };
}
