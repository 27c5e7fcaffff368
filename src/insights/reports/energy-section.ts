import { setImmediate } from 'node:timers/promises';

import type { HomeZone } from '../../base/home-zone.ts';
import type { EnergyBucket, EnergyReport } from '../energy/types.ts';
import type { HomeReport } from './schema.ts';
import type { ReportPeriod } from './types.ts';

type EnergySection = HomeReport['energy'];

/** Of both periods, so that they can be compared; and of an hour, so that it counts for the profile. */
const KNOWN = 0.9;
const SLICE = 100;
const DAY_MS = 86_400_000;

/** The energy part asked by the hour, in the words of the report. Figures are its own, to a tenth of a Wh. */
export async function energySection(
  report: EnergyReport,
  period: ReportPeriod,
  zone: HomeZone,
): Promise<EnergySection> {
  const { home, measuredShare, unmetered } = report;
  return {
    no_data: report.devices.length === 0 ? 'No device told its power or its energy.' : null,
    coverage: rounded(report.coverage),
    measured_share: orNull(measuredShare),
    estimated_share: measuredShare === null ? null : rounded(1 - measuredShare),
    currency: report.currency,
    home: home && {
      basis: home.basis,
      kwh: rounded(home.kwh),
      import_kwh: orNull(home.importKwh),
      export_kwh: orNull(home.exportKwh),
      production_kwh: orNull(home.productionKwh),
      cost: orNull(home.cost),
      standing_cost: orNull(home.standingCost),
      coverage: rounded(home.coverage),
    },
    comparison: null,
    not_compared: null,
    unmetered: unmetered && { kwh: rounded(unmetered.kwh), share: orNull(unmetered.share) },
    by_day: [...zone.daysOf(period.startMs, period.endMs)].map((day) =>
      dayOf(
        day,
        report.buckets.filter(({ startMs }) => startMs >= day.startMs && startMs < day.endMs),
      ),
    ),
    by_hour: await profileOf(report.buckets, zone),
    rooms: report.rooms.map(({ roomId, name, kwh, cost, devices }) => ({
      room_id: roomId,
      room: name,
      kwh: rounded(kwh),
      cost: orNull(cost),
      devices,
    })),
    devices: report.devices
      .toSorted((a, b) => b.kwh - a.kwh || (a.entityId < b.entityId ? -1 : 1))
      .map((device) => ({
        entity_id: device.entityId,
        name: device.name,
        room: device.roomName,
        role: device.role,
        source: device.source,
        kwh: rounded(device.kwh),
        cost: orNull(device.cost),
        coverage: rounded(device.coverage),
        standby_w: device.standby && rounded(device.standby.powerW),
        change: orNull(device.comparison?.change ?? null),
      })),
    peak_hours: report.peakHours.map(({ dayType, days, insufficient, hours }) => ({
      day_type: dayType,
      days,
      insufficient,
      hours: hours.map((one) => ({
        hour: one.hour,
        median_kwh: rounded(one.medianKwh),
        p10_kwh: rounded(one.p10Kwh),
        p90_kwh: rounded(one.p90Kwh),
        days: one.days,
      })),
    })),
    advice: report.recommendations.map(({ kind, entityId, text }) => ({ kind, entity_id: entityId, text })),
    notes: report.notes.map(({ kind, entityId, text }) => ({ kind, entity_id: entityId, text })),
  };
}

/**
 * Sets the home beside one of its own past periods, where both are known well and in the same way: fewer plugs would
 * look like saving.
 */
export function compared(
  now: { readonly report: EnergyReport; readonly period: ReportPeriod },
  before: { readonly report: EnergyReport; readonly period: ReportPeriod },
): Pick<EnergySection, 'comparison' | 'not_compared'> {
  const [home, past] = [now.report.home, before.report.home];
  const told = NAMES[now.period.kind];
  const not = (why: string): Pick<EnergySection, 'comparison' | 'not_compared'> => ({
    comparison: null,
    not_compared: `Not compared with ${told}: ${why}`,
  });
  if (!home || counting(now.report).length === 0) return not('nothing was measured.');
  if (!past || counting(before.report).length === 0) return not('nothing was measured then.');
  if (sourcesOf(now.report) !== sourcesOf(before.report)) return not('other devices were measured then.');
  if (!isKnown(now.report)) return not('this time is known for less than 90 %.');
  if (!isKnown(before.report)) return not('that time is known for less than 90 %.');
  // Of the time that is known: what is missing would look like saving otherwise.
  const perDay = (home.kwh / lengthMs(now.period) / home.coverage) * DAY_MS;
  const perDayBefore = (past.kwh / lengthMs(before.period) / past.coverage) * DAY_MS;
  return {
    comparison: {
      with: told,
      first_date: before.period.firstDate,
      last_date: before.period.lastDate,
      kwh_per_day: rounded(perDay),
      before_kwh_per_day: rounded(perDayBefore),
      change: perDayBefore > 0 ? rounded(perDay / perDayBefore - 1) : null,
    },
    not_compared: null,
  };
}

const NAMES = { daily: 'the same day a week before', weekly: 'the week before', monthly: 'the month before' };

function lengthMs({ startMs, endMs }: ReportPeriod): number {
  return endMs - startMs;
}

/** What the total of the home is made of. */
function counting({ devices, home }: EnergyReport): EnergyReport['devices'] {
  return devices.filter(({ role }) =>
    home?.basis === 'main_meter' ? role === 'main' || role === 'solar' : role === 'device',
  );
}

function sourcesOf(report: EnergyReport): string {
  const sources = counting(report).map(({ entityId, role, source }) => [entityId, role, source]);
  return JSON.stringify(sources.toSorted(([a = ''], [b = '']) => (a < b ? -1 : 1)));
}

function isKnown(report: EnergyReport): boolean {
  return (report.home?.coverage ?? 0) >= KNOWN && counting(report).every(({ coverage }) => coverage >= KNOWN);
}

function dayOf(
  { date, startMs, endMs }: { date: string; startMs: number; endMs: number },
  buckets: readonly EnergyBucket[],
): EnergySection['by_day'][number] {
  const kwh = buckets.flatMap((bucket) => bucket.kwh ?? []);
  const cost = buckets.flatMap((bucket) => bucket.cost ?? []);
  const coveredMs = sum(buckets.map((bucket) => bucket.coverage * (bucket.endMs - bucket.startMs)));
  return {
    date,
    kwh: kwh.length === 0 ? null : rounded(sum(kwh)),
    cost: cost.length === 0 ? null : rounded(sum(cost)),
    coverage: rounded(Math.min(1, coveredMs / (endMs - startMs))),
  };
}

async function profileOf(
  buckets: readonly EnergyBucket[],
  zone: HomeZone,
): Promise<EnergySection['by_hour']> {
  const hours = Array.from({ length: 24 }, () => [] as number[]);
  for (const [n, { startMs, kwh, coverage }] of buckets.entries()) {
    if (n % SLICE === SLICE - 1) await setImmediate();
    if (kwh !== null && coverage >= KNOWN) hours[zone.at(startMs).hour]?.push(kwh);
  }
  return hours.map((known, hour) => ({
    hour,
    mean_kwh: known.length === 0 ? null : rounded(sum(known) / known.length),
    days: known.length,
  }));
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** To a tenth of a Wh: what a float has beyond is no measurement. */
export function rounded(value: number): number {
  return Math.round(value * 10_000) / 10_000;
}

function orNull(value: number | null): number | null {
  return value === null ? null : rounded(value);
}
