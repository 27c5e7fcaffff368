import * as z from 'zod';

import type { Route } from '../route.ts';
import type { HttpOptions } from '../types.ts';

import { isJsonObject, type JsonObject } from '../../base/json.ts';
import { isBodyEncoding } from '../encoding.ts';
import { jsonText } from '../reply.ts';
import { MIB } from '../request-body.ts';
import { route } from '../route.ts';

/** After unpacking (PROTOCOL.md 2.4). */
const BODY_LIMIT_BYTES = 10 * MIB;

/** The engine checks the rest: its refusals have codes of their own. */
const syncBody = z.custom<JsonObject>(isJsonObject, 'the body must be a JSON object');

export function syncRoutes({ sync }: Pick<HttpOptions, 'sync'>): Route[] {
  return [
    route({
      method: 'POST',
      path: '/api/sync/inbetweenies',
      authority: 'sync:pull',
      summary: 'One Inbetweenies v1 or v1.1 sync: takes changes, answers with what the client has missed',
      body: syncBody,
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
