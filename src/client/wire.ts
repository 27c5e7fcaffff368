import type {
  Entity,
  EntityWireChange,
  Meta,
  PendingChange,
  Relationship,
  RelationshipWireChange,
  Row,
} from './types.ts';

import { ClientError } from './errors.ts';
import { Shape } from './shape.ts';

export const PROTOCOL = 'inbetweenies-v1.1';

/** Encodings of the answer that a client may ask for in the body. */
export type Compression = 'gzip' | 'zstd' | 'br';

/** A change that lost against another edit. */
export interface AnsweredConflict {
  readonly conflictId: string;
  readonly entityId: string;
  readonly conflictType: string;
  /** The client's version that lost. */
  readonly remoteVersion: string | null;
}

/** A change that the hub does not take. */
export interface AnsweredRejection {
  readonly id: string;
  readonly version: string;
  readonly code: string;
  readonly message: string;
}

/** The hub's answer to one sync request. */
export interface SyncAnswer {
  readonly rows: readonly Row[];
  readonly vectorClock: Readonly<Record<string, string>>;
  readonly applied: ReadonlySet<string>;
  readonly appliedRelationships: ReadonlySet<string>;
  readonly conflicts: readonly AnsweredConflict[];
  readonly rejected: readonly AnsweredRejection[];
  readonly rejectedRelationships: readonly AnsweredRejection[];
  readonly hasMore: boolean;
  readonly resync: boolean;
  /** Null where the hub did not compute one. */
  readonly digest: string | null;
}

/** The body of a sync request. */
export function syncBody(
  meta: Meta,
  userId: string,
  sent: readonly PendingChange[],
  compression: Compression | null,
): object {
  const changes: object[] = [];
  const relationshipChanges: object[] = [];
  for (const { kind, change } of sent) {
    (kind === 'entity' ? changes : relationshipChanges).push({ ...change, user_id: userId });
  }
  return {
    protocol_version: PROTOCOL,
    device_id: meta.deviceId,
    user_id: userId,
    vector_clock: meta.vectorClock,
    changes,
    relationship_changes: relationshipChanges,
    compression,
  };
}

/** @throws ClientError `protocol`: a row that is not understood must not be skipped in silence. */
export function parseAnswer(body: unknown): SyncAnswer {
  const answer = new Shape(body, 'answer');
  const clock = Object.entries(answer.objectOrEmpty('vector_clock')).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string',
  );
  const vectorClock = Object.fromEntries(clock);
  if (parseCursor(vectorClock['server']) === undefined) {
    throw new ClientError('protocol', 'the hub answered without a cursor');
  }
  return {
    rows: [
      ...answer.list('changes').map((change) => toEntity(change)),
      ...answer.listOrEmpty('relationship_changes').map((change) => toRelationship(change)),
    ],
    vectorClock,
    applied: new Set(answer.texts('applied')),
    appliedRelationships: new Set(answer.texts('applied_relationships')),
    conflicts: answer.listOrEmpty('conflicts').map((conflict) => toConflict(conflict)),
    rejected: answer.listOrEmpty('rejected').map((told) => toRejection(told, 'entity')),
    rejectedRelationships: answer
      .listOrEmpty('rejected_relationships')
      .map((told) => toRejection(told, 'relationship')),
    hasMore: answer.flag('has_more'),
    resync: answer.flag('resync'),
    digest: answer.textOrNull('digest'),
  };
}

/** The place in the hub's sequence that a cursor names; undefined when it is none. */
export function parseCursor(cursor: string | undefined): { epoch: string; seq: number } | undefined {
  const match = /-([0-9a-f]+)-[0-9a-f]+-(\d+)$/.exec(cursor ?? '');
  return match ? { epoch: String(match[1]), seq: Number(match[2]) } : undefined;
}

function toEntity(value: unknown): Entity {
  const change = new Shape(value, 'change');
  const deleted = change.text('change_type') === 'delete';
  return {
    kind: 'entity',
    id: change.text('entity_id'),
    version: change.text('entity_version'),
    entityType: change.text('entity_type'),
    content: deleted ? {} : change.objectOrEmpty('content'),
    parentVersions: change.texts('parent_versions'),
    deleted,
    timestamp: change.text('timestamp'),
    userId: change.textOrNull('user_id'),
    deviceId: change.textOrNull('device_id'),
  };
}

function toRelationship(value: unknown): Relationship {
  const change = new Shape(value, 'relationship_change');
  return {
    kind: 'relationship',
    id: change.text('relationship_id'),
    version: change.text('relationship_version'),
    fromEntityId: change.text('from_entity_id'),
    toEntityId: change.text('to_entity_id'),
    relationshipType: change.text('relationship_type'),
    properties: change.objectOrEmpty('properties'),
    parentVersions: change.texts('parent_versions'),
    validFrom: change.text('valid_from'),
    validTo: change.textOrNull('valid_to'),
    timestamp: change.text('timestamp'),
    userId: change.textOrNull('user_id'),
    deviceId: change.textOrNull('device_id'),
  };
}

function toConflict(value: unknown): AnsweredConflict {
  const conflict = new Shape(value, 'conflict');
  return {
    conflictId: conflict.text('conflict_id'),
    entityId: conflict.text('entity_id'),
    conflictType: conflict.text('conflict_type'),
    remoteVersion: conflict.textOrNull('remote_version'),
  };
}

function toRejection(value: unknown, kind: 'entity' | 'relationship'): AnsweredRejection {
  const rejection = new Shape(value, 'rejected');
  return {
    id: rejection.text(`${kind}_id`),
    version: rejection.text(`${kind}_version`),
    code: rejection.text('code'),
    message: rejection.text('message'),
  };
}

/** A version that the hub lost, as a change that brings it back to a hub that has `base`, null = nothing, instead. */
export function repairChange(row: Row, base: Row | null): EntityWireChange | RelationshipWireChange {
  const shared = {
    timestamp: row.timestamp,
    parent_versions: row.parentVersions,
    device_id: row.deviceId ?? 'unknown',
  };
  if (row.kind === 'entity') {
    return {
      ...shared,
      // Never an update, which is a patch: keys that this version does not have any more would stay at the hub.
      change_type: row.deleted ? 'delete' : 'create',
      entity_id: row.id,
      entity_version: row.version,
      entity_type: row.entityType,
      content: row.deleted ? null : row.content,
    };
  }
  // An edge that the hub knows by another version is refused as a create.
  const known = row.validTo === null ? 'update' : 'delete';
  return {
    ...shared,
    change_type: base === null ? 'create' : known,
    relationship_id: row.id,
    relationship_version: row.version,
    from_entity_id: row.fromEntityId,
    to_entity_id: row.toEntityId,
    relationship_type: row.relationshipType,
    properties: row.properties,
    valid_from: row.validFrom,
    valid_to: row.validTo,
  };
}
