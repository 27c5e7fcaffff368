import { setImmediate } from 'node:timers/promises';

import * as z from 'zod';

import type { Principal } from '../../access/types.ts';
import type { Energy, EnergyReport } from '../../insights/insights.ts';
import type { Reply } from '../reply.ts';
import type { HttpOptions } from '../types.ts';

import { HubError } from '../../base/errors.ts';
import { MAX_DAYS, RESOLUTIONS } from '../../insights/insights.ts';
import { json } from '../reply.ts';
import { route, type Route } from '../route.ts';
import { energyJson, energySchema } from './energy-json.ts';
import { refusePast, visibleTo } from './scope.ts';

const DEFAULT_DAYS = 30;
const daysError = `must be a whole number from 1 to ${MAX_DAYS}`;
const date = z
  .string('must be a date such as 2026-03-01')
  .regex(/^\d{4}-\d\d-\d\d$/, 'must be a date such as 2026-03-01');

const spanQuery = {
  days: z.coerce
    .number(daysError)
    .int(daysError)
    .min(1, daysError)
    .max(MAX_DAYS, daysError)
    .optional()
    .describe(`So many days of the home's calendar, up to and with today (default: ${DEFAULT_DAYS})`),
  from: date.optional().describe('From this day on,'),
  to: date.optional().describe('up to but not with this day (default: up to and with today)'),
  resolution: z
    .enum(RESOLUTIONS, 'must be 15m, hour or day')
    .default('day')
    .describe('Of the buckets; 15m up to 62 days, hour up to 400'),
  entity_id: z.string().min(1).max(128).optional().describe('Only this device'),
  room_id: z.string().min(1).max(128).optional().describe('Only what is in this room'),
};
const csvQuery = z.strictObject(spanQuery);
const energyQuery = z.strictObject({
  ...spanQuery,
  format: z.enum(['json', 'csv'], 'must be json or csv').default('json'),
});

type EnergyContext = Pick<HttpOptions, 'graph' | 'insights'>;

/** Energy and its cost, of the home, its rooms and its devices. */
export function energyRoutes(context: EnergyContext): Route[] {
  const report = async (
    principal: Principal,
    query: z.output<typeof csvQuery>,
    withSeries: boolean,
  ): Promise<{ energy: Energy; report: EnergyReport }> => {
    const energy = energyOf(context.insights);
    const visible = visibleTo(context.graph, principal);
    const { entity_id: entityId, room_id: roomId, resolution } = query;
    const made = await energy.report({
      span: spanOf(principal, query),
      resolution,
      ...(entityId === undefined ? {} : { entityId }),
      ...(roomId === undefined ? {} : { roomId }),
      visible: visible?.ids ?? null,
      withSeries,
    });
    return { energy, report: made };
  };
  const csv = async (principal: Principal, query: z.output<typeof csvQuery>): Promise<Reply> => {
    const made = await report(principal, query, true);
    return csvReply(made.energy.csv(made.report));
  };
  return [
    route({
      method: 'GET',
      path: '/api/analytics/energy',
      authority: 'home:read',
      scoped: true,
      summary: 'What the home, its rooms and its devices used, what it cost, and how well that is known',
      query: energyQuery,
      answer: { status: 200, schema: energySchema },
      handle: async (call) => {
        const { format, ...query } = call.query;
        if (format === 'csv') return await csv(call.principal, query);
        return json(energyJson((await report(call.principal, query, false)).report));
      },
    }),
    route({
      method: 'GET',
      path: '/api/analytics/energy.csv',
      authority: 'home:read',
      scoped: true,
      summary: "Every device's energy by bucket, as CSV for a spreadsheet",
      query: csvQuery,
      answer: { status: 200, schema: null, content: 'text/csv' },
      handle: async (call) => await csv(call.principal, call.query),
    }),
  ];
}

/** @throws HubError `conflict` on a hub that keeps no insights. */
export function energyOf(insights: HttpOptions['insights']): Energy {
  if (insights) return insights.energy;
  throw new HubError('conflict', 'This hub keeps no insights.');
}

function spanOf(
  principal: Principal,
  { days, from, to }: { days?: number | undefined; from?: string | undefined; to?: string | undefined },
): { days: number } | { fromDate: string; toDate: string | null } {
  // What was in the room on another day may have been elsewhere then.
  refusePast(principal, { from: from ?? (days !== undefined && days > 1 ? `${days} days` : undefined), to });
  if (days !== undefined && (from !== undefined || to !== undefined)) {
    throw new HubError('invalid', 'days goes up to today: give either days, or from and to', {
      field: 'days',
    });
  }
  if (from !== undefined) return { fromDate: from, toDate: to ?? null };
  if (to !== undefined) throw new HubError('invalid', 'to goes with from', { field: 'from' });
  return { days: days ?? (principal.rooms ? 1 : DEFAULT_DAYS) };
}

async function* inTurns(chunks: Generator<string>): AsyncGenerator<string> {
  for (const chunk of chunks) {
    yield chunk;
    await setImmediate();
  }
}

function csvReply(chunks: Generator<string>): Reply {
  return {
    status: 200,
    headers: {
      'content-type': 'text/csv; charset=utf-8',
      'content-disposition': 'attachment; filename="energy.csv"',
    },
    body: inTurns(chunks),
    encoding: null,
  };
}
