import type { HomeReport } from './schema.ts';

/*
 * Texts are made without the locale of the machine: the same report gives the same page everywhere.
 */

const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];
const WEEKDAYS = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'];

/** `Sunday, 29 March 2026`, `Week 13, 23 – 29 March 2026`, `March 2026`. */
export function periodTitle({ kind, period }: Pick<HomeReport, 'kind' | 'period'>): string {
  const [first, last] = [parse(period.first_date), parse(period.last_date)];
  if (kind === 'monthly') return `${monthName(first)} ${first.year}`;
  if (kind === 'daily') return `${weekdayName(first)}, ${first.day} ${monthName(first)} ${first.year}`;
  const begin =
    first.month === last.month
      ? `${first.day}`
      : `${first.day} ${monthName(first)}${first.year === last.year ? '' : ` ${first.year}`}`;
  return `Week ${first.weekOfYear}, ${begin} – ${last.day} ${monthName(last)} ${last.year}`;
}

/** `Mon 23 Mar`. */
export function shortDate(date: string): string {
  const day = parse(date);
  return `${weekdayName(day).slice(0, 3)} ${day.day} ${monthName(day).slice(0, 3)}`;
}

/** `Mon` in a week, `23` in a month. */
export function axisDate(date: string, days: number): string {
  const day = parse(date);
  return days > 7 ? String(day.day) : weekdayName(day).slice(0, 3);
}

/** `30 Mar 2026, 05:10` on the wall of the home. */
export function wallTime(iso: string, timezone: string): string {
  const at = Temporal.Instant.from(iso).toZonedDateTimeISO(timezone);
  return `${at.day} ${monthName(at).slice(0, 3)} ${at.year}, ${pad(at.hour)}:${pad(at.minute)}`;
}

export function kwh(value: number | null): string {
  return value === null ? '–' : value.toFixed(value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2);
}

export function money(value: number | null, currency: string | null): string {
  return value === null ? '–' : `${value.toFixed(2)}${currency === null ? '' : ` ${currency}`}`;
}

/** `43 %`. What is not all is never told as 100 %, and what is not nothing not as 0 %. */
export function percent(share: number | null): string {
  if (share === null) return '–';
  const rounded = Math.round(share * 100);
  if (share > 0 && rounded === 0) return '< 1 %';
  if (share < 1 && rounded === 100) return '> 99 %';
  return `${rounded} %`;
}

/** `+6 %`, `−6 %`. */
export function change(share: number | null): string {
  if (share === null) return '–';
  const rounded = Math.round(share * 100);
  return rounded === 0 ? '±0 %' : `${rounded > 0 ? '+' : '−'}${Math.abs(rounded)} %`;
}

export function hourText(hour: number): string {
  return `${pad(hour)}:00`;
}

export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

function parse(date: string): Temporal.PlainDate {
  return Temporal.PlainDate.from(date);
}

function monthName({ month }: { readonly month: number }): string {
  return MONTHS[month - 1] ?? '';
}

function weekdayName({ dayOfWeek }: Temporal.PlainDate): string {
  return WEEKDAYS[dayOfWeek - 1] ?? '';
}

function pad(value: number): string {
  return String(value).padStart(2, '0');
}
