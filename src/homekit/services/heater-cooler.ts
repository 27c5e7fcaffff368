import type { Capability, CapabilityWrite } from '../../devices/types.ts';
import type {
  CharacteristicPlan,
  Component,
  DeviceValues,
  HapValue,
  LastShown,
  Requested,
  ServicePlan,
} from '../service-plan.ts';
import type { ClimateParts, HomeMode } from './climate-parts.ts';

import { readActivity, readMode, toHomeModes, toModeWrites } from './climate-mode.ts';
import { findClimate, wordOf } from './climate-parts.ts';
import { findFanSpeeds, planFanSpeed, toFanSpeedWrite, type FanSpeeds } from './fan-modes.ts';
import { numberOf, planService, refuse, shows } from './parts.ts';
import { hasThresholds, planSetPoint, toTargetWrites, toThresholdWrites } from './set-points.ts';
import { planCurrentTemperature, planDisplayUnits } from './thermostat.ts';

type ActiveMode = Exclude<HomeMode, 'off'>;
const STATES: Readonly<Record<ActiveMode, number>> = { auto: 0, heat: 1, cool: 2 };
const INACTIVE = 0;
const ACTIVITIES = { idle: 1, heating: 2, cooling: 3 } as const;
const SWING_OFF = 'off';

/** It can do more than blow: HomeKit has no mode for that. */
export function canBeHeaterCooler({ byKind }: Component): boolean {
  const options = byKind.get('hvac_mode')?.options ?? [];
  return ['heat', 'cool', 'auto', 'heat_cool'].some((option) => options.includes(option));
}

/** An air conditioner: what has fan speeds or a swing, or cools and blows. */
export function isHeaterCooler(component: Component): boolean {
  if (!canBeHeaterCooler(component)) return false;
  const { byKind } = component;
  const options = byKind.get('hvac_mode')?.options ?? [];
  if (byKind.has('fan_mode') || byKind.has('swing_mode') || byKind.has('swing_horizontal_mode')) return true;
  return options.includes('cool') && options.includes('fan_only');
}

/** Its presets, and what its fan can do besides its speeds, stay in the graph. */
export function planHeaterCooler(component: Component): ServicePlan | null {
  const parts = findClimate(component);
  if (!parts) return null;
  const { mode, action, main } = parts;
  const state = mode ?? main;
  const modes = activeModes(parts);
  const swing = findSwing(parts);
  const speeds = findFanSpeeds(component);
  return planService(
    'HeaterCooler',
    component,
    [
      shows('Active', state, (values) => toActive(readMode(parts, values))),
      shows('CurrentHeaterCoolerState', action ?? state, (values) => toCurrentState(parts, values)),
      {
        ...shows('TargetHeaterCoolerState', state, (values, shown) => toTargetState(parts, values, shown)),
        validValues: modes.map((home) => STATES[home]).toSorted((a, b) => a - b),
      },
      planCurrentTemperature(parts),
      modes.includes('heat') || modes.includes('auto')
        ? planSetPoint(parts, 'HeatingThresholdTemperature', (now) => toSetPoint(parts, now, 'low'))
        : null,
      modes.includes('cool') || modes.includes('auto')
        ? planSetPoint(parts, 'CoolingThresholdTemperature', (now) => toSetPoint(parts, now, 'high'))
        : null,
      planDisplayUnits(parts),
      swing ? planSwing(swing) : null,
      speeds ? planFanSpeed(speeds) : null,
    ],
    (requested, values, shown) => toHeaterCoolerWrites(parts, speeds, requested, values, shown),
  );
}

function activeModes(parts: ClimateParts): ActiveMode[] {
  return toHomeModes(parts).filter((home) => home !== 'off');
}

function toActive(mode: HomeMode | undefined): number | undefined {
  return mode && Number(mode !== 'off');
}

function toCurrentState(parts: ClimateParts, values: DeviceValues): number | undefined {
  if (readMode(parts, values) === 'off') return INACTIVE;
  const activity = readActivity(parts, values);
  return activity && ACTIVITIES[activity];
}

/** While it is off, the mode that it had. */
function toTargetState(
  parts: ClimateParts,
  values: DeviceValues,
  shown: HapValue | undefined,
): number | undefined {
  const mode = readMode(parts, values);
  if (mode === undefined) return undefined;
  return STATES[mode === 'off' ? modeToReturnTo(parts, shown) : mode];
}

function modeToReturnTo(parts: ClimateParts, shown: HapValue | undefined): ActiveMode {
  const modes = activeModes(parts);
  return modes.find((home) => STATES[home] === shown) ?? modes[0] ?? 'auto';
}

/** Only in its own range mode does it go by two thresholds. */
function toSetPoint(
  parts: ClimateParts,
  mode: HomeMode | undefined,
  threshold: 'low' | 'high',
): 'single' | 'low' | 'high' {
  const isRange = hasThresholds(parts) && (mode === 'auto' || !parts.target);
  return isRange ? threshold : 'single';
}

/** A swing that is off or one other thing that is on. */
function findSwing({ swing }: ClimateParts): Capability | undefined {
  return swing?.writable && swing.options?.includes(SWING_OFF) && swingOn(swing) ? swing : undefined;
}

function swingOn(swing: Capability): string | undefined {
  const options = (swing.options ?? []).filter((option) => option !== SWING_OFF);
  return ['on', 'both', 'swing', 'vertical'].find((option) => options.includes(option)) ?? options[0];
}

function planSwing(swing: Capability): CharacteristicPlan {
  return shows('SwingMode', swing, (values, shown) => {
    const word = wordOf(swing, values);
    return word === undefined ? (shown ?? 0) : Number(word !== SWING_OFF);
  });
}

function toHeaterCoolerWrites(
  parts: ClimateParts,
  speeds: FanSpeeds | null,
  requested: Requested,
  values: DeviceValues,
  shown: LastShown | undefined,
): CapabilityWrite[] {
  const active = numberOf(requested, 'Active');
  const percent = numberOf(requested, 'RotationSpeed');
  // A fan that is drawn down to nothing is switched off, as Apple Home shows it then.
  if (active === 0 || percent === 0) return toModeWrites(parts, 'off', values);
  const asked = toAskedMode(parts, requested, values, shown);
  const mode = asked ?? readMode(parts, values);
  const swing = findSwing(parts);
  const turn = numberOf(requested, 'SwingMode');
  const word = turn === 1 && swing ? swingOn(swing) : SWING_OFF;
  return [
    ...(asked ? toModeWrites(parts, asked, values) : []),
    ...toThresholds(parts, mode, requested, values),
    ...(swing && turn !== undefined ? [{ capability: swing.name, value: word }] : []),
    ...(speeds && percent !== undefined ? [toFanSpeedWrite(speeds, percent)] : []),
  ];
}

/** Undefined where the mode stays; a mode that is chosen while the device is off does not start it. */
function toAskedMode(
  parts: ClimateParts,
  requested: Requested,
  values: DeviceValues,
  shown: LastShown | undefined,
): ActiveMode | undefined {
  const isOff = readMode(parts, values) === 'off';
  const starts = numberOf(requested, 'Active') === 1 && isOff;
  const state = numberOf(requested, 'TargetHeaterCoolerState');
  if (state !== undefined && (starts || !isOff)) {
    return activeModes(parts).find((home) => STATES[home] === state) ?? refuse();
  }
  return starts ? modeToReturnTo(parts, shown?.get('TargetHeaterCoolerState')) : undefined;
}

function toThresholds(
  parts: ClimateParts,
  mode: HomeMode | undefined,
  requested: Requested,
  values: DeviceValues,
): CapabilityWrite[] {
  const low = numberOf(requested, 'HeatingThresholdTemperature');
  const high = numberOf(requested, 'CoolingThresholdTemperature');
  if (low === undefined && high === undefined) return [];
  if (toSetPoint(parts, mode, 'low') === 'low') return toThresholdWrites(parts, { low, high }, values);
  // One set point for both: the one that counts in this mode.
  const celsius = mode === 'heat' ? (low ?? high) : (high ?? low);
  return celsius === undefined ? [] : toTargetWrites(parts, mode, celsius, values);
}
