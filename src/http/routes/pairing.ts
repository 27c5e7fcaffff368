import { renderSVG } from 'uqr';
import * as z from 'zod';

import type { DeviceSession } from '../../access/types.ts';
import type { Route } from '../route.ts';
import type { HttpOptions } from '../types.ts';

import { pairingUri } from '../../access/access.ts';
import { toIso } from '../../base/clock.ts';
import { DEVICE_ID_RULE, isDeviceId, MAX_DEVICE_ID } from '../../base/text.ts';
import { pageOf, pageQuery } from '../paging.ts';
import { empty, json } from '../reply.ts';
import { route } from '../route.ts';
import { pageSchema } from '../schemas.ts';
import { actorOf, originOf } from './author.ts';
import { BODY_LIMIT_BYTES, NO_STORE, tokenReply, tokensSchema } from './auth.ts';
import { qrPng } from './v1/qr-png.ts';

type PairingContext = Pick<HttpOptions, 'access' | 'tlsFingerprint' | 'tlsUrlForOthers' | 'urlForOthers'>;

const codeBody = z.strictObject({
  user_id: z.string().min(1).max(128).optional().describe('Whose phone it is; by default your own'),
  device_name: z.string().optional().describe('What you call the phone'),
});
const pairBody = z.strictObject({
  code: z.string().min(1).max(64),
  device_id: z
    .string()
    .min(1)
    .max(MAX_DEVICE_ID)
    .refine(isDeviceId, DEVICE_ID_RULE)
    .describe('What the phone calls itself when it syncs; the tokens are good for nothing else'),
  device_name: z.string().nullish(),
});

const codeSchema = z.object({
  code: z.string().describe('To be typed where nothing can be scanned'),
  expires_at: z.string(),
  user_id: z.string(),
  uri: z.string().describe('funkygibbon://pair?v=1&url=…&code=…&fp=…; what the pictures say'),
  qr_svg: z.string(),
  qr_png: z.string().describe('A PNG picture in base64'),
});
const deviceSchema = z
  .object({
    id: z.string().describe('Of the login; what it is revoked by'),
    device_id: z.string().nullable(),
    name: z.string().nullable(),
    user_id: z.string(),
    username: z.string(),
    created_at: z.string(),
    last_used_at: z.string().describe('The last login or refresh'),
    bound: z.boolean().describe('It was paired: its tokens are good for this device_id only'),
    current: z.boolean().describe('The request came by it'),
  })
  .meta({ id: 'LoginDevice' });

/** Pairing phones, and the list of whatever is logged in. */
export function pairingRoutes(context: PairingContext): Route[] {
  const { access } = context;
  return [
    route({
      method: 'POST',
      path: '/api/auth/pairing-codes',
      authority: 'system:admin',
      summary: 'Makes a code that pairs one phone within ten minutes, as text and as pictures to be scanned',
      body: codeBody,
      bodyOptional: true,
      example: { device_name: 'Anna’s phone' },
      answer: { status: 201, schema: codeSchema },
      handle: async (call) => {
        const { user_id: userId, device_name: deviceName } = call.body;
        const made = await access.pairing.makeCode({ userId, deviceName }, actorOf(call));
        const uri = pairingUri({ ...addressOf(context, call.header('host')), code: made.code });
        return json(
          {
            code: made.code,
            expires_at: toIso(made.expiresAtMs),
            user_id: made.user.id,
            uri,
            qr_svg: renderSVG(uri, { ecc: 'M', border: 4 }),
            qr_png: qrPng(uri).toString('base64'),
          },
          { status: 201, headers: NO_STORE },
        );
      },
    }),
    route({
      method: 'POST',
      path: '/api/auth/pair',
      authority: 'public',
      summary: 'Exchanges a pairing code, once, for tokens that are good for this device only',
      body: pairBody,
      example: { code: 'K7QF-2MXA-9RTD', device_id: 'my-phone', device_name: 'Anna’s phone' },
      answer: { status: 200, schema: tokensSchema },
      bodyLimitBytes: BODY_LIMIT_BYTES,
      handle: async (call) => {
        const { code, device_id: deviceId, device_name: deviceName } = call.body;
        const input = { code, deviceId, deviceName: deviceName ?? undefined, ...originOf(call) };
        return tokenReply(await access.pairing.pair(input));
      },
    }),
    route({
      method: 'GET',
      path: '/api/auth/devices',
      authority: 'signed_in',
      scoped: true,
      summary: 'Paired devices and other logins, the one used last first: your own, an admin sees all',
      query: pageQuery,
      answer: { status: 200, schema: pageSchema(deviceSchema) },
      handle: ({ principal, query }) => {
        const all = access.devices(principal);
        const { items, nextCursor } = pageOf(all, query, (_, index) => index + 1);
        const told = items.map((device) => deviceJson(device, principal.sessionId));
        return json({ items: told, next_cursor: nextCursor }, { headers: NO_STORE });
      },
    }),
    route({
      method: 'DELETE',
      path: '/api/auth/devices/{id}',
      authority: 'signed_in',
      scoped: true,
      summary: 'Ends a login, and what is open by it, at once',
      params: { id: { description: 'As the list of devices names the login', example: 'a-login' } },
      answer: { status: 204, schema: null },
      handle: async (call) => {
        await access.revokeDevice(call.param('id'), actorOf(call));
        return empty(204);
      },
    }),
  ];
}

/** Where a phone reaches the hub: by TLS where there is TLS, for then it knows whom it talks to. */
function addressOf(
  { tlsFingerprint, tlsUrlForOthers, urlForOthers }: PairingContext,
  host: string | undefined,
): { url: string; fingerprint: string | null } {
  const tlsUrl = tlsUrlForOthers?.() ?? null;
  if (tlsUrl !== null) return { url: tlsUrl, fingerprint: tlsFingerprint?.() ?? null };
  return { url: urlForOthers?.() ?? `http://${host ?? 'localhost'}`, fingerprint: null };
}

function deviceJson(device: DeviceSession, currentId: string | undefined): object {
  return {
    id: device.id,
    device_id: device.deviceId,
    name: device.deviceName,
    user_id: device.user.id,
    username: device.user.username,
    created_at: toIso(device.createdAtMs),
    last_used_at: toIso(device.lastUsedAtMs),
    bound: device.bound,
    current: device.id === currentId,
  };
}
