import type { JsonObject } from '../../base/json.ts';
import type { Route } from '../route.ts';

import { noQuery } from '../paging.ts';
import { jsonText } from '../reply.ts';
import { route } from '../route.ts';
import { jsonObject } from '../schemas.ts';

/** The document of all routes, this one among them; made when somebody first asks for it. */
export function documentRoutes(document: () => JsonObject): Route[] {
  let text: string | undefined;
  return [
    route({
      method: 'GET',
      path: '/openapi.json',
      authority: 'public',
      summary: 'This document: OpenAPI 3.1',
      query: noQuery,
      answer: { status: 200, schema: jsonObject },
      handle: () => {
        text ??= JSON.stringify(document());
        return jsonText(text, { headers: { 'content-type': 'application/openapi+json;version=3.1' } });
      },
    }),
  ];
}
