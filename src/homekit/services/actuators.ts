import type { Component, ServicePlan } from '../service-plan.ts';

import { planFan } from './fan.ts';
import { planGarageDoor } from './garage-door.ts';
import { canBeHeaterCooler, isHeaterCooler, planHeaterCooler } from './heater-cooler.ts';
import { planHumidifier } from './humidifier.ts';
import { planLock } from './lock.ts';
import { planSecuritySystem } from './security-system.ts';
import { planSiren } from './siren.ts';
import { planThermostat } from './thermostat.ts';
import { planLawnMower, planVacuum } from './vacuum.ts';
import { planValve } from './valve.ts';
import { coveringKind, planWindowCovering } from './window-covering.ts';

/** @param tile the service that the component was first shown as, by the library's name; undefined for a new one */
type Planner = (component: Component, tile: string | undefined) => ServicePlan | null;

const COVERS = ['GarageDoorOpener', 'WindowCovering', 'Window', 'Door'] as const;
const GARAGES: ReadonlySet<string | null> = new Set(['garage', 'garage_door', 'gate']);

/** What is switched, moved or set, by the type of the component; lights and switches have rules of their own. */
const ACTUATORS: Readonly<Record<string, Planner>> = {
  alarm_control_panel: planSecuritySystem,
  climate: planClimate,
  cover: planCover,
  fan: planFan,
  humidifier: planHumidifier,
  lawn_mower: planLawnMower,
  lock: planLock,
  siren: planSiren,
  vacuum: planVacuum,
  valve: (component, tile) => planValve(component, tile === undefined ? undefined : tile === 'Valve'),
  water_heater: planThermostat,
};

/**
 * The service of a component that is commanded, with all that it tells as well; undefined where it is of no such type or
 * can only tell.
 */
export function planActuator(component: Component, tile?: string): ServicePlan[] | undefined {
  const plan = Object.hasOwn(ACTUATORS, component.type) ? ACTUATORS[component.type] : undefined;
  const service = plan?.(component, tile);
  return service ? [service] : undefined;
}

function planClimate(component: Component, tile: string | undefined): ServicePlan | null {
  const isKept = tile === 'HeaterCooler' || tile === 'Thermostat';
  const wanted = isKept ? tile === 'HeaterCooler' : isHeaterCooler(component);
  return wanted && canBeHeaterCooler(component) ? planHeaterCooler(component) : planThermostat(component);
}

function planCover(component: Component, tile: string | undefined): ServicePlan | null {
  const announced = GARAGES.has(component.deviceClass) ? 'GarageDoorOpener' : coveringKind(component);
  const kind = COVERS.find((one) => one === tile) ?? announced;
  return kind === 'GarageDoorOpener' ? planGarageDoor(component) : planWindowCovering(component, kind);
}
