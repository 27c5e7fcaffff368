import { HOUR_MS } from './periods.ts';

export interface Unrolled {
  /** Hours in which readings came that the aggregates do not have yet. */
  readonly dirtyHours: readonly number[];
  /** Hours from here on were never rolled up, */
  readonly rolledHour: number;
  /** up to here. */
  readonly endHour: number;
  /** Hours of the series that have readings, at least those of `dirtyHours` and from `rolledHour` on. */
  readonly hasReadings: (hour: number) => boolean;
  readonly hoursFromRolled: readonly number[];
  readonly holdMs: number;
}

/**
 * The hours whose aggregates have to be made (again), in order. A reading concerns its own hour and those after it in
 * which its value, or the one that it supersedes, is still believed: up to the next hour that has readings of its own.
 */
export function hoursToRoll(input: Unrolled): number[] {
  const { dirtyHours, rolledHour, endHour, hasReadings, hoursFromRolled, holdMs } = input;
  const reach = Math.ceil(holdMs / HOUR_MS);
  const hours = new Set<number>();
  const follow = (start: number): void => {
    for (let hour = start; hour < endHour && hour <= start + reach; hour++) {
      hours.add(hour);
      if (hour > start && hasReadings(hour)) break;
    }
  };
  if (rolledHour < endHour) follow(rolledHour);
  for (const hour of hoursFromRolled) follow(hour);
  for (const hour of dirtyHours) follow(hour);
  return [...hours].toSorted((a, b) => a - b);
}
