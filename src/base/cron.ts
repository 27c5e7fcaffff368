import type { CalendarRule } from './calendar.ts';

const MINUTE_MS = 60 * 1000;
const MONTHS = [
  'january',
  'february',
  'march',
  'april',
  'may',
  'june',
  'july',
  'august',
  'september',
  'october',
  'november',
  'december',
];
const WEEKDAYS = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'];

interface Field {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  /** Words that stand for numbers, the first one for `min`; whole, or their first three letters. */
  readonly words: readonly string[];
}

const FIELDS: readonly [Field, Field, Field, Field, Field] = [
  { name: 'minute', min: 0, max: 59, words: [] },
  { name: 'hour', min: 0, max: 23, words: [] },
  { name: 'day of the month', min: 1, max: 31, words: [] },
  { name: 'month', min: 1, max: 12, words: MONTHS },
  // 7 is Sunday as well.
  { name: 'day of the week', min: 0, max: 7, words: WEEKDAYS },
];

/**
 * Reads a cron expression of five fields: minute, hour, day of the month, month, day of the week, with lists, ranges,
 * steps and English names. Where both days are given, either is enough. One whose hours are `*` or a step of it goes by
 * real hours, any other by the wall (see CalendarRule).
 *
 * The hub reads and runs them itself, so that what is accepted is what is understood. node-cron 4.6 (tried) cannot even be
 * the tick that wakes the job table: it walks through every slot that a leap of the clock skips, a second of a stopped event
 * loop for 3,600 of them and hours for the leap from 1970; set back by an hour it stays silent for that hour; and it skips
 * 02:30 on the day on which summer time begins.
 * @throws RangeError saying what is wrong.
 */
export function parseCron(text: string): CalendarRule {
  const parts = text.trim().toLowerCase().split(/\s+/);
  const [minute, hour, dayOfMonth, month, weekday, ...more] = parts;
  if (
    minute === undefined ||
    hour === undefined ||
    dayOfMonth === undefined ||
    month === undefined ||
    weekday === undefined ||
    more.length > 0
  ) {
    throw new RangeError(
      'a cron expression has five fields, such as "30 7 * * 1-5": minute, hour, day of the month, month, day of the week',
    );
  }
  const minutes = readField(minute, FIELDS[0]);
  const hours = readField(hour, FIELDS[1]);
  const days = readField(dayOfMonth, FIELDS[2]);
  const months = readField(month, FIELDS[3]);
  const weekdays = new Set([...readField(weekday, FIELDS[4])].map((day) => day % 7));
  const anyDay = dayOfMonth.startsWith('*');
  const anyWeekday = weekday.startsWith('*');
  return {
    isOn: (date) => {
      if (!months.has(date.month)) return false;
      const [isDay, isWeekday] = [days.has(date.day), weekdays.has(date.weekday)];
      return anyDay || anyWeekday ? isDay && isWeekday : isDay || isWeekday;
    },
    timesMs: ascending(hours).flatMap((h) => ascending(minutes).map((m) => (h * 60 + m) * MINUTE_MS)),
    isSteady: hour.startsWith('*'),
  };
}

function readField(text: string, field: Field): Set<number> {
  const values = new Set<number>();
  for (const part of text.split(',')) {
    const [range = '', step, ...more] = part.split('/');
    const by = step === undefined ? 1 : wholeNumber(step);
    if (more.length > 0 || by === undefined || by < 1 || by > field.max) throw refusal(text, field);
    const [from, to] = readRange(range, step !== undefined, field) ?? [];
    if (from === undefined || to === undefined || from > to) throw refusal(text, field);
    for (let value = from; value <= to; value += by) values.add(value);
  }
  return values;
}

function readRange(text: string, hasStep: boolean, field: Field): [number, number] | undefined {
  if (text === '*') return [field.min, field.max];
  const [first = '', last, ...more] = text.split('-');
  const from = readValue(first, field);
  if (from === undefined || more.length > 0) return undefined;
  if (last === undefined) return [from, hasStep ? field.max : from];
  const to = readValue(last, field);
  if (to === undefined) return undefined;
  // The week of "sat-sun" ends with its Sunday.
  return [from, to === 0 && from > 0 && field.words === WEEKDAYS ? 7 : to];
}

function readValue(text: string, { min, max, words }: Field): number | undefined {
  const word = words.findIndex((name) => text === name || text === name.slice(0, 3));
  const value = word === -1 ? wholeNumber(text) : word + min;
  return value !== undefined && value >= min && value <= max ? value : undefined;
}

function wholeNumber(text: string): number | undefined {
  return /^\d{1,4}$/.test(text) ? Number(text) : undefined;
}

function refusal(text: string, { name, min, max, words }: Field): RangeError {
  const names = words.length > 0 ? ` or ${words[0]?.slice(0, 3)} to ${words.at(-1)?.slice(0, 3)}` : '';
  return new RangeError(`"${text.slice(0, 40)}" is no ${name}: it takes ${min} to ${max}${names}`);
}

function ascending(values: ReadonlySet<number>): number[] {
  return [...values].toSorted((a, b) => a - b);
}
