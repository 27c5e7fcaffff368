import * as z from 'zod';

import type { JsonObject } from '../../../base/json.ts';
import type { Route } from '../../route.ts';
import type { HttpOptions } from '../../types.ts';

import { HubError } from '../../../base/errors.ts';
import { isJsonObject } from '../../../base/json.ts';
import { MalformedRequest, syncRequestV2Schema } from '../../../sync/sync.ts';
import { HttpProblem } from '../../problem.ts';
import { json, jsonStream } from '../../reply.ts';
import { MIB } from '../../request-body.ts';
import { route } from '../../route.ts';
import { jsonObject } from '../../schemas.ts';
import { entityV2, INVALID_INPUT, relationshipV2 } from './schemas.ts';

/** After unpacking, as for the other protocols. */
const BODY_LIMIT_BYTES = 10 * MIB;

/** The engine checks the rest. */
const syncBody = z.custom<JsonObject>(isJsonObject, 'the body must be a JSON object');

const conflictSchema = z.object({
  entity_id: z.string(),
  local_version: z.string(),
  remote_version: z.string(),
  resolution_strategy: z.string(),
  resolved_version: z.string(),
});
const answerSchema = z.object({
  protocol_version: z.string(),
  sync_type: z.string(),
  changes: z.array(
    z.object({
      change_type: z.enum(['update', 'delete']),
      entity: entityV2.extend({ checksum: z.null() }),
      relationships: z.array(relationshipV2),
    }),
  ),
  conflicts: z.array(conflictSchema),
  vector_clock: jsonObject,
  cursor: z.string().nullable().describe('For the next page; null at the end, and for who did not send one'),
  state_digest: z.string(),
  sync_stats: z.object({
    entities_synced: z.int(),
    relationships_synced: z.int(),
    conflicts_resolved: z.int(),
    duration_ms: z.number(),
  }),
  server_time: z.string().describe('To be sent as filters.since next time'),
  applied: z.array(z.string()).describe('Ids of entities that need not be sent again'),
  applied_relationships: z.array(z.string()),
});
const statusQuery = z.object({ device_id: z.string().min(1).max(128).meta({ example: 'my-client' }) });
const statusSchema = z.object({
  device_id: z.string(),
  server_time: z.string(),
  protocol_version: z.string(),
});

/** Inbetweenies v2, for the clients that exist. */
export function syncV1Routes({ sync }: Pick<HttpOptions, 'sync'>): Route[] {
  return [
    route({
      ...INVALID_INPUT,
      method: 'POST',
      path: '/api/v1/sync',
      authority: 'sync:pull',
      summary: 'One Inbetweenies v2 sync: takes changes, answers with what the client has missed',
      body: syncBody,
      documentedBody: syncRequestV2Schema,
      example: {
        protocol_version: 'inbetweenies-v2',
        device_id: 'my-client',
        user_id: 'me',
        sync_type: 'full',
        vector_clock: { clocks: {} },
        changes: [],
      },
      answer: { status: 200, schema: answerSchema },
      bodyLimitBytes: BODY_LIMIT_BYTES,
      handle: async ({ principal, body }) => {
        try {
          return jsonStream(await sync.v2.exchange(principal, body));
        } catch (error) {
          if (!(error instanceof MalformedRequest)) throw error;
          throw new HttpProblem(422, 'VALIDATION_ERROR', error.message);
        }
      },
    }),
    route({
      ...INVALID_INPUT,
      method: 'GET',
      path: '/api/v1/sync/status',
      authority: 'sync:pull',
      summary: 'Where a v2 client stands: the time of the hub',
      query: statusQuery,
      answer: { status: 200, schema: statusSchema },
      handle: ({ query }) => json(sync.v2.status(query.device_id)),
    }),
    route({
      method: 'GET',
      path: '/api/v1/sync/conflicts',
      authority: 'sync:pull',
      summary: 'What waits for a decision in v2: never anything, the later edit wins',
      answer: { status: 200, schema: z.object({ conflicts: z.array(jsonObject) }) },
      handle: () => json({ conflicts: [] }),
    }),
    route({
      method: 'POST',
      path: '/api/v1/sync/conflicts/{id}/resolve',
      authority: 'sync:push',
      summary: 'Decides a conflict; in v2 there is never one to decide',
      params: { id: { description: 'The id of a conflict', example: 'x' } },
      answer: { status: 200, schema: null },
      handle: (call) => {
        throw new HubError('not_found', `there is no conflict ${call.param('id').slice(0, 128)}`);
      },
    }),
  ];
}
