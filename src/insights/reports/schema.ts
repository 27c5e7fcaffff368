import * as z from 'zod';

export const REPORT_KINDS = ['daily', 'weekly', 'monthly'] as const;
export type ReportKind = (typeof REPORT_KINDS)[number];

/** Goes up when a member changes its meaning or goes away; further members do not change it. */
export const REPORT_VERSION = 1;

const time = z.string().meta({ format: 'date-time' });
const date = z.string().meta({ format: 'date' });
const text = z.string().nullable();
const number = z.number().nullable();
const count = z.int().min(0);
const share = z.number().describe('0 to 1');
const cost = z.number().nullable().describe('In the currency of the section; null where no tariff is known');
const noData = z.string().nullable().describe('Why this section says nothing; null where it does');
const byCause = z.record(z.string(), count).describe('person, automation, device, service, hub');

const energyDevice = z.object({
  entity_id: z.string(),
  name: z.string(),
  room: text,
  role: z.string(),
  source: z.enum(['counter', 'estimated']).describe('Its own counter, or made from its power'),
  kwh: z.number(),
  cost,
  coverage: share,
  standby_w: number.describe('5th percentile at night; null for fewer than 7 nights'),
  change: number.describe('Against as many days before; null where one of both is known for less than 90 %'),
});

const energy = z.object({
  no_data: noData,
  coverage: share.describe('For how much of the time the devices are known, on average'),
  measured_share: number.describe('Of the energy: from counters'),
  estimated_share: number.describe('Of the energy: made from power'),
  currency: text,
  home: z
    .object({
      basis: z.enum(['main_meter', 'devices']).describe('devices: this is no total of the home'),
      kwh: z.number(),
      import_kwh: number,
      export_kwh: number,
      production_kwh: number,
      cost,
      standing_cost: cost,
      coverage: share,
    })
    .nullable(),
  comparison: z
    .object({
      with: z.string(),
      first_date: date,
      last_date: date,
      kwh_per_day: z.number().describe('By the time that is known, for 24 hours'),
      before_kwh_per_day: z.number(),
      change: number,
    })
    .nullable(),
  not_compared: text.describe('Why there is no comparison'),
  unmetered: z.object({ kwh: z.number(), share: number }).nullable(),
  by_day: z.array(z.object({ date, kwh: number, cost, coverage: share })),
  by_hour: z
    .array(z.object({ hour: z.int(), mean_kwh: number, days: count }))
    .describe('Means of the hours that are known for at least 90 %'),
  rooms: z.array(z.object({ room_id: text, room: text, kwh: z.number(), cost, devices: count })),
  devices: z.array(energyDevice).describe('What used most first'),
  peak_hours: z.array(
    z.object({
      day_type: z.enum(['weekday', 'weekend']),
      days: count,
      insufficient: text,
      hours: z.array(
        z.object({
          hour: z.int(),
          median_kwh: z.number(),
          p10_kwh: z.number(),
          p90_kwh: z.number(),
          days: count,
        }),
      ),
    }),
  ),
  advice: z.array(z.object({ kind: z.string(), entity_id: z.string(), text: z.string() })),
  notes: z.array(z.object({ kind: z.string(), entity_id: text, text: z.string() })),
});

const usage = z.object({
  no_data: noData,
  events: count,
  commands: count,
  by_cause: byCause,
  by_day: z.array(z.object({ date, events: count, commands: count, by_cause: byCause, covered: share })),
  most_active: z.array(
    z.object({
      entity_id: z.string(),
      name: text,
      events: count,
      commands: count,
      by_people: count,
    }),
  ),
  entities: z
    .object({ total: count, by_type: z.record(z.string(), count) })
    .describe('When the report was made'),
});

const named = { entity_id: z.string(), name: z.string() };

/** A report as it is stored, sent and answered. */
export const reportSchema = z
  .object({
    report_version: z.literal(REPORT_VERSION),
    id: z.string(),
    kind: z.enum(REPORT_KINDS),
    home: z.string().describe('Its name'),
    made_at: time,
    period: z.object({
      from: time,
      to: time.describe('Exclusive'),
      first_date: date,
      last_date: date,
      days: count,
      hours: z.number().describe('A day on which the clocks change has 23 or 25'),
      timezone: z.string(),
    }),
    hub: z
      .object({
        no_data: noData,
        covered: share.describe('For how much of the period the hub ran and wrote down what happened'),
        recorded_since: time.nullable(),
        gaps: z.array(z.object({ from: time, to: time })),
      })
      .describe('When the hub did not run: what happened then is in no section'),
    energy,
    usage,
    devices: z.object({
      no_data: noData,
      as_of: time,
      total: count,
      unreachable: z.array(z.object(named)),
      low_battery: z.array(z.object({ ...named, percent: number })),
    }),
    phones: z.object({
      no_data: noData,
      as_of: time,
      total: count,
      silent_days: count.describe('From so many days on a phone is told'),
      silent: z.array(z.object({ client: z.string(), user_id: z.string(), last_sync_at: time.nullable() })),
    }),
    automations: z.object({
      no_data: noData,
      runs: count,
      by_outcome: z.record(z.string(), count),
      failures: z.array(
        z.object({
          automation_id: z.string(),
          name: z.string(),
          outcome: z.string(),
          times: count,
          last_at: time,
        }),
      ),
    }),
    suggestions: z
      .object({
        no_data: noData,
        items: z.array(z.object({ id: z.string(), title: z.string(), sentence: z.string() })),
      })
      .describe('New ones; never of locks, garage doors and alarms'),
    jobs: z.object({
      no_data: noData,
      failed: z.array(
        z.object({ name: z.string(), title: z.string(), times: count, error: z.string(), last_at: time }),
      ),
    }),
  })
  .meta({ id: 'HomeReport' });

export type HomeReport = z.output<typeof reportSchema>;
