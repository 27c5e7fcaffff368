import type { Standby } from './types.ts';

import { quantile } from './statistics.ts';

export const MIN_NIGHTS = 7;
/** Of the 48 five-minute buckets of a night. */
const MIN_KNOWN = 24;
const HOURS_OF_YEAR = 8760;

/**
 * What is drawn when nobody does anything: the 5th percentile of five-minute means between 01:00 and 05:00.
 * @param pricePerKwh the mean of the period; null where there is none
 * @returns null for fewer than seven nights
 */
export function standbyOf(
  nights: ReadonlyMap<number, readonly number[]>,
  pricePerKwh: number | null,
): Standby | null {
  const known = [...nights.values()].filter(({ length }) => length >= MIN_KNOWN);
  if (known.length < MIN_NIGHTS) return null;
  const powerW = quantile(known.flat(), 0.05);
  const kwhPerYear = (powerW * HOURS_OF_YEAR) / 1000;
  return {
    powerW,
    nights: known.length,
    kwhPerYear,
    costPerYear: pricePerKwh === null ? null : kwhPerYear * pricePerKwh,
  };
}
