import * as z from 'zod';

import type { Principal } from '../../access/types.ts';
import type { DeviceEvent } from '../../activity/types.ts';
import type { Route } from '../route.ts';
import type { HttpOptions } from '../types.ts';

import { ACTIVITY_TYPES, CAUSE_KINDS } from '../../activity/types.ts';
import { toIso } from '../../base/clock.ts';
import { HubError } from '../../base/errors.ts';
import { makeCursor, pageQuery, parseCursor } from '../paging.ts';
import { json } from '../reply.ts';
import { route } from '../route.ts';
import { msOf, timeQuery } from '../schemas.ts';
import { refusePast, visibleTo } from './scope.ts';

const DAY_MS = 24 * 60 * 60 * 1000;

const activityQuery = pageQuery.extend({
  capability: z.string().min(1).max(200).optional().describe('Only of this one, such as on_off'),
  from: timeQuery
    .optional()
    .describe('From here (default: the beginning; guests are told of the last day only),'),
  to: timeQuery.optional().describe('up to but not at this time (default: now)'),
});

const eventSchema = z
  .object({
    time: z.string().meta({ format: 'date-time' }),
    capability: z.string().describe('`available` tells whether the device could be reached'),
    type: z.enum(ACTIVITY_TYPES).describe('It became so, a moment such as a press, or it was ordered'),
    value: z.unknown().describe('Null: unknown from here on, or, of a command, not to be told'),
    cause: z.object({
      kind: z.enum(CAUSE_KINDS),
      id: z.string().nullable().describe('The user, the key or the automation, where that is known'),
    }),
  })
  .meta({ id: 'ActivityEvent' });

/** What devices did, besides numbers, and who brought it about. */
export function activityRoutes({
  graph,
  devices,
  activity,
  clock,
}: Pick<HttpOptions, 'graph' | 'devices' | 'activity' | 'clock'>): Route[] {
  return [
    route({
      method: 'GET',
      path: '/api/entities/{id}/activity',
      authority: 'home:read',
      scoped: true,
      summary: 'What a device did and was told to do, with who brought it about; newest first',
      params: { id: { description: 'The id of a device', example: 'lamp' } },
      query: activityQuery,
      answer: {
        status: 200,
        schema: z.object({
          entity_id: z.string(),
          items: z.array(eventSchema),
          next_cursor: z.string().nullable(),
        }),
      },
      handle: (call) => {
        const entityId = call.param('id');
        const { principal, query } = call;
        // A device that is gone has no view any more, and its history is kept: seen by whoever sees everything.
        refusePast(principal, query);
        const isSeen = visibleTo(graph, principal)?.ids.has(entityId) !== false;
        const isKnown = devices.view(entityId) !== undefined || activity?.has(entityId) === true;
        if (!isSeen || !isKnown) {
          throw new HubError('not_found', `There is no device ${entityId.slice(0, 128)}.`);
        }
        const toMs = msOf(query.to) ?? clock.nowMs() + 1;
        const askedMs = msOf(query.from) ?? 0;
        if (askedMs > toMs) {
          throw new HubError('invalid', 'from is after to; give the earlier time as from', { field: 'from' });
        }
        // Guests need not learn when people came and went in the months before.
        const fromMs = isResident(principal) ? askedMs : Math.max(askedMs, clock.nowMs() - DAY_MS);
        const cursor = parseCursor(query.cursor);
        const { capability, limit } = query;
        const page = activity?.query({ entityId, capability, fromMs, toMs, limit, cursor });
        return json({
          entity_id: entityId,
          items: page?.items.map((event) => eventJson(event, principal)) ?? [],
          next_cursor: page && page.nextCursor !== null ? makeCursor(page.nextCursor) : null,
        });
      },
    }),
  ];
}

function isResident({ rooms, role }: Principal): boolean {
  return !rooms && role !== 'guest';
}

/** Guests, and whoever is limited to some rooms, are not told who else lives here. */
function eventJson({ timeMs, capability, type, value, cause }: DeviceEvent, principal: Principal): object {
  const isTold = isResident(principal) || cause.id === principal.userId;
  return {
    time: toIso(timeMs),
    capability,
    type,
    value,
    cause: { kind: cause.kind, id: isTold ? cause.id : null },
  };
}
