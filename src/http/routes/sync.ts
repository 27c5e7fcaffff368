import * as z from 'zod';

import type { Route } from '../route.ts';
import type { HttpOptions } from '../types.ts';

import { isJsonObject, type JsonObject } from '../../base/json.ts';
import { syncRequestSchema } from '../../sync/sync.ts';
import { isBodyEncoding } from '../encoding.ts';
import { jsonText } from '../reply.ts';
import { MIB } from '../request-body.ts';
import { route } from '../route.ts';
import { jsonObject } from '../schemas.ts';

/** After unpacking (PROTOCOL.md 2.4). */
const BODY_LIMIT_BYTES = 10 * MIB;

/** The engine checks the rest: its refusals have codes of their own. */
const syncBody = z.custom<JsonObject>(isJsonObject, 'the body must be a JSON object');

const answerSchema = z.object({
  protocol_version: z.string(),
  changes: z.array(jsonObject),
  vector_clock: jsonObject,
  conflicts: z.array(z.unknown()).describe('v1: entity ids; v1.1: records'),
  next_sync_token: z.string(),
  server_time: z.string(),
  applied: z.array(z.string()).describe('Entity versions that are stored'),
  rejected: z.array(jsonObject),
  has_more: z.boolean(),
  sync_status: z.enum(['success', 'partial']),
  resync: z.boolean(),
  digest: z.string().nullable(),
  relationship_changes: z.array(jsonObject).optional().describe('v1.1'),
  applied_relationships: z.array(z.string()).optional().describe('v1.1'),
  rejected_relationships: z.array(jsonObject).optional().describe('v1.1'),
});

export function syncRoutes({ sync }: Pick<HttpOptions, 'sync'>): Route[] {
  return [
    route({
      method: 'POST',
      path: '/api/sync/inbetweenies',
      authority: 'sync:pull',
      summary: 'One Inbetweenies v1 or v1.1 sync: takes changes, answers with what the client has missed',
      body: syncBody,
      documentedBody: syncRequestSchema,
      example: {
        protocol_version: 'inbetweenies-v1.1',
        device_id: 'my-phone',
        user_id: 'the user_id of the login',
        vector_clock: {},
        changes: [],
      },
      answer: { status: 200, schema: answerSchema },
      bodyLimitBytes: BODY_LIMIT_BYTES,
      handle: async ({ principal, body }) => {
        const { compression } = body;
        return jsonText(await sync.exchange(principal, body), {
          encoding: isBodyEncoding(compression) ? compression : null,
        });
      },
    }),
  ];
}
