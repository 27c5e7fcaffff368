export const FIVE_MINUTES_MS = 300_000;
export const HOUR_MS = 3_600_000;
export const DAY_MS = 86_400_000;

/** Periods of a series that a slot can name: hours up to the year 2448. */
const PERIODS = 2 ** 22;

export const MAX_TIME_MS = PERIODS * HOUR_MS - 1;

/** A series and one of its periods (an hour or a day since the Unix epoch) as one integer, ordered by both. */
export function slotOf(seriesKey: number, period: number): number {
  return seriesKey * PERIODS + Math.min(Math.max(period, 0), PERIODS - 1);
}

export function periodOf(slot: number): number {
  return slot % PERIODS;
}

export function hourOf(timeMs: number): number {
  return Math.floor(timeMs / HOUR_MS);
}

export function dayOf(timeMs: number): number {
  return Math.floor(timeMs / DAY_MS);
}
