import type { DeviceFold } from './device-analysis.ts';
import type { PriceVector } from './prices.ts';
import type { DeviceEnergy, Recommendation } from './types.ts';

import { QUARTER_MS } from './grid.ts';
import { kwhText, percent } from './notes.ts';

const MIN_STANDBY_W = 5;
/** Days of which at least this share is known, */
const KNOWN = 0.9;
/** and how many of them it takes. */
const MIN_DAYS_TO_SHIFT = 14;
const MIN_CHANGE = 0.25;
const MIN_CHANGE_KWH = 2;
const MIN_DAYS_TO_COMPARE = 14;

/** Effects smaller than this are weather. */
const MIN_DUTY_CHANGE = 0.1;
const MIN_DEVIATIONS = 3;

type Told = Omit<DeviceEnergy, 'ownKwh'>;

/** What the figures of a device say that is worth a sentence; each holds the numbers that it rests on. */
export function adviceFor(
  device: Told,
  fold: DeviceFold,
  prices: PriceVector,
  completeDays: number,
): Recommendation[] {
  if (device.role !== 'device') return [];
  return [
    standbyAdvice(device, prices),
    cycleAdvice(device),
    changeAdvice(device),
    fold.meter.isShiftable ? shiftAdvice(device, fold, prices, completeDays) : null,
  ].flatMap((one) => one ?? []);
}

function standbyAdvice({ entityId, name, standby, cycle }: Told, prices: PriceVector): Recommendation | null {
  // What a refrigerator draws between its cycles is no habit of anybody's.
  if (!standby || cycle || standby.powerW < MIN_STANDBY_W) return null;
  const { powerW, nights, kwhPerYear, costPerYear } = standby;
  const money =
    costPerYear === null ? '' : `, or ${moneyText(costPerYear, prices)} at the mean price of this period`;
  return {
    kind: 'standby',
    entityId,
    text: `${name} draws ${powerW.toFixed(1)} W when nobody uses it (the lowest 5 % of ${nights} nights, 01:00 to 05:00): ${kwhPerYear.toFixed(0)} kWh a year if it is never switched off${money}.`,
    kwh: kwhPerYear,
    cost: costPerYear,
  };
}

function cycleAdvice({ entityId, name, cycle }: Told): Recommendation | null {
  const baseline = cycle?.baseline;
  if (!cycle || !baseline) return null;
  const change = cycle.duty - baseline.duty;
  if (Math.abs(change) < MIN_DUTY_CHANGE || Math.abs(change) < MIN_DEVIATIONS * baseline.deviation)
    return null;
  const was = `${percent(baseline.duty)} ± ${(baseline.deviation * 100).toFixed(0)} % over the ${baseline.days} days before`;
  return {
    kind: 'cycle',
    entityId,
    text: `${name} ran ${percent(cycle.duty)} of the time in the last 7 days, and ${was}; one cycle takes ${cycle.cycleMinutes.toFixed(0)} minutes.`,
    kwh: null,
    cost: null,
  };
}

function changeAdvice({ entityId, name, comparison }: Told): Recommendation | null {
  if (!comparison || comparison.change === null || comparison.days < MIN_DAYS_TO_COMPARE) return null;
  const { kwh, beforeKwh, change, days } = comparison;
  if (Math.abs(change) < MIN_CHANGE || Math.abs(kwh - beforeKwh) < MIN_CHANGE_KWH) return null;
  return {
    kind: 'change',
    entityId,
    text: `${name} used ${kwhText(kwh)} in ${days} days, ${percent(Math.abs(change))} ${change > 0 ? 'more' : 'less'} than the ${kwhText(beforeKwh)} of the ${days} days before.`,
    kwh: kwh - beforeKwh,
    cost: null,
  };
}

/** What was used above the lowest price of its day, at that difference: nobody can save more by waiting. */
function shiftAdvice(
  { entityId, name }: Told,
  { energy }: DeviceFold,
  prices: PriceVector,
  completeDays: number,
): Recommendation | null {
  if (prices.currency === null) return null;
  const { grid } = energy;
  let [kwh, saved, days] = [0, 0, 0];
  for (let day = 0; day < completeDays; day++) {
    const [first, end] = [grid.firstOf(day), grid.firstOf(day + 1)];
    const ofDay = prices.prices.subarray(first, end);
    const isKnown = energy.covered(first, end) >= KNOWN * (end - first) * QUARTER_MS;
    if (!isKnown || ofDay.some(Number.isNaN)) continue;
    days += 1;
    const least = ofDay.reduce((low, price) => Math.min(low, price), Infinity);
    for (let quarter = first; quarter < end; quarter++) {
      const used = (energy.wh[quarter] ?? 0) / 1000;
      const above = (prices.prices[quarter] ?? 0) - least;
      if (used === 0 || above <= 0) continue;
      kwh += used;
      saved += used * above;
    }
  }
  if (days < MIN_DAYS_TO_SHIFT || saved < 0.01) return null;
  return {
    kind: 'shift',
    entityId,
    text: `${name} used ${kwhText(kwh)} in ${days} days when a kWh cost more than at the cheapest time of the same day: run then, it would have cost up to ${moneyText(saved, prices)} less.`,
    kwh,
    cost: saved,
  };
}

function moneyText(amount: number, { currency }: PriceVector): string {
  return `${amount.toFixed(2)} ${currency ?? ''}`.trim();
}
