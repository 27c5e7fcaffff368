import type { Fact } from './replica.ts';

import { ClientError } from './errors.ts';
import { Shape } from './shape.ts';

/** What a device reports: perishable, in no replica. */
export interface StateEvent {
  readonly entityId: string;
  /** on_off, brightness, temperature, … */
  readonly capability: string;
  readonly value: unknown;
  /** RFC 3339. */
  readonly timestamp: string;
}

/** A message of the hub over the WebSocket, as far as the client acts on it. */
export type LiveMessage =
  | { readonly type: 'connected' }
  | { readonly type: 'fact'; readonly fact: Fact }
  | { readonly type: 'state'; readonly state: StateEvent }
  | { readonly type: 'sync_wanted'; readonly gap: boolean }
  | { readonly type: 'notice'; readonly level: string; readonly text: string }
  | { readonly type: 'other' };

/** @throws ClientError `protocol`. */
export function parseLiveMessage(text: string): LiveMessage {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new ClientError('protocol', 'the hub sent a message that is no JSON', { cause: error });
  }
  const message = new Shape(value, 'message');
  switch (message.text('type')) {
    case 'connected':
      return { type: 'connected' };
    case 'entity_change':
      return { type: 'fact', fact: toEntityFact(message) };
    case 'relationship_change':
      return { type: 'fact', fact: toRelationshipFact(message) };
    case 'state_change':
      return {
        type: 'state',
        state: {
          entityId: message.text('entity_id'),
          capability: message.text('capability'),
          value: message.value('value'),
          timestamp: message.text('timestamp'),
        },
      };
    case 'resync_required':
      return { type: 'sync_wanted', gap: true };
    case 'sync_requested':
      return { type: 'sync_wanted', gap: false };
    case 'notice':
      return { type: 'notice', level: message.text('level'), text: message.text('message') };
    case 'error':
      return {
        type: 'notice',
        level: 'error',
        text: `${message.text('code')}: ${message.text('message')}`,
      };
    default:
      return { type: 'other' };
  }
}

function toEntityFact(message: Shape): Fact {
  const data = new Shape(message.value('data'), 'data');
  const deleted = data.textOrNull('deleted_at') !== null;
  return {
    cursor: message.text('cursor'),
    row: {
      kind: 'entity',
      id: message.text('entity_id'),
      version: message.text('version'),
      entityType: message.text('entity_type'),
      content: deleted ? {} : data.objectOrEmpty('content'),
      parentVersions: data.texts('parent_versions'),
      deleted,
      timestamp: data.text('last_modified'),
      userId: data.textOrNull('user_id'),
      deviceId: null,
    },
  };
}

function toRelationshipFact(message: Shape): Fact {
  const data = new Shape(message.value('data'), 'data');
  const validFrom = data.text('valid_from');
  const validTo = data.textOrNull('valid_to');
  return {
    cursor: message.text('cursor'),
    row: {
      kind: 'relationship',
      id: message.text('relationship_id'),
      version: message.text('version'),
      fromEntityId: data.text('from_entity_id'),
      toEntityId: data.text('to_entity_id'),
      relationshipType: data.text('relationship_type'),
      properties: data.objectOrEmpty('properties'),
      parentVersions: data.texts('parent_versions'),
      validFrom,
      validTo,
      timestamp: validTo ?? validFrom,
      userId: data.textOrNull('user_id'),
      deviceId: null,
    },
  };
}
