import { ColorUtils } from '@homebridge/hap-nodejs';

import type { CapabilityValue, HueSaturation, ValueRange } from '../devices/types.ts';

/**
 * Small conversions between the hub's values and HomeKit's. Each answers undefined for what is not known: the library
 * stores 0 for null and NaN, and 0 °C or 0 % would be a lie.
 */

/** HomeKit's own limits for ColorTemperature, in mired. */
export const MIRED_RANGE: ValueRange = { min: 140, max: 500 };

export function clamp(value: number, min: number, max: number): number {
  return Math.min(max, Math.max(min, value));
}

export function toBoolean(value: CapabilityValue | undefined): boolean | undefined {
  return typeof value === 'boolean' ? value : undefined;
}

/** 1 where true is detected, open, wet or low; 0 else. */
export function toFlag(value: CapabilityValue | undefined): number | undefined {
  return typeof value === 'boolean' ? Number(value) : undefined;
}

export function toFinite(value: CapabilityValue | undefined): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

/** A whole percentage 0 to 100. */
export function toPercent(value: CapabilityValue | undefined): number | undefined {
  const percent = toFinite(value);
  return percent === undefined ? undefined : Math.round(clamp(percent, 0, 100));
}

/** Brightness as HomeKit shows it: 0 would read as off, so a lit lamp has at least 1. */
export function toBrightness(value: CapabilityValue | undefined): number | undefined {
  const percent = toPercent(value);
  return percent === undefined ? undefined : Math.max(1, percent);
}

/** °C within HomeKit's −270 to 100, to a tenth. */
export function toCelsius(value: CapabilityValue | undefined): number | undefined {
  const celsius = toFinite(value);
  return celsius === undefined ? undefined : Math.round(clamp(celsius, -270, 100) * 10) / 10;
}

/** A lamp's mired range within HomeKit's limits; a range that makes no sense gives HomeKit's own. */
export function toMiredRange(range: ValueRange | null): ValueRange {
  const min = Math.ceil(clamp(range?.min ?? MIRED_RANGE.min, MIRED_RANGE.min, MIRED_RANGE.max));
  const max = Math.floor(clamp(range?.max ?? MIRED_RANGE.max, MIRED_RANGE.min, MIRED_RANGE.max));
  return min < max ? { min, max } : MIRED_RANGE;
}

/** Mired within the lamp's range. Some lamps report 0 while they show a colour: that is no temperature. */
export function toMired(value: CapabilityValue | undefined, range: ValueRange): number | undefined {
  const mired = toFinite(value);
  return mired === undefined || mired < 1 ? undefined : Math.round(clamp(mired, range.min, range.max));
}

export function toHueSaturation(value: CapabilityValue | undefined): HueSaturation | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  if (!Number.isFinite(value.hue) || !Number.isFinite(value.saturation)) return undefined;
  return {
    hue: Math.round(clamp(value.hue, 0, 360)),
    saturation: Math.round(clamp(value.saturation, 0, 100)),
  };
}

/** The colour of white light, so that the tile of a lamp in white mode shows how warm it is. */
export function miredToHueSaturation(mired: number): HueSaturation {
  const { hue, saturation } = ColorUtils.colorTemperatureToHueAndSaturation(clamp(mired, 153, 500));
  return { hue, saturation };
}

/** The white that comes nearest to a colour: what a lamp in colour mode answers when asked for its temperature. */
export function hueSaturationToMired(color: HueSaturation, range: ValueRange): number {
  let best = range.min;
  let bestDistance = Infinity;
  const point = toPoint(color);
  for (let mired = range.min; mired <= range.max; mired += 5) {
    const white = toPoint(miredToHueSaturation(mired));
    const distance = Math.hypot(white.x - point.x, white.y - point.y);
    if (distance < bestDistance) [best, bestDistance] = [mired, distance];
  }
  return best;
}

function toPoint({ hue, saturation }: HueSaturation): { x: number; y: number } {
  const angle = (hue / 180) * Math.PI;
  return { x: Math.cos(angle) * saturation, y: Math.sin(angle) * saturation };
}

/** Lux within HomeKit's limits, which leave out complete darkness: 0 is refused. */
export function toLux(value: CapabilityValue | undefined): number | undefined {
  const lux = toFinite(value);
  return lux === undefined ? undefined : clamp(Math.round(lux * 10) / 10, 0.0001, 100_000);
}

/** A whole number within limits, for concentrations. */
export function toAmount(value: CapabilityValue | undefined, max: number): number | undefined {
  const amount = toFinite(value);
  return amount === undefined ? undefined : Math.round(clamp(amount, 0, max));
}
