import type { Capability } from '../../devices/types.ts';
import type { Component, DeviceValues } from '../service-plan.ts';

import { toFinite } from '../convert.ts';

/** What HomeKit calls a mode. */
export type HomeMode = 'off' | 'heat' | 'cool' | 'auto';

export interface ClimateParts {
  readonly mode: Capability | undefined;
  readonly power: Capability | undefined;
  readonly action: Capability | undefined;
  readonly current: Capability | undefined;
  readonly humidity: Capability | undefined;
  readonly target: Capability | undefined;
  readonly low: Capability | undefined;
  readonly high: Capability | undefined;
  readonly swing: Capability | undefined;
  /** The one that stands for the whole where HomeKit requires what the device does not tell. */
  readonly main: Capability;
  /** Every mode but off heats, as with a boiler whose modes say how. */
  readonly onlyHeats: boolean;
}

/** Null where nothing can be set. */
export function findClimate(component: Component): ClimateParts | null {
  const { byKind, type } = component;
  const mode = byKind.get('hvac_mode') ?? byKind.get('mode');
  const power = byKind.get('on_off');
  const target = byKind.get('target_temperature');
  const low = byKind.get('target_temperature_low');
  const high = byKind.get('target_temperature_high');
  const main = [mode, target, low, high, power].find((capability) => capability?.writable);
  if (!main) return null;
  return {
    mode,
    power,
    action: byKind.get('hvac_action'),
    current: byKind.get('temperature'),
    humidity: byKind.get('humidity'),
    target,
    low,
    high,
    swing: byKind.get('swing_mode'),
    main,
    onlyHeats: type === 'water_heater',
  };
}

export function finiteOf(capability: Capability | undefined, values: DeviceValues): number | undefined {
  return capability && toFinite(values.get(capability.name));
}

export function wordOf(capability: Capability | undefined, values: DeviceValues): string | undefined {
  const value = capability && values.get(capability.name);
  return typeof value === 'string' ? value : undefined;
}
