/** A point in time that remembers whether it is shown in UTC or in the process's time zone. */
export class DateTime {
  /** Seconds since the Unix epoch, with fraction. */
  readonly epochS: number;
  readonly utc: boolean;

  constructor(epochS: number, utc: boolean) {
    this.epochS = epochS;
    this.utc = utc;
  }
}

/** The largest time a JavaScript date can hold. */
const MAX_EPOCH_S = 8.64e12;

/** Undefined when the number is no time. */
export function dateTimeAt(epochS: number, utc: boolean): DateTime | undefined {
  return Math.abs(epochS) < MAX_EPOCH_S ? new DateTime(epochS, utc) : undefined;
}

const TIMESTAMP =
  /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?))? ?(Z|[+-]\d{2}:?\d{2})?$/;

/** Reads ISO 8601; without an offset the text is local time. Undefined when it is no time. */
export function parseDateTime(text: string): DateTime | undefined {
  const match = TIMESTAMP.exec(text.trim());
  if (match === null) return undefined;
  const [, date = '', time = '00:00', zone = ''] = match;
  const offset = zone.length === 5 ? `${zone.slice(0, 3)}:${zone.slice(3)}` : zone;
  const epochMs = Date.parse(`${date}T${time.replace(',', '.')}${offset}`);
  return Number.isNaN(epochMs) ? undefined : new DateTime(epochMs / 1000, zone === 'Z');
}

interface Fields {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  readonly microsecond: number;
  /** 0 is Sunday. */
  readonly dayOfWeek: number;
  readonly dayOfYear: number;
  readonly offsetMinutes: number;
}

function toFields(time: DateTime): Fields {
  const wholeS = Math.floor(time.epochS);
  const microsecond = Math.min(999_999, Math.round((time.epochS - wholeS) * 1e6));
  const date = new Date(wholeS * 1000);
  const offsetMinutes = time.utc ? 0 : -date.getTimezoneOffset();
  const shown = new Date(date.getTime() + offsetMinutes * 60_000);
  return {
    year: shown.getUTCFullYear(),
    month: shown.getUTCMonth() + 1,
    day: shown.getUTCDate(),
    hour: shown.getUTCHours(),
    minute: shown.getUTCMinutes(),
    second: shown.getUTCSeconds(),
    microsecond,
    dayOfWeek: shown.getUTCDay(),
    dayOfYear: Math.floor((shown.getTime() - Date.UTC(shown.getUTCFullYear(), 0, 1)) / 86_400_000) + 1,
    offsetMinutes,
  };
}

/** The attributes a template may read. */
export function dateTimeAttribute(time: DateTime, name: string): number | undefined {
  const fields = toFields(time);
  switch (name) {
    case 'year':
    case 'month':
    case 'day':
    case 'hour':
    case 'minute':
    case 'second':
    case 'microsecond':
      return fields[name];
    default:
      return undefined;
  }
}

function pad(value: number, width = 2): string {
  return String(value).padStart(width, '0');
}

function offsetText(offsetMinutes: number, separator: string): string {
  const size = Math.abs(offsetMinutes);
  return `${offsetMinutes < 0 ? '-' : '+'}${pad(Math.floor(size / 60))}${separator}${pad(size % 60)}`;
}

/** ISO 8601 with offset; microseconds only where there are any. `separator` is `T`, or a space as `str()` has it. */
export function isoText(time: DateTime, separator = 'T'): string {
  const f = toFields(time);
  const fraction = f.microsecond === 0 ? '' : `.${pad(f.microsecond, 6)}`;
  const date = `${pad(f.year, 4)}-${pad(f.month)}-${pad(f.day)}`;
  const clock = `${pad(f.hour)}:${pad(f.minute)}:${pad(f.second)}${fraction}`;
  return `${date}${separator}${clock}${offsetText(f.offsetMinutes, ':')}`;
}

const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
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

const DIRECTIVES: ReadonlyMap<string, (fields: Fields, time: DateTime) => string> = new Map<
  string,
  (fields: Fields, time: DateTime) => string
>([
  ['Y', (f) => pad(f.year, 4)],
  ['y', (f) => pad(f.year % 100)],
  ['m', (f) => pad(f.month)],
  ['d', (f) => pad(f.day)],
  ['e', (f) => String(f.day).padStart(2)],
  ['H', (f) => pad(f.hour)],
  ['I', (f) => pad(f.hour % 12 === 0 ? 12 : f.hour % 12)],
  ['p', (f) => (f.hour < 12 ? 'AM' : 'PM')],
  ['M', (f) => pad(f.minute)],
  ['S', (f) => pad(f.second)],
  ['f', (f) => pad(f.microsecond, 6)],
  ['j', (f) => pad(f.dayOfYear, 3)],
  ['w', (f) => String(f.dayOfWeek)],
  ['A', (f) => DAYS[f.dayOfWeek] ?? ''],
  ['a', (f) => (DAYS[f.dayOfWeek] ?? '').slice(0, 3)],
  ['B', (f) => MONTHS[f.month - 1] ?? ''],
  ['b', (f) => (MONTHS[f.month - 1] ?? '').slice(0, 3)],
  ['F', (f) => `${pad(f.year, 4)}-${pad(f.month)}-${pad(f.day)}`],
  ['T', (f) => `${pad(f.hour)}:${pad(f.minute)}:${pad(f.second)}`],
  ['z', (f) => offsetText(f.offsetMinutes, '')],
  ['s', (_, time) => String(Math.floor(time.epochS))],
  ['%', () => '%'],
]);

/** Python's `strftime`, English names; a directive that is not known stays as it is written. */
export function strftime(time: DateTime, format: string): string {
  const fields = toFields(time);
  return format.replaceAll(/%(.)/gsu, (written, letter: string) => {
    return DIRECTIVES.get(letter)?.(fields, time) ?? written;
  });
}
