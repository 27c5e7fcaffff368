import type { Found } from '../../../src/insights/habits/search.ts';
import type { Cause, SimulatedHome } from './simulator.ts';

import { searchHabits } from '../../../src/insights/habits/search.ts';
import { titleOf } from '../../../src/insights/habits/wording.ts';

export async function search(home: SimulatedHome): Promise<Found> {
  const { zone, sun, nowMs } = home;
  return await searchHabits({ log: home, home, zone, sun, numbers: home.numbers, nowMs });
}

export async function titles(home: SimulatedHome): Promise<string[]> {
  const { candidates, observations } = await search(home);
  return candidates.map((candidate) => titleOf(candidate, observations.devices)).toSorted();
}

/** On nearly every day around a time; off again at some time. */
export function plant(
  home: SimulatedHome,
  id: string,
  minute: number,
  more: { spread?: number; share?: number; weekdays?: number[]; cause?: Cause } = {},
): void {
  home.add(id, 'on_off');
  for (const { at, weekday } of home.days()) {
    if (more.weekdays && !more.weekdays.includes(weekday)) continue;
    if (home.random() > (more.share ?? 1)) continue;
    home.act(id, at(minute + home.jitter(more.spread ?? 5)), true, more.cause);
    home.act(id, at(minute + 100 + home.random() * 200), false, more.cause);
  }
}
