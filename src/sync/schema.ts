import * as z from 'zod';

import type { JsonObject } from '../base/json.ts';
import type { EntityChange, RelationshipChange, SyncFilter, SyncRequest } from './types.ts';

import { HubError } from '../base/errors.ts';
import { isJsonObject } from '../base/json.ts';
import { isDeviceId, MAX_DEVICE_ID } from '../base/text.ts';
import { checkTimestamp } from '../graph/graph.ts';
import { isSoundChange, MAX_PARENTS, MAX_VERSION, type WireEntityChange } from './sound-change.ts';
import { PROTOCOLS } from './types.ts';

/** Changes and edges of one request together (PROTOCOL.md section 2). */
export const MAX_CHANGES = 1000;
/** A client may send at most so many; the hub answers fewer. */
export const MAX_CLOCK_ENTRIES = 1000;

const name = z.string().min(1).max(MAX_DEVICE_ID).refine(isDeviceId, 'must not hold control characters');

/** Not `z.record`: content must reach the graph key by key as it was sent. */
const jsonObject = z
  .custom<JsonObject>(isJsonObject, 'must be a JSON object')
  .meta({ type: 'object', additionalProperties: true });

const timestamp = z.string().refine((text) => {
  try {
    checkTimestamp(text, 'timestamp');
    return true;
  } catch {
    return false;
  }
}, 'must be an RFC 3339 time such as 2026-01-31T12:00:00Z');

const changeType = z.enum(['create', 'update', 'delete']);
const parentVersions = z.array(z.string().max(MAX_VERSION)).max(MAX_PARENTS).default([]);

const envelopeSchema = z.object({
  protocol_version: z.string(),
  device_id: name.refine((id) => id !== 'server', '"server" names the hub itself'),
  user_id: z.string(),
  vector_clock: jsonObject,
  changes: z.array(z.unknown()),
  relationship_changes: z.array(z.unknown()).nullish(),
  compression: z.enum(['gzip', 'zstd', 'br']).nullish(),
  sync_token: z.string().nullish(),
  sync_filter: z
    .object({
      entity_types: z.array(z.string()).max(100).nullish(),
      exclude_deleted: z.boolean().nullish(),
    })
    .nullish(),
});

export const entityChangeSchema = z
  .object({
    change_type: changeType,
    entity_id: z.string(),
    entity_version: z.string(),
    entity_type: z.string().nullish(),
    content: jsonObject.nullish(),
    timestamp,
    parent_versions: parentVersions,
    device_id: name.nullish(),
    checksum: z.string().nullish(),
  })
  .superRefine((change, context) => {
    const missing = (path: string): void => {
      context.addIssue({ code: 'custom', path: [path], message: `a ${change.change_type} needs it` });
    };
    if (change.change_type !== 'delete' && !change.content) missing('content');
    if (change.change_type === 'create' && !change.entity_type) missing('entity_type');
  });

const relationshipChangeSchema = z
  .object({
    change_type: changeType,
    relationship_id: z.string(),
    relationship_version: z.string(),
    parent_versions: parentVersions,
    from_entity_id: z.string().nullish(),
    to_entity_id: z.string().nullish(),
    relationship_type: z.string().nullish(),
    properties: jsonObject.nullish(),
    valid_from: timestamp.nullish(),
    valid_to: timestamp.nullish(),
    timestamp,
    device_id: name.nullish(),
  })
  .superRefine((change, context) => {
    if (change.change_type !== 'create') return;
    for (const path of ['from_entity_id', 'to_entity_id', 'relationship_type'] as const) {
      if (!change[path]) context.addIssue({ code: 'custom', path: [path], message: 'a create needs it' });
    }
  });

/** A whole request, as the API's document shows it; its parts are checked one by one, in slices. */
export const syncRequestSchema = envelopeSchema.extend({
  protocol_version: z.enum(PROTOCOLS),
  changes: z.array(entityChangeSchema).max(MAX_CHANGES),
  relationship_changes: z.array(relationshipChangeSchema).nullish(),
});

/**
 * Checks the outer shape of a request.
 * @throws HubError `invalid` naming the field: VALIDATION_ERROR, PROTOCOL_VERSION_MISMATCH, INVALID_VECTOR_CLOCK.
 */
export function parseRequest(body: unknown): SyncRequest {
  const envelope = parse(envelopeSchema, body, '');
  const protocol = PROTOCOLS.find((known) => known === envelope.protocol_version);
  if (!protocol) {
    throw new HubError(
      'invalid',
      `protocol_version "${envelope.protocol_version.slice(0, 40)}" is unknown here; use ${PROTOCOLS.join(' or ')}`,
      { field: 'protocol_version', code: 'PROTOCOL_VERSION_MISMATCH' },
    );
  }
  // An old client may send the field for reasons of its own; v1 does not know it.
  const relationshipChanges = protocol === 'inbetweenies-v1.1' ? (envelope.relationship_changes ?? []) : [];
  const total = envelope.changes.length + relationshipChanges.length;
  if (total > MAX_CHANGES) {
    throw invalid(
      'changes',
      `a request may hold ${MAX_CHANGES} changes, this one has ${total}; send them in parts`,
    );
  }
  return {
    protocol,
    deviceId: envelope.device_id,
    userId: envelope.user_id,
    vectorClock: parseVectorClock(envelope.vector_clock),
    changes: envelope.changes,
    relationshipChanges,
    syncToken: envelope.sync_token ?? null,
    filter: toFilter(envelope.sync_filter),
  };
}

/** @throws HubError `invalid` (VALIDATION_ERROR) naming the field, such as `changes.3.content`. */
export function parseEntityChange(change: unknown, index: number, requestDeviceId: string): EntityChange {
  const parsed: WireEntityChange = isSoundChange(change)
    ? change
    : parse(entityChangeSchema, change, `changes.${index}`);
  return {
    changeType: parsed.change_type,
    id: parsed.entity_id,
    version: parsed.entity_version,
    entityType: parsed.entity_type ?? null,
    content: parsed.change_type === 'delete' ? null : (parsed.content ?? null),
    timestamp: parsed.timestamp,
    parentVersions: parsed.parent_versions ?? [],
    deviceId: parsed.device_id ?? requestDeviceId,
    checksum: parsed.checksum ?? null,
  };
}

/** @throws HubError `invalid` (VALIDATION_ERROR) naming the field. */
export function parseRelationshipChange(
  change: unknown,
  index: number,
  requestDeviceId: string,
): RelationshipChange {
  const parsed = parse(relationshipChangeSchema, change, `relationship_changes.${index}`);
  return {
    changeType: parsed.change_type,
    id: parsed.relationship_id,
    version: parsed.relationship_version,
    parentVersions: parsed.parent_versions,
    fromEntityId: parsed.from_entity_id ?? undefined,
    toEntityId: parsed.to_entity_id ?? undefined,
    relationshipType: parsed.relationship_type ?? undefined,
    properties: parsed.properties ?? undefined,
    validFrom: parsed.valid_from ?? undefined,
    validTo: parsed.valid_to,
    timestamp: parsed.timestamp,
    deviceId: parsed.device_id ?? requestDeviceId,
  };
}

/** @throws HubError `invalid` when one version names two things: an answer could then not say which was applied. */
export function checkVersionsAreUnique(
  changes: readonly { id: string; version: string }[],
  list: 'changes' | 'relationship_changes',
): void {
  const owners = new Map<string, string>();
  for (const [index, { id, version }] of changes.entries()) {
    const owner = owners.get(version);
    if (owner !== undefined && owner !== id) {
      const field = `${list}.${index}`;
      throw invalid(
        field,
        `${field} has the same version as a change of another id; versions must be unique`,
      );
    }
    owners.set(version, id);
  }
}

function parse<T extends z.ZodType>(schema: T, value: unknown, path: string): z.infer<T> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const field = [path, ...(issue?.path ?? [])].filter((part) => part !== '').join('.');
  throw invalid(field || 'body', `${field || 'the body'}: ${issue?.message ?? 'not as expected'}`);
}

function parseVectorClock(clock: JsonObject): Map<string, string> {
  const entries = Object.entries(clock);
  if (entries.length > MAX_CLOCK_ENTRIES) {
    throw invalid(
      'vector_clock',
      `vector_clock may have ${MAX_CLOCK_ENTRIES} entries, not ${entries.length}`,
    );
  }
  const parsed = new Map<string, string>();
  for (const [device, value] of entries) {
    if (device.length > 128 || typeof value !== 'string' || value.length > 256) {
      const field = `vector_clock.${device.slice(0, 40)}`;
      throw new HubError('invalid', `${field} must be a text of at most 256 characters`, {
        field,
        code: 'INVALID_VECTOR_CLOCK',
      });
    }
    parsed.set(device, value);
  }
  return parsed;
}

function toFilter(filter: z.infer<typeof envelopeSchema>['sync_filter']): SyncFilter | null {
  const types = filter?.entity_types;
  const excludeDeleted = filter?.exclude_deleted ?? false;
  if (!types && !excludeDeleted) return null;
  return {
    entityTypes: types ? [...new Set(types.map((type) => type.toLowerCase()))].sort() : null,
    excludeDeleted,
  };
}

function invalid(field: string, message: string): HubError {
  return new HubError('invalid', message, { field, code: 'VALIDATION_ERROR' });
}
