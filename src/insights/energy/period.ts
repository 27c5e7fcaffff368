import type { HomeZone, LocalDay } from '../../base/home-zone.ts';
import type { Turns } from './turns.ts';
import type { EnergyQuery } from './types.ts';

import { HubError } from '../../base/errors.ts';
import { Grid } from './grid.ts';

/** Two years, so that each month has its like beside it. */
export const MAX_DAYS = 731;
/** So that an answer stays below some megabytes. */
const MAX_DAYS_BY_QUARTER = 62;
const MAX_DAYS_BY_HOUR = 400;

export interface Period {
  readonly grid: Grid;
  /** Now, or the end of the period. */
  readonly untilMs: number;
  /** The first so many of its days are over. */
  readonly completeDays: number;
}

/** @throws HubError `invalid` for a span that is none, too long for its resolution, or not begun yet. */
export async function periodOf(
  query: Pick<EnergyQuery, 'span' | 'resolution'>,
  zone: HomeZone,
  nowMs: number,
  turns: Turns,
): Promise<Period> {
  const { span, resolution } = query;
  const today = zone.dayOf(nowMs);
  const first = 'days' in span ? zone.plusDays(today, 1 - span.days) : dayOf(zone, span.fromDate, 'from');
  const toDate = 'days' in span ? null : span.toDate;
  const end = toDate === null ? zone.plusDays(today, 1) : dayOf(zone, toDate, 'to');
  if (first.startMs >= end.startMs) {
    throw new HubError('invalid', 'to is the day after the last one: it comes after from', { field: 'to' });
  }
  if (first.startMs > nowMs) throw new HubError('invalid', 'from has not come yet', { field: 'from' });
  const days = await daysFrom(zone, first, end, turns);
  const most =
    resolution === '15m' ? MAX_DAYS_BY_QUARTER : resolution === 'hour' ? MAX_DAYS_BY_HOUR : MAX_DAYS;
  if (days.length > most) {
    throw new HubError(
      'invalid',
      `the resolution ${resolution} goes with at most ${most} days; take a coarser one or a shorter time`,
      { field: 'resolution' },
    );
  }
  return makePeriod(await Grid.make(zone, days, turns), nowMs);
}

export function makePeriod(grid: Grid, nowMs: number): Period {
  return {
    grid,
    untilMs: Math.min(grid.toMs, nowMs),
    completeDays: grid.days.filter(({ endMs }) => endMs <= nowMs).length,
  };
}

/** The days from one up to but not with another; one more than MAX_DAYS where there are more. */
export async function daysFrom(
  zone: HomeZone,
  first: LocalDay,
  end: LocalDay,
  turns: Turns,
): Promise<LocalDay[]> {
  const days: LocalDay[] = [];
  for (let day = first; day.startMs < end.startMs && days.length <= MAX_DAYS; day = zone.plusDays(day, 1)) {
    days.push(day);
    await turns.take();
  }
  return days;
}

function dayOf(zone: HomeZone, date: string, field: string): LocalDay {
  try {
    return zone.day(date);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new HubError('invalid', `${field}: must be a date such as 2026-03-29`, { field, cause: error });
  }
}
