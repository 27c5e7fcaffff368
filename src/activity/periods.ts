export const DAY_MS = 24 * 60 * 60 * 1000;

/** Before this the clock of a machine without a battery has not been set yet. */
export const CLOCK_IS_SET_MS = Date.UTC(2024, 0, 1);

/** Year 2100: beyond it a clock is wrong. */
export const MAX_TIME_MS = Date.UTC(2100, 0, 1);

/** Of one home in the life of a file. */
const MAX_SERIES = 2 ** 20;

export function dayOf(ms: number): number {
  return Math.floor(ms / DAY_MS);
}

/** Where the events of a series and a day lie. */
export function slotOf(day: number, seriesKey: number): number {
  return day * MAX_SERIES + seriesKey;
}

export function dayOfSlot(slot: number): number {
  return Math.floor(slot / MAX_SERIES);
}

export function seriesOfSlot(slot: number): number {
  return slot % MAX_SERIES;
}
