import type { CapabilityWrite } from '../../devices/types.ts';
import type { DeviceValues } from '../service-plan.ts';
import type { ClimateParts, HomeMode } from './climate-parts.ts';

import { finiteOf, wordOf } from './climate-parts.ts';
import { refuse } from './parts.ts';

const OFF = 'off';
const MODES: ReadonlyMap<string, HomeMode> = new Map(
  Object.entries({
    off: 'off',
    heat: 'heat',
    cool: 'cool',
    heat_cool: 'auto',
    auto: 'auto',
  }),
);

/** The modes that the device has, in HomeKit's words; never none besides off. */
export function toHomeModes(parts: ClimateParts): HomeMode[] {
  const { mode, power, onlyHeats } = parts;
  const options = mode?.options ?? [];
  const active: Exclude<HomeMode, 'off'>[] = ['heat', 'cool', 'auto'];
  const offered = active.filter((home) => toOption(parts, home) !== undefined);
  const canBeOff = power !== undefined || options.includes(OFF);
  // A set point without modes heats; what only dries and blows is shown as cooling.
  if (offered.length === 0) offered.push(mode && !onlyHeats ? 'cool' : 'heat');
  return canBeOff ? [OFF, ...offered] : offered;
}

/** What the device is set to. A mode that HomeKit has no word for (dry, fan only) is shown as cooling. */
export function readMode(parts: ClimateParts, values: DeviceValues): HomeMode | undefined {
  const { mode, power } = parts;
  const isOn = power && values.get(power.name);
  if (isOn === false) return OFF;
  const modes = toHomeModes(parts);
  const standsFor = modes.find((home) => home !== OFF);
  if (!mode) return power && isOn !== true ? undefined : standsFor;
  const word = wordOf(mode, values);
  if (word === undefined) return undefined;
  const known = MODES.get(word) ?? 'cool';
  const home = parts.onlyHeats && known !== OFF ? 'heat' : known;
  return modes.includes(home) ? home : standsFor;
}

/**
 * The commands for a mode. What is shown already is not sent again where the real mode is one that HomeKit has no word
 * for: a scene of Apple Home must not turn drying into cooling.
 * @throws HapStatusError `notAllowed` when the device has no such mode.
 */
export function toModeWrites(parts: ClimateParts, home: HomeMode, values: DeviceValues): CapabilityWrite[] {
  const { mode, power } = parts;
  if (home === OFF) return [toOff(parts)];
  if (readMode(parts, values) === home && hasNoWord(parts, values)) return [];
  const isPowered = power?.writable === true && values.get(power.name) !== true;
  const turnOn = isPowered ? [{ capability: power.name, value: true }] : [];
  // Its own switch brings a boiler back to the mode that it had.
  if (parts.onlyHeats && turnOn.length > 0) return turnOn;
  const option = toOption(parts, home);
  if (mode?.writable && option !== undefined) return [...turnOn, { capability: mode.name, value: option }];
  if (mode?.writable !== true && turnOn.length > 0) return turnOn;
  return readMode(parts, values) === home ? [] : refuse();
}

function toOff({ mode, power }: ClimateParts): CapabilityWrite {
  if (mode?.writable && mode.options?.includes(OFF)) return { capability: mode.name, value: OFF };
  return power?.writable ? { capability: power.name, value: false } : refuse();
}

function hasNoWord({ mode, onlyHeats }: ClimateParts, values: DeviceValues): boolean {
  const word = wordOf(mode, values);
  return word !== undefined && word !== OFF && (onlyHeats || MODES.get(word) === undefined);
}

/** The device's own mode. Two thresholds belong to heat_cool; one set point that it keeps by itself to auto. */
function toOption({ mode, low, high, onlyHeats }: ClimateParts, home: HomeMode): string | undefined {
  const options = mode?.options ?? [];
  if (onlyHeats) return home === 'heat' ? options.find((option) => option !== OFF) : undefined;
  if (home !== 'auto') return options.find((option) => option === home);
  const preferred = low && high ? ['heat_cool', 'auto'] : ['auto', 'heat_cool'];
  return preferred.find((option) => options.includes(option));
}

export type Activity = 'heating' | 'cooling' | 'idle';

/** What it does at the moment: what it tells, else what its mode and the temperatures lead to. */
export function readActivity(parts: ClimateParts, values: DeviceValues): Activity | undefined {
  switch (wordOf(parts.action, values)) {
    case 'heating':
    case 'preheating':
    case 'defrosting':
      return 'heating';
    case 'cooling':
      return 'cooling';
    case undefined:
      return deriveActivity(parts, values);
    default:
      return 'idle';
  }
}

function deriveActivity(parts: ClimateParts, values: DeviceValues): Activity | undefined {
  const mode = readMode(parts, values);
  if (mode === undefined || mode === OFF) return mode && 'idle';
  if (!parts.onlyHeats && hasNoWord(parts, values)) return 'idle';
  const current = finiteOf(parts.current, values);
  const target = finiteOf(parts.target, values);
  if (current === undefined) return 'idle';
  const lower = mode === 'heat' ? (target ?? finiteOf(parts.low, values)) : finiteOf(parts.low, values);
  const upper = mode === 'cool' ? (target ?? finiteOf(parts.high, values)) : finiteOf(parts.high, values);
  if (mode !== 'cool' && lower !== undefined && current < lower) return 'heating';
  return mode !== 'heat' && upper !== undefined && current > upper ? 'cooling' : 'idle';
}
