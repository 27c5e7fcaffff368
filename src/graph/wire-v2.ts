import type { EntityVersion, RelationshipVersion } from './types.ts';

import { isJsonObject } from '../base/json.ts';
import { microsToVersionTime } from '../base/ids.ts';
import { parseContent } from './wire.ts';

/** What v2 clients have another word for (PROTOCOL.md section 4). */
const ENTITY_TYPES_V2: ReadonlyMap<string, string> = new Map([['accessory', 'device']]);
const SOURCE_TYPES_V2: ReadonlyMap<string, string> = new Map([
  ['mqtt', 'imported'],
  ['google_home', 'imported'],
  ['alexa', 'imported'],
]);
/** What v2 clients have no word for: they would skip it, and say so to their user each time. */
const UNSAID_ENTITY_TYPES: ReadonlySet<string> = new Set(['service', 'photo']);
const UNSAID_RELATIONSHIP_TYPES: ReadonlySet<string> = new Set(['has_photo']);

/** Whether v2 clients are told of entities of this stored type. One that they made up themselves comes back to them. */
export function isV2EntityType(storedType: string): boolean {
  return !UNSAID_ENTITY_TYPES.has(storedType);
}

/** Whether v2 clients are told of edges of this type; an edge to an entity that they are not told of goes with that. */
export function isV2RelationshipType(storedType: string): boolean {
  return !UNSAID_RELATIONSHIP_TYPES.has(storedType);
}

/** The stored entity type in the words of v2. */
export function toV2EntityType(storedType: string): string {
  return ENTITY_TYPES_V2.get(storedType) ?? storedType;
}

/** The stored types that v2 clients know by this one. */
export function toStoredEntityTypes(v2Type: string): string[] {
  const others = [...ENTITY_TYPES_V2].filter(([, said]) => said === v2Type);
  return [v2Type, ...others.map(([stored]) => stored)];
}

/** The stored source type in the words of v2. */
export function toV2SourceType(storedType: string): string {
  return SOURCE_TYPES_V2.get(storedType) ?? storedType;
}

/** us since the Unix epoch as v2 writes times: `2026-01-01T00:00:00.000000+00:00`. */
export function toV2Time(micros: number): string {
  return microsToVersionTime(micros);
}

/**
 * The name in a stored content; '' where it has none. In v2 the name of an entity is `content.name`. Half a character,
 * which strict clients refuse together with the whole answer, comes out as U+FFFD.
 */
export function nameInContent(contentJson: string | null): string {
  if (contentJson === null) return '';
  // Most contents begin with the name; a large one need not be parsed for it then. Stored keys are unique.
  const first = /^\{"name":("(?:[^"\\]|\\.){0,400}")[,}]/.exec(contentJson)?.[1];
  const name: unknown = first === undefined ? parsedName(contentJson) : JSON.parse(first);
  return typeof name === 'string' ? name.toWellFormed() : '';
}

/**
 * The entity as v2 clients know it; the stored content is spliced in as it is. A tombstone goes out with the content
 * that the entity had before (`lastContentJson`, if the caller has it) and `deleted: true`.
 */
export function entityJsonV2(entity: EntityVersion, lastContentJson: string | null = null): string {
  const contentJson = entity.contentJson ?? lastContentJson;
  const head = JSON.stringify({
    id: entity.id,
    version: entity.version,
    entity_type: toV2EntityType(entity.entityType),
    name: nameInContent(contentJson),
    source_type: toV2SourceType(entity.sourceType),
    user_id: entity.userId,
    parent_versions: entity.parentVersions,
    created_at: toV2Time(entity.createdAtMs * 1000),
    updated_at: toV2Time(entity.storedMicros),
  });
  const content =
    entity.contentJson ??
    JSON.stringify({ ...parseContent({ ...entity, contentJson: lastContentJson }), deleted: true });
  return `${head.slice(0, -1)},"content":${content}}`;
}

/** The edge as v2 clients know it: v2 pins versions of its ends, for which the hub gives the current ones. */
export function relationshipJsonV2(
  edge: RelationshipVersion,
  endVersions: { readonly from: string; readonly to: string },
): string {
  const head = JSON.stringify({
    id: edge.id,
    from_entity_id: edge.fromEntityId,
    from_entity_version: endVersions.from,
    to_entity_id: edge.toEntityId,
    to_entity_version: endVersions.to,
    relationship_type: edge.relationshipType,
    user_id: edge.userId,
    created_at: toV2Time(edge.createdMicros),
    updated_at: toV2Time(edge.storedMicros),
  });
  return `${head.slice(0, -1)},"properties":${edge.propertiesJson}}`;
}

function parsedName(contentJson: string): unknown {
  const content: unknown = JSON.parse(contentJson);
  return isJsonObject(content) ? content['name'] : undefined;
}
