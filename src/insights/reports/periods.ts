import type { HomeZone } from '../../base/home-zone.ts';
import type { ReportKind, ReportPeriod } from './types.ts';

/**
 * The day, ISO week (from Monday) or month in which a date lies.
 * @throws RangeError when the text is no date such as `2026-03-29`.
 */
export function periodOf(kind: ReportKind, date: string, zone: HomeZone): ReportPeriod {
  const day = Temporal.PlainDate.from(date, { overflow: 'reject' });
  if (day.toString() !== date) throw new RangeError(`${date} is no date such as 2026-03-29`);
  const first = firstOf(kind, day);
  const end = first.add(LENGTHS[kind]);
  return {
    kind,
    id: `${kind}-${nameOf(kind, first)}`,
    firstDate: first.toString(),
    lastDate: end.subtract({ days: 1 }).toString(),
    endDate: end.toString(),
    days: first.until(end, { largestUnit: 'days' }).days,
    startMs: zone.day(first.toString()).startMs,
    endMs: zone.day(end.toString()).startMs,
  };
}

/** The last periods that are over at a time, the newest first. */
export function finishedPeriods(
  kind: ReportKind,
  zone: HomeZone,
  nowMs: number,
  count: number,
): ReportPeriod[] {
  const today = Temporal.PlainDate.from(zone.dayOf(nowMs).date);
  const periods: ReportPeriod[] = [];
  let begin = firstOf(kind, today);
  while (periods.length < count) {
    begin = begin.subtract(LENGTHS[kind]);
    periods.push(periodOf(kind, begin.toString(), zone));
  }
  return periods;
}

/** With what a period is compared: a weekday with the same one of the week before, whole weeks and months. */
export function referenceOf({ kind, firstDate }: ReportPeriod, zone: HomeZone): ReportPeriod {
  const back = kind === 'monthly' ? { months: 1 } : { days: 7 };
  return periodOf(kind, Temporal.PlainDate.from(firstDate).subtract(back).toString(), zone);
}

const LENGTHS: Readonly<Record<ReportKind, { days?: number; months?: number }>> = {
  daily: { days: 1 },
  weekly: { days: 7 },
  monthly: { months: 1 },
};

function firstOf(kind: ReportKind, day: Temporal.PlainDate): Temporal.PlainDate {
  if (kind === 'monthly') return day.with({ day: 1 });
  return kind === 'weekly' ? day.subtract({ days: day.dayOfWeek - 1 }) : day;
}

function nameOf(kind: ReportKind, first: Temporal.PlainDate): string {
  if (kind === 'monthly') return first.toPlainYearMonth().toString();
  if (kind === 'daily') return first.toString();
  return `${first.yearOfWeek}-W${String(first.weekOfYear).padStart(2, '0')}`;
}
