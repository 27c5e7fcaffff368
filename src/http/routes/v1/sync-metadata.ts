import * as z from 'zod';

import type { ClientRecord, ClientRecords } from '../../../clients/clients.ts';
import type { Route } from '../../route.ts';

import { parseTimeMicros, toV2Time } from '../../../graph/graph.ts';
import { json } from '../../reply.ts';
import { route } from '../../route.ts';
import { timeQuery } from '../../schemas.ts';
import { INVALID_INPUT, wholeNumber } from './schemas.ts';

const PARAMS = {
  client_id: { description: 'What the client calls itself', example: 'kitchen-tablet' },
} as const;

const clientId = z.string().min(1).max(128);
const putQuery = z.object({
  client_id: clientId.meta({ example: 'kitchen-tablet' }),
  server_url: z.string().min(1).max(255).meta({ example: 'http://192.168.1.10:8000' }),
  auth_token: z.string().optional().describe('Accepted and thrown away: the hub keeps no tokens'),
});
const failureQuery = z.object({
  error: z.string().max(4000).meta({ example: 'no network' }),
  next_retry: timeQuery.optional(),
});

const count = z.int();
const time = z.string().nullable();
const metadataSchema = z
  .object({
    id: z.int(),
    client_id: z.string(),
    last_sync_time: time,
    last_sync_success: time,
    last_sync_error: z.string().nullable(),
    sync_failures: count,
    total_syncs: count,
    total_conflicts: count,
    server_url: z.string(),
    sync_in_progress: z.boolean(),
    next_retry_time: time,
    created_at: z.string(),
    updated_at: z.string(),
  })
  .meta({ id: 'SyncMetadata' });
const statusSchema = z.object({
  client_id: z.string(),
  last_sync: time,
  last_success: time,
  sync_failures: count,
  total_syncs: count,
  total_conflicts: count,
  sync_in_progress: z.boolean(),
  last_error: z.string().nullable(),
  next_retry: time,
});
const stepSchema = z.object({ status: z.string(), client_id: z.string() });

/** What clients of Inbetweenies v2 note about their own syncs; all of it goes in by query parameters. */
export function syncMetadataV1Routes({ clients }: { clients: ClientRecords }): Route[] {
  return [
    route({
      method: 'POST',
      path: '/api/v1/sync-metadata',
      authority: 'sync:push',
      summary: 'Makes the record of a client, or notes where it syncs with now',
      query: putQuery,
      ...INVALID_INPUT,
      answer: { status: 200, schema: metadataSchema },
      handle: async ({ query }) => json(metadataOf(await clients.put(query.client_id, query.server_url))),
    }),
    route({
      method: 'GET',
      path: '/api/v1/sync-metadata',
      authority: 'sync:pull',
      summary: 'The records of all clients',
      query: z.object({ limit: wholeNumber(1, 1000).default(100) }),
      ...INVALID_INPUT,
      answer: { status: 200, schema: z.array(metadataSchema) },
      handle: ({ query }) => json(clients.list(query.limit).map(metadataOf)),
    }),
    route({
      method: 'GET',
      path: '/api/v1/sync-metadata/{client_id}',
      authority: 'sync:pull',
      summary: 'The record of a client',
      params: PARAMS,
      answer: { status: 200, schema: metadataSchema },
      handle: (call) => json(metadataOf(clients.existing(call.param('client_id')))),
    }),
    route({
      method: 'POST',
      path: '/api/v1/sync-metadata/{client_id}/sync-start',
      authority: 'sync:push',
      summary: 'Notes that a sync has begun',
      params: PARAMS,
      answer: { status: 200, schema: stepSchema },
      handle: async (call) => {
        const record = await clients.begin(call.param('client_id'));
        return json({ status: 'sync_started', client_id: record.clientId });
      },
    }),
    route({
      method: 'POST',
      path: '/api/v1/sync-metadata/{client_id}/sync-success',
      authority: 'sync:push',
      summary: 'Notes that a sync has worked',
      params: PARAMS,
      answer: { status: 200, schema: stepSchema },
      handle: async (call) => {
        const record = await clients.succeed(call.param('client_id'));
        return json({ status: 'sync_success', client_id: record.clientId });
      },
    }),
    route({
      method: 'POST',
      path: '/api/v1/sync-metadata/{client_id}/sync-failure',
      authority: 'sync:push',
      summary: 'Notes that a sync has failed, and tells when to try again',
      params: PARAMS,
      query: failureQuery,
      ...INVALID_INPUT,
      answer: { status: 200, schema: stepSchema.extend({ next_retry: time }) },
      handle: async (call) => {
        const { error, next_retry: nextRetry } = call.query;
        const micros = nextRetry === undefined ? undefined : parseTimeMicros(nextRetry);
        const retryMs = micros === undefined ? undefined : Math.floor(micros / 1000);
        const record = await clients.fail(call.param('client_id'), error, retryMs);
        return json({
          status: 'sync_failure',
          client_id: record.clientId,
          next_retry: timeOf(record.nextRetryMs),
        });
      },
    }),
    route({
      method: 'GET',
      path: '/api/v1/sync-metadata/{client_id}/status',
      authority: 'sync:pull',
      summary: 'How the syncs of a client go; zeros for one that is not known',
      params: PARAMS,
      answer: { status: 200, schema: statusSchema },
      handle: (call) => {
        const id = call.param('client_id');
        const record = clients.get(id);
        return json({
          client_id: id,
          last_sync: timeOf(record?.lastSyncMs ?? null),
          last_success: timeOf(record?.lastSuccessMs ?? null),
          sync_failures: record?.failures ?? 0,
          total_syncs: record?.syncs ?? 0,
          total_conflicts: 0,
          sync_in_progress: record?.inProgress ?? false,
          last_error: record?.lastError ?? null,
          next_retry: timeOf(record?.nextRetryMs ?? null),
        });
      },
    }),
    route({
      method: 'DELETE',
      path: '/api/v1/sync-metadata/{client_id}',
      authority: 'sync:push',
      summary: 'Forgets the record of a client',
      params: PARAMS,
      answer: { status: 200, schema: stepSchema },
      handle: async (call) => {
        const id = call.param('client_id');
        await clients.remove(id);
        return json({ status: 'deleted', client_id: id });
      },
    }),
  ];
}

function metadataOf(record: ClientRecord): object {
  return {
    id: record.id,
    client_id: record.clientId,
    last_sync_time: timeOf(record.lastSyncMs),
    last_sync_success: timeOf(record.lastSuccessMs),
    last_sync_error: record.lastError,
    sync_failures: record.failures,
    total_syncs: record.syncs,
    // Nothing tells the hub of them on this path; the sync itself reports conflicts.
    total_conflicts: 0,
    server_url: record.serverUrl,
    sync_in_progress: record.inProgress,
    next_retry_time: timeOf(record.nextRetryMs),
    created_at: timeOf(record.createdMs),
    updated_at: timeOf(record.updatedMs),
  };
}

function timeOf(ms: number | null): string | null {
  return ms === null ? null : toV2Time(ms * 1000);
}
