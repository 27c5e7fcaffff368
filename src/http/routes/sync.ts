import * as z from 'zod';

import type { Route } from '../route.ts';
import type { HttpOptions } from '../types.ts';

import type { DeviceStatus } from '../../sync/types.ts';

import { toIso } from '../../base/clock.ts';
import { HubError } from '../../base/errors.ts';
import { isJsonObject, type JsonObject } from '../../base/json.ts';
import { homeEntityJson } from '../../graph/graph.ts';
import { conflictRecords, syncRequestSchema, type ConflictView } from '../../sync/sync.ts';
import { DIRECTIONS, RESOLUTIONS } from '../../sync/types.ts';
import { isBodyEncoding } from '../encoding.ts';
import { makeCursor, noQuery, pageQuery, parseCursor } from '../paging.ts';
import { json, jsonText } from '../reply.ts';
import { MIB } from '../request-body.ts';
import { route } from '../route.ts';
import { entitySchema, jsonObject, pageSchema } from '../schemas.ts';
import { authorOf, originOf } from './author.ts';

/** After unpacking (PROTOCOL.md 2.4). */
const BODY_LIMIT_BYTES = 10 * MIB;

/** The engine checks the rest: its refusals have codes of their own. */
const syncBody = z.custom<JsonObject>(isJsonObject, 'the body must be a JSON object');

const answerSchema = z.object({
  protocol_version: z.string(),
  changes: z.array(jsonObject),
  vector_clock: jsonObject,
  conflicts: z.array(z.unknown()).describe('v1: entity ids; v1.1: records'),
  next_sync_token: z.string(),
  server_time: z.string(),
  applied: z.array(z.string()).describe('Entity versions that are stored'),
  rejected: z.array(jsonObject),
  has_more: z.boolean(),
  sync_status: z.enum(['success', 'partial']),
  resync: z.boolean(),
  digest: z.string().nullable(),
  relationship_changes: z.array(jsonObject).optional().describe('v1.1'),
  applied_relationships: z.array(z.string()).optional().describe('v1.1'),
  rejected_relationships: z.array(jsonObject).optional().describe('v1.1'),
});

const DEVICE = { device_id: { description: 'What the client calls itself', example: 'my-phone' } };

const deviceSchema = z
  .object({
    device_id: z.string(),
    user_id: z.string().describe('Whose token it used last'),
    protocol: z.string(),
    last_sync: z.string().nullable().describe('When a sync last worked'),
    last_error: z.string().nullable().describe('Why the last one did not work, or not wholly'),
    pending_changes: z.int().describe('Rows that it would be sent now'),
    conflicts_open: z.int().describe('Of its changes, how many wait for a decision'),
    is_online: z.boolean().describe('It has a live WebSocket'),
    newest_version: z.string().nullable().describe('The newest version that it pushed'),
  })
  .meta({ id: 'SyncDevice' });

const statusSchema = z.object({
  device_id: z.string(),
  last_sync: z.string().nullable(),
  vector_clock: z.record(z.string(), z.string()),
  pending_changes: z.int(),
  is_online: z.boolean(),
});

const forceQuery = z.strictObject({ direction: z.enum(DIRECTIONS).default('both') });
const forceSchema = z.object({
  status: z.enum(['completed', 'queued']),
  changes_processed: z.int(),
  conflicts_resolved: z.int(),
});

const conflictSchema = z
  .object({
    conflict_id: z.string(),
    entity_id: z.string(),
    conflict_type: z.string(),
    local_version: z.string().nullable().describe('The current version'),
    remote_version: z.string().describe('The version that lost'),
    resolution_hint: z.enum(['accept_remote', 'keep_local']),
    conflict_details: z.object({
      conflicting_fields: z.array(z.string()),
      local_values: jsonObject.nullable().describe('As the client had them'),
      server_values: jsonObject.nullable().describe('As the hub has them'),
      suggested_merge: jsonObject.nullable(),
    }),
    user_id: z.string(),
    device_id: z.string(),
    created_at: z.string(),
  })
  .meta({ id: 'SyncConflict' });

const resolveBody = z.strictObject({
  resolution: z.enum(RESOLUTIONS),
  content: jsonObject.optional().describe('For merge: what is to hold; by default the suggested merge'),
  local_version: z.string().optional().describe('The current version when you looked'),
});

export function syncRoutes({ access, sync }: Pick<HttpOptions, 'access' | 'sync'>): Route[] {
  return [
    route({
      method: 'POST',
      path: '/api/sync/inbetweenies',
      authority: 'sync:pull',
      scoped: true,
      summary: 'One Inbetweenies v1 or v1.1 sync: takes changes, answers with what the client has missed',
      body: syncBody,
      documentedBody: syncRequestSchema,
      example: {
        protocol_version: 'inbetweenies-v1.1',
        device_id: 'my-phone',
        user_id: 'the user_id of the login',
        vector_clock: {},
        changes: [],
      },
      answer: { status: 200, schema: answerSchema },
      bodyLimitBytes: BODY_LIMIT_BYTES,
      handle: async ({ principal, body }) => {
        const { compression } = body;
        return jsonText(await sync.exchange(principal, body), {
          encoding: isBodyEncoding(compression) ? compression : null,
        });
      },
    }),
    route({
      method: 'GET',
      path: '/api/sync/status/{device_id}',
      authority: 'sync:pull',
      summary: 'What the hub knows about one client that syncs',
      params: DEVICE,
      query: noQuery,
      answer: { status: 200, schema: statusSchema },
      handle: (call) => {
        const deviceId = call.param('device_id');
        const device = sync.status(deviceId);
        if (!device) throw new HubError('not_found', `no device ${deviceId} has ever synced`);
        return json({
          device_id: device.deviceId,
          last_sync: device.lastSyncMs === null ? null : toIso(device.lastSyncMs),
          vector_clock: device.clockValue === null ? {} : { [device.deviceId]: device.clockValue },
          pending_changes: device.pendingChanges,
          is_online: device.isOnline,
        });
      },
    }),
    route({
      method: 'POST',
      path: '/api/sync/force/{device_id}',
      authority: 'sync:push',
      summary: 'Asks a client to sync now, and waits up to 10 s for it; down makes it begin from zero',
      params: DEVICE,
      query: forceQuery,
      answer: { status: 200, schema: forceSchema },
      handle: async (call) => {
        const forced = await sync.force(call.param('device_id'), call.query.direction);
        return json({
          status: forced.status,
          changes_processed: forced.changesProcessed,
          conflicts_resolved: forced.conflictsResolved,
        });
      },
    }),
    route({
      method: 'GET',
      path: '/api/sync/devices',
      authority: 'system:admin',
      summary: 'Every client that syncs: when it last did, what it lacks, what went wrong',
      query: noQuery,
      answer: { status: 200, schema: z.object({ items: z.array(deviceSchema) }) },
      handle: () => json({ items: sync.devices().map(deviceJson) }),
    }),
    route({
      method: 'GET',
      path: '/api/sync/conflicts',
      authority: 'sync:pull',
      scoped: true,
      summary: 'Edits that could not be joined and wait for somebody to decide, oldest first',
      query: pageQuery,
      answer: { status: 200, schema: pageSchema(conflictSchema) },
      handle: async ({ query, principal }) => {
        const rows = await sync.conflicts(parseCursor(query.cursor), query.limit + 1, principal);
        const page = rows.slice(0, query.limit);
        const last = rows.length > query.limit ? page.at(-1) : undefined;
        return json({
          items: conflictsJson(page.map(({ view }) => view)),
          next_cursor: last ? makeCursor(last.key) : null,
        });
      },
    }),
    route({
      method: 'POST',
      path: '/api/sync/conflicts/{conflict_id}/resolve',
      authority: 'sync:push',
      summary: 'Decides a conflict: the answer is the version that everybody gets',
      params: { conflict_id: { description: 'As the list of conflicts names it', example: 'a-conflict' } },
      query: noQuery,
      body: resolveBody,
      example: { resolution: 'merge', content: { name: 'Lamp' } },
      answer: { status: 200, schema: entitySchema },
      handle: async (call) => {
        const { body, principal } = call;
        const made = await sync.resolve(authorOf(principal), call.param('conflict_id'), {
          resolution: body.resolution,
          content: body.content,
          localVersion: body.local_version,
          record: (version, tx) => {
            const details = { resolution: body.resolution, entity_id: version.id };
            const target = call.param('conflict_id');
            access.audit.record(
              { action: 'conflict.resolve', by: principal, from: originOf(call), target, details },
              tx,
            );
          },
        });
        return jsonText(homeEntityJson(made));
      },
    }),
  ];
}

function deviceJson(device: DeviceStatus): object {
  return {
    device_id: device.deviceId,
    user_id: device.userId,
    protocol: device.protocol,
    last_sync: device.lastSyncMs === null ? null : toIso(device.lastSyncMs),
    last_error: device.lastError,
    pending_changes: device.pendingChanges,
    conflicts_open: device.openConflicts,
    is_online: device.isOnline,
    newest_version: device.clockValue,
  };
}

function conflictsJson(views: readonly ConflictView[]): object[] {
  const records = conflictRecords(views);
  return views.map(({ conflict: { userId, deviceId, createdAtMs } }, index) => ({
    ...records[index],
    user_id: userId,
    device_id: deviceId,
    created_at: toIso(createdAtMs),
  }));
}
