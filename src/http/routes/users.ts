import * as z from 'zod';

import type { UserView } from '../../access/access.ts';
import type { Route } from '../route.ts';
import type { HttpOptions } from '../types.ts';

import { GRANT_KINDS, ROLES } from '../../access/types.ts';
import { toIso } from '../../base/clock.ts';
import { HubError } from '../../base/errors.ts';
import { pageOf, pageQuery } from '../paging.ts';
import { empty, json } from '../reply.ts';
import { route } from '../route.ts';
import { entityId, msOf, pageSchema, timeQuery } from '../schemas.ts';
import { actorOf } from './author.ts';
import { NO_STORE } from './auth.ts';

/** More rooms than any house has. */
const MAX_ROOMS = 200;
/** What people are limited to. */
const ROOM_TYPES = ['room', 'zone'];

export const grantsBody = z
  .array(z.enum(GRANT_KINDS))
  .max(GRANT_KINDS.length)
  .describe(
    'Kinds of device that may be commanded besides those of the role; "*" is all but locks, garage doors, alarms',
  )
  .meta({ example: ['lock'] });
const roomsBody = z
  .array(entityId)
  .max(MAX_ROOMS)
  .nullable()
  .describe('Ids of the rooms and zones that a member or guest is limited to; null: the whole home')
  .meta({ example: ['kitchen'] });
export const expiryBody = timeQuery.nullable().meta({ example: '2030-01-01T00:00:00Z' });

const createBody = z.strictObject({
  username: z.string(),
  password: z.string().optional().describe('Without one the user comes in by pairing a phone only'),
  role: z.enum(ROLES),
  expires_at: expiryBody.optional().describe('When the account ends: of a guest always, of an owner never'),
  grants: grantsBody.optional(),
  rooms: roomsBody.optional(),
});
const patchBody = z.strictObject({
  username: z.string().optional(),
  password: z.string().optional().describe('A new one, for who forgot theirs; all their logins end'),
  role: z.enum(ROLES).optional(),
  expires_at: expiryBody.optional(),
  grants: grantsBody.optional(),
  rooms: roomsBody.optional(),
});

const userSchema = z
  .object({
    user_id: z.string(),
    username: z.string(),
    role: z.enum(ROLES),
    grants: z.array(z.string()),
    rooms: z.array(z.string()).nullable().describe('Null: the whole home'),
    expires_at: z.string().nullable(),
    created_at: z.string(),
    has_password: z.boolean(),
  })
  .meta({ id: 'User' });

const USER_PARAMS = { id: { description: 'The id of a user', example: 'a-user' } };

/** The people of the home; admins see to members, guests and services, the owner to all. */
export function userRoutes({ access, graph }: Pick<HttpOptions, 'access' | 'graph'>): Route[] {
  return [
    route({
      method: 'GET',
      path: '/api/users',
      authority: 'system:admin',
      summary: 'Who has an account, in the order in which they were made',
      query: pageQuery,
      answer: { status: 200, schema: pageSchema(userSchema) },
      handle: ({ query }) => {
        const { items, nextCursor } = pageOf(access.users.list(), query, (_, index) => index + 1);
        return json({ items: items.map(userJson), next_cursor: nextCursor }, { headers: NO_STORE });
      },
    }),
    route({
      method: 'POST',
      path: '/api/users',
      authority: 'system:admin',
      summary: 'Makes a user; only the owner makes admins and owners',
      body: createBody,
      example: { username: 'ben', password: 'at least 8 characters', role: 'member' },
      answer: { status: 201, schema: userSchema },
      handle: async (call) => {
        const { username, password, role, expires_at: expiresAt, grants, rooms } = call.body;
        checkRooms(graph, rooms);
        const input = { username, password, role, expiresAtMs: msOf(expiresAt), grants, rooms };
        return json(userJson(await access.users.create(input, actorOf(call))), {
          status: 201,
          headers: NO_STORE,
        });
      },
    }),
    route({
      method: 'GET',
      path: '/api/users/{id}',
      authority: 'system:admin',
      summary: 'One user',
      params: USER_PARAMS,
      answer: { status: 200, schema: userSchema },
      handle: (call) => json(userJson(access.users.get(call.param('id'))), { headers: NO_STORE }),
    }),
    route({
      method: 'PATCH',
      path: '/api/users/{id}',
      authority: 'system:admin',
      summary: 'Changes a user; who loses rights or gets another password is logged out at once',
      params: USER_PARAMS,
      body: patchBody,
      example: { grants: ['lock'] },
      answer: { status: 200, schema: userSchema },
      handle: async (call) => {
        const { username, password, role, expires_at: expiresAt, grants, rooms } = call.body;
        checkRooms(graph, rooms);
        const patch = { username, password, role, expiresAtMs: msOf(expiresAt), grants, rooms };
        const changed = await access.users.change(call.param('id'), patch, actorOf(call));
        return json(userJson(changed), { headers: NO_STORE });
      },
    }),
    route({
      method: 'DELETE',
      path: '/api/users/{id}',
      authority: 'system:admin',
      summary: 'Removes a user, with their logins and the API keys that they made, at once',
      params: USER_PARAMS,
      answer: { status: 204, schema: null },
      handle: async (call) => {
        await access.users.delete(call.param('id'), actorOf(call));
        return empty(204);
      },
    }),
  ];
}

/** A user in the words of the API. */
export function userJson(user: UserView): object {
  return {
    user_id: user.id,
    username: user.username,
    role: user.role,
    grants: user.grants,
    rooms: user.rooms ?? null,
    expires_at: user.expiresAtMs === null ? null : toIso(user.expiresAtMs),
    created_at: toIso(user.createdAtMs),
    has_password: user.hasPassword,
  };
}

/** A slip of the pen would shut somebody out of their own room. @throws HubError `invalid` naming what is no room. */
function checkRooms(graph: HttpOptions['graph'], rooms: readonly string[] | null | undefined): void {
  const wrong = rooms?.find((id) => !ROOM_TYPES.includes(graph.entity(id)?.entityType ?? ''));
  if (wrong === undefined) return;
  throw new HubError('invalid', `${wrong} is no room or zone of this home`, { field: 'rooms' });
}
