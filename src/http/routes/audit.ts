import * as z from 'zod';

import type { AuditRow } from '../../access/types.ts';
import type { Call, Route } from '../route.ts';
import type { HttpOptions } from '../types.ts';

import { CommandRefusedError } from '../../access/errors.ts';
import { AUDIT_ACTIONS, AUDIT_OUTCOMES } from '../../access/types.ts';
import { toIso } from '../../base/clock.ts';
import { HubError } from '../../base/errors.ts';
import { makeCursor, pageQuery, parseCursor } from '../paging.ts';
import { json } from '../reply.ts';
import { route } from '../route.ts';
import { jsonObject, msOf, pageSchema, timeQuery } from '../schemas.ts';
import { originOf } from './author.ts';
import { NO_STORE } from './auth.ts';

type AuditContext = Pick<HttpOptions, 'access'>;

const auditQuery = pageQuery.extend({
  action: z.enum(AUDIT_ACTIONS).optional(),
  user_id: z.string().min(1).max(128).optional().describe('Who did it'),
  from: timeQuery.optional().describe('From here,'),
  to: timeQuery.optional().describe('up to but not at this time'),
});

const rowSchema = z
  .object({
    id: z.int(),
    time: z.string(),
    action: z.enum(AUDIT_ACTIONS),
    outcome: z.enum(AUDIT_OUTCOMES),
    user_id: z.string().nullable().describe('Null for a stranger'),
    username: z.string().nullable(),
    target: z.string().nullable(),
    address: z.string().nullable(),
    request_id: z.string().nullable(),
    details: jsonObject.describe('count: how often it came within a minute'),
  })
  .meta({ id: 'AuditEntry' });

export function auditRoutes({ access }: AuditContext): Route[] {
  return [
    route({
      method: 'GET',
      path: '/api/audit',
      authority: 'system:admin',
      summary: 'Who did what from where, newest first',
      query: auditQuery,
      answer: { status: 200, schema: pageSchema(rowSchema) },
      handle: ({ query }) => {
        const filter = {
          action: query.action ?? null,
          userId: query.user_id ?? null,
          fromMs: msOf(query.from) ?? null,
          toMs: msOf(query.to) ?? null,
        };
        const rows = access.audit.list(filter, parseCursor(query.cursor), query.limit + 1);
        const page = rows.slice(0, query.limit);
        const last = rows.length > query.limit ? page.at(-1) : undefined;
        return json(
          { items: page.map(rowJson), next_cursor: last ? makeCursor(last.id) : null },
          { headers: NO_STORE },
        );
      },
    }),
  ];
}

/**
 * Has the audit log told of writes that a handler refuses somebody; those that the gate refuses already never come to a
 * handler, and the gate tells of them itself.
 */
export function noteRefusals({ access }: AuditContext, routes: readonly Route[]): Route[] {
  return routes.map((wanted) => {
    if (wanted.method === 'GET' || wanted.authority === 'public') return wanted;
    return {
      ...wanted,
      handle: async (call: Call) => {
        try {
          return await wanted.handle(call);
        } catch (error) {
          const isRefusal = error instanceof HubError && error.kind === 'forbidden';
          if (isRefusal && !(error instanceof CommandRefusedError)) {
            access.audit.note(`forbidden ${call.principal.userId} ${call.address}`, {
              action: 'forbidden',
              by: call.principal,
              from: originOf(call),
              target: `${wanted.method} ${wanted.path}`,
            });
          }
          throw error;
        }
      },
    };
  });
}

function rowJson(row: AuditRow): object {
  return {
    id: row.id,
    time: toIso(row.timeMs),
    action: row.action,
    outcome: row.outcome,
    user_id: row.userId,
    username: row.username,
    target: row.target,
    address: row.address,
    request_id: row.requestId,
    details: row.details,
  };
}
