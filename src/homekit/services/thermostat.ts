import type { CapabilityWrite } from '../../devices/types.ts';
import type { CharacteristicPlan, Component, DeviceValues, Requested, ServicePlan } from '../service-plan.ts';
import type { ClimateParts, HomeMode } from './climate-parts.ts';

import { toCelsius, toFinite, toPercent } from '../convert.ts';
import { readActivity, readMode, toHomeModes, toModeWrites } from './climate-mode.ts';
import { findClimate } from './climate-parts.ts';
import { toHumidityRange } from './humidifier.ts';
import { numberOf, planService, refuse, shows, showsAlways, toStep, toWrite, writable } from './parts.ts';
import { hasThresholds, planSetPoint, toTargetWrites, toThresholdWrites } from './set-points.ts';

const STATES: Readonly<Record<HomeMode, number>> = { off: 0, heat: 1, cool: 2, auto: 3 };
const ACTIVITIES = { idle: 0, heating: 1, cooling: 2 } as const;
const CELSIUS = 0;
const FAHRENHEIT = 1;

/** A thermostat, or a water heater. */
export function planThermostat(component: Component): ServicePlan | null {
  const parts = findClimate(component);
  if (!parts) return null;
  const { mode, power, action, humidity, main } = parts;
  const state = mode ?? power ?? main;
  const hasRange = hasThresholds(parts) && toHomeModes(parts).includes('auto');
  return planService(
    'Thermostat',
    component,
    [
      shows('CurrentHeatingCoolingState', action ?? state, (values) => {
        const activity = readActivity(parts, values);
        return activity && ACTIVITIES[activity];
      }),
      {
        ...shows('TargetHeatingCoolingState', state, (values) => toModeState(readMode(parts, values))),
        validValues: toHomeModes(parts).map((home) => STATES[home]),
      },
      planCurrentTemperature(parts),
      planSetPoint(parts, 'TargetTemperature', () => 'single'),
      hasRange ? planSetPoint(parts, 'HeatingThresholdTemperature', () => 'low') : null,
      hasRange ? planSetPoint(parts, 'CoolingThresholdTemperature', () => 'high') : null,
      planDisplayUnits(parts),
      humidity
        ? shows('CurrentRelativeHumidity', humidity, (values) => toPercent(values.get(humidity.name)))
        : null,
      planTargetHumidity(component),
    ],
    (requested, values) => toThermostatWrites(component, parts, requested, values),
  );
}

function toModeState(mode: HomeMode | undefined): number | undefined {
  return mode && STATES[mode];
}

/** Without a thermometer the temperature that it works for is the nearest thing to one. */
export function planCurrentTemperature({ current, target, main }: ClimateParts): CharacteristicPlan {
  const told = current ?? target;
  if (!told) return showsAlways('CurrentTemperature', main, 0);
  return shows('CurrentTemperature', told, (values) => toCelsius(values.get(told.name)));
}

/** Every phone shows the unit that its owner likes; this is what the device has on its own display. */
export function planDisplayUnits({ target, low, main }: ClimateParts): CharacteristicPlan {
  const unit = (target ?? low)?.reported_unit === '°F' ? FAHRENHEIT : CELSIUS;
  return { ...showsAlways('TemperatureDisplayUnits', main, unit), validValues: [unit] };
}

function planTargetHumidity(component: Component): CharacteristicPlan | null {
  const target = writable(component, 'target_humidity');
  if (!target) return null;
  const range = toHumidityRange(target.range);
  return {
    ...shows('TargetRelativeHumidity', target, (values, shown) => {
      const percent = toFinite(values.get(target.name));
      return percent === undefined ? (shown ?? range.min) : toStep(percent, range);
    }),
    range,
  };
}

function toThermostatWrites(
  component: Component,
  parts: ClimateParts,
  requested: Requested,
  values: DeviceValues,
): CapabilityWrite[] {
  const state = numberOf(requested, 'TargetHeatingCoolingState');
  const home = toHomeModes(parts).find((mode) => STATES[mode] === state);
  if (state !== undefined && home === undefined) return refuse();
  const mode = home ?? readMode(parts, values);
  const celsius = numberOf(requested, 'TargetTemperature');
  const low = numberOf(requested, 'HeatingThresholdTemperature');
  const high = numberOf(requested, 'CoolingThresholdTemperature');
  const humidity = writable(component, 'target_humidity');
  const percent = numberOf(requested, 'TargetRelativeHumidity');
  const hasRange = low !== undefined || high !== undefined;
  return [
    ...(home === undefined ? [] : toModeWrites(parts, home, values)),
    // In the range mode the single target means nothing, and comes along all the same.
    ...(celsius === undefined || (hasRange && mode === 'auto')
      ? []
      : toTargetWrites(parts, mode, celsius, values)),
    ...(hasRange && (mode === 'auto' || celsius === undefined)
      ? toThresholdWrites(parts, { low, high }, values)
      : []),
    ...(humidity && percent !== undefined ? [toWrite(humidity, Math.round(percent))] : []),
  ];
}
