import * as z from 'zod';

import type { EntityVersion, RelationshipVersion } from '../graph/types.ts';
import type { SearchHit } from './home-reads.ts';
import type { JsonParts } from './json-text.ts';
import type { Tool } from './types.ts';

import { toV2EntityType } from '../graph/graph.ts';
import { nameOf } from './home-reads.ts';
import { JsonText } from './json-text.ts';
import { reference } from './places.ts';
import { tool } from './tool.ts';
import {
  CHANGES_HINT,
  countArgument,
  entityTypeWord,
  idArgument,
  jsonObjectArgument,
  numberArgument,
  relationshipTypeWord,
  saysChanges,
} from './vocabulary.ts';

const MAX_FOUND = 100;
const MAX_PATH = 20;
/** Enough to recognise a content by. */
const PREVIEW_UNITS = 200;

const ENTITY = { entity_id: idArgument.describe('The id of an entity') };

/** Tools about entities and relationships of any kind. */
export const ENTITY_TOOLS: readonly Tool[] = [
  tool({
    name: 'search_entities',
    description: 'Finds entities by words in their names and contents',
    args: {
      query: z.string().max(16_000).describe('Words that must all be there, the last one as a beginning'),
      entity_types: z.array(entityTypeWord).optional().describe('Only these types'),
      limit: countArgument(1, MAX_FOUND, 10),
    },
    run: async ({ reads }, { query, entity_types: types, limit }) => {
      const hits = await reads.search(query, types, limit);
      return { query, results: hits.map(hitJson), count: hits.length };
    },
  }),
  tool({
    name: 'create_entity',
    description: 'Makes an entity',
    mutates: true,
    args: {
      entity_type: entityTypeWord,
      name: z.string().min(1),
      content: jsonObjectArgument.optional(),
    },
    run: async ({ reads, edits, author }, { entity_type: entityType, name, content }) => {
      const made = await edits.create({
        entityType,
        name,
        content: content ?? {},
        sourceType: 'manual',
        author,
      });
      return { entity: reads.toJson(made.stored), created: true, warning: made.warning };
    },
  }),
  tool({
    name: 'create_relationship',
    description:
      'Joins two entities; where they are joined so already, properties that are given replace those there',
    mutates: true,
    args: {
      from_entity_id: idArgument,
      to_entity_id: idArgument,
      relationship_type: relationshipTypeWord,
      properties: jsonObjectArgument.optional(),
    },
    run: async ({ edits, author }, args) => {
      const { stored, from, to, created, warning } = await edits.relate({
        fromEntityId: args.from_entity_id,
        toEntityId: args.to_entity_id,
        relationshipType: args.relationship_type,
        properties: args.properties,
        author,
      });
      const saysNothing = args.properties === undefined && stored.propertiesJson === '{}';
      return {
        relationship: {
          id: stored.id,
          from_entity: { id: from.id, name: nameOf(from) },
          to_entity: { id: to.id, name: nameOf(to) },
          type: stored.relationshipType,
          properties: saysNothing ? null : new JsonText(stored.propertiesJson),
        },
        created,
        warning,
      };
    },
  }),
  tool({
    name: 'find_path',
    description: 'Finds a shortest way between two entities along relationships',
    args: {
      from_entity_id: idArgument,
      to_entity_id: idArgument,
      max_depth: countArgument(1, MAX_PATH, 10),
    },
    run: async ({ reads }, { from_entity_id: from, to_entity_id: to, max_depth: maxDepth }) =>
      pathJson(from, to, await reads.path(from, to, maxDepth)),
  }),
  tool({
    name: 'get_entity_details',
    description: 'Tells everything about an entity: its content, its relationships, its history in numbers',
    args: {
      ...ENTITY,
      include_relationships: z.boolean().default(true),
      include_connected: z.boolean().default(false),
    },
    run: async ({ reads }, { entity_id: id, include_connected: includeConnected }) => {
      const entity = reads.entity(id);
      const connected = includeConnected
        ? await reads.connected(id, { direction: 'both', maxDepth: 1 })
        : undefined;
      return {
        entity: reads.toJson(entity),
        relationships: {
          outgoing: (await reads.edges(id, 'from')).map((edge) => ({
            to: edge.toEntityId,
            ...edgeBrief(edge),
          })),
          incoming: (await reads.edges(id, 'to')).map((edge) => ({
            from: edge.fromEntityId,
            ...edgeBrief(edge),
          })),
        },
        version_count: reads.graph.overview.versionCount(id),
        current_version: entity.version,
        connected_entities: connected?.items.map((neighbour) => ({
          entity: reads.toJson(neighbour.entity),
          relationship_type: neighbour.relationship.relationshipType,
          direction: neighbour.direction,
        })),
        truncated: connected?.truncated ? true : undefined,
      };
    },
  }),
  tool({
    name: 'find_similar_entities',
    description: 'Finds entities of the same type that share words and keys with one, the most alike first',
    args: {
      ...ENTITY,
      threshold: numberArgument(z.number().min(0).max(1).default(0.7)).describe(
        'How alike they must be at least; 1 is the same',
      ),
      limit: countArgument(1, MAX_FOUND, 10),
    },
    run: async ({ reads }, { entity_id: id, threshold, limit }) => {
      const similar = await reads.similar(id, threshold, limit);
      return {
        reference_entity_id: id,
        similar_entities: similar.map(({ entity, score }) => found(entity, score)),
        count: similar.length,
      };
    },
  }),
  tool({
    name: 'update_entity',
    description: 'Changes the name or some keys of the content of an entity, as a new version',
    mutates: true,
    args: {
      ...ENTITY,
      changes: z
        .object({ name: z.string().min(1).nullish(), content: jsonObjectArgument.nullish() })
        .refine(saysChanges, CHANGES_HINT)
        .describe('Keys of content replace those that are there; the others stay'),
    },
    run: async ({ edits, author }, { entity_id: id, changes }) => {
      const { name, content } = changes;
      const made = await edits.update(id, { name: name ?? undefined, content: content ?? undefined }, author);
      const applied = {
        name: name ?? undefined,
        content: content ? new JsonText(JSON.stringify(content)) : undefined,
      };
      return {
        entity_id: id,
        new_version: made.stored.version,
        changes_applied: made.changed ? applied : {},
        parent_versions: made.stored.parentVersions,
        warning: made.warning,
      };
    },
  }),
];

/** A path as tools and the REST API tell it. */
export function pathJson(from: string, to: string, path: readonly EntityVersion[] | undefined): JsonParts {
  return {
    from,
    to,
    path: (path ?? []).map(reference),
    length: path ? path.length - 1 : 0,
    found: path !== undefined,
  };
}

/** What was found, in the words around it. */
export function snippets(hit: SearchHit): { name: string[]; content: string[] } {
  const all = hit.highlights.map(({ field, fragments }) => ({
    inName: field === 'content.name',
    text: fragments.map(({ text }) => text).join(''),
  }));
  return {
    name: all.filter(({ inName }) => inName).map(({ text }) => text),
    content: all.filter(({ inName }) => !inName).map(({ text }) => text),
  };
}

function hitJson(hit: SearchHit): JsonParts {
  return found(hit.entity, hit.score, snippets(hit));
}

function found(
  entity: EntityVersion,
  score: number,
  highlights: { name: string[]; content: string[] } = { name: [], content: [] },
): JsonParts {
  return {
    id: entity.id,
    version: entity.version,
    entity_type: toV2EntityType(entity.entityType),
    name: nameOf(entity),
    score,
    highlights,
    content_preview: (entity.contentJson ?? '').slice(0, PREVIEW_UNITS).toWellFormed(),
  };
}

function edgeBrief(edge: RelationshipVersion): { type: string; properties: JsonText } {
  return { type: edge.relationshipType, properties: new JsonText(edge.propertiesJson) };
}
