import type { Entity, EntityWireChange, JsonObject, Relationship, RelationshipWireChange } from './types.ts';

import { ClientError } from './errors.ts';
import { isJsonObject } from './shape.ts';

const ID = /^[A-Za-z0-9._:~-]{1,128}$/;
/** The hub refuses more (PROTOCOL.md section 1). */
const MAX_CONTENT_BYTES = 256 * 1024;

/** What every edit is stamped with. */
export interface Stamp {
  readonly version: string;
  /** RFC 3339. */
  readonly time: string;
  readonly deviceId: string;
  readonly userId: string | null;
}

export interface NewEntity {
  /** room, device, note, …; the hub knows which there are. */
  readonly entityType: string;
  /** A device needs a `name`. At most 256 KiB as JSON. */
  readonly content: JsonObject;
  /** 1 to 128 of `[A-Za-z0-9._:~-]`; by default a new UUID. */
  readonly id?: string;
}

export interface NewRelationship {
  readonly fromEntityId: string;
  readonly toEntityId: string;
  /** located_in, part_of, controls, … */
  readonly relationshipType: string;
  readonly properties?: JsonObject;
  /** 1 to 128 of `[A-Za-z0-9._:~-]`; by default a new UUID. */
  readonly id?: string;
  /** RFC 3339; by default now. */
  readonly validFrom?: string;
}

/** What is to change; what is left out stays. */
export interface RelationshipPatch {
  readonly toEntityId?: string;
  /** Keys present replace; null is a value. */
  readonly properties?: JsonObject;
}

/** An edit, ready to be queued. */
export interface Edit<R, C> {
  readonly row: R;
  readonly change: C;
}

/** @throws ClientError `invalid` when the hub would find it malformed. */
export function createEntity(created: NewEntity, id: string, stamp: Stamp): Edit<Entity, EntityWireChange> {
  checkId(id, 'id');
  const entityType = created.entityType.toLowerCase();
  if (entityType === '') throw new ClientError('invalid', 'entityType must not be empty');
  const content = plainJson(created.content, 'content');
  return entityEdit('create', { id, entityType, parents: [] }, content, content, stamp);
}

/** Keys present in `patch` replace those of the entity; null is a value. Brings a deleted entity back. */
export function updateEntity(
  entity: Entity,
  patch: JsonObject,
  stamp: Stamp,
): Edit<Entity, EntityWireChange> {
  const content = plainJson(patch, 'content');
  const whole = plainJson({ ...entity.content, ...content }, 'content');
  return entityEdit('update', { ...entity, parents: [entity.version] }, content, whole, stamp);
}

export function deleteEntity(entity: Entity, stamp: Stamp): Edit<Entity, EntityWireChange> {
  return entityEdit('delete', { ...entity, parents: [entity.version] }, null, {}, stamp);
}

function entityEdit(
  changeType: EntityWireChange['change_type'],
  about: { id: string; entityType: string; parents: readonly string[] },
  sent: JsonObject | null,
  content: JsonObject,
  stamp: Stamp,
): Edit<Entity, EntityWireChange> {
  return {
    row: {
      kind: 'entity',
      id: about.id,
      version: stamp.version,
      entityType: about.entityType,
      content,
      parentVersions: about.parents,
      deleted: changeType === 'delete',
      timestamp: stamp.time,
      userId: stamp.userId,
      deviceId: stamp.deviceId,
    },
    change: {
      change_type: changeType,
      entity_id: about.id,
      entity_version: stamp.version,
      entity_type: about.entityType,
      content: sent,
      timestamp: stamp.time,
      parent_versions: about.parents,
      device_id: stamp.deviceId,
    },
  };
}

/** @throws ClientError `invalid` when the hub would find it malformed. */
export function createRelationship(
  created: NewRelationship,
  id: string,
  stamp: Stamp,
): Edit<Relationship, RelationshipWireChange> {
  checkId(id, 'id');
  checkId(created.fromEntityId, 'fromEntityId');
  checkId(created.toEntityId, 'toEntityId');
  if (created.fromEntityId === created.toEntityId) {
    throw new ClientError('invalid', 'an entity cannot have a relationship with itself');
  }
  if (created.relationshipType === '') throw new ClientError('invalid', 'relationshipType must not be empty');
  const properties = plainJson(created.properties ?? {}, 'properties');
  return relationshipEdit(
    'create',
    {
      kind: 'relationship',
      id,
      version: stamp.version,
      fromEntityId: created.fromEntityId,
      toEntityId: created.toEntityId,
      relationshipType: created.relationshipType.toLowerCase(),
      properties,
      parentVersions: [],
      validFrom: created.validFrom ?? stamp.time,
      validTo: null,
      timestamp: stamp.time,
      userId: stamp.userId,
      deviceId: stamp.deviceId,
    },
    properties,
  );
}

/** @throws ClientError `invalid` when the relationship has ended. */
export function changeRelationship(
  relationship: Relationship,
  patch: RelationshipPatch,
  stamp: Stamp,
): Edit<Relationship, RelationshipWireChange> {
  if (relationship.validTo !== null) {
    throw new ClientError('invalid', `the relationship ${relationship.id} has ended; create a new one`);
  }
  const toEntityId = patch.toEntityId ?? relationship.toEntityId;
  checkId(toEntityId, 'toEntityId');
  if (toEntityId === relationship.fromEntityId) {
    throw new ClientError('invalid', 'an entity cannot have a relationship with itself');
  }
  const sent = plainJson(patch.properties ?? {}, 'properties');
  const properties = plainJson({ ...relationship.properties, ...sent }, 'properties');
  return relationshipEdit('update', nextRow(relationship, stamp, { toEntityId, properties }), sent);
}

/** @throws ClientError `invalid` when it has ended already. */
export function endRelationship(
  relationship: Relationship,
  stamp: Stamp,
): Edit<Relationship, RelationshipWireChange> {
  if (relationship.validTo !== null) {
    throw new ClientError('invalid', `the relationship ${relationship.id} has ended already`);
  }
  return relationshipEdit('delete', nextRow(relationship, stamp, { validTo: stamp.time }), {});
}

function nextRow(before: Relationship, stamp: Stamp, changed: Partial<Relationship>): Relationship {
  return {
    ...before,
    ...changed,
    version: stamp.version,
    parentVersions: [before.version],
    timestamp: stamp.time,
    userId: stamp.userId,
    deviceId: stamp.deviceId,
  };
}

function relationshipEdit(
  changeType: RelationshipWireChange['change_type'],
  row: Relationship,
  properties: JsonObject,
): Edit<Relationship, RelationshipWireChange> {
  return {
    row,
    change: {
      change_type: changeType,
      relationship_id: row.id,
      relationship_version: row.version,
      from_entity_id: row.fromEntityId,
      to_entity_id: row.toEntityId,
      relationship_type: row.relationshipType,
      properties,
      valid_from: row.validFrom,
      valid_to: row.validTo,
      timestamp: row.timestamp,
      parent_versions: row.parentVersions,
      device_id: row.deviceId ?? '',
    },
  };
}

function checkId(id: string, name: string): void {
  if (!ID.test(id)) {
    throw new ClientError('invalid', `${name} must be 1 to 128 characters of A-Z a-z 0-9 . _ : ~ -`);
  }
}

/** A copy as it will go over the wire, so that what the app does with its object afterwards changes nothing here. */
function plainJson(value: JsonObject, name: string): JsonObject {
  const text = JSON.stringify(value) as string | undefined;
  const copy: unknown = text === undefined ? undefined : JSON.parse(text);
  if (text === undefined || !isJsonObject(copy)) {
    throw new ClientError('invalid', `${name} must be a JSON object`);
  }
  if (new TextEncoder().encode(text).length > MAX_CONTENT_BYTES) {
    throw new ClientError('invalid', `${name} is larger than ${MAX_CONTENT_BYTES / 1024} KiB`);
  }
  return copy;
}
