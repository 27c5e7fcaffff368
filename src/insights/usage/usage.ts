import { setImmediate } from 'node:timers/promises';

import type { Clock } from '../../base/clock.ts';
import type { HomeZone, LocalDay } from '../../base/home-zone.ts';
import type { ActivityLog, LoggedEvent } from '../types.ts';
import type { ActiveDevice, UsageDay, UsageHome, UsageReport } from './types.ts';

import { AskQueue } from '../ask-queue.ts';

export const MAX_USAGE_DAYS = 400;
/** Devices that are named. */
const MAX_DEVICES = 20;

export interface UsageOptions {
  /** Null where nothing is written down. */
  readonly log: ActivityLog | null;
  readonly home: UsageHome;
  readonly zone: HomeZone;
  readonly clock: Clock;
}

type Span = ReturnType<ActivityLog['spans']>[number];

interface DayCount {
  readonly day: LocalDay;
  events: number;
  commands: number;
  readonly byCause: Record<LoggedEvent['cause']['kind'], number>;
}

interface DeviceCount {
  events: number;
  commands: number;
  byPeople: number;
  lastMs: number;
}

/** How much happens at home, day by day, and with which devices. */
export class Usage {
  readonly #options: UsageOptions;
  readonly #queue = new AskQueue('Too many ask how the home is used just now; try again in a few seconds.');

  constructor(options: UsageOptions) {
    this.#options = options;
  }

  /**
   * Of the last days, today included, read a few milliseconds at a time.
   * @param days 1 to MAX_USAGE_DAYS.
   * @throws HubError `unavailable` where too many wait for such answers.
   */
  async report(days: number): Promise<UsageReport> {
    return await this.#queue.ask(String(days), async () => await this.#report(days));
  }

  async #report(days: number): Promise<UsageReport> {
    const { zone, clock } = this.#options;
    const toMs = Math.floor(clock.nowMs());
    return await this.between(zone.plusDays(zone.dayOf(toMs), 1 - days).startMs, toMs);
  }

  /** Of a span that is over, or of one up to now. Entities are counted as they are now. */
  async between(fromMs: number, toMs: number): Promise<UsageReport> {
    const { log, home, zone } = this.#options;
    const spans = log?.spans() ?? [];
    const counts = [...zone.daysOf(fromMs, toMs)].map(newCount);
    const devices = new Map<string, DeviceCount>();
    for (const slice of log?.scan(fromMs, toMs) ?? []) {
      for (const { entityId, events } of slice) count(events, counts, deviceCount(devices, entityId));
      await setImmediate();
    }
    return {
      fromMs,
      toMs,
      zone: zone.id,
      recordedSinceMs: spans[0]?.startMs ?? null,
      gaps: gapsOf(spans, fromMs, toMs),
      entities: home.entityCounts(),
      days: counts.map((one) => toDay(one, spans, toMs)),
      devices: [...devices]
        .filter(([, { events, commands }]) => events + commands > 0)
        .map(([entityId, one]): ActiveDevice => ({ entityId, name: home.nameOf(entityId), ...one }))
        .toSorted(
          (a, b) => b.events + b.commands - (a.events + a.commands) || (a.entityId < b.entityId ? -1 : 1),
        )
        .slice(0, MAX_DEVICES),
    };
  }
}

/** Both are ordered by time, so that each is gone through once. */
function count(events: readonly LoggedEvent[], days: readonly DayCount[], device: DeviceCount): void {
  let at = 0;
  for (const { timeMs, type, cause } of events) {
    while (at < days.length - 1 && timeMs >= (days[at]?.day.endMs ?? 0)) at++;
    const day = days[at];
    if (!day) return;
    device.lastMs = Math.max(device.lastMs, timeMs);
    if (type === 'command') {
      day.commands += 1;
      device.commands += 1;
    } else {
      day.events += 1;
      day.byCause[cause.kind] += 1;
      device.events += 1;
      if (cause.kind === 'person') device.byPeople += 1;
    }
  }
}

function newCount(day: LocalDay): DayCount {
  return {
    day,
    events: 0,
    commands: 0,
    byCause: { person: 0, automation: 0, device: 0, service: 0, hub: 0 },
  };
}

function deviceCount(devices: Map<string, DeviceCount>, entityId: string): DeviceCount {
  const known = devices.get(entityId) ?? { events: 0, commands: 0, byPeople: 0, lastMs: 0 };
  devices.set(entityId, known);
  return known;
}

function toDay(
  { day, events, commands, byCause }: DayCount,
  spans: readonly Span[],
  nowMs: number,
): UsageDay {
  const endMs = Math.min(day.endMs, nowMs);
  const coveredMs = spans.reduce(
    (sum, span) => sum + Math.max(0, Math.min(span.endMs, endMs) - Math.max(span.startMs, day.startMs)),
    0,
  );
  return { date: day.date, events, commands, byCause, coveredMs, lengthMs: endMs - day.startMs };
}

/** The times between the spans, from the first record on. */
function gapsOf(spans: readonly Span[], fromMs: number, toMs: number): { fromMs: number; toMs: number }[] {
  return spans
    .map(({ endMs }, n) => ({
      fromMs: Math.max(fromMs, endMs),
      toMs: Math.min(toMs, spans[n + 1]?.startMs ?? endMs),
    }))
    .filter((gap) => gap.toMs > gap.fromMs);
}
