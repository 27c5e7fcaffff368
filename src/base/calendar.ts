import type { HomeZone, LocalDay } from './home-zone.ts';

const DAY_MS = 24 * 60 * 60 * 1000;

/** Beyond the eight years that can lie between two leap days nothing comes any more. */
const LOOK_AHEAD_DAYS = 9 * 366;

/** A date without a time: month 1 to 12, weekday 0 (Sunday) to 6. */
export interface CalendarDate {
  readonly month: number;
  readonly day: number;
  readonly weekday: number;
}

/** Times that come again, as the clock on the wall shows them. */
export interface CalendarRule {
  readonly isOn: (date: CalendarDate) => boolean;
  /** Ms since midnight on the wall, ascending. */
  readonly timesMs: readonly number[];
  /**
   * It counts real hours: at a clock change what is skipped does not come and what comes twice comes twice. Otherwise each
   * time comes once a day: one that is skipped right after the change, of one that comes twice the first.
   */
  readonly isSteady: boolean;
}

/** A moment of a rule. */
export interface Occurrence {
  /** Ms since the Unix epoch. */
  readonly atMs: number;
  /** What the moment is called: the same for the same one, whatever the clock did meanwhile. */
  readonly key: string;
}

/** The moments of a rule after `afterMs` and up to `untilMs`, in order, at most `limit`. */
export function occurrencesIn(
  zone: HomeZone,
  rule: CalendarRule,
  { afterMs, untilMs, limit }: { afterMs: number; untilMs: number; limit: number },
): Occurrence[] {
  const found: Occurrence[] = [];
  if (limit <= 0 || untilMs <= afterMs) return found;
  let date = dateMsOf(zone, afterMs);
  const last = Math.min(dateMsOf(zone, untilMs), date + LOOK_AHEAD_DAYS * DAY_MS);
  for (; date <= last; date += DAY_MS) {
    if (!rule.isOn(toCalendarDate(date))) continue;
    for (const occurrence of occurrencesOn(zone, rule, zone.day(dateText(date)), date)) {
      if (occurrence.atMs > untilMs) return found;
      if (occurrence.atMs > afterMs) found.push(occurrence);
      if (found.length === limit) return found;
    }
  }
  return found;
}

/** The first moment of a rule after `afterMs`; undefined where none comes. */
export function nextOccurrence(zone: HomeZone, rule: CalendarRule, afterMs: number): Occurrence | undefined {
  return occurrencesIn(zone, rule, { afterMs, untilMs: afterMs + LOOK_AHEAD_DAYS * DAY_MS, limit: 1 })[0];
}

/** Which day of the week a date such as `2026-03-29` is: 0 (Sunday) to 6. */
export function weekdayOf(day: LocalDay): number {
  return new Date(`${day.date}T00:00:00Z`).getUTCDay();
}

/** A stretch of a day in which the clock is not changed. */
interface Stretch {
  readonly fromMs: number;
  readonly toMs: number;
  /** Ms by which the wall is ahead of UTC. */
  readonly offsetMs: number;
}

function occurrencesOn(zone: HomeZone, rule: CalendarRule, day: LocalDay, dateMs: number): Occurrence[] {
  const stretches = stretchesOf(zone, day);
  const found: Occurrence[] = [];
  for (const time of rule.timesMs) {
    const moments = stretches
      .map(({ fromMs, toMs, offsetMs }) => ({ atMs: dateMs + time - offsetMs, fromMs, toMs }))
      .filter(({ atMs, fromMs, toMs }) => atMs >= fromMs && atMs < toMs)
      .map(({ atMs }) => atMs);
    if (rule.isSteady) {
      for (const atMs of moments) found.push({ atMs, key: new Date(atMs).toISOString() });
    } else {
      const atMs = moments[0] ?? afterGap(stretches, dateMs + time);
      if (atMs !== undefined) found.push({ atMs, key: `${day.date}T${timeText(time)}` });
    }
  }
  const byTime = found.toSorted((a, b) => a.atMs - b.atMs);
  // Several times that one change skips are one moment.
  return byTime.filter(({ atMs }, index) => atMs !== byTime[index - 1]?.atMs);
}

/** Where the wall goes past a time that it never shows. */
function afterGap(stretches: readonly Stretch[], wallMs: number): number | undefined {
  return stretches.find(({ fromMs, offsetMs }) => fromMs + offsetMs > wallMs)?.fromMs;
}

function stretchesOf(zone: HomeZone, { startMs, endMs }: LocalDay): Stretch[] {
  const stretches: Stretch[] = [];
  let fromMs = startMs;
  while (fromMs < endMs) {
    const at = zone.at(fromMs);
    const change = at.getTimeZoneTransition('next')?.epochMilliseconds ?? endMs;
    const toMs = Math.min(change, endMs);
    stretches.push({ fromMs, toMs, offsetMs: at.offsetNanoseconds / 1_000_000 });
    fromMs = toMs;
  }
  return stretches;
}

/** The date of an instant, as the ms of its midnight in UTC. */
function dateMsOf(zone: HomeZone, ms: number): number {
  const { year, month, day } = zone.at(ms);
  return Date.UTC(year, month - 1, day);
}

function dateText(dateMs: number): string {
  return new Date(dateMs).toISOString().slice(0, 10);
}

function timeText(ms: number): string {
  const text = new Date(ms).toISOString().slice(11, 19);
  return text.endsWith(':00') ? text.slice(0, 5) : text;
}

function toCalendarDate(dateMs: number): CalendarDate {
  const date = new Date(dateMs);
  return { month: date.getUTCMonth() + 1, day: date.getUTCDate(), weekday: date.getUTCDay() };
}
