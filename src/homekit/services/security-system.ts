import type { Capability, CapabilityValue } from '../../devices/types.ts';
import type { Component, HapValue, ServicePlan } from '../service-plan.ts';

import { numberOf, planService, refuse, shows, toOrder } from './parts.ts';

const HOME = 0;
const AWAY = 1;
const NIGHT = 2;
const DISARMED = 3;
const TRIGGERED = 4;

/** HomeKit knows no vacation and no bypass. */
const STATES: ReadonlyMap<string, number> = new Map(
  Object.entries({
    armed_home: HOME,
    armed_away: AWAY,
    armed_night: NIGHT,
    armed_vacation: AWAY,
    armed_custom_bypass: HOME,
    disarmed: DISARMED,
  }),
);
/** The orders for each target, the best first. */
const ORDERS: readonly (readonly [target: number, orders: readonly string[]])[] = [
  [HOME, ['arm_home', 'arm_custom_bypass']],
  [AWAY, ['arm_away', 'arm_vacation']],
  [NIGHT, ['arm_night']],
  [DISARMED, ['disarm']],
];

/** An alarm system. One that asks for its code is shown and cannot be commanded from Apple Home. */
export function planSecuritySystem(component: Component): ServicePlan | null {
  const alarm = component.byKind.get('alarm');
  if (!alarm) return null;
  const { name } = alarm;
  const targets = toTargets(alarm);
  return planService(
    'SecuritySystem',
    component,
    [
      shows('SecuritySystemCurrentState', alarm, (values, shown) =>
        toCurrentAlarm(values.get(name), shown, targets),
      ),
      {
        ...shows('SecuritySystemTargetState', alarm, (values, shown) =>
          toTargetAlarm(values.get(name), shown, targets),
        ),
        validValues: targets,
        settlesWithin: 0,
      },
    ],
    (requested) => {
      const target = numberOf(requested, 'SecuritySystemTargetState');
      if (target === undefined) return [];
      const [, orders] = ORDERS.find(([state]) => state === target) ?? refuse();
      return [toOrder(alarm, orders)];
    },
  );
}

/** The targets that the panel offers. It is always disarmed or armed in some way, whether or not that can be asked for. */
export function toTargets(alarm: Pick<Capability, 'commands'>): number[] {
  const offered = ORDERS.filter(([, orders]) => orders.some((order) => alarm.commands?.includes(order)));
  const targets = new Set(offered.map(([target]) => target));
  targets.add(DISARMED);
  if (targets.size === 1) targets.add(AWAY);
  return [...targets].toSorted((a, b) => a - b);
}

/** What the panel tells of itself; while it arms, disarms or waits for the code, the state before stays. */
export function toCurrentAlarm(
  value: CapabilityValue | undefined,
  shown: HapValue | undefined,
  targets: readonly number[],
): number | undefined {
  if (typeof value !== 'string') return undefined;
  if (value === 'triggered') return TRIGGERED;
  const known = STATES.get(value);
  if (known !== undefined) return known;
  if (typeof shown === 'number') return shown;
  if (value === 'arming') return DISARMED;
  return value === 'pending' || value === 'disarming' ? toArmed(undefined, targets) : undefined;
}

export function toTargetAlarm(
  value: CapabilityValue | undefined,
  shown: HapValue | undefined,
  targets: readonly number[],
): number | undefined {
  if (typeof value !== 'string') return undefined;
  const known = STATES.get(value);
  if (known !== undefined) return known === DISARMED ? DISARMED : toArmed(known, targets);
  if (value === 'disarming') return DISARMED;
  const isArmed = value === 'arming' || value === 'pending' || value === 'triggered';
  return isArmed ? toArmed(typeof shown === 'number' ? shown : undefined, targets) : undefined;
}

/** The way of being armed, or where the panel does not offer that one, or nobody knows which, its fullest. */
function toArmed(state: number | undefined, targets: readonly number[]): number {
  if (state !== undefined && state !== DISARMED && targets.includes(state)) return state;
  return [AWAY, HOME, NIGHT].find((target) => targets.includes(target)) ?? AWAY;
}
