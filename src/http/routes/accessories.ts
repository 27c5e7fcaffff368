import * as z from 'zod';

import type { AuditAction } from '../../access/types.ts';
import type { HttpOptions } from '../types.ts';

import { HubError } from '../../base/errors.ts';
import { noQuery } from '../paging.ts';
import { empty, json } from '../reply.ts';
import { route, type Call, type Route } from '../route.ts';
import { NO_STORE } from './auth.ts';
import { originOf } from './author.ts';

interface AccessoryEntry {
  readonly id: string;
  readonly name: string;
  readonly model: string | null;
  readonly category: string | null;
  readonly address: string;
  readonly pairedWithUs: boolean;
  readonly canPair: boolean;
  readonly notice: string | null;
  readonly state: 'connecting' | 'connected' | 'waiting' | 'stopped' | null;
  readonly reason: string | null;
  readonly entityIds: readonly string[];
}

/** HomeKit accessories that are not the hub's own: found by mDNS, or paired with the hub. */
export interface AccessoryDirectory {
  list(): AccessoryEntry[];
  pair(id: string, code: string): Promise<AccessoryEntry>;
  identify(id: string): Promise<void>;
  remove(id: string, options: { readonly force: boolean }): Promise<unknown>;
}

type AccessoriesContext = Pick<HttpOptions, 'access' | 'accessories'>;

const nullableText = z.string().nullable();
const accessorySchema = z
  .object({
    id: z.string().describe('Its HAP device id'),
    name: z.string(),
    model: nullableText,
    category: nullableText.describe('What it says it is, such as `lightbulb` or `bridge`'),
    address: z.string(),
    paired_with_us: z.boolean(),
    can_pair: z.boolean().describe('It says that it belongs to nobody yet'),
    notice: nullableText.describe('What a person has to know about it, before pairing above all'),
    state: z
      .enum(['connecting', 'connected', 'waiting', 'stopped'])
      .nullable()
      .describe('Of the connection; null for one that is not paired with this hub'),
    reason: nullableText.describe('Why it is not connected'),
    entity_ids: z.array(z.string()).describe('The `accessory` entities that were made of it'),
  })
  .meta({ id: 'HomekitAccessory' });
const pairBody = z.strictObject({
  code: z.string().min(1).max(32).describe('Eight digits, on the accessory or in its manual: `123-45-678`'),
});
const removeQuery = z.strictObject({
  force: z
    .enum(['true', 'false'])
    .default('false')
    .describe('Forget one that cannot be reached; it must be reset then before anybody can pair with it'),
});
const PARAMS = { id: { description: 'The HAP device id of an accessory', example: 'CA:FE:00:00:00:01' } };

/** Accessories that exist already: found, paired with their code, and imported. */
export function accessoryRoutes({ access, accessories }: AccessoriesContext): Route[] {
  const running = (): AccessoryDirectory => {
    if (accessories) return accessories;
    throw new HubError('conflict', 'HomeKit is switched off: homekit.enabled is false.');
  };
  const record = (action: AuditAction, call: Call, details: Record<string, boolean> = {}): void =>
    access.audit.record({
      action,
      by: call.principal,
      from: originOf(call),
      target: call.param('id').slice(0, 40),
      details,
    });
  return [
    route({
      method: 'GET',
      path: '/api/homekit/accessories',
      authority: 'system:admin',
      summary: 'HomeKit accessories of others: found by mDNS, or paired with this hub, by name',
      query: noQuery,
      answer: { status: 200, schema: z.object({ items: z.array(accessorySchema) }) },
      handle: () => json({ items: running().list().map(accessoryJson) }, { headers: NO_STORE }),
    }),
    route({
      method: 'POST',
      path: '/api/homekit/accessories/{id}/pair',
      authority: 'system:admin',
      summary: 'Pairs with an accessory by its setup code and imports it',
      params: PARAMS,
      body: pairBody,
      example: { code: '123-45-678' },
      answer: { status: 200, schema: accessorySchema },
      handle: async (call) => {
        const paired = await running().pair(call.param('id'), call.body.code);
        record('accessory.pair', call);
        return json(accessoryJson(paired), { headers: NO_STORE });
      },
    }),
    route({
      method: 'POST',
      path: '/api/homekit/accessories/{id}/identify',
      authority: 'system:admin',
      summary: 'Has an accessory blink or sound, to know which one it is',
      params: PARAMS,
      answer: { status: 200, schema: z.object({ id: z.string() }) },
      handle: async (call) => {
        await running().identify(call.param('id'));
        return json({ id: call.param('id') });
      },
    }),
    route({
      method: 'DELETE',
      path: '/api/homekit/accessories/{id}',
      authority: 'system:admin',
      summary: 'Gives an accessory free and removes its entities',
      params: PARAMS,
      query: removeQuery,
      answer: { status: 204, schema: null },
      handle: async (call) => {
        const force = call.query.force === 'true';
        await running().remove(call.param('id'), { force });
        record('accessory.remove', call, force ? { force } : {});
        return empty(204);
      },
    }),
  ];
}

/** An accessory in the words of the API. */
export function accessoryJson({ pairedWithUs, canPair, entityIds, ...entry }: AccessoryEntry): object {
  return { ...entry, paired_with_us: pairedWithUs, can_pair: canPair, entity_ids: [...entityIds] };
}
