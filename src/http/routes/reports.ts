import * as z from 'zod';

import type { Principal } from '../../access/types.ts';
import type { HomeReport, ReportEntry, ReportKind, ReportReader } from '../../insights/insights.ts';
import type { Reply } from '../reply.ts';
import type { Route } from '../route.ts';
import type { HttpOptions } from '../types.ts';

import { toIso } from '../../base/clock.ts';
import { HubError } from '../../base/errors.ts';
import {
  DELIVERY_STATES,
  DELIVERY_TARGETS,
  PAGE_POLICY,
  placeOf,
  REPORT_KINDS,
  reportPage,
  reportSchema,
} from '../../insights/insights.ts';
import { makeCursor, noQuery, pageQuery, parseCursor } from '../paging.ts';
import { json } from '../reply.ts';
import { route } from '../route.ts';
import { pageSchema } from '../schemas.ts';
import { originOf } from './author.ts';

/** The reports, as this door asks for them. */
export interface ReportDirectory {
  list(kind: ReportKind | null, before: number, limit: number): readonly ReportEntry[];
  /** @throws HubError `not_found`. */
  report(id: string, reader: ReportReader): HomeReport;
  /** @throws HubError `invalid`, `unavailable`. */
  make(kind: ReportKind, date: string | null): Promise<ReportEntry>;
  /** @throws HubError `not_found`, `conflict`. */
  send(id: string): Promise<ReportEntry>;
}

const kind = z.enum(REPORT_KINDS, `must be ${REPORT_KINDS.join(', ')}`);
const listQuery = pageQuery.extend({ kind: kind.optional().describe('Of this kind only') });
const makeBody = z.strictObject({
  kind,
  date: z
    .string()
    .regex(/^\d{4}-\d\d-\d\d$/, 'must be a date such as 2026-03-29')
    .nullish()
    .describe('A day in the period; default: of the last one that is over'),
});
const time = z.string().meta({ format: 'date-time' });
const entrySchema = z
  .object({
    id: z.string(),
    kind,
    from: time,
    to: time.describe('Exclusive'),
    made_at: time,
    delivery: z
      .array(
        z.object({
          to: z.enum(DELIVERY_TARGETS),
          state: z.enum(DELIVERY_STATES).describe('retrying: the last try failed, and there will be another'),
          attempts: z.int(),
          error: z.string().nullable(),
          at: time,
        }),
      )
      .describe('Where it goes besides; only for admins'),
  })
  .meta({ id: 'ReportEntry' });
const ID = {
  id: {
    description: 'The id of a report; with .html behind it the page, as with Accept: text/html',
    example: 'weekly-2026-W13',
  },
};

/** No frame and no guess at its type, besides what the page itself lays down. */
const PAGE_HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': `${PAGE_POLICY}; frame-ancestors 'none'; sandbox`,
};

/** Reports of finished days, weeks and months. They are about the whole home: whoever is limited to rooms gets none. */
export function reportRoutes({ access, reports }: Pick<HttpOptions, 'access' | 'reports'>): Route[] {
  const kept = (): ReportDirectory => {
    if (reports) return reports;
    throw new HubError('conflict', 'This hub makes no reports.');
  };
  const isAdmin = (principal: Principal): boolean => access.allows(principal, 'system:admin');
  return [
    route({
      method: 'GET',
      path: '/api/analytics/reports',
      authority: 'home:read',
      summary: 'The reports that are kept, the newest first',
      query: listQuery,
      answer: { status: 200, schema: pageSchema(entrySchema) },
      handle: ({ query, principal }) => {
        const entries = kept().list(query.kind ?? null, parseCursor(query.cursor), query.limit + 1);
        const page = entries.slice(0, query.limit);
        const last = entries.length > query.limit ? page.at(-1) : undefined;
        const shown = isAdmin(principal) ? page : page.map((entry) => ({ ...entry, delivery: [] }));
        return json({
          items: shown.map(reportEntryJson),
          next_cursor: last ? makeCursor(placeOf(last)) : null,
        });
      },
    }),
    route({
      method: 'POST',
      path: '/api/analytics/reports',
      authority: 'system:admin',
      summary: 'Makes the report of a period that is over, in the place of the one that was there',
      body: makeBody,
      example: { kind: 'daily', date: '2026-03-29' },
      answer: { status: 201, schema: entrySchema },
      handle: async (call) => {
        const entry = await kept().make(call.body.kind, call.body.date ?? null);
        access.audit.record({
          action: 'report.make',
          by: call.principal,
          from: originOf(call),
          target: entry.id,
        });
        return json(reportEntryJson(entry), { status: 201 });
      },
    }),
    route({
      method: 'GET',
      path: '/api/analytics/reports/{id}',
      authority: 'home:read',
      summary: 'A report, as JSON or as one page with everything in it',
      params: ID,
      query: noQuery,
      answer: { status: 200, schema: reportSchema },
      handle: (call) => {
        const { principal } = call;
        const [, id = '', suffix] = /^(.*?)(\.html)?$/s.exec(call.param('id')) ?? [];
        const report = kept().report(id, {
          isAdmin: isAdmin(principal),
          maySeeSuggestions: access.allows(principal, 'graph:write'),
        });
        if (suffix !== undefined || wantsPage(call.header('accept'))) return pageReply(report);
        return json(report, { headers: { vary: 'Accept' } });
      },
    }),
    route({
      method: 'POST',
      path: '/api/analytics/reports/{id}/send',
      authority: 'system:admin',
      summary: 'Sends a report again, to every place that is configured; the answer does not wait for it',
      params: ID,
      answer: { status: 200, schema: entrySchema },
      handle: async (call) => {
        const entry = await kept().send(call.param('id'));
        access.audit.record({
          action: 'report.send',
          by: call.principal,
          from: originOf(call),
          target: entry.id,
        });
        return json(reportEntryJson(entry));
      },
    }),
  ];
}

/** An entry of the list in the words of the API. */
export function reportEntryJson(entry: ReportEntry): object {
  return {
    id: entry.id,
    kind: entry.kind,
    from: toIso(entry.startMs),
    to: toIso(entry.endMs),
    made_at: toIso(entry.madeMs),
    delivery: entry.delivery.map(({ to, state, attempts, error, atMs }) => ({
      to,
      state,
      attempts,
      error,
      at: toIso(atMs),
    })),
  };
}

/** A page where it is named before JSON, as browsers do. */
function wantsPage(accept: string | undefined): boolean {
  const types = (accept ?? '').toLowerCase().split(',');
  const at = (name: string): number => types.findIndex((type) => type.split(';', 1)[0]?.trim() === name);
  const [page, data] = [at('text/html'), at('application/json')];
  return page >= 0 && (data < 0 || page < data);
}

function pageReply(report: HomeReport): Reply {
  return {
    status: 200,
    headers: { ...PAGE_HEADERS, vary: 'Accept' },
    body: reportPage(report),
    encoding: null,
  };
}
