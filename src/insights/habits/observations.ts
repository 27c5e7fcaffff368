import type { HomeZone, LocalDay } from '../../base/home-zone.ts';
import type { Sun } from '../../base/sun.ts';
import type { ActivityLog, LoggedEvent } from '../types.ts';
import type { HabitCapability, HabitDevice, SetValue, TriggerSource } from './types.ts';

import { weekdayOf } from '../../base/calendar.ts';
import { firstFrom } from './statistics.ts';
import { toTargetValue } from './targets.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

/** An order and the report of it, or a press on two ways, are one act. */
const SAME_ACT_MS = 15_000;
/** What is taken back at once was not meant. */
const TAKEN_BACK_MS = 60_000;
/** What triggers again within this time goes on. */
const EPISODE_MS = 10 * MINUTE_MS;
/** A day counts as observed when the hub ran for half of it. */
const OBSERVED_SHARE = 0.5;

/** What something can follow, besides what people do. */
const SENSES: ReadonlySet<string> = new Set(['motion', 'occupancy', 'contact', 'vibration', 'sound']);

export interface ObservedDay extends LocalDay {
  /** Days since 1970-01-01 on the calendar of the home. */
  readonly number: number;
  readonly weekday: number;
  /** Minutes since midnight on the wall; null without a place, or where it does not happen. */
  readonly sunrise: number | null;
  readonly sunset: number | null;
  readonly sunriseMs: number | null;
  readonly sunsetMs: number | null;
}

/** One value that people gave one capability, and when. */
export interface Action {
  readonly entityId: string;
  readonly capability: string;
  readonly value: SetValue;
  readonly kind: string;
  /** Ascending. */
  readonly timesMs: number[];
}

export interface TriggerTimes {
  readonly source: TriggerSource;
  /** Beginnings, ascending. */
  readonly timesMs: readonly number[];
  /** The observed day of each; undefined where it was not observed. */
  readonly days: readonly (ObservedDay | undefined)[];
}

type Span = ReturnType<ActivityLog['spans']>[number];

interface StateAt {
  readonly timesMs: number[];
  readonly values: unknown[];
}

/**
 * The days of which a rule may know and those on which it is then tried: the first two thirds, and the rest.
 * @param days in order.
 */
export function learnedAndLater(days: readonly ObservedDay[]): [ObservedDay[], ObservedDay[]] {
  const cut = Math.floor((days.length * 2) / 3);
  return [days.slice(0, cut), days.slice(cut)];
}

/** What happened at home in some weeks, as the search for habits looks at it. */
export class Observations {
  readonly days: readonly ObservedDay[];
  readonly devices: ReadonlyMap<string, HabitDevice>;
  readonly actions: Action[] = [];
  readonly triggers: TriggerTimes[] = [];
  /** What automations did, by their ids. */
  readonly byAutomations = new Map<string, { entityId: string; capability: string; timeMs: number }[]>();
  readonly #zone: HomeZone;
  readonly #spans: readonly Span[];
  /** Of the stretches in which the hub ran, ascending. */
  readonly #spanEnds: readonly number[];
  readonly #states = new Map<string, StateAt>();
  readonly #firstMs = new Map<string, number>();
  readonly #actionsByKey = new Map<string, Action>();
  readonly #triggersByKey = new Map<string, { source: TriggerSource; timesMs: number[]; lastMs: number }>();
  readonly #capabilities = new Map<string, HabitCapability>();

  /** @param options `spans` when the hub ran; `days` of which it saw enough. */
  constructor(options: {
    readonly zone: HomeZone;
    readonly spans: readonly Span[];
    readonly days: readonly ObservedDay[];
    readonly devices: readonly HabitDevice[];
  }) {
    const { zone, devices } = options;
    this.#zone = zone;
    this.#spans = options.spans;
    this.days = options.days;
    this.#spanEnds = this.#spans.map(({ endMs }) => endMs);
    this.devices = new Map(devices.map((device) => [device.entityId, device]));
    for (const { entityId, capabilities, knownSinceMs } of devices) {
      if (knownSinceMs !== null) this.#firstMs.set(entityId, knownSinceMs);
      for (const capability of capabilities)
        this.#capabilities.set(`${entityId}\n${capability.name}`, capability);
    }
  }

  /** Takes what one capability did; of each capability in the order of time. */
  take(entityId: string, name: string, events: readonly LoggedEvent[]): void {
    const key = `${entityId}\n${name}`;
    const capability = this.#capabilities.get(key);
    const first = events[0];
    if (first)
      this.#firstMs.set(entityId, Math.min(first.timeMs, this.#firstMs.get(entityId) ?? first.timeMs));
    const isAvailable = name === 'available';
    for (const event of events) {
      if (event.type === 'state') this.#noteState(key, event);
      if (isAvailable || !capability || capability.category !== null) continue;
      this.#noteAction(entityId, capability, event);
      this.#noteTrigger(entityId, capability, event);
    }
  }

  /** To be called when all was taken. @param pause is awaited every few milliseconds' work. */
  async finish(pause: () => Promise<void>): Promise<void> {
    this.#notePresence();
    await pause();
    await this.#dropTakenBack(pause);
    for (const action of this.#actionsByKey.values()) {
      if (action.timesMs.length > 0) this.actions.push(action);
    }
    for (const { source, timesMs } of this.#triggersByKey.values()) {
      this.triggers.push({ source, timesMs, days: this.#daysOf(timesMs) });
      await pause();
    }
  }

  /** On how many of the days the device was known. */
  daysKnown(entityId: string): number {
    const firstMs = this.#firstMs.get(entityId) ?? Number.POSITIVE_INFINITY;
    return this.days.filter(({ endMs }) => endMs > firstMs).length;
  }

  /** Whether the hub ran and the device was known and could be reached from one moment to the other. */
  isEligible(entityId: string, fromMs: number, toMs: number): boolean {
    const firstMs = this.#firstMs.get(entityId);
    if (firstMs === undefined || firstMs > toMs) return false;
    if (!this.#isCovered(fromMs, toMs)) return false;
    return this.valueAt(entityId, 'available', (fromMs + toMs) / 2) !== false;
  }

  /** What was known of a capability at a moment; undefined where nothing was. */
  valueAt(entityId: string, capability: string, ms: number): unknown {
    const state = this.#states.get(`${entityId}\n${capability}`);
    if (!state) return undefined;
    return state.values[firstFrom(state.timesMs, ms) - 1];
  }

  /** The changes of a capability. */
  changesOf(entityId: string, capability: string): StateAt {
    return this.#states.get(`${entityId}\n${capability}`) ?? { timesMs: [], values: [] };
  }

  isDark(ms: number): boolean {
    const day = this.dayAt(ms);
    if (!day || day.sunriseMs === null || day.sunsetMs === null) return false;
    return ms < day.sunriseMs || ms >= day.sunsetMs;
  }

  /** The observed day in which a moment lies. */
  dayAt(ms: number): ObservedDay | undefined {
    let [low, high] = [0, this.days.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.days[middle]?.endMs ?? 0) <= ms) low = middle + 1;
      else high = middle;
    }
    const day = this.days[low];
    return day && ms >= day.startMs ? day : undefined;
  }

  /** What the wall shows at a moment of a day, minutes since midnight. */
  minutesOf(ms: number, day: LocalDay | undefined): number {
    // Calendar arithmetic is dear, and only days with a clock change need it.
    const isPlain = day && day.endMs - day.startMs === DAY_MS;
    return isPlain ? (ms - day.startMs) / MINUTE_MS : this.#zone.minutesOf(ms);
  }

  /** When the wall shows this minute on this day; below 0 and from 1440 on it is of the days beside it. */
  msOf(day: LocalDay, minutes: number): number {
    // Calendar arithmetic is dear, and only days with a clock change need it.
    if (day.endMs - day.startMs === DAY_MS) return day.startMs + minutes * MINUTE_MS;
    return this.#zone.msOf(day, Math.round(minutes));
  }

  #noteState(key: string, { timeMs, value }: LoggedEvent): void {
    const state = this.#states.get(key) ?? { timesMs: [], values: [] };
    state.timesMs.push(timeMs);
    state.values.push(value);
    this.#states.set(key, state);
  }

  #noteAction(entityId: string, { name, kind, writable }: HabitCapability, event: LoggedEvent): void {
    const { cause, timeMs } = event;
    if (cause.kind === 'automation' && cause.id !== null && event.type === 'command') {
      const done = this.byAutomations.get(cause.id) ?? [];
      done.push({ entityId, capability: name, timeMs });
      this.byAutomations.set(cause.id, done);
    }
    if (!writable || cause.kind !== 'person' || event.type === 'event') return;
    const value = toTargetValue(kind, event.value);
    if (value === null) return;
    const key = `${entityId}\n${name}\n${JSON.stringify(value)}`;
    const action = this.#actionsByKey.get(key) ?? { entityId, capability: name, value, kind, timesMs: [] };
    this.#actionsByKey.set(key, action);
    const last = action.timesMs.at(-1);
    if (last === undefined || timeMs - last > SAME_ACT_MS) action.timesMs.push(timeMs);
  }

  #noteTrigger(entityId: string, { name, kind, writable }: HabitCapability, event: LoggedEvent): void {
    const { value, type, cause, timeMs } = event;
    if (type === 'command' || (typeof value !== 'boolean' && typeof value !== 'string')) return;
    const isSense = SENSES.has(kind) && !writable;
    const isPersons = cause.kind === 'person' && (type === 'event' || kind === 'on_off' || kind === 'locked');
    if (!isSense && !isPersons) return;
    this.#addTrigger(
      { type: type === 'event' ? 'event' : 'state', entityId, capability: name, value },
      timeMs,
    );
  }

  #addTrigger(source: TriggerSource, timeMs: number): void {
    const key = triggerKey(source);
    const trigger = this.#triggersByKey.get(key) ?? { source, timesMs: [], lastMs: Number.NEGATIVE_INFINITY };
    this.#triggersByKey.set(key, trigger);
    // One that goes on and on is one that began once; a press is a press.
    if (source.type === 'event' || timeMs - trigger.lastMs > EPISODE_MS) trigger.timesMs.push(timeMs);
    trigger.lastMs = timeMs;
  }

  /** When the first came home and the last went, by the trackers. */
  #notePresence(): void {
    const changes = [...this.#capabilities]
      .filter(([, { kind }]) => kind === 'location')
      .flatMap(([key]) => {
        const { timesMs, values } = this.#states.get(key) ?? { timesMs: [], values: [] };
        return timesMs.map((timeMs, n) => ({ key, timeMs, value: values[n] }));
      })
      .toSorted((a, b) => a.timeMs - b.timeMs);
    const places = new Map<string, unknown>();
    for (const { key, timeMs, value } of changes) {
      const before = [...places.values()].includes('home');
      const isFirstWord = !places.has(key);
      places.set(key, value);
      const now = [...places.values()].includes('home');
      if (isFirstWord || before === now) continue;
      this.#addTrigger({ type: 'presence', event: now ? 'first_arrives' : 'last_leaves' }, timeMs);
    }
  }

  /** The day of each of the times, which are in order. */
  #daysOf(timesMs: readonly number[]): (ObservedDay | undefined)[] {
    let at = 0;
    return timesMs.map((ms) => {
      while (at < this.days.length && (this.days[at]?.endMs ?? 0) <= ms) at++;
      const day = this.days[at];
      return day && ms >= day.startMs ? day : undefined;
    });
  }

  async #dropTakenBack(pause: () => Promise<void>): Promise<void> {
    const byCapability = Map.groupBy(
      this.#actionsByKey.values(),
      ({ entityId, capability }) => `${entityId}\n${capability}`,
    );
    for (const actions of byCapability.values()) {
      if (actions.length < 2) continue;
      await pause();
      const acts = actions
        .flatMap((action) => action.timesMs.map((timeMs) => ({ action, timeMs })))
        .toSorted((a, b) => a.timeMs - b.timeMs);
      const dropped = new Set<object>();
      for (const [n, act] of acts.entries()) {
        const next = acts[n + 1];
        if (!next || next.action === act.action || next.timeMs - act.timeMs > TAKEN_BACK_MS) continue;
        dropped.add(act);
        if (typeof act.action.value === 'boolean') dropped.add(next);
      }
      if (dropped.size === 0) continue;
      for (const action of actions) action.timesMs.length = 0;
      for (const act of acts) if (!dropped.has(act)) act.action.timesMs.push(act.timeMs);
    }
  }

  /** Whether the hub ran all the time; asked very often, and there may be many stretches. */
  #isCovered(fromMs: number, toMs: number): boolean {
    const span = this.#spans[firstFrom(this.#spanEnds, toMs)];
    return span !== undefined && span.startMs <= fromMs;
  }
}

/**
 * The days of which the hub saw enough.
 * @param pause is awaited after each: the calendar and the sun are dear.
 */
export async function observedDays(
  range: { readonly fromMs: number; readonly toMs: number },
  spans: readonly Span[],
  { zone, sun }: { readonly zone: HomeZone; readonly sun: Sun | null },
  pause: () => Promise<void>,
): Promise<ObservedDay[]> {
  const days: ObservedDay[] = [];
  for (const day of zone.daysOf(range.fromMs, range.toMs)) {
    const { startMs, endMs } = day;
    const covered = spans.reduce(
      (sum, span) => sum + Math.max(0, Math.min(span.endMs, endMs) - Math.max(span.startMs, startMs)),
      0,
    );
    if (covered >= OBSERVED_SHARE * (endMs - startMs)) days.push(toObservedDay(day, zone, sun));
    await pause();
  }
  return days;
}

/** A name for what a trigger waits for: the same for the same. */
export function triggerKey(source: TriggerSource): string {
  if (source.type === 'presence') return `presence ${source.event}`;
  return `${source.type} ${source.entityId} ${source.capability} ${JSON.stringify(source.value)}`;
}

function toObservedDay(day: LocalDay, zone: HomeZone, sun: Sun | null): ObservedDay {
  const { sunrise, sunset } = sun?.on(day) ?? { sunrise: null, sunset: null };
  const minutes = (ms: number | null): number | null => (ms === null ? null : zone.minutesOf(ms));
  return {
    ...day,
    number: Math.round(Date.parse(`${day.date}T00:00:00Z`) / DAY_MS),
    weekday: weekdayOf(day),
    sunrise: minutes(sunrise),
    sunset: minutes(sunset),
    sunriseMs: sunrise,
    sunsetMs: sunset,
  };
}
