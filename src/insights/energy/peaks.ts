import type { Grid } from './grid.ts';
import type { PeakHour, PeakHours } from './types.ts';

import { counted } from './notes.ts';
import { quantile } from './statistics.ts';

const MIN_DAYS = 14;
/** Of weekdays or of weekends, so that a median of them says something. */
const MIN_DAYS_OF_TYPE = 4;
const KNOWN = 0.9;
const TOP_DECILE = 0.9;
const ABOVE_MEDIAN = 1.5;

const DAY_TYPES = ['weekday', 'weekend'] as const;

/** Energy of the home by quarters of an hour, with the share of each that is known. */
export interface HomeCurve {
  readonly grid: Grid;
  readonly wh: Float64Array;
  readonly known: Float64Array;
  /** Quarters from here on are not over yet. */
  readonly endQuarter: number;
}

/**
 * The hours of the day in which most is used: the median of each hour's energy over the days, weekdays and weekends
 * apart. An hour stands out where it is in the top decile and half as much again as the median of the day's hours.
 */
export function peakHours(curve: HomeCurve): PeakHours[] {
  const days = DAY_TYPES.map(() => new Set<number>());
  const hours = DAY_TYPES.map(() => Array.from({ length: 24 }, (): number[] => []));
  for (const { day, hour, kwh } of knownHours(curve)) {
    const type = (curve.grid.weekdays[day] ?? 0) < 5 ? 0 : 1;
    days[type]?.add(day);
    hours[type]?.[hour]?.push(kwh);
  }
  const total = days.reduce((sum, { size }) => sum + size, 0);
  return DAY_TYPES.map((dayType, type) => {
    const count = days[type]?.size ?? 0;
    const insufficient =
      total < MIN_DAYS
        ? `not enough data: ${known(total, 'day')} known well enough, and it takes ${MIN_DAYS}`
        : count < MIN_DAYS_OF_TYPE
          ? `not enough data: ${known(count, `${dayType} day`)} known well enough, and it takes ${MIN_DAYS_OF_TYPE}`
          : null;
    return {
      dayType,
      days: count,
      insufficient,
      hours: insufficient === null ? outstanding(hours[type] ?? []) : [],
    };
  });
}

function known(count: number, noun: string): string {
  return `${counted(count, noun)} ${count === 1 ? 'is' : 'are'}`;
}

function outstanding(byHour: readonly (readonly number[])[]): PeakHour[] {
  const hours = byHour.flatMap((values, hour): PeakHour[] => {
    if (values.length < MIN_DAYS_OF_TYPE) return [];
    const [p10Kwh, medianKwh, p90Kwh] = [quantile(values, 0.1), quantile(values, 0.5), quantile(values, 0.9)];
    return [{ hour, medianKwh, p10Kwh, p90Kwh, days: values.length }];
  });
  const medians = hours.map(({ medianKwh }) => medianKwh);
  const floor = Math.max(quantile(medians, TOP_DECILE), ABOVE_MEDIAN * quantile(medians, 0.5));
  return hours.filter(({ medianKwh }) => medianKwh >= floor && medianKwh > 0);
}

/** Hours by the wall clock; not those that come twice, or half, on the day of a clock change. */
function* knownHours(curve: HomeCurve): Generator<{ day: number; hour: number; kwh: number }> {
  const { grid, wh, known, endQuarter } = curve;
  for (let first = 0; first < endQuarter;) {
    const day = grid.dayOf[first] ?? 0;
    const hour = Math.floor((grid.minuteOf[first] ?? 0) / 60);
    let [end, sum, share] = [first, 0, 0];
    while (
      end < endQuarter &&
      grid.dayOf[end] === day &&
      Math.floor((grid.minuteOf[end] ?? 0) / 60) === hour
    ) {
      sum += wh[end] ?? 0;
      share += known[end] ?? 0;
      end += 1;
    }
    if (end - first === 4 && share / 4 >= KNOWN) yield { day, hour, kwh: sum / 1000 };
    first = end;
  }
}
