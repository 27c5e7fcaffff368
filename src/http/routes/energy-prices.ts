import * as z from 'zod';

import type { AuditAction } from '../../access/types.ts';
import type { JsonObject } from '../../base/json.ts';
import type { Energy, NewTariff, Tariff } from '../../insights/insights.ts';
import type { Call } from '../route.ts';
import type { HttpOptions } from '../types.ts';

import { toIso } from '../../base/clock.ts';
import { MAX_PRICES, WEEKDAYS } from '../../insights/insights.ts';
import { noQuery } from '../paging.ts';
import { empty, json } from '../reply.ts';
import { route, type Route } from '../route.ts';
import { msOf, timeQuery } from '../schemas.ts';
import { originOf } from './author.ts';
import { correctionJson, tariffJson } from './energy-json.ts';
import { energyOf } from './energy.ts';

const QUARTER_MS = 900_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** Nobody pays so much for a kWh in a currency that has three letters; a slip of the comma is refused. */
const MAX_PRICE = 1e6;

const price = z.number('must be a number').min(-MAX_PRICE).max(MAX_PRICE);
const date = z.string().regex(/^\d{4}-\d\d-\d\d$/, 'must be a date such as 2026-03-01');
const wallTime = z.string().regex(/^([01]\d:(00|15|30|45)|2[0-3]:(00|15|30|45)|24:00)$/, {
  error: 'must be a time on a quarter of an hour, such as 22:15',
});
const windowSchema = z.strictObject({
  days: z
    .array(z.enum(WEEKDAYS, `must be some of ${WEEKDAYS.join(', ')}`))
    .min(1)
    .max(7),
  from: wallTime,
  to: wallTime.describe('Not after `from`: on the next day; 24:00 is midnight'),
  price_per_kwh: price,
});
const tariffBody = z
  .strictObject({
    name: z.string().trim().min(1).max(100),
    currency: z.string().regex(/^[A-Z]{3}$/, 'must be three capital letters, such as EUR'),
    valid_from: date.describe("The first day of the home's calendar on which it holds"),
    valid_to: date.nullable().default(null).describe('The first day on which it holds no more'),
    standing_price_per_day: z.number().min(0).max(MAX_PRICE).default(0),
    price_per_kwh: price.nullable().default(null).describe('Outside of every window'),
    windows: z.array(windowSchema).max(50).default([]),
    dynamic: z
      .strictObject({
        factor: z.number().min(0).max(100).default(1),
        surcharge: price.default(0).describe('For a kWh, on top'),
      })
      .nullable()
      .default(null)
      .describe(
        'The price is that of /api/analytics/prices times `factor` plus `surcharge`, where it is known',
      ),
  })
  .meta({ id: 'NewTariff' });
const tariffSchema = tariffBody.extend({ id: z.string() }).meta({ id: 'Tariff' });
const TARIFF_PARAMS = { id: { description: 'The id of a tariff', example: 'tariff' } } as const;
const EXAMPLE = {
  name: 'Day and night',
  currency: 'EUR',
  valid_from: '2020-01-01',
  price_per_kwh: 0.32,
  windows: [{ days: [...WEEKDAYS], from: '22:00', to: '06:00', price_per_kwh: 0.24 }],
};

const pricesBody = z.strictObject({
  from: timeQuery.describe('The begin of the first price'),
  resolution: z.enum(['15m', 'hour'], 'must be 15m or hour'),
  prices: z.array(price).min(1).max(MAX_PRICES).describe('For a kWh, one after the other'),
});
const pricesQuery = z.strictObject({
  from: timeQuery.optional().describe('From here (default: a day ago),'),
  to: timeQuery.optional().describe('up to but not at this time (default: two days later)'),
});
const deleteQuery = z.strictObject({
  from: timeQuery.meta({ example: '2026-03-01T00:00:00Z' }),
  to: timeQuery.meta({ example: '2026-03-02T00:00:00Z' }),
});
const pricesSchema = z.object({
  items: z
    .array(z.object({ start: z.string(), price_per_kwh: z.number() }))
    .describe('By quarters of an hour'),
});

const correctionBody = z
  .strictObject({
    entity_id: z.string().min(1).max(128),
    from: timeQuery.describe('On a quarter of an hour'),
    to: timeQuery,
    kwh: z.number().min(0).max(1e6).optional().describe('What was really used; spread evenly over the time'),
    exclude: z
      .literal(true)
      .optional()
      .describe('What was measured is an error, and nothing better is known'),
    reason: z.string().trim().min(1).max(500),
  })
  .refine(
    ({ kwh, exclude }) => (kwh === undefined) !== (exclude === undefined),
    'give either kwh, or exclude: true',
  );
const correctionSchema = z.object({
  id: z.string(),
  entity_id: z.string(),
  from: z.string(),
  to: z.string(),
  kwh: z.number().nullable(),
  exclude: z.boolean(),
  reason: z.string(),
  before_kwh: z.number().describe('What was counted when it was made'),
  made_by: z.string(),
  made_at: z.string(),
  reversed_by: z.string().nullable(),
  reversed_at: z.string().nullable().describe('Null while it counts'),
});

type PricesContext = Pick<HttpOptions, 'access' | 'clock' | 'insights'>;

/** What the routes of this file work with. */
interface Desk {
  readonly energy: () => Energy;
  /** What things cost, and what was used, is other people's money: who changed it is written down. */
  readonly record: (
    action: AuditAction,
    call: Pick<Call, 'address' | 'requestId' | 'principal'>,
    told: { readonly target?: string; readonly details: JsonObject },
  ) => void;
}

/** Tariffs, prices of the market, and corrections of what was measured. */
export function energyPriceRoutes({ access, insights, clock }: PricesContext): Route[] {
  const energy = (): Energy => energyOf(insights);
  const record: Desk['record'] = (action, call, told) =>
    access.audit.record({ action, by: call.principal, from: originOf(call), ...told });
  const desk = { energy, record };
  return [
    ...tariffRoutes(desk),
    route({
      method: 'GET',
      path: '/api/analytics/prices',
      authority: 'home:read',
      summary: 'Prices of the market, at most 31 days of them',
      query: pricesQuery,
      answer: { status: 200, schema: pricesSchema },
      handle: (call) => {
        const fromMs = msOf(call.query.from) ?? clock.nowMs() - DAY_MS;
        const toMs = Math.min(msOf(call.query.to) ?? fromMs + 2 * DAY_MS, fromMs + 31 * DAY_MS);
        const items = energy().prices.list(fromMs, toMs);
        return json({
          items: items.map(({ startMs, price }) => ({ start: toIso(startMs), price_per_kwh: price })),
        });
      },
    }),
    route({
      method: 'PUT',
      path: '/api/analytics/prices',
      authority: 'system:admin',
      summary: 'Says what the market asks in a span of time, in place of what was known of it',
      body: pricesBody,
      example: { from: '2026-03-01T00:00:00Z', resolution: 'hour', prices: [0.12, 0.1, -0.01] },
      answer: { status: 200, schema: z.object({ quarters: z.int() }) },
      handle: async (call) => {
        const { from, resolution, prices } = call.body;
        const stepMs = resolution === '15m' ? QUARTER_MS : HOUR_MS;
        const quarters = await energy().prices.put({ fromMs: msOf(from), stepMs, prices });
        record('prices.change', call, { details: { from, resolution, count: prices.length } });
        return json({ quarters });
      },
    }),
    route({
      method: 'DELETE',
      path: '/api/analytics/prices',
      authority: 'system:admin',
      summary: 'Forgets what the market asked in a span of time',
      query: deleteQuery,
      answer: { status: 204, schema: null },
      handle: async (call) => {
        const { from, to } = call.query;
        const quarters = await energy().prices.delete(msOf(from), msOf(to));
        record('prices.delete', call, { details: { from, to, quarters } });
        return empty(204);
      },
    }),
    ...correctionRoutes(desk),
  ];
}

function tariffRoutes({ energy, record }: Desk): Route[] {
  return [
    route({
      method: 'GET',
      path: '/api/analytics/tariffs',
      authority: 'home:read',
      summary: 'What a kWh costs, in the order of the calendar',
      query: noQuery,
      answer: { status: 200, schema: z.object({ items: z.array(tariffSchema) }) },
      handle: () => json({ items: energy().tariffs.list().map(tariffJson) }),
    }),
    route({
      method: 'POST',
      path: '/api/analytics/tariffs',
      authority: 'system:admin',
      summary: 'Adds a tariff; no two hold on the same day',
      body: tariffBody,
      example: EXAMPLE,
      answer: { status: 201, schema: tariffSchema },
      handle: async (call) => {
        const made = await energy().tariffs.create(toTariff(call.body));
        record('tariff.create', call, { target: made.id, details: { after: tariffText(made) } });
        return json(tariffJson(made), { status: 201 });
      },
    }),
    route({
      method: 'GET',
      path: '/api/analytics/tariffs/{id}',
      authority: 'home:read',
      summary: 'One tariff',
      params: TARIFF_PARAMS,
      answer: { status: 200, schema: tariffSchema },
      handle: (call) => json(tariffJson(energy().tariffs.get(call.param('id')))),
    }),
    route({
      method: 'PUT',
      path: '/api/analytics/tariffs/{id}',
      authority: 'system:admin',
      summary: 'Replaces a tariff: what the past cost is made anew with it',
      params: TARIFF_PARAMS,
      body: tariffBody,
      example: EXAMPLE,
      answer: { status: 200, schema: tariffSchema },
      handle: async (call) => {
        const { tariffs } = energy();
        const before = tariffText(tariffs.get(call.param('id')));
        const made = await tariffs.replace(call.param('id'), toTariff(call.body));
        record('tariff.change', call, { target: made.id, details: { before, after: tariffText(made) } });
        return json(tariffJson(made));
      },
    }),
    route({
      method: 'DELETE',
      path: '/api/analytics/tariffs/{id}',
      authority: 'system:admin',
      summary: 'Removes a tariff',
      params: TARIFF_PARAMS,
      answer: { status: 204, schema: null },
      handle: async (call) => {
        const { tariffs } = energy();
        const before = tariffs.get(call.param('id'));
        await tariffs.delete(before.id);
        record('tariff.delete', call, { target: before.id, details: { before: tariffText(before) } });
        return empty(204);
      },
    }),
  ];
}

function correctionRoutes({ energy, record }: Desk): Route[] {
  return [
    route({
      method: 'GET',
      path: '/api/analytics/energy/corrections',
      authority: 'system:admin',
      summary: 'Corrections of what was measured, newest first, those that were taken back too',
      query: z.strictObject({ entity_id: z.string().min(1).max(128).optional() }),
      answer: { status: 200, schema: z.object({ items: z.array(correctionSchema) }) },
      handle: (call) => json({ items: energy().corrections.list(call.query.entity_id).map(correctionJson) }),
    }),
    route({
      method: 'POST',
      path: '/api/analytics/energy/corrections',
      authority: 'system:admin',
      summary: 'Says what a device really used in a span of time, or that its measurement is an error',
      body: correctionBody,
      example: {
        entity_id: 'lamp',
        from: '2025-12-01T12:00:00Z',
        to: '2025-12-01T13:00:00Z',
        kwh: 0.4,
        reason: 'the plug counted a firmware update',
      },
      answer: { status: 201, schema: correctionSchema },
      handle: async (call) => {
        const { entity_id: entityId, from, to, kwh, reason } = call.body;
        const made = await energy().corrections.create(
          { entityId, fromMs: msOf(from), toMs: msOf(to), kwh: kwh ?? null, reason },
          call.principal.userId,
        );
        const details = {
          device: entityId,
          from,
          to,
          before_kwh: made.beforeKwh,
          after_kwh: made.kwh,
          reason,
        };
        record('energy.correct', call, { target: made.id, details });
        return json(correctionJson(made), { status: 201 });
      },
    }),
    route({
      method: 'DELETE',
      path: '/api/analytics/energy/corrections/{id}',
      authority: 'system:admin',
      summary: 'Takes a correction back: what was measured counts again',
      params: { id: { description: 'The id of a correction', example: 'correction' } },
      answer: { status: 204, schema: null },
      handle: async (call) => {
        const { id, entityId, kwh, reversedMs } = await energy().corrections.reverse(
          call.param('id'),
          call.principal.userId,
        );
        if (reversedMs === null) {
          record('energy.restore', call, { target: id, details: { device: entityId, before_kwh: kwh } });
        }
        return empty(204);
      },
    }),
  ];
}

/** A line of the audit log about a tariff: what it cost, without each of its windows. */
function tariffText({ name, currency, price, windows, dynamic, validFrom, validTo }: Tariff): string {
  const prices = [...(price === null ? [] : [price]), ...windows.map(({ price }) => price)];
  const span = validTo === null ? `from ${validFrom} on` : `from ${validFrom} to ${validTo}`;
  const range = prices.length === 0 ? '' : ` ${Math.min(...prices)} to ${Math.max(...prices)}`;
  return `${name}:${range} ${currency}/kWh${dynamic ? ', by the market' : ''}, ${span}`;
}

function toTariff(body: z.output<typeof tariffBody>): NewTariff {
  return {
    name: body.name,
    currency: body.currency,
    validFrom: body.valid_from,
    validTo: body.valid_to,
    standingPrice: body.standing_price_per_day,
    price: body.price_per_kwh,
    windows: body.windows.map(({ price_per_kwh: price, ...window }) => ({ ...window, price })),
    dynamic: body.dynamic,
  };
}
