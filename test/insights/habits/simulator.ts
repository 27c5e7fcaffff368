import type { ActivityLog, LoggedEvent, NumericHistory } from '../../../src/insights/types.ts';
import type { HabitCapability, HabitDevice, HabitHome } from '../../../src/insights/habits/types.ts';
import type { JsonObject } from '../../../src/base/json.ts';

import { HomeZone } from '../../../src/base/home-zone.ts';
import { Sun } from '../../../src/base/sun.ts';

export const MINUTE = 60_000;
export const DAY = 24 * 60 * MINUTE;
export const ZONE = new HomeZone('Europe/Berlin');
export const SUN = new Sun(52.5, 13.4, ZONE);

/** A small generator with a seed, so that a failing run can be run again. */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export type Cause = LoggedEvent['cause'];
export const PERSON: Cause = { kind: 'person', id: 'anna' };
export const NOBODY: Cause = { kind: 'device', id: null };

/** A home in memory whose past a test writes. */
export class SimulatedHome implements HabitHome, ActivityLog {
  readonly zone: HomeZone;
  readonly sun: Sun;
  readonly nowMs: number;
  readonly firstMs: number;
  readonly existing: { id: string; content: JsonObject }[] = [];
  readonly created: JsonObject[] = [];
  readonly deleted = new Set<string>();
  readonly random: () => number;
  gaps: { startMs: number; endMs: number }[] = [];
  /** What was measured. */
  numbers: Pick<NumericHistory, 'scan'> | null = null;
  readonly #devices = new Map<string, HabitDevice>();
  readonly #events = new Map<string, LoggedEvent[]>();

  constructor(options: { days: number; until?: string; seed?: number; zone?: HomeZone; sun?: Sun }) {
    this.zone = options.zone ?? ZONE;
    this.sun = options.sun ?? SUN;
    const today = this.zone.day(options.until ?? '2026-03-20');
    this.nowMs = this.zone.msOf(today, 10 * 60);
    this.firstMs = this.zone.plusDays(today, -options.days).startMs;
    this.random = randomOf(options.seed ?? 1);
  }

  /** @param more `sinceDay`: the day from which on the home has it, 0 for the first. */
  add(
    entityId: string,
    kind: string,
    more: Partial<HabitCapability> & { roomId?: string; sinceDay?: number } = {},
  ): void {
    const { roomId, sinceDay = 0, ...rest } = more;
    const sinceMs = this.firstMs + sinceDay * DAY;
    const known = this.#devices.get(entityId);
    const writable = ['on_off', 'locked', 'open_close', 'hvac_mode', 'brightness'].includes(kind);
    const capability = { name: kind, kind, writable, category: null, commandKinds: ['light'], ...rest };
    this.#devices.set(entityId, {
      entityId,
      name: entityId,
      roomId: roomId ?? known?.roomId ?? null,
      knownSinceMs: sinceMs,
      capabilities: [...(known?.capabilities ?? []), capability],
    });
    this.happen(entityId, 'available', sinceMs, true, NOBODY);
  }

  happen(
    entityId: string,
    capability: string,
    timeMs: number,
    value: unknown,
    cause: Cause,
    type: LoggedEvent['type'] = 'state',
  ): void {
    const key = `${entityId}\n${capability}`;
    const events = this.#events.get(key) ?? [];
    this.#events.set(key, events);
    events.push({ timeMs: Math.floor(timeMs), type, value, cause });
  }

  /** A person switches a lamp, or an automation does. */
  act(
    entityId: string,
    timeMs: number,
    value: unknown = true,
    cause: Cause = PERSON,
    capability = 'on_off',
  ): void {
    if (cause.kind !== 'device') this.happen(entityId, capability, timeMs, value, cause, 'command');
    this.happen(entityId, capability, timeMs + 400, value, cause);
  }

  /** On each of the days: the number of the day, its beginning, and its weekday (0: Sunday). */
  *days(): Generator<{
    n: number;
    startMs: number;
    weekday: number;
    at: (minutes: number) => number;
    sunset: number;
  }> {
    let n = 0;
    for (const day of this.zone.daysOf(this.firstMs, this.zone.dayOf(this.nowMs).startMs)) {
      yield {
        n: n++,
        startMs: day.startMs,
        weekday: new Date(`${day.date}T00:00:00Z`).getUTCDay(),
        at: (minutes) => this.zone.msOf(day, Math.floor(minutes)) + (minutes % 1) * MINUTE,
        sunset: this.sun.on(day).sunset ?? 0,
      };
    }
  }

  /** Of a normal distribution, minutes. */
  jitter(minutes: number): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.random()));
    return minutes * radius * Math.cos(2 * Math.PI * this.random());
  }

  devices(): HabitDevice[] {
    return [...this.#devices.values()];
  }

  automations(): { id: string; content: JsonObject }[] {
    return this.existing;
  }

  hasAutomation(id: string): boolean {
    return id.startsWith('automation-') && !this.deleted.has(id);
  }

  async createAutomation(content: JsonObject): Promise<string> {
    this.created.push(content);
    return await Promise.resolve(`automation-${this.created.length}`);
  }

  spans(): { startMs: number; endMs: number }[] {
    const spans: { startMs: number; endMs: number }[] = [];
    let startMs = this.firstMs;
    for (const gap of this.gaps) {
      spans.push({ startMs, endMs: gap.startMs });
      startMs = gap.endMs;
    }
    return [...spans, { startMs, endMs: this.nowMs }];
  }

  *scan(fromMs: number, toMs: number): ReturnType<ActivityLog['scan']> {
    for (const [key, events] of this.#events) {
      const [entityId = '', capability = ''] = key.split('\n');
      const inside = events
        .filter(({ timeMs }) => timeMs >= fromMs && timeMs < toMs)
        .toSorted((a, b) => a.timeMs - b.timeMs);
      // A day's worth at a time, as the real one.
      for (let n = 0; n < inside.length; n += 200) {
        yield [{ entityId, capability, events: inside.slice(n, n + 200) }];
      }
    }
  }
}

/** Lamps that people switch as it comes, and sensors that never stop: the noise of every home. */
export function addNoise(home: SimulatedHome, lamps = 6): void {
  for (let lamp = 0; lamp < lamps; lamp++) {
    const id = `noise lamp ${lamp}`;
    home.add(id, 'on_off');
    for (const { at } of home.days()) {
      const times = Math.floor(home.random() * 4);
      for (let n = 0; n < times; n++) {
        const minute = home.random() * 1430;
        home.act(id, at(minute), true);
        home.act(id, at(minute + 2 + home.random() * 7), false);
      }
    }
  }
  home.add('hall sensor', 'motion');
  for (const { at } of home.days()) {
    for (let minute = home.random() * 20; minute < 1438; minute += 11 + home.random() * 20) {
      home.happen('hall sensor', 'motion', at(minute), true, NOBODY);
      home.happen('hall sensor', 'motion', at(minute + 1), false, NOBODY);
    }
  }
}
