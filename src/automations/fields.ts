import type { Problem } from './types.ts';

import { isJsonObject, type JsonObject } from '../base/json.ts';

const WEEKDAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const EVERY_DAY: ReadonlySet<number> = new Set([0, 1, 2, 3, 4, 5, 6]);
const TIME = /^([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?$/;

/** One object of a content that is being read, and where it stands. What is wrong is noted, not thrown. */
export class Fields {
  readonly path: string;
  readonly values: JsonObject;
  readonly problems: Problem[];

  constructor(path: string, values: JsonObject, problems: Problem[]) {
    this.path = path;
    this.values = values;
    this.problems = problems;
  }

  get(key: string): unknown {
    return Object.hasOwn(this.values, key) ? this.values[key] : undefined;
  }

  wrong(key: string, message: string): void {
    const path = key === '' ? this.path : this.path === '' ? key : `${this.path}.${key}`;
    this.problems.push({ path, message });
  }

  text(key: string, example: string): string {
    const value = this.get(key);
    if (typeof value === 'string' && value.trim() !== '' && value.length <= 4096) return value;
    this.wrong(key, `must be a text such as "${example}"`);
    return '';
  }

  /** A number within the range; the fallback where there is none. */
  number(key: string, fallback: number, [min, max]: readonly [number, number]): number {
    const value = this.get(key);
    if (value === undefined || value === null) return fallback;
    if (typeof value === 'number' && value >= min && value <= max) return value;
    this.wrong(key, `must be a number from ${min} to ${max}`);
    return fallback;
  }

  oneOf<T extends string>(key: string, accepted: readonly T[]): T | undefined {
    const found = accepted.find((one) => one === this.get(key));
    if (found === undefined) this.wrong(key, `must be one of ${accepted.join(', ')}`);
    return found;
  }

  /** A time of day in ms since midnight. */
  timeOfDay(key: string): number {
    const ms = timeOfDayMs(this.get(key));
    if (ms === undefined) this.wrong(key, 'must be a time of day such as "07:30"');
    return ms ?? 0;
  }

  days(): ReadonlySet<number> {
    const given = this.get('days');
    if (given === undefined || given === null) return EVERY_DAY;
    const days = Array.isArray(given)
      ? given.map((day) => (typeof day === 'string' ? WEEKDAYS.indexOf(day.toLowerCase()) : -1))
      : [];
    if (days.length === 0 || days.includes(-1)) {
      this.wrong('days', `must be a list of ${WEEKDAYS.join(', ')}`);
      return EVERY_DAY;
    }
    return new Set(days);
  }

  /** The objects of `plural`, or the one of `singular`. */
  list(singular: string, plural: string, limit: number): Fields[] {
    const many = this.get(plural) ?? this.get(singular);
    if (many === undefined || many === null) return [];
    const key = this.get(plural) === undefined || this.get(plural) === null ? singular : plural;
    const items: unknown[] = Array.isArray(many) ? many : [many];
    if (items.length > limit) {
      this.wrong(key, `holds more than ${limit} things`);
      return [];
    }
    return items.flatMap((item, index) => {
      const path = `${this.path === '' ? '' : `${this.path}.`}${key}${Array.isArray(many) ? `[${index}]` : ''}`;
      if (isJsonObject(item)) return [new Fields(path, item, this.problems)];
      this.problems.push({ path, message: 'must be an object such as {"type": …}' });
      return [];
    });
  }
}

/** ` on mon, tue`; nothing where it is every day. */
export function dayWords(days: ReadonlySet<number>): string {
  if (days.size >= WEEKDAYS.length) return '';
  return ` on ${WEEKDAYS.filter((_, day) => days.has(day)).join(', ')}`;
}

/** Ms since midnight, or undefined where the text is no time of day. */
export function timeOfDayMs(value: unknown): number | undefined {
  const match = typeof value === 'string' ? TIME.exec(value) : null;
  if (!match) return undefined;
  return ((Number(match[1]) * 60 + Number(match[2])) * 60 + Number(match[3] ?? 0)) * 1000;
}
