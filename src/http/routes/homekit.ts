import * as z from 'zod';

import type { Route } from '../route.ts';
import type { HttpOptions } from '../types.ts';

import { noQuery } from '../paging.ts';
import { json } from '../reply.ts';
import { route } from '../route.ts';
import { originOf } from './author.ts';

type HomekitContext = Pick<HttpOptions, 'access' | 'homekit'>;

const bridgeSchema = z
  .object({
    number: z.int(),
    name: z.string(),
    username: z.string().describe('Its HomeKit device id'),
    port: z.int(),
    pin: z.string().describe('The setup code: a secret'),
    setup_uri: z.string().describe('The text of the QR code: a secret'),
    paired: z.boolean(),
    controllers: z.int().describe('How many phones and home hubs hold a pairing'),
    accessories: z.int(),
    problem: z.string().nullable().describe('Why it does not run'),
  })
  .meta({ id: 'HomekitBridge' });
const overviewSchema = z.object({
  enabled: z.boolean(),
  advertiser: z
    .enum(['ciao', 'bonjour-hap', 'avahi'])
    .nullable()
    .describe('Null: the bridges are not announced'),
  bridges: z.array(bridgeSchema),
  hidden: z
    .array(z.object({ entity_id: z.string(), name: z.string(), reason: z.string() }))
    .describe('The devices that Apple Home does not show'),
});
const choiceBody = z
  .strictObject({
    excluded: z.boolean().optional().describe('Whether a person keeps it out of Apple Home'),
    bridge: z
      .int()
      .min(1)
      .max(1000)
      .optional()
      .describe('The number of the bridge that it is to stand on; the next one that is not there makes it'),
    confirm: z
      .literal(true)
      .optional()
      .describe('The person was told what Apple Home forgets by it: what an answer of 409 says'),
  })
  .refine(({ excluded, bridge }) => excluded !== undefined || bridge !== undefined, {
    message: 'Say "excluded" or "bridge".',
  });
const placeSchema = z
  .object({
    entity_id: z.string(),
    excluded: z.boolean(),
    bridge: z.int().nullable().describe('Null: it never stood on any'),
    shown: z.boolean(),
  })
  .meta({ id: 'HomekitPlace' });

/** The bridges to Apple Home, and what a person decides about single devices there. */
export function homekitRoutes({ access, homekit }: HomekitContext): Route[] {
  return [
    route({
      method: 'GET',
      path: '/api/homekit',
      authority: 'system:admin',
      summary: 'The bridges to Apple Home with their codes, and which devices are not shown and why',
      query: noQuery,
      answer: { status: 200, schema: overviewSchema },
      handle: () => json(homekit.overview()),
    }),
    route({
      method: 'PATCH',
      path: '/api/homekit/devices/{id}',
      authority: 'system:admin',
      summary: 'Keeps a device out of Apple Home or puts it on another bridge; 409 says what would be lost',
      params: { id: { description: 'The id of a device', example: 'lamp' } },
      body: choiceBody,
      example: { excluded: true },
      answer: { status: 200, schema: placeSchema },
      handle: async (call) => {
        const target = call.param('id');
        const { excluded, bridge, confirm } = call.body;
        const place = await homekit.choose(target, { excluded, bridge, confirm });
        const details = { excluded: place['excluded'] ?? null, bridge: place['bridge'] ?? null };
        access.audit.record({
          action: 'homekit.device',
          by: call.principal,
          from: originOf(call),
          target,
          details,
        });
        return json(place);
      },
    }),
  ];
}
