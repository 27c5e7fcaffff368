import * as z from 'zod';

import type { Clock } from '../../base/clock.ts';
import type { Aggregate, Reading, ReadingHistory } from '../../readings/types.ts';
import type { Route } from '../route.ts';
import type { HttpOptions } from '../types.ts';

import { toIso } from '../../base/clock.ts';
import { HubError } from '../../base/errors.ts';
import { MAX_PAGE } from '../../readings/readings.ts';
import { makeCursor, parseCursor } from '../paging.ts';
import { json } from '../reply.ts';
import { route } from '../route.ts';
import { msOf, timeQuery } from '../schemas.ts';
import { refusePast, visibleTo } from './scope.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
const DEFAULT_LIMIT = 1000;

const limitError = `must be a whole number from 1 to ${MAX_PAGE}`;

const readingsQuery = z.strictObject({
  capability: z
    .string('must be the name of a capability of the device, such as temperature')
    .min(1)
    .max(200)
    .meta({ example: 'temperature' }),
  from: timeQuery.optional().describe('From here (default: a day before `to`),'),
  to: timeQuery.optional().describe('up to but not at this time (default: now)'),
  resolution: z
    .enum(['raw', '5m', '1h', 'auto'], 'must be raw, 5m, 1h or auto')
    .default('auto')
    .describe('auto: raw up to 6 hours, 5m up to 7 days, else 1h; coarser where the finer has expired'),
  limit: z.coerce
    .number(limitError)
    .int(limitError)
    .min(1, limitError)
    .max(MAX_PAGE, limitError)
    .default(DEFAULT_LIMIT),
  cursor: z.string().min(1).max(200).optional(),
});

const time = z.string().meta({ format: 'date-time' });
const readingSchema = z
  .object({ time, value: z.number().nullable().describe('Null: unknown from here on') })
  .meta({ id: 'Reading' });
const aggregateSchema = z
  .object({
    start: time,
    mean: z.number().describe('Weighed by the time for which each value held'),
    min: z.number(),
    max: z.number(),
    first: z.number(),
    last: z.number(),
    covered_s: z.number().describe('For how much of the bucket the value is known'),
    samples: z.int(),
    rise: z.number().nullable().describe('Of a counter, resets and glitches aside; null for anything else'),
  })
  .meta({ id: 'ReadingAggregate' });
const readingsSchema = z
  .object({
    entity_id: z.string(),
    capability: z.string(),
    unit: z.string().nullable(),
    resolution: z.enum(['raw', '5m', '1h']),
    from: time,
    to: time,
    items: z
      .union([z.array(readingSchema), z.array(aggregateSchema)])
      .describe('By time; buckets of which nothing is known are left out'),
    next_cursor: z.string().nullable().describe('For the next page; null at the end'),
  })
  .meta({ id: 'Readings' });

interface ReadingContext extends Pick<HttpOptions, 'graph'> {
  readonly devices: Pick<HttpOptions['devices'], 'view'>;
  readonly readings: ReadingHistory;
  readonly clock: Clock;
}

export function readingRoutes({ graph, devices, readings, clock }: ReadingContext): Route[] {
  return [
    route({
      method: 'GET',
      path: '/api/entities/{id}/readings',
      authority: 'home:read',
      scoped: true,
      summary: 'The numeric history of a device, as it was reported or in buckets of UTC time',
      params: { id: { description: 'The id of a device', example: 'lamp' } },
      query: readingsQuery,
      answer: { status: 200, schema: readingsSchema },
      handle: (call) => {
        const entityId = call.param('id');
        const { capability, resolution, limit } = call.query;
        // A device that is gone has no view any more, and its history is kept: seen by whoever sees everything.
        refusePast(call.principal, call.query);
        const isSeen = visibleTo(graph, call.principal)?.ids.has(entityId) !== false;
        const view = isSeen ? devices.view(entityId) : undefined;
        const isRecorded = isSeen && readings.has(entityId, capability);
        if (!view && !isRecorded) {
          throw new HubError('not_found', `There is no device ${entityId.slice(0, 128)} with such readings.`);
        }
        const described = view?.capabilities.find(({ name }) => name === capability);
        if (!described && !isRecorded) {
          const names = view?.capabilities.map(({ name }) => name).join(', ') || 'none';
          throw new HubError(
            'not_found',
            `${view?.name ?? 'The device'} has no capability of this name; it has ${names}.`,
            { field: 'capability' },
          );
        }
        const toMs = msOf(call.query.to) ?? clock.nowMs();
        const fromMs = msOf(call.query.from) ?? toMs - DAY_MS;
        if (fromMs > toMs) {
          throw new HubError('invalid', 'from is after to; give the earlier time as from', { field: 'from' });
        }
        const cursor = call.query.cursor === undefined ? null : parseCursor(call.query.cursor);
        const page = readings.query({ entityId, capability, fromMs, toMs, resolution, limit, cursor });
        return json({
          entity_id: entityId,
          capability,
          unit: described?.unit ?? null,
          resolution: page.resolution,
          from: toIso(fromMs),
          to: toIso(toMs),
          items: page.resolution === 'raw' ? page.items.map(readingJson) : page.items.map(aggregateJson),
          next_cursor: page.nextCursor === null ? null : makeCursor(page.nextCursor),
        });
      },
    }),
  ];
}

function readingJson({ timeMs, value }: Reading): object {
  return { time: toIso(timeMs), value };
}

function aggregateJson({
  startMs,
  coveredMs,
  mean,
  min,
  max,
  first,
  last,
  samples,
  rise,
}: Aggregate): object {
  return {
    start: toIso(startMs),
    mean,
    min,
    max,
    first,
    last,
    covered_s: coveredMs / 1000,
    samples,
    rise,
  };
}
