import type { CharacteristicPlan, Component, ServicePlan } from '../service-plan.ts';

import { toAmount, toFinite, toFlag } from '../convert.ts';
import { PUSH_MEASURED_EVERY_MS } from './pace.ts';

/** A little below what the WHO lets people breathe for an hour (35 mg/m³, 30 ppm); Home Assistant's bridge has the same. */
const DETECTED_ABOVE_PPM = 25;

/**
 * An alarm for carbon monoxide, made of the device's own judgement, of a level, or of both. One for combustible gas is
 * shown as the same: HomeKit has no other alarm that calls people out of the house for what they cannot see.
 */
export function planCarbonMonoxideSensor(component: Component): ServicePlan | null {
  const level = component.byKind.get('co');
  const gas = component.byKind.get('gas_detected');
  const flag = component.byKind.get('co_detected') ?? gas;
  const source = (flag ?? level)?.name;
  if (source === undefined) return null;
  const characteristics: CharacteristicPlan[] = [
    {
      kind: 'CarbonMonoxideDetected',
      source,
      range: null,
      read: (values) => {
        const detected = flag && toFlag(values.get(flag.name));
        if (detected !== undefined) return detected;
        const ppm = level && toFinite(values.get(level.name));
        return ppm === undefined ? undefined : Number(ppm > DETECTED_ABOVE_PPM);
      },
    },
  ];
  if (level) {
    characteristics.push({
      kind: 'CarbonMonoxideLevel',
      source: level.name,
      range: null,
      pushEveryMs: PUSH_MEASURED_EVERY_MS,
      read: (values) => toAmount(values.get(level.name), 100),
    });
  }
  return {
    kind: 'CarbonMonoxideSensor',
    subtype: component.id,
    component: component.id,
    // Without a name of its own it would be called "Carbon Monoxide", and people would look for the wrong thing.
    label: component.label ?? (flag && flag === gas ? 'Gas' : null),
    characteristics,
    actuator: null,
  };
}
