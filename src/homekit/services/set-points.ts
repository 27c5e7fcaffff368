import type { Capability, CapabilityWrite, ValueRange } from '../../devices/types.ts';
import type { CharacteristicKind, CharacteristicPlan, DeviceValues, HapValue } from '../service-plan.ts';
import type { ClimateParts, HomeMode } from './climate-parts.ts';

import { clamp } from '../convert.ts';
import { readMode } from './climate-mode.ts';
import { finiteOf } from './climate-parts.ts';
import { refuse, shows, toStep, toWrite } from './parts.ts';

/** Whole and half degrees are what Apple Home sets. */
const STEP = 0.5;
const DEFAULT_RANGE = { min: 10, max: 38, step: STEP };
/** Beyond these a limit is a mistake. */
const COLDEST = -50;
const HOTTEST = 100;

/** Which of a device's set points. */
export type SetPoint = 'single' | 'low' | 'high';

/** The limits of a target in half degrees; limits that make no sense give HomeKit's own. */
export function toTargetRange(range: ValueRange | null | undefined): ValueRange {
  if (!range) return DEFAULT_RANGE;
  const min = Math.ceil(clamp(range.min, COLDEST, HOTTEST) / STEP) * STEP;
  const max = Math.floor(clamp(range.max, COLDEST, HOTTEST) / STEP) * STEP;
  return min < max ? { min: min + 0, max: max + 0, step: STEP } : DEFAULT_RANGE;
}

/** Two thresholds are the targets where a device keeps a range; else its one set point is. */
export function hasThresholds({ low, high }: ClimateParts): boolean {
  return low !== undefined && high !== undefined;
}

/**
 * A target. One that is not told (many tell none while they are off) stays as it was shown, and only while the device is
 * set to something is it unknown.
 */
export function planSetPoint(
  parts: ClimateParts,
  kind: CharacteristicKind,
  toSetPoint: (mode: HomeMode | undefined) => SetPoint,
): CharacteristicPlan {
  const source = capabilityOf(parts, toSetPoint(undefined)) ?? parts.main;
  const range = toTargetRange(source.range);
  return {
    ...shows(kind, source, (values, shown) => {
      const mode = readMode(parts, values);
      const celsius = readSetPoint(parts, toSetPoint(mode), mode, values);
      if (celsius !== undefined) return toStep(celsius, range);
      return keepTarget(shown, kind, mode, range);
    }),
    range,
  };
}

function keepTarget(
  shown: HapValue | undefined,
  kind: CharacteristicKind,
  mode: HomeMode | undefined,
  range: ValueRange,
): number | undefined {
  if (typeof shown === 'number') return shown;
  // A threshold means nothing in the other modes.
  if (kind === 'CoolingThresholdTemperature') return range.max;
  return kind === 'HeatingThresholdTemperature' || mode === 'off' ? range.min : undefined;
}

export function capabilityOf(parts: ClimateParts, setPoint: SetPoint): Capability | undefined {
  const { target, low, high } = parts;
  return { single: target ?? low ?? high, low: low ?? target, high: high ?? target }[setPoint];
}

function readSetPoint(
  parts: ClimateParts,
  setPoint: SetPoint,
  mode: HomeMode | undefined,
  values: DeviceValues,
): number | undefined {
  const single = finiteOf(parts.target, values);
  const low = finiteOf(parts.low, values);
  const high = finiteOf(parts.high, values);
  if (setPoint === 'low') return low ?? single;
  if (setPoint === 'high') return high ?? single;
  if (single !== undefined) return single;
  if (mode === 'heat') return low ?? high;
  if (mode === 'cool') return high ?? low;
  return low !== undefined && high !== undefined ? (low + high) / 2 : (low ?? high);
}

/** One target for the mode that the device is or is about to be in. */
export function toTargetWrites(
  parts: ClimateParts,
  mode: HomeMode | undefined,
  celsius: number,
  values: DeviceValues,
): CapabilityWrite[] {
  const { target, low, high } = parts;
  if (target?.writable) return [toWrite(target, celsius)];
  if (!low || !high) return [toWrite(low ?? high ?? refuse(), celsius)];
  if (mode === 'heat') return toThresholdWrites(parts, { low: celsius }, values);
  if (mode === 'cool') return toThresholdWrites(parts, { high: celsius }, values);
  // The middle moves, and both ends with it.
  const is = { low: finiteOf(low, values) ?? celsius, high: finiteOf(high, values) ?? celsius };
  const half = Math.abs(is.high - is.low) / 2;
  return toThresholdWrites(parts, { low: celsius - half, high: celsius + half }, values);
}

/** The thresholds, the low one below the high one by at least a step: the one that was not asked for gives way. */
export function toThresholdWrites(
  { low, high }: ClimateParts,
  asked: { readonly low?: number | undefined; readonly high?: number | undefined },
  values: DeviceValues,
): CapabilityWrite[] {
  if (!low || !high) return refuse();
  const step = Math.max(low.range?.step ?? STEP, high.range?.step ?? STEP);
  const [lowest, highest] = [low.range?.min ?? COLDEST, high.range?.max ?? HOTTEST];
  const before = { low: finiteOf(low, values), high: finiteOf(high, values) };
  let lower = asked.low === undefined ? before.low : clamp(asked.low, lowest, highest - step);
  let upper = asked.high === undefined ? before.high : clamp(asked.high, lowest + step, highest);
  if (lower !== undefined && upper !== undefined && lower > upper - step) {
    if (asked.low === undefined) lower = upper - step;
    else upper = Math.min(highest, lower + step);
  }
  // Both go together: a device that checks one against the other would refuse the first of two.
  return [
    ...(lower !== undefined && (asked.low !== undefined || lower !== before.low)
      ? [toWrite(low, lower)]
      : []),
    ...(upper !== undefined && (asked.high !== undefined || upper !== before.high)
      ? [toWrite(high, upper)]
      : []),
  ];
}
