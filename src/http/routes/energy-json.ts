import * as z from 'zod';

import type {
  Correction,
  DeviceEnergy,
  EnergyBucket,
  EnergyReport,
  Tariff,
} from '../../insights/insights.ts';

import { toIso } from '../../base/clock.ts';

const time = z.string().meta({ format: 'date-time' });
const kwh = z.number().describe('kWh');
const share = z.number().describe('0 to 1');
const cost = z.number().nullable().describe('In the currency of the answer; null where no tariff is known');
const text = z.string().nullable();

const standbySchema = z
  .object({ power_w: z.number(), nights: z.int(), kwh_per_year: z.number(), cost_per_year: cost })
  .nullable()
  .describe('The 5th percentile of five-minute means from 01:00 to 05:00; null for fewer than 7 nights');
const comparisonSchema = z
  .object({
    from: time,
    to: time,
    days: z.int(),
    kwh: kwh.describe('In the complete days of the period'),
    before_kwh: kwh.describe('In as many days before it'),
    change: z.number().nullable(),
  })
  .nullable()
  .describe('Null where one of the two is known for less than 90 %');
const cycleSchema = z
  .object({
    duty: share.describe('Of the last 7 complete days'),
    cycle_minutes: z.number(),
    baseline: z
      .object({ duty: share, deviation: z.number(), days: z.int() })
      .nullable()
      .describe('Of the 28 days before'),
  })
  .nullable()
  .describe('Of what goes on and off by itself');
const deviceSchema = z.object({
  entity_id: z.string(),
  name: z.string(),
  room_id: text,
  room: text,
  role: z
    .enum(['device', 'main', 'solar', 'ignore'])
    .describe(
      "As a person says by `energy_role` in the entity's content: main is the meter of the home, solar produces, ignore does not count. `energy_capabilities` (a list of names) chooses what is counted, `energy_limit_kw` what is taken for an error, `energy_shiftable` what can run at another time",
    ),
  parent_id: text.describe(
    'The metered device behind which it hangs (`energy_parent` in the content): no sum has it twice',
  ),
  source: z.enum(['counter', 'estimated']).describe('Its own counter, or made from its power'),
  kwh,
  own_kwh: kwh.describe('Without the devices behind it'),
  export_kwh: z.number().nullable(),
  cost,
  covered_s: z.number(),
  coverage: share,
  unattributed_kwh: kwh.describe('Counted while nobody heard it: in no other figure'),
  quarantined_kwh: kwh.describe('Taken for an error: in no other figure'),
  standby: standbySchema,
  comparison: comparisonSchema,
  cycle: cycleSchema,
});
const bucketSchema = z.object({
  start: time,
  end: time,
  kwh: z.number().nullable().describe('Null where nothing is known'),
  cost,
  coverage: share,
});
const hourSchema = z.object({
  hour: z.int(),
  median_kwh: kwh,
  p10_kwh: kwh,
  p90_kwh: kwh,
  days: z.int(),
});

export const energySchema = z
  .object({
    period: z.object({
      from: time,
      to: time,
      until: time.describe('Now, or the end'),
      days: z.int(),
      complete_days: z.int(),
      timezone: z.string(),
    }),
    resolution: z.enum(['15m', 'hour', 'day']),
    coverage: share.describe('For how much of the time the devices are known, on average'),
    measured_share: z.number().nullable().describe('Of the energy: from counters, 0 to 1'),
    estimated_share: z.number().nullable().describe('Of the energy: made from power, 0 to 1'),
    currency: text,
    home: z
      .object({
        basis: z
          .enum(['main_meter', 'devices'])
          .describe('devices: only single devices are metered, and this is no total of the home'),
        kwh,
        import_kwh: z.number().nullable(),
        export_kwh: z.number().nullable(),
        production_kwh: z.number().nullable(),
        cost,
        standing_cost: cost,
        coverage: share,
      })
      .nullable(),
    unmetered: z
      .object({ kwh, share: z.number().nullable() })
      .nullable()
      .describe('What a main meter counted beyond the devices; null without one'),
    devices: z.array(deviceSchema),
    rooms: z.array(
      z
        .object({ room_id: text, room: text, kwh, cost, devices: z.int() })
        .describe('Nothing is in two rooms'),
    ),
    buckets: z.array(bucketSchema),
    peak_hours: z.array(
      z.object({
        day_type: z.enum(['weekday', 'weekend']),
        days: z.int(),
        insufficient: text.describe('Why nothing can be said'),
        hours: z.array(hourSchema),
      }),
    ),
    recommendations: z.array(
      z.object({
        kind: z.enum(['standby', 'shift', 'cycle', 'change']),
        entity_id: z.string(),
        text: z.string(),
        kwh: z.number().nullable(),
        cost,
      }),
    ),
    notes: z.array(
      z.object({
        kind: z.string(),
        entity_id: text,
        text: z.string(),
        from: time.optional(),
        to: time.optional(),
        kwh: z.number().optional(),
      }),
    ),
  })
  .meta({ id: 'EnergyReport' });

/** A report in the words of the API. */
export function energyJson(report: EnergyReport): object {
  const { home, measuredShare, peakHours, unmetered } = report;
  return {
    period: {
      from: toIso(report.fromMs),
      to: toIso(report.toMs),
      until: toIso(report.untilMs),
      days: report.days,
      complete_days: report.completeDays,
      timezone: report.timezone,
    },
    resolution: report.resolution,
    coverage: rounded(report.coverage),
    measured_share: measuredShare === null ? null : rounded(measuredShare),
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
    unmetered: unmetered && { kwh: rounded(unmetered.kwh), share: orNull(unmetered.share) },
    devices: report.devices.map(deviceJson),
    rooms: report.rooms.map(({ roomId, name, kwh, cost, devices }) => ({
      room_id: roomId,
      room: name,
      kwh: rounded(kwh),
      cost: orNull(cost),
      devices,
    })),
    buckets: report.buckets.map(bucketJson),
    peak_hours: peakHours.map(({ dayType, days, insufficient, hours }) => ({
      day_type: dayType,
      days,
      insufficient,
      hours: hours.map(({ hour, days, ...one }) => ({
        hour,
        median_kwh: rounded(one.medianKwh),
        p10_kwh: rounded(one.p10Kwh),
        p90_kwh: rounded(one.p90Kwh),
        days,
      })),
    })),
    recommendations: report.recommendations.map(({ kind, entityId, text, kwh, cost }) => ({
      kind,
      entity_id: entityId,
      text,
      kwh: orNull(kwh),
      cost: orNull(cost),
    })),
    notes: report.notes.map(({ kind, entityId, text, fromMs, toMs, kwh }) => ({
      kind,
      entity_id: entityId,
      text,
      ...(fromMs === undefined ? {} : { from: toIso(fromMs) }),
      ...(toMs === undefined ? {} : { to: toIso(toMs) }),
      ...(kwh === undefined ? {} : { kwh: rounded(kwh) }),
    })),
  };
}

function deviceJson(device: DeviceEnergy): object {
  const { standby, comparison, cycle } = device;
  return {
    entity_id: device.entityId,
    name: device.name,
    room_id: device.roomId,
    room: device.roomName,
    role: device.role,
    parent_id: device.parentId,
    source: device.source,
    kwh: rounded(device.kwh),
    own_kwh: rounded(device.ownKwh),
    export_kwh: orNull(device.exportKwh),
    cost: orNull(device.cost),
    covered_s: Math.round(device.coveredMs / 1000),
    coverage: rounded(device.coverage),
    unattributed_kwh: rounded(device.unattributedKwh),
    quarantined_kwh: rounded(device.quarantinedKwh),
    standby: standby && {
      power_w: rounded(standby.powerW),
      nights: standby.nights,
      kwh_per_year: rounded(standby.kwhPerYear),
      cost_per_year: orNull(standby.costPerYear),
    },
    comparison: comparison && {
      from: toIso(comparison.fromMs),
      to: toIso(comparison.toMs),
      days: comparison.days,
      kwh: rounded(comparison.kwh),
      before_kwh: rounded(comparison.beforeKwh),
      change: orNull(comparison.change),
    },
    cycle: cycle && {
      duty: rounded(cycle.duty),
      cycle_minutes: rounded(cycle.cycleMinutes),
      baseline: cycle.baseline && {
        duty: rounded(cycle.baseline.duty),
        deviation: rounded(cycle.baseline.deviation),
        days: cycle.baseline.days,
      },
    },
  };
}

function bucketJson({ startMs, endMs, kwh, cost, coverage }: EnergyBucket): object {
  return {
    start: toIso(startMs),
    end: toIso(endMs),
    kwh: orNull(kwh),
    cost: orNull(cost),
    coverage: rounded(coverage),
  };
}

/** A tariff in the words of the API. */
export function tariffJson(tariff: Tariff): object {
  return {
    id: tariff.id,
    name: tariff.name,
    currency: tariff.currency,
    valid_from: tariff.validFrom,
    valid_to: tariff.validTo,
    standing_price_per_day: tariff.standingPrice,
    price_per_kwh: tariff.price,
    windows: tariff.windows.map(({ price, ...window }) => ({ ...window, price_per_kwh: price })),
    dynamic: tariff.dynamic,
  };
}

/** A correction in the words of the API. */
export function correctionJson(one: Correction): object {
  return {
    id: one.id,
    entity_id: one.entityId,
    from: toIso(one.fromMs),
    to: toIso(one.toMs),
    kwh: one.kwh,
    exclude: one.kwh === null,
    reason: one.reason,
    before_kwh: rounded(one.beforeKwh),
    made_by: one.madeBy,
    made_at: toIso(one.madeMs),
    reversed_by: one.reversedBy,
    reversed_at: one.reversedMs === null ? null : toIso(one.reversedMs),
  };
}

/** To a tenth of a Wh: what a float has beyond is no measurement. */
function rounded(value: number): number {
  return Math.round(value * 10_000) / 10_000;
}

function orNull(value: number | null): number | null {
  return value === null ? null : rounded(value);
}
