import * as z from 'zod';

import type { Access } from '../../access/access.ts';
import type { TokenPair } from '../../access/types.ts';
import type { Reply } from '../reply.ts';
import type { Route } from '../route.ts';

import { NEVER_MS } from '../../access/types.ts';
import { toIso } from '../../base/clock.ts';
import { json } from '../reply.ts';
import { route } from '../route.ts';
import { actorOf, originOf } from './author.ts';

/** Anybody may send these, so that they get little room. */
export const BODY_LIMIT_BYTES = 16 * 1024;
/** No cache may keep a token. */
export const NO_STORE = { 'cache-control': 'no-store' };

const loginBody = z.object({
  username: z.string().max(256),
  password: z.string(),
  device_id: z.string().min(1).max(128).nullish(),
});
const refreshBody = z.object({
  refresh_token: z.string().min(1).max(256),
  device_id: z
    .string()
    .min(1)
    .max(128)
    .nullish()
    .describe('As the login named it: then a token whose answer was lost can be shown again for a minute'),
});
const passwordBody = z.strictObject({ current_password: z.string(), new_password: z.string() });
const setupBody = z.object({ code: z.string().max(64), username: z.string(), password: z.string() });

export const tokensSchema = z
  .object({
    access_token: z.string(),
    refresh_token: z.string().describe('Good once'),
    token_type: z.literal('bearer'),
    expires_in: z.int().describe('Seconds that the access token lives'),
    role: z.string(),
    user_id: z.string(),
  })
  .meta({ id: 'Tokens' });
const meSchema = z.object({
  user_id: z.string(),
  username: z.string(),
  role: z.string(),
  permissions: z.array(z.string()),
  grants: z.array(z.string()).describe('Kinds of device that may be commanded besides those of the role'),
  rooms: z
    .array(z.string())
    .nullable()
    .describe('Ids of the rooms that the account is limited to; null: the whole home'),
  expires_at: z.string().nullable().describe('When the token ends; null where it does not'),
});

export function authRoutes({ access }: { access: Access }): Route[] {
  return [
    route({
      method: 'POST',
      path: '/api/auth/setup',
      authority: 'public',
      summary: 'Makes the owner with the code that the hub showed when it first started',
      body: setupBody,
      example: { code: 'AAAA-BBBB-CCCC', username: 'anna', password: 'at least 8 characters' },
      answer: { status: 200, schema: tokensSchema },
      bodyLimitBytes: BODY_LIMIT_BYTES,
      handle: async (call) => tokenReply(await access.setup({ ...call.body, ...originOf(call) })),
    }),
    route({
      method: 'POST',
      path: '/api/auth/login',
      authority: 'public',
      summary: 'Exchanges a password for tokens',
      body: loginBody,
      example: { username: 'anna', password: 'at least 8 characters' },
      answer: { status: 200, schema: tokensSchema },
      bodyLimitBytes: BODY_LIMIT_BYTES,
      handle: async (call) => {
        const { username, password, device_id: deviceId } = call.body;
        return tokenReply(
          await access.login({
            username,
            password,
            ...originOf(call),
            ...(typeof deviceId === 'string' ? { deviceId } : {}),
          }),
        );
      },
    }),
    route({
      method: 'POST',
      path: '/api/auth/refresh',
      authority: 'public',
      summary: 'Exchanges a refresh token, which is good once, for new tokens',
      body: refreshBody,
      example: { refresh_token: 'the one of the last login' },
      answer: { status: 200, schema: tokensSchema },
      bodyLimitBytes: BODY_LIMIT_BYTES,
      handle: async (call) => {
        const { refresh_token: refreshToken, device_id: deviceId } = call.body;
        return tokenReply(
          await access.refresh({
            refreshToken,
            ...originOf(call),
            ...(typeof deviceId === 'string' ? { deviceId } : {}),
          }),
        );
      },
    }),
    route({
      method: 'GET',
      path: '/api/auth/me',
      authority: 'signed_in',
      scoped: true,
      summary: 'Who the token speaks for, and what they may do',
      answer: { status: 200, schema: meSchema },
      handle: ({ principal }) =>
        json(
          {
            user_id: principal.userId,
            username: principal.username,
            role: principal.role,
            permissions: access.permissionsOf(principal),
            grants: principal.grants ?? [],
            rooms: principal.rooms ?? null,
            expires_at: principal.expiresAtMs >= NEVER_MS ? null : toIso(principal.expiresAtMs),
          },
          { headers: NO_STORE },
        ),
    }),
    route({
      method: 'POST',
      path: '/api/auth/logout',
      authority: 'signed_in',
      scoped: true,
      summary: 'Ends the login that the token came from',
      answer: { status: 200, schema: z.object({ status: z.literal('logged_out') }) },
      handle: async (call) => {
        await access.logout(actorOf(call));
        return json({ status: 'logged_out' }, { headers: NO_STORE });
      },
    }),
    route({
      method: 'PUT',
      path: '/api/auth/password',
      authority: 'signed_in',
      scoped: true,
      summary: 'Changes your own password; your other logins end',
      body: passwordBody,
      example: { current_password: 'at least 8 characters', new_password: 'eight others at least' },
      answer: { status: 200, schema: z.object({ status: z.literal('changed') }) },
      bodyLimitBytes: BODY_LIMIT_BYTES,
      handle: async (call) => {
        const { current_password: currentPassword, new_password: newPassword } = call.body;
        await access.changePassword({ currentPassword, newPassword }, actorOf(call));
        return json({ status: 'changed' }, { headers: NO_STORE });
      },
    }),
  ];
}

/** Answers with tokens, which no cache may keep. */
export function tokenReply({ accessToken, refreshToken, expiresInS, user }: TokenPair): Reply {
  return json(
    {
      access_token: accessToken,
      refresh_token: refreshToken,
      token_type: 'bearer',
      expires_in: expiresInS,
      role: user.role,
      user_id: user.id,
    },
    { headers: NO_STORE },
  );
}
