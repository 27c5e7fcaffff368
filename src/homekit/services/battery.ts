import type { Capability } from '../../devices/types.ts';
import type { CharacteristicPlan, ServicePlan } from '../service-plan.ts';

import { toFinite, toFlag, toPercent } from '../convert.ts';

const LOW_BELOW_PERCENT = 20;

/**
 * The accessory's one battery, made of a level, a low flag, or both. The subtype is fixed, unlike those of other
 * services: level and flag are two components, and whichever is discovered first must not decide the id.
 */
export function planBattery(level: Capability | undefined, low: Capability | undefined): ServicePlan | null {
  const component = (level ?? low)?.component;
  if (component === undefined) return null;
  const characteristics: CharacteristicPlan[] = [
    {
      kind: 'StatusLowBattery',
      source: (low ?? level)?.name ?? '',
      range: null,
      read: (values) => {
        const flag = low && toFlag(values.get(low.name));
        if (flag !== undefined) return flag;
        const percent = level && toFinite(values.get(level.name));
        return percent === undefined ? undefined : Number(percent < LOW_BELOW_PERCENT);
      },
    },
  ];
  if (level) {
    characteristics.push({
      kind: 'BatteryLevel',
      source: level.name,
      range: null,
      read: (values) => toPercent(values.get(level.name)),
    });
  }
  return {
    kind: 'Battery',
    subtype: 'battery',
    component,
    label: 'Battery',
    characteristics,
    actuator: null,
  };
}
