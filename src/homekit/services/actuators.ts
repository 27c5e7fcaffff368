import type { Component, ServicePlan } from '../service-plan.ts';

import { planFan } from './fan.ts';
import { planGarageDoor } from './garage-door.ts';
import { isHeaterCooler, planHeaterCooler } from './heater-cooler.ts';
import { planHumidifier } from './humidifier.ts';
import { planLock } from './lock.ts';
import { planSecuritySystem } from './security-system.ts';
import { planSiren } from './siren.ts';
import { planThermostat } from './thermostat.ts';
import { planLawnMower, planVacuum } from './vacuum.ts';
import { planValve } from './valve.ts';
import { planWindowCovering } from './window-covering.ts';

type Planner = (component: Component) => ServicePlan | null;

const GARAGES: ReadonlySet<string | null> = new Set(['garage', 'garage_door', 'gate']);

/** What is switched, moved or set, by the type of the component; lights and switches have rules of their own. */
const ACTUATORS: Readonly<Record<string, Planner>> = {
  alarm_control_panel: planSecuritySystem,
  climate: (component) =>
    isHeaterCooler(component) ? planHeaterCooler(component) : planThermostat(component),
  cover: (component) =>
    GARAGES.has(component.deviceClass) ? planGarageDoor(component) : planWindowCovering(component),
  fan: planFan,
  humidifier: planHumidifier,
  lawn_mower: planLawnMower,
  lock: planLock,
  siren: planSiren,
  vacuum: planVacuum,
  valve: planValve,
  water_heater: planThermostat,
};

/**
 * The service of a component that is commanded, with all that it tells as well; undefined where it is of no such type or
 * can only tell.
 */
export function planActuator(component: Component): ServicePlan[] | undefined {
  const plan = Object.hasOwn(ACTUATORS, component.type) ? ACTUATORS[component.type] : undefined;
  const service = plan?.(component);
  return service ? [service] : undefined;
}
