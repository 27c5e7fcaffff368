import type { Content, EntityVersion, RelationshipVersion } from './types.ts';

import { toIso } from '../base/clock.ts';
import { isJsonObject } from '../base/json.ts';

/** The content of a version as an object; `{}` for a tombstone. */
export function parseContent(entity: EntityVersion): Content {
  if (entity.contentJson === null) return {};
  const content: unknown = JSON.parse(entity.contentJson);
  return isJsonObject(content) ? content : {};
}

/** The entity as it goes over the wire (the seed's HomeEntity); the stored content is spliced in as it is. */
export function homeEntityJson(entity: EntityVersion): string {
  const modified = toIso(entity.modifiedAtMs);
  const head = JSON.stringify({
    id: entity.id,
    version: entity.version,
    entity_type: entity.entityType,
    parent_versions: entity.parentVersions,
    user_id: entity.userId,
    source_type: entity.sourceType,
    created_at: toIso(entity.createdAtMs),
    last_modified: modified,
    deleted_at: entity.contentJson === null ? modified : null,
  });
  return `${head.slice(0, -1)},"content":${entity.contentJson ?? '{}'}}`;
}

/**
 * The edge as it goes over the wire (the seed's EntityRelationship with its interval); with `stretch`, as what it said
 * over that stretch of time.
 */
export function relationshipJson(
  edge: RelationshipVersion,
  stretch: { readonly fromMicros: number; readonly toMicros: number | null } = {
    fromMicros: edge.validFromMicros,
    toMicros: edge.validToMicros,
  },
): string {
  const head = JSON.stringify({
    id: edge.id,
    version: edge.version,
    parent_versions: edge.parentVersions,
    from_entity_id: edge.fromEntityId,
    to_entity_id: edge.toEntityId,
    relationship_type: edge.relationshipType,
    user_id: edge.userId,
    created_at: toIso(edge.createdAtMs),
    valid_from: toIso(Math.floor(stretch.fromMicros / 1000)),
    valid_to: stretch.toMicros === null ? null : toIso(Math.floor(stretch.toMicros / 1000)),
  });
  return `${head.slice(0, -1)},"properties":${edge.propertiesJson}}`;
}
