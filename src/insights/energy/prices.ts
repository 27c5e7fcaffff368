import type { Grid } from './grid.ts';
import type { Turns } from './turns.ts';
import type { Tariff } from './types.ts';

import { NO_PRICE, quarterOfWeek, tariffOn, weekOf } from './tariff-rules.ts';

/** What a kWh costs in each quarter of an hour of a period. */
export interface PriceVector {
  /** NaN where it is not known. */
  readonly prices: Float64Array;
  /** The one of the whole period; null where there is none or more than one. */
  readonly currency: string | null;
  readonly hasSeveralCurrencies: boolean;
  /** By day: what it costs whatever is used; 0 where no tariff holds. */
  readonly standing: readonly number[];
  /** For which share of the period up to now the price is known. */
  readonly known: number;
}

/**
 * Joins tariffs and prices of the market. Windows go by the wall clock of the home: an hour that comes twice costs
 * twice the same, one that is skipped costs nothing.
 * @param known.market by quarter; NaN where it is not known
 * @param known.endQuarter what begins later has not come yet
 */
export async function priceVector(
  grid: Grid,
  tariffs: readonly Tariff[],
  { market, endQuarter }: { readonly market: Float64Array; readonly endQuarter: number },
  turns: Turns,
): Promise<PriceVector> {
  const prices = new Float64Array(grid.count).fill(Number.NaN);
  const weeks = new Map(tariffs.map((tariff) => [tariff, weekOf(tariff)]));
  const byDay = grid.days.map(({ date }) => tariffOn(tariffs, date));
  let known = 0;
  for (const [day, tariff] of byDay.entries()) {
    const week = tariff && weeks.get(tariff);
    if (!week) continue;
    const weekday = grid.weekdays[day] ?? 0;
    for (let quarter = grid.firstOf(day); quarter < grid.firstOf(day + 1); quarter++) {
      const fixed = week[quarterOfWeek(weekday, grid.minuteOf[quarter] ?? 0)] ?? NO_PRICE;
      const asked = market[quarter] ?? Number.NaN;
      const isAsked = tariff.dynamic !== null && !Number.isNaN(asked);
      const price = isAsked ? asked * tariff.dynamic.factor + tariff.dynamic.surcharge : fixed;
      prices[quarter] = price;
      if (quarter < endQuarter && !Number.isNaN(price)) known += 1;
    }
    await turns.take();
  }
  const currencies = new Set(byDay.flatMap((tariff) => (tariff ? [tariff.currency] : [])));
  const [currency = null] = currencies;
  return {
    prices,
    currency: currencies.size === 1 ? currency : null,
    hasSeveralCurrencies: currencies.size > 1,
    standing: byDay.map((tariff) => tariff?.standingPrice ?? 0),
    known: known / Math.max(1, endQuarter),
  };
}

/** What energy costs; null where no quarter that has some has a price, or the sum would be of several currencies. */
export function costOf(
  wh: Float32Array | Float64Array,
  { prices, currency }: PriceVector,
  from = 0,
  to = wh.length,
): number | null {
  if (currency === null) return null;
  let cost = 0;
  let isKnown = false;
  for (let quarter = from; quarter < to; quarter++) {
    const price = prices[quarter] ?? Number.NaN;
    if (Number.isNaN(price)) continue;
    isKnown = true;
    cost += ((wh[quarter] ?? 0) / 1000) * price;
  }
  return isKnown ? cost : null;
}

/** The mean over the time for which it is known; null where it never is. */
export function meanPrice({ prices, currency }: PriceVector): number | null {
  if (currency === null) return null;
  let [sum, count] = [0, 0];
  for (const price of prices) {
    if (Number.isNaN(price)) continue;
    sum += price;
    count += 1;
  }
  return count === 0 ? null : sum / count;
}
