import * as z from 'zod';

import type { EntityVersion, RelationshipVersion } from '../graph/types.ts';
import type { StateChange } from '../devices/types.ts';

import { toIso } from '../base/clock.ts';
import { HubError } from '../base/errors.ts';
import { isJsonObject, parseJson } from '../base/json.ts';
import { DEVICE_ID_RULE, isDeviceId } from '../base/text.ts';
import { homeEntityJson, relationshipJson } from '../graph/graph.ts';
import { textFrame } from './frame.ts';

/** A larger message closes its connection (1009). */
export const MAX_MESSAGE_BYTES = 64 * 1024;

const MAX_DEPTH = 16;

const text = z.string().min(1).max(128);
const target = {
  entity_id: text.optional(),
  entity_type: text.optional(),
  room_id: text.optional(),
};

function oneTarget(message: { entity_id?: unknown; entity_type?: unknown; room_id?: unknown }): boolean {
  return (
    [message.entity_id, message.entity_type, message.room_id].filter((id) => id !== undefined).length === 1
  );
}
const ONE_TARGET = 'give one of entity_id, entity_type and room_id';

/** Every message that a client may send, by type. */
const schemas = {
  auth: z.object({
    type: z.literal('auth'),
    token: z.string().min(1).max(8192),
    device_id: z.string().refine(isDeviceId, DEVICE_ID_RULE).nullish(),
  }),
  subscribe: z
    .object({ type: z.literal('subscribe'), ...target, since: z.string().max(256).nullish() })
    .refine(oneTarget, ONE_TARGET),
  unsubscribe: z.object({ type: z.literal('unsubscribe'), ...target }).refine(oneTarget, ONE_TARGET),
  command: z.object({
    type: z.literal('command'),
    request_id: z.union([text, z.number()]),
    entity_id: text,
    capability: text,
    value: z.unknown(),
  }),
  ping: z.object({ type: z.literal('ping') }),
};

export type ClientMessage = {
  [Type in keyof typeof schemas]: z.infer<(typeof schemas)[Type]>;
}[keyof typeof schemas];

/** @throws HubError `invalid` when it is not a message of this protocol; the text says what is wrong. */
export function parseMessage(json: string): ClientMessage {
  const value = parseJson(json, MAX_DEPTH);
  const type = isJsonObject(value) ? value['type'] : undefined;
  if (typeof type !== 'string' || !Object.hasOwn(schemas, type)) {
    throw new HubError('invalid', `type must be one of ${Object.keys(schemas).join(', ')}`, {
      field: 'type',
      code: 'UNKNOWN_TYPE',
    });
  }
  const result = schemas[type as keyof typeof schemas].safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const field = issue?.path.join('.') ?? '';
  throw new HubError(
    'invalid',
    `${type}: ${field === '' ? '' : `${field}: `}${issue?.message ?? 'not as expected'}`,
    {
      field,
    },
  );
}

const CHANGED = { create: 'created', update: 'updated', delete: 'deleted' } as const;

/** A frame, as all that follow. The stored content is spliced in as it is. */
export function entityChangeMessage(entity: EntityVersion, cursor: string): Buffer {
  const head = JSON.stringify({
    type: 'entity_change',
    change_type: CHANGED[entity.changeType],
    entity_id: entity.id,
    entity_type: entity.entityType,
    version: entity.version,
    cursor,
    timestamp: toIso(entity.modifiedAtMs),
  });
  return textFrame(`${head.slice(0, -1)},"data":${homeEntityJson(entity)}}`);
}

export function relationshipChangeMessage(edge: RelationshipVersion, cursor: string): Buffer {
  const started = edge.parentVersions.length === 0 ? 'create' : 'update';
  const head = JSON.stringify({
    type: 'relationship_change',
    change_type: CHANGED[edge.validToMs === null ? started : 'delete'],
    relationship_id: edge.id,
    from_entity_id: edge.fromEntityId,
    to_entity_id: edge.toEntityId,
    relationship_type: edge.relationshipType,
    version: edge.version,
    cursor,
    timestamp: toIso(edge.validToMs ?? edge.validFromMs),
  });
  return textFrame(`${head.slice(0, -1)},"data":${relationshipJson(edge)}}`);
}

export function stateChangeMessage(change: StateChange): Buffer {
  return textFrame(
    JSON.stringify({
      type: 'state_change',
      entity_id: change.entityId,
      capability: change.capability,
      value: change.value,
      timestamp: toIso(change.timestampMs),
    }),
  );
}
