import type { Capability, CapabilityWrite, ValueRange } from '../../devices/types.ts';
import type { CharacteristicPlan, Component, DeviceValues, Requested, ServicePlan } from '../service-plan.ts';

import { toFinite, toFlag, toPercent } from '../convert.ts';
import { numberOf, planService, shows, showsAlways, toStep, toWrite, writable } from './parts.ts';

const INACTIVE = 0;
const IDLE = 1;
const HUMIDIFYING = 2;
const DEHUMIDIFYING = 3;
const PERCENT: ValueRange = { min: 0, max: 100, step: 1 };

/** Each of the two has its own target state and its own threshold in HomeKit. */
interface Direction {
  readonly target: 1 | 2;
  readonly working: number;
  readonly threshold: 'RelativeHumidityHumidifierThreshold' | 'RelativeHumidityDehumidifierThreshold';
}
const HUMIDIFIER: Direction = {
  target: 1,
  working: HUMIDIFYING,
  threshold: 'RelativeHumidityHumidifierThreshold',
};
const DEHUMIDIFIER: Direction = {
  target: 2,
  working: DEHUMIDIFYING,
  threshold: 'RelativeHumidityDehumidifierThreshold',
};

interface Parts {
  readonly direction: Direction;
  readonly onOff: Capability;
  readonly target: Capability | undefined;
  readonly current: Capability | undefined;
  readonly action: Capability | undefined;
}

/** A humidifier or, by its class, a dehumidifier. */
export function planHumidifier(component: Component): ServicePlan | null {
  const onOff = writable(component, 'on_off');
  if (!onOff) return null;
  const { byKind, deviceClass } = component;
  const parts: Parts = {
    direction: deviceClass === 'dehumidifier' ? DEHUMIDIFIER : HUMIDIFIER,
    onOff,
    target: byKind.get('target_humidity'),
    current: byKind.get('humidity'),
    action: byKind.get('action'),
  };
  const { target, current, action, direction } = parts;
  // Without a hygrometer the humidity that it works for is the nearest thing to one.
  const humidity = current ?? target;
  return planService(
    'HumidifierDehumidifier',
    component,
    [
      shows('Active', onOff, (values) => toFlag(values.get(onOff.name))),
      shows('CurrentHumidifierDehumidifierState', action ?? onOff, (values) =>
        toHumidifierState(parts, values),
      ),
      {
        ...showsAlways('TargetHumidifierDehumidifierState', onOff, direction.target),
        validValues: [direction.target],
      },
      humidity
        ? shows('CurrentRelativeHumidity', humidity, (values) => toPercent(values.get(humidity.name)))
        : showsAlways('CurrentRelativeHumidity', onOff, 0),
      target ? planThreshold(parts, target) : null,
    ],
    (requested) => toHumidifierWrites(parts, requested),
  );
}

function planThreshold({ direction, onOff }: Parts, target: Capability): CharacteristicPlan {
  const range = toHumidityRange(target.range);
  return {
    ...shows(direction.threshold, target, (values, shown) => {
      const percent = toFinite(values.get(target.name));
      if (percent !== undefined) return toStep(percent, range);
      // Many tell no target while they are off.
      if (typeof shown === 'number') return shown;
      return values.get(onOff.name) === false ? range.min : undefined;
    }),
    range,
  };
}

export function toHumidityRange(range: ValueRange | null): ValueRange {
  const min = Math.ceil(Math.max(0, range?.min ?? 0));
  const max = Math.floor(Math.min(100, range?.max ?? 100));
  return min < max ? { min, max, step: 1 } : PERCENT;
}

export function toHumidifierState(parts: Parts, values: DeviceValues): number | undefined {
  const { onOff, action, target, current, direction } = parts;
  const on = values.get(onOff.name);
  if (on === false) return INACTIVE;
  switch (action && values.get(action.name)) {
    case 'humidifying':
      return HUMIDIFYING;
    case 'drying':
      return DEHUMIDIFYING;
    case 'idle':
      return IDLE;
    case 'off':
      return INACTIVE;
    default:
  }
  if (typeof on !== 'boolean') return undefined;
  const wanted = target && toFinite(values.get(target.name));
  const is = current && toFinite(values.get(current.name));
  if (wanted === undefined || is === undefined) return direction.working;
  const isNeeded = direction === HUMIDIFIER ? is < wanted : is > wanted;
  return isNeeded ? direction.working : IDLE;
}

function toHumidifierWrites({ direction, onOff, target }: Parts, requested: Requested): CapabilityWrite[] {
  const active = numberOf(requested, 'Active');
  if (active === 0) return [{ capability: onOff.name, value: false }];
  const percent = numberOf(requested, direction.threshold);
  return [
    ...(active === 1 ? [{ capability: onOff.name, value: true }] : []),
    ...(target && percent !== undefined ? [toWrite(target, Math.round(percent))] : []),
  ];
}
