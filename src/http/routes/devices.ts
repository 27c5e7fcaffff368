import * as z from 'zod';

import type { Principal } from '../../access/types.ts';
import type { CapabilityWrite, DeviceView } from '../../devices/types.ts';
import type { Route } from '../route.ts';
import type { HttpOptions } from '../types.ts';

import { toIso } from '../../base/clock.ts';
import { HubError } from '../../base/errors.ts';
import { isJsonObject, type JsonObject } from '../../base/json.ts';
import { commandKinds, toldWrites } from '../../devices/devices.ts';
import { ordererOf } from '../../devices/types.ts';
import { pageOf, pageQuery } from '../paging.ts';
import { json, jsonPage } from '../reply.ts';
import { route } from '../route.ts';
import { jsonObject, pageSchema } from '../schemas.ts';
import { actorOf } from './author.ts';
import { visibleTo } from './scope.ts';

/** Most devices answer within a fraction of this; a sleepy one is told of as `unconfirmed`. */
const DEFAULT_CONFIRM_MS = 1000;
const MAX_CONFIRM_MS = 10_000;
const MAX_WRITES = 32;

const confirmWithinMs = z.number().int().min(0).max(MAX_CONFIRM_MS).default(DEFAULT_CONFIRM_MS);
const commandBody = z.union(
  [
    z.object({
      capability: z.string().min(1).max(200),
      value: z.unknown().refine((value) => value !== undefined, 'value is missing'),
      confirm_within_ms: confirmWithinMs,
    }),
    z.object({
      values: z
        .custom<JsonObject>(isJsonObject, 'must be an object of capability to value')
        .refine((values) => {
          const count = Object.keys(values).length;
          return count >= 1 && count <= MAX_WRITES;
        }, `must hold 1 to ${MAX_WRITES} values`),
      confirm_within_ms: confirmWithinMs,
    }),
  ],
  {
    error: `must be {capability, value} or {values: {capability: value}}, with confirm_within_ms from 0 to ${MAX_CONFIRM_MS}`,
  },
);

const DEVICE_PARAMS = { id: { description: 'The id of a device', example: 'lamp' } } as const;

const stateFields = {
  entity_id: z.string(),
  available: z.boolean(),
  values: jsonObject.describe('By capability: {value, unit, timestamp}; an unknown value is null'),
};
const stateSchema = z.object(stateFields).meta({ id: 'DeviceState' });
const nullableText = z.string().nullable();
const deviceSchema = z
  .object({
    name: z.string(),
    manufacturer: nullableText,
    model: nullableText,
    sw_version: nullableText,
    serial_number: nullableText,
    capabilities: z.array(jsonObject),
    unsupported: z.array(z.object({ component: z.string(), type: z.string(), reason: z.string() })),
    ...stateFields,
  })
  .meta({ id: 'Device' });
const commandSchema = z.object({ status: z.enum(['sent', 'confirmed', 'unconfirmed']), ...stateFields });

export function deviceRoutes({
  access,
  devices,
  graph,
}: Pick<HttpOptions, 'access' | 'devices' | 'graph'>): Route[] {
  const existing = (entityId: string, principal: Principal): DeviceView => {
    const view = devices.view(entityId);
    const visible = visibleTo(graph, principal);
    if (!view || visible?.ids.has(entityId) === false)
      throw new HubError('not_found', `There is no device ${entityId.slice(0, 128)}.`);
    return view;
  };
  return [
    route({
      method: 'GET',
      path: '/api/devices',
      authority: 'home:read',
      scoped: true,
      summary: 'Devices with their present state, by name',
      answer: { status: 200, schema: pageSchema(deviceSchema) },
      query: pageQuery,
      handle: ({ query, principal }) => {
        const visible = visibleTo(graph, principal);
        const seen = visible
          ? devices.list().filter(({ entityId }) => visible.ids.has(entityId))
          : devices.list();
        const { items, nextCursor } = pageOf(seen, query, (_, index) => index + 1);
        const unsupported = unsupportedByEntity(devices);
        return jsonPage(
          items.map((view) => JSON.stringify(deviceBody(view, unsupported.get(view.entityId) ?? []))),
          nextCursor,
        );
      },
    }),
    route({
      method: 'GET',
      path: '/api/entities/{id}/state',
      authority: 'home:read',
      scoped: true,
      summary: 'The present state of a device, from memory',
      params: DEVICE_PARAMS,
      answer: { status: 200, schema: stateSchema },
      handle: (call) => json(stateBody(existing(call.param('id'), call.principal))),
    }),
    route({
      method: 'POST',
      path: '/api/entities/{id}/commands',
      authority: 'home:control',
      scoped: true,
      summary: 'Sets one or more capabilities of a device',
      params: DEVICE_PARAMS,
      example: { capability: 'on_off', value: true },
      answer: { status: 200, schema: commandSchema },
      body: commandBody,
      handle: async (call) => {
        const view = existing(call.param('id'), call.principal);
        const { entityId } = view;
        const writes: CapabilityWrite[] =
          'values' in call.body
            ? Object.entries(call.body.values).map(([capability, value]) => ({ capability, value }))
            : [{ capability: call.body.capability, value: call.body.value }];
        const kinds = commandKinds(view, writes);
        const details = { values: toldWrites(view, writes) };
        access.authorizeCommand(actorOf(call), { entityId, kinds, details });
        const status = await devices.command({
          entityId,
          writes,
          origin: `http:${call.requestId}`,
          by: ordererOf(call.principal),
          confirmWithinMs: call.body.confirm_within_ms,
        });
        return json({ status, ...stateBody(devices.view(entityId) ?? view) });
      },
    }),
  ];
}

interface UnsupportedBody {
  readonly component: string;
  readonly type: string;
  readonly reason: string;
}

/** What was discovered and is not understood yet: a person who misses it sees that it was not overlooked. */
function unsupportedByEntity(devices: HttpOptions['devices']): Map<string, UnsupportedBody[]> {
  const byEntity = new Map<string, UnsupportedBody[]>();
  for (const { id, type, entityId, unsupported, withdrawnAtMs } of devices.components?.() ?? []) {
    if (unsupported === null || withdrawnAtMs !== null) continue;
    const list = byEntity.get(entityId) ?? [];
    list.push({ component: id, type, reason: unsupported });
    byEntity.set(entityId, list);
  }
  return byEntity;
}

function deviceBody(view: DeviceView, unsupported: readonly UnsupportedBody[]): JsonObject {
  return {
    name: view.name,
    manufacturer: view.manufacturer,
    model: view.model,
    sw_version: view.swVersion,
    serial_number: view.serialNumber,
    capabilities: view.capabilities,
    unsupported,
    ...stateBody(view),
  };
}

function stateBody(view: DeviceView): JsonObject {
  const values = [...view.values].map(([capability, { value, unit, timestampMs }]) => [
    capability,
    { value, unit, timestamp: timestampMs === null ? null : toIso(timestampMs) },
  ]);
  return {
    entity_id: view.entityId,
    available: view.available,
    values: Object.fromEntries(values) as JsonObject,
  };
}
