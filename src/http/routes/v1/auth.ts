import { isIPv6 } from 'node:net';

import * as z from 'zod';

import type { LongToken, Principal, Role } from '../../../access/types.ts';
import type { Reply } from '../../reply.ts';
import type { Route } from '../../route.ts';
import type { HttpOptions } from '../../types.ts';

import { toIso } from '../../../base/clock.ts';
import { numberArgument } from '../../../tools/tools.ts';
import { jsonObject } from '../../schemas.ts';
import { json } from '../../reply.ts';
import { route } from '../../route.ts';
import { actorOf, originOf } from '../author.ts';
import { qrPng } from './qr-png.ts';
import { INVALID_INPUT } from './schemas.ts';

type AuthContext = Pick<HttpOptions, 'access' | 'urlForOthers'>;

/** Anybody may send these, so that they get little room. */
const BODY_LIMIT_BYTES = 16 * 1024;
/** No cache may keep a token. */
const NO_STORE = { 'cache-control': 'no-store' };

/** The roles that v2 clients know, and what each of them may do in their words. */
const ROLES_V2: Readonly<Record<Role, { readonly role: string; readonly permissions: readonly string[] }>> = {
  owner: { role: 'admin', permissions: ['read', 'write', 'delete', 'configure'] },
  admin: { role: 'admin', permissions: ['read', 'write', 'delete', 'configure'] },
  member: { role: 'user', permissions: ['read', 'write'] },
  guest: { role: 'guest', permissions: ['read'] },
  service: { role: 'service', permissions: ['read'] },
};

const loginBody = z.object({ password: z.string().min(1) });
/** Two clients, two names for it; one that sends both may leave either empty. */
const verifyBody = z
  .object({ token: z.string().nullish(), qr_token: z.string().nullish() })
  .refine((body) => guestTokenOf(body) !== '', 'token: must be a text');
const HOURS = 'must be a whole number from 1 to 168';
const generateBody = z.object({
  duration_hours: z.preprocess(
    (given) => given ?? undefined,
    numberArgument(z.int(HOURS).min(1, HOURS).max(168, HOURS)).default(24),
  ),
  custom_server: z
    .string()
    .transform((text, context) => {
      const place = parsePlace(text);
      if (place) return place;
      const message =
        'must be a host name or an address, such as 192.168.1.10, with or without a port from 1 to 65535';
      context.addIssue({ code: 'custom', message });
      return z.NEVER;
    })
    .nullish(),
});

const tokenSchema = z
  .object({
    access_token: z.string(),
    token_type: z.literal('bearer'),
    expires_in: z.int().describe('Seconds that the token lives'),
    role: z.string(),
  })
  .meta({ id: 'LongToken' });
const codeSchema = z.object({
  qr_code: z.string().describe('A PNG picture in base64'),
  qr_data: jsonObject.describe('What the picture says'),
  expires_in: z.int(),
});
const listSchema = z.object({
  count: z.int(),
  tokens: z.array(
    z.object({
      token: z.string().describe('The first characters of the code'),
      expires: z.string(),
      created_at: z.string(),
      permissions: z.array(z.string()),
    }),
  ),
});
const meSchema = z.object({
  user_id: z.string(),
  role: z.string(),
  permissions: z.array(z.string()),
  expires_at: z.int().describe('Seconds since the Unix epoch'),
});

/** Logins as the clients of Inbetweenies v2 know them: one long token, and codes that let guests in. */
export function authV1Routes({ access, urlForOthers }: AuthContext): Route[] {
  return [
    route({
      method: 'POST',
      path: '/api/v1/auth/admin/login',
      authority: 'public',
      summary: 'Exchanges the password of the user named admin for a token that lives a week',
      body: loginBody,
      ...INVALID_INPUT,
      example: { password: 'at least 8 characters' },
      answer: { status: 200, schema: tokenSchema },
      bodyLimitBytes: BODY_LIMIT_BYTES,
      handle: async (call) =>
        tokenReply(await access.loginAsAdmin({ password: call.body.password, ...originOf(call) })),
    }),
    route({
      method: 'POST',
      path: '/api/v1/auth/guest/verify',
      authority: 'public',
      summary: 'Exchanges the code that a guest was shown for a token that lives as long as the code',
      body: verifyBody,
      ...INVALID_INPUT,
      example: { token: 'the token in the QR code' },
      answer: { status: 200, schema: tokenSchema },
      bodyLimitBytes: BODY_LIMIT_BYTES,
      handle: async (call) => {
        const guest = await access.guestCodes.enter(guestTokenOf(call.body), originOf(call));
        return tokenReply(guest);
      },
    }),
    route({
      method: 'POST',
      path: '/api/v1/auth/guest/generate-qr',
      authority: 'system:admin',
      summary: 'Makes a code that lets guests in, as a picture to be scanned',
      body: generateBody,
      bodyOptional: true,
      ...INVALID_INPUT,
      example: { duration_hours: 24 },
      answer: { status: 200, schema: codeSchema },
      handle: async (call) => {
        const { body } = call;
        const asCalled = `http://${call.header('host') ?? ''}`;
        const url = urlForOthers?.() ?? (URL.canParse(asCalled) ? asCalled : 'http://localhost');
        const place = placeOf(body.custom_server ?? null, url);
        const { code, expiresAtMs } = await access.guestCodes.make(body.duration_hours, actorOf(call));
        const data = {
          version: '1.0',
          type: 'guest_access',
          ...place,
          token: code,
          expires: toIso(expiresAtMs),
          permissions: ROLES_V2.guest.permissions,
        };
        return json(
          {
            qr_code: qrPng(JSON.stringify(data)).toString('base64'),
            qr_data: data,
            expires_in: body.duration_hours * 3600,
          },
          { headers: NO_STORE },
        );
      },
    }),
    route({
      method: 'POST',
      path: '/api/v1/auth/guest/revoke',
      authority: 'system:admin',
      summary: 'Ends a guest code and, at once, every token that came from it',
      query: z.object({
        token: z
          .string()
          .min(1)
          .max(256)
          .describe('The code, or the beginning under which it is listed')
          .meta({ example: 'AbCdEf12' }),
      }),
      ...INVALID_INPUT,
      answer: { status: 200, schema: z.object({ message: z.string() }) },
      handle: async (call) => {
        await access.guestCodes.revoke(call.query.token, actorOf(call));
        return json({ message: 'Token revoked successfully' }, { headers: NO_STORE });
      },
    }),
    route({
      method: 'GET',
      path: '/api/v1/auth/guest/list',
      authority: 'system:admin',
      summary: 'The guest codes that are good now',
      answer: { status: 200, schema: listSchema },
      handle: () => {
        const tokens = access.guestCodes.list().map(({ prefix, createdAtMs, expiresAtMs }) => ({
          token: `${prefix}...`,
          expires: toIso(expiresAtMs),
          created_at: toIso(createdAtMs),
          permissions: ROLES_V2.guest.permissions,
        }));
        return json({ count: tokens.length, tokens }, { headers: NO_STORE });
      },
    }),
    route({
      method: 'GET',
      path: '/api/v1/auth/me',
      authority: 'signed_in',
      scoped: true,
      summary: 'Who the token speaks for, in the words of Inbetweenies v2',
      answer: { status: 200, schema: meSchema },
      handle: ({ principal }) => json(meOf(principal), { headers: NO_STORE }),
    }),
    route({
      method: 'POST',
      path: '/api/v1/auth/refresh',
      authority: 'signed_in',
      summary: 'Gives an admin whose token is still good another one for a week',
      answer: { status: 200, schema: tokenSchema },
      handle: async ({ principal }) => tokenReply(await access.renew(principal)),
    }),
  ];
}

function tokenReply({ accessToken, expiresInS, user }: LongToken): Reply {
  return json(
    {
      access_token: accessToken,
      token_type: 'bearer',
      expires_in: expiresInS,
      role: ROLES_V2[user.role].role,
    },
    { headers: NO_STORE },
  );
}

function meOf({ userId, role, expiresAtMs }: Principal): object {
  return { user_id: userId, ...ROLES_V2[role], expires_at: Math.floor(expiresAtMs / 1000) };
}

function guestTokenOf(body: {
  readonly token?: string | null | undefined;
  readonly qr_token?: string | null | undefined;
}): string {
  return [body.token, body.qr_token].find((token) => typeof token === 'string' && token !== '') ?? '';
}

/** Where a guest's phone finds the hub: it calls `http://<server>:<port>`. */
interface Place {
  readonly server: string;
  /** Null where none is named. */
  readonly port: number | null;
}

/** Reads `name`, `name:port`, an address, or an IPv6 address in brackets with a port; undefined for anything else. */
function parsePlace(text: string): Place | undefined {
  // Which of its interfaces another machine means is no business of a phone: no zones.
  const isAddress = (host: string): boolean => isIPv6(host) && !host.includes('%');
  if (isAddress(text)) return { server: `[${text}]`, port: null };
  const [, inBrackets, name = '', digits] =
    /^(?:\[(.+)\]|([A-Za-z0-9_][A-Za-z0-9._-]{0,252}))(?::(\d{1,5}))?$/.exec(text) ?? [];
  if (inBrackets === undefined ? name === '' : !isAddress(inBrackets)) return undefined;
  const port = digits === undefined ? null : Number(digits);
  if (port !== null && (port < 1 || port > 65_535)) return undefined;
  return { server: inBrackets === undefined ? name : `[${inBrackets}]`, port };
}

/** The place that the admin names; what is not said is as the hub knows it of itself. */
function placeOf(custom: Place | null, url: string): { server: string; port: number } {
  const { hostname, port } = new URL(url);
  const usual = port === '' ? 80 : Number(port);
  return { server: custom?.server ?? hostname, port: custom?.port ?? usual };
}
