import type { Observed, Suggestion } from '../habits/types.ts';
import type { UsageReport } from '../usage/types.ts';
import type { HomeReport } from './schema.ts';
import type { ReportHome, ReportPeriod } from './types.ts';

import { RESTRICTED_KINDS } from '../../access/types.ts';
import { toIso } from '../../base/clock.ts';
import { MIN_OBSERVED_DAYS } from '../habits/gates.ts';
import { rounded } from './energy-section.ts';

/** A phone that was away for a weekend is nothing to tell. */
const SILENT_DAYS = 7;
const DAY_MS = 86_400_000;
const LOW_BATTERY_PERCENT = 20;
const MAX_GAPS = 50;
const MAX_NAMED = 100;
const MAX_ERROR_CHARS = 300;

export function hubSection(usage: UsageReport, { startMs, endMs }: ReportPeriod): HomeReport['hub'] {
  const { recordedSinceMs, days, gaps } = usage;
  const coveredMs = days.reduce((sum, day) => sum + day.coveredMs, 0);
  return {
    no_data: nothingBefore(usage, endMs),
    covered: rounded(Math.min(1, coveredMs / (endMs - startMs))),
    recorded_since: recordedSinceMs === null ? null : toIso(recordedSinceMs),
    gaps: gaps.slice(0, MAX_GAPS).map(({ fromMs, toMs }) => ({ from: toIso(fromMs), to: toIso(toMs) })),
  };
}

export function usageSection(usage: UsageReport, { endMs }: ReportPeriod): HomeReport['usage'] {
  const { days, devices, entities } = usage;
  const causes = days.flatMap(({ byCause }) => Object.entries(byCause));
  const total = (of: (day: UsageReport['days'][number]) => number): number =>
    days.reduce((sum, day) => sum + of(day), 0);
  return {
    no_data:
      nothingBefore(usage, endMs) ?? (total((day) => day.coveredMs) === 0 ? 'The hub did not run.' : null),
    events: total(({ events }) => events),
    commands: total(({ commands }) => commands),
    by_cause: tally(causes),
    by_day: days.map(({ date, events, commands, byCause, coveredMs, lengthMs }) => ({
      date,
      events,
      commands,
      by_cause: { ...byCause },
      covered: rounded(lengthMs > 0 ? Math.min(1, coveredMs / lengthMs) : 0),
    })),
    most_active: devices.map(({ entityId, name, events, commands, byPeople }) => ({
      entity_id: entityId,
      name,
      events,
      commands,
      by_people: byPeople,
    })),
    entities: {
      total: [...entities.values()].reduce((sum, one) => sum + one, 0),
      by_type: Object.fromEntries(entities),
    },
  };
}

export function deviceSection(home: ReportHome, nowMs: number): HomeReport['devices'] {
  const devices = home.devices();
  const low = devices.filter(
    ({ batteryPercent, isBatteryLow }) =>
      isBatteryLow || (batteryPercent !== null && batteryPercent <= LOW_BATTERY_PERCENT),
  );
  return {
    no_data: devices.length === 0 ? 'There are no devices.' : null,
    as_of: toIso(nowMs),
    total: devices.length,
    unreachable: devices
      .filter(({ isAvailable }) => !isAvailable)
      .slice(0, MAX_NAMED)
      .map(({ entityId, name }) => ({ entity_id: entityId, name })),
    low_battery: low
      .slice(0, MAX_NAMED)
      .map(({ entityId, name, batteryPercent }) => ({ entity_id: entityId, name, percent: batteryPercent })),
  };
}

export function phoneSection(home: ReportHome, nowMs: number): HomeReport['phones'] {
  const phones = home.phones();
  return {
    no_data: phones.length === 0 ? 'No phone has ever synced.' : null,
    as_of: toIso(nowMs),
    total: phones.length,
    silent_days: SILENT_DAYS,
    silent: phones
      .filter(({ lastSyncMs }) => lastSyncMs === null || nowMs - lastSyncMs >= SILENT_DAYS * DAY_MS)
      .slice(0, MAX_NAMED)
      .map(({ client, userId, lastSyncMs }) => ({
        client,
        user_id: userId,
        last_sync_at: lastSyncMs === null ? null : toIso(lastSyncMs),
      })),
  };
}

export async function automationSection(
  home: ReportHome,
  { startMs, endMs }: ReportPeriod,
): Promise<HomeReport['automations']> {
  const runs = await home.automationRuns(startMs, endMs);
  if (!runs) return { no_data: 'Nothing runs by itself.', runs: 0, by_outcome: {}, failures: [] };
  const failures = grouped(
    runs.filter(({ isFailure }) => isFailure),
    ({ automationId, outcome }) => `${automationId} ${outcome}`,
    ({ startedMs }) => startedMs,
  );
  return {
    no_data: null,
    runs: runs.length,
    by_outcome: tally(runs.map(({ outcome }) => [outcome, 1])),
    failures: failures.map(({ last, times }) => ({
      automation_id: last.automationId,
      name: last.name,
      outcome: last.outcome,
      times,
      last_at: toIso(last.startedMs),
    })),
  };
}

/** @param span when they were first found: from the search after one night up to the one after another. */
export function suggestionSection(
  { items, observed }: { readonly items: readonly Suggestion[]; readonly observed: Observed },
  span: { readonly fromMs: number; readonly toMs: number },
): HomeReport['suggestions'] {
  const isGuard = ({ commandKinds }: Suggestion): boolean =>
    commandKinds.some((kind) => (RESTRICTED_KINDS as readonly string[]).includes(kind));
  const fresh = items.filter(
    (one) => one.firstSeenMs >= span.fromMs && one.firstSeenMs < span.toMs && !isGuard(one),
  );
  return {
    no_data:
      observed.days < MIN_OBSERVED_DAYS
        ? `Suggestions take ${MIN_OBSERVED_DAYS} days of records; there are ${observed.days}.`
        : null,
    items: fresh.slice(0, MAX_NAMED).map(({ id, title, sentence }) => ({ id, title, sentence })),
  };
}

export function jobSection(home: ReportHome, { startMs, endMs }: ReportPeriod): HomeReport['jobs'] {
  const failed = home.failedJobs(startMs, endMs);
  if (!failed) return { no_data: 'Nothing is scheduled.', failed: [] };
  const jobs = grouped(
    failed,
    ({ name }) => name,
    ({ endedMs }) => endedMs,
  );
  return {
    no_data: null,
    failed: jobs.map(({ last, times }) => ({
      name: last.name,
      title: last.title,
      times,
      error: last.error.slice(0, MAX_ERROR_CHARS),
      last_at: toIso(last.endedMs),
    })),
  };
}

function nothingBefore({ recordedSinceMs }: UsageReport, endMs: number): string | null {
  return recordedSinceMs === null || recordedSinceMs >= endMs ? 'Nothing was recorded yet.' : null;
}

function tally(entries: readonly (readonly [string, number])[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const [name, count] of entries) counts[name] = (counts[name] ?? 0) + count;
  return counts;
}

/** The last of each group with how many there are, the most frequent first. */
function grouped<T>(
  list: readonly T[],
  keyOf: (one: T) => string,
  timeOf: (one: T) => number,
): { readonly last: T; readonly times: number }[] {
  const groups = new Map<string, { last: T; times: number }>();
  for (const one of list) {
    const group = groups.get(keyOf(one));
    groups.set(keyOf(one), {
      last: group && timeOf(group.last) > timeOf(one) ? group.last : one,
      times: (group?.times ?? 0) + 1,
    });
  }
  return [...groups.values()].toSorted((a, b) => b.times - a.times).slice(0, MAX_NAMED);
}
