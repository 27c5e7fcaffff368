import * as z from 'zod';

import type { ToldApiKey } from '../../access/access.ts';
import type { ApiKey } from '../../access/types.ts';
import type { Route } from '../route.ts';
import type { HttpOptions } from '../types.ts';

import { DEFAULT_OVERLAP_S } from '../../access/access.ts';
import { SCOPES } from '../../access/types.ts';
import { toIso } from '../../base/clock.ts';
import { pageOf, pageQuery } from '../paging.ts';
import { empty, json, type Reply } from '../reply.ts';
import { route } from '../route.ts';
import { msOf, pageSchema } from '../schemas.ts';
import { actorOf } from './author.ts';
import { NO_STORE } from './auth.ts';
import { expiryBody, grantsBody } from './users.ts';

const createBody = z.strictObject({
  name: z.string().describe('What the key is for'),
  scopes: z.array(z.enum(SCOPES)).min(1).max(SCOPES.length),
  expires_at: expiryBody.optional().describe('Without it the key is good until it is deleted'),
  grants: grantsBody.optional(),
});
const rotateBody = z.strictObject({
  overlap_seconds: z
    .number()
    .int()
    .optional()
    .describe('How long the secret of now stays good, at most seven days; default 24 hours'),
});

const keyFields = {
  id: z.string(),
  name: z.string(),
  scopes: z.array(z.string()),
  grants: z.array(z.string()),
  user_id: z.string().describe('As whom the key acts: user_id of a sync, the path of a WebSocket'),
  made_by: z.object({ user_id: z.string(), username: z.string() }).describe('The key ends with this user'),
  created_at: z.string(),
  expires_at: z.string().nullable(),
  last_used_at: z.string().nullable().describe('To the minute'),
  old_secret_until: z.string().nullable().describe('The end of the overlap after a rotation'),
};
const keySchema = z.object(keyFields).meta({ id: 'ApiKey' });
const toldSchema = z
  .object({
    ...keyFields,
    secret: z.string().describe('To be sent as a bearer token; it is shown this once'),
  })
  .meta({ id: 'NewApiKey' });

const KEY_PARAMS = { id: { description: 'The id of an API key', example: 'a-key' } };

/** Keys for programs; they stand wherever an access token does. */
export function apiKeyRoutes({ access }: Pick<HttpOptions, 'access'>): Route[] {
  return [
    route({
      method: 'GET',
      path: '/api/auth/api-keys',
      authority: 'system:admin',
      summary: 'The API keys, in the order in which they were made',
      query: pageQuery,
      answer: { status: 200, schema: pageSchema(keySchema) },
      handle: ({ query }) => {
        const { items, nextCursor } = pageOf(access.apiKeys.list(), query, (_, index) => index + 1);
        return json({ items: items.map(keyJson), next_cursor: nextCursor }, { headers: NO_STORE });
      },
    }),
    route({
      method: 'POST',
      path: '/api/auth/api-keys',
      authority: 'system:admin',
      summary: 'Makes an API key; its secret is shown this once',
      body: createBody,
      example: { name: 'wall panel', scopes: ['home:read', 'home:control'] },
      answer: { status: 201, schema: toldSchema },
      handle: async (call) => {
        const { name, scopes, grants, expires_at: expiresAt } = call.body;
        const input = { name, scopes, grants, expiresAtMs: msOf(expiresAt) };
        return toldReply(await access.apiKeys.create(input, actorOf(call)), 201);
      },
    }),
    route({
      method: 'POST',
      path: '/api/auth/api-keys/{id}/rotate',
      authority: 'system:admin',
      summary: 'Gives a key another secret; the one of now stays good for a while',
      params: KEY_PARAMS,
      body: rotateBody,
      bodyOptional: true,
      example: { overlap_seconds: 3600 },
      answer: { status: 200, schema: toldSchema },
      handle: async (call) => {
        const overlapS = call.body.overlap_seconds ?? DEFAULT_OVERLAP_S;
        return toldReply(await access.apiKeys.rotate(call.param('id'), overlapS, actorOf(call)), 200);
      },
    }),
    route({
      method: 'DELETE',
      path: '/api/auth/api-keys/{id}',
      authority: 'system:admin',
      summary: 'Ends an API key, and what is open by it, at once',
      params: KEY_PARAMS,
      answer: { status: 204, schema: null },
      handle: async (call) => {
        await access.apiKeys.delete(call.param('id'), actorOf(call));
        return empty(204);
      },
    }),
  ];
}

function toldReply({ apiKey, secret }: ToldApiKey, status: number): Reply {
  return json({ ...keyJson(apiKey), secret }, { status, headers: NO_STORE });
}

function keyJson(key: ApiKey): object {
  const timeOrNull = (ms: number | null): string | null => (ms === null ? null : toIso(ms));
  return {
    id: key.id,
    name: key.name,
    scopes: key.scopes,
    grants: key.grants,
    user_id: `key:${key.id}`,
    made_by: { user_id: key.madeBy.id, username: key.madeBy.username },
    created_at: toIso(key.createdAtMs),
    expires_at: timeOrNull(key.expiresAtMs),
    last_used_at: timeOrNull(key.lastUsedAtMs),
    old_secret_until: timeOrNull(key.oldSecretUntilMs),
  };
}
