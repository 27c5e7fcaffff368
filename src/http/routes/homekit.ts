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
    pairings: z.array(
      z.object({
        id: z.string().describe('A UUID that Apple Home made for it'),
        admin: z.boolean().describe('Whether it may add and remove others'),
        connected_from: z.array(z.string()).describe('The addresses that it is connected from now'),
      }),
    ),
    alone: z.boolean().describe('A person gave it to one device alone'),
    accessories: z.int(),
    problem: z.string().nullable().describe('Why it does not run'),
  })
  .meta({ id: 'HomekitBridge' });
const partSchema = z
  .object({
    component: z.string().describe('The discovery identity of the component'),
    label: z.string().nullable().describe('Null: the main feature of the device'),
    service: z.string().describe('The HomeKit service that it is shown as'),
    announced_service: z
      .string()
      .nullable()
      .describe('The one that it would be shown as were it new, where that is another: "renew" takes it'),
    invert_opening: z.boolean().nullable().describe('Null for what does not open and close'),
    invert_tilt: z.boolean().nullable(),
  })
  .meta({ id: 'HomekitDevicePart' });
const overviewSchema = z.object({
  enabled: z.boolean(),
  advertiser: z
    .enum(['ciao', 'bonjour-hap', 'avahi'])
    .nullable()
    .describe('Null: the bridges are not announced'),
  bridges: z.array(bridgeSchema),
  shown: z
    .array(
      z.object({
        entity_id: z.string(),
        name: z.string(),
        bridge: z.int().describe('The number of the bridge that it stands on'),
        services: z.array(z.string()).describe('The HomeKit services, the main one first'),
      }),
    )
    .describe('The devices that stand on a bridge'),
  hidden: z
    .array(z.object({ entity_id: z.string(), name: z.string(), reason: z.string() }))
    .describe('The devices that Apple Home does not show'),
  kept: z
    .array(z.object({ entity_id: z.string(), name: z.string(), parts: z.array(partSchema) }))
    .describe(
      'Devices with parts that are still shown as what they were, though they say that they are another now',
    ),
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
    alone: z
      .literal(true)
      .optional()
      .describe('Puts it on a bridge that no other device is put on, such as a camera'),
    invert_opening: z
      .boolean()
      .optional()
      .describe('Whether open and closed are turned round for Apple Home: of covers, garage doors and gates'),
    invert_tilt: z.boolean().optional().describe('The same for the slats'),
    component: z
      .string()
      .min(1)
      .max(256)
      .optional()
      .describe('The one part that is to be turned round; without it all that open'),
    renew: z.literal(true).optional().describe('Show its parts as what the device says that they are by now'),
    confirm: z
      .literal(true)
      .optional()
      .describe('The person was told what Apple Home forgets by it: what an answer of 409 says'),
  })
  .refine(
    (body) =>
      [body.excluded, body.bridge, body.alone, body.invert_opening, body.invert_tilt, body.renew].some(
        (one) => one !== undefined,
      ),
    { message: 'Say "excluded", "bridge", "alone", "invert_opening", "invert_tilt" or "renew".' },
  )
  .refine(({ bridge, alone }) => bridge === undefined || alone === undefined, {
    message: 'Say "bridge" or "alone", not both.',
  });
const placeSchema = z
  .object({
    entity_id: z.string(),
    excluded: z.boolean(),
    bridge: z.int().nullable().describe('Null: it never stood on any'),
    alone: z.boolean().describe('That bridge is for it alone'),
    shown: z.boolean(),
    parts: z.array(partSchema).describe('What a person may decide about'),
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
      summary:
        'Keeps a device out of Apple Home, puts it on another bridge, turns its directions round or renews it; 409 says what would be lost',
      params: { id: { description: 'The id of a device', example: 'lamp' } },
      body: choiceBody,
      example: { excluded: true },
      answer: { status: 200, schema: placeSchema },
      handle: async (call) => {
        const target = call.param('id');
        const { invert_opening: invertOpening, invert_tilt: invertTilt, ...others } = call.body;
        const place = await homekit.choose(target, { ...others, invertOpening, invertTilt });
        const chosen = Object.entries(call.body).filter(([key]) => key !== 'confirm');
        const details = Object.fromEntries(chosen);
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
