import type { CalendarRule, Occurrence } from '../base/calendar.ts';
import type { HomeZone } from '../base/home-zone.ts';
import type { Sun } from '../base/sun.ts';
import type { Library } from './library.ts';
import type { Definition, Trigger } from './types.ts';

import { nextOccurrence, occurrencesIn, weekdayOf } from '../base/calendar.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
/** Where the sun does not rise for half a year it does after that. */
const SUN_LOOK_AHEAD_DAYS = 200;

type SunTrigger = Extract<Trigger, { type: 'sun' }>;

export interface Due extends Occurrence {
  readonly trigger: Trigger;
}

/** When triggers of time and sun fire. Without a place the sun does nothing. */
export class Timetable {
  readonly #zone: HomeZone;
  readonly #sun: Sun | null;
  readonly #library: Library;

  constructor(options: { zone: HomeZone; sun: Sun | null; library: Library }) {
    this.#zone = options.zone;
    this.#sun = options.sun;
    this.#library = options.library;
  }

  /** What was due after `afterMs` and up to `untilMs`, in order, at most `limit` of each trigger. */
  due(definition: Definition, afterMs: number, untilMs: number, limit: number): Due[] {
    const found = definition.triggers.flatMap((trigger) =>
      this.#occurrences(trigger, afterMs, untilMs, limit).map((occurrence) => ({ ...occurrence, trigger })),
    );
    return found.toSorted((a, b) => a.atMs - b.atMs);
  }

  /** The next moments, in order. */
  next(definition: Definition, afterMs: number, count: number): number[] {
    const times = definition.triggers.flatMap((trigger) => this.#next(trigger, afterMs, count));
    return [...new Set(times)].toSorted((a, b) => a - b).slice(0, count);
  }

  #occurrences(trigger: Trigger, afterMs: number, untilMs: number, limit: number): Occurrence[] {
    switch (trigger.type) {
      case 'time':
        return occurrencesIn(this.#zone, trigger.rule, { afterMs, untilMs, limit });
      case 'once': {
        const { atMs } = trigger;
        return atMs > afterMs && atMs <= untilMs ? [{ atMs, key: new Date(atMs).toISOString() }] : [];
      }
      case 'sun':
        return this.#sunOccurrences(trigger, afterMs, untilMs, limit);
      case 'schedule':
        return this.#timesOf(trigger).flatMap((time) => this.#occurrences(time, afterMs, untilMs, limit));
      default:
        return [];
    }
  }

  #next(trigger: Trigger, afterMs: number, count: number): number[] {
    if (trigger.type === 'time') return nextOf(this.#zone, trigger.rule, afterMs, count);
    if (trigger.type === 'schedule')
      return this.#timesOf(trigger).flatMap((time) => this.#next(time, afterMs, count));
    const untilMs = trigger.type === 'once' ? Infinity : afterMs + SUN_LOOK_AHEAD_DAYS * DAY_MS;
    return this.#occurrences(trigger, afterMs, untilMs, count).map(({ atMs }) => atMs);
  }

  #sunOccurrences(trigger: SunTrigger, afterMs: number, untilMs: number, limit: number): Occurrence[] {
    const found: Occurrence[] = [];
    if (!this.#sun) return found;
    // The offset may reach into the days beside.
    for (const day of this.#zone.daysOf(afterMs - DAY_MS, untilMs + DAY_MS)) {
      if (found.length >= limit) break;
      if (!trigger.days.has(weekdayOf(day))) continue;
      const at = this.#sun.on(day)[trigger.event];
      if (at === null) continue;
      const atMs = Math.floor(at + trigger.offsetMs);
      if (atMs > afterMs && atMs <= untilMs) found.push({ atMs, key: `${day.date} ${trigger.event}` });
    }
    return found;
  }

  #timesOf({ entityId }: Extract<Trigger, { type: 'schedule' }>): Trigger[] {
    const schedule = this.#library.get(entityId);
    if (schedule?.entityType !== 'schedule' || !schedule.wanted) return [];
    return schedule.triggers.filter(({ type }) => type === 'time' || type === 'once');
  }
}

function nextOf(zone: HomeZone, rule: CalendarRule, afterMs: number, count: number): number[] {
  const found: number[] = [];
  for (let at = afterMs; found.length < count;) {
    const next = nextOccurrence(zone, rule, at);
    if (!next) break;
    found.push(next.atMs);
    at = next.atMs;
  }
  return found;
}
