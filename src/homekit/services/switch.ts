import type { Capability } from '../../devices/types.ts';
import type { Actuator, CharacteristicPlan, Component, ServicePlan } from '../service-plan.ts';

import { toBoolean } from '../convert.ts';

/** A relay or anything else that is on or off. */
export function planSwitch(component: Component): ServicePlan | null {
  const onOff = component.byKind.get('on_off');
  if (!onOff?.writable) return null;
  return {
    kind: 'Switch',
    subtype: component.id,
    component: component.id,
    label: component.label,
    characteristics: [planOn(onOff)],
    actuator: onOffActuator(onOff),
  };
}

export function planOn(onOff: Capability): CharacteristicPlan {
  return { kind: 'On', source: onOff.name, range: null, read: (values) => toBoolean(values.get(onOff.name)) };
}

export function onOffActuator(onOff: Capability): Actuator {
  return {
    toWrites: (requested) => {
      const on = requested.get('On');
      return on === undefined ? [] : [{ capability: onOff.name, value: on === true }];
    },
    isHalf: () => false,
    blinks: true,
  };
}
