import * as z from 'zod';

import type { SearchHit } from '../../../graph/graph.ts';
import type { EntityVersion } from '../../../graph/types.ts';
import type { Route } from '../../route.ts';

import { HubError } from '../../../base/errors.ts';
import {
  CHANGES_HINT,
  pathJson,
  saysChanges,
  snippets,
  statisticsJson,
  toJsonText,
  type JsonParts,
  type Tools,
} from '../../../tools/tools.ts';
import { jsonText, type Reply } from '../../reply.ts';
import { route } from '../../route.ts';
import { authorOf } from '../author.ts';
import { ENTITY_PARAMS } from '../graph-reads.ts';
import {
  ANSWERS,
  connectedQuery,
  createBody,
  edgesQuery,
  listQuery,
  pathBody,
  readQuery,
  relateBody,
  searchBody,
  similarQuery,
  updateBody,
  versionsQuery,
} from './graph-schemas.ts';
import { INVALID_INPUT, offset } from './schemas.ts';

const DIRECTIONS = { outgoing: 'from', incoming: 'to', both: 'both' } as const;

/** As in the lists that say so already. */
const MORE = ANSWERS.edges.shape.truncated;

/** Some clients send null for what they leave to the hub. */
function orNull<T extends z.ZodType>(schema: T): z.ZodPreprocess<T> {
  return z.preprocess((given) => given ?? undefined, schema);
}

/** The graph over REST, as the clients of Inbetweenies v2 know it. */
export function graphV1Routes({ tools }: { tools: Tools }): Route[] {
  const { reads, edits } = tools;
  return [
    route({
      method: 'POST',
      path: '/api/v1/graph/entities',
      authority: 'graph:write',
      summary: 'Makes an entity (v2)',
      body: createBody,
      ...INVALID_INPUT,
      example: { entity_type: 'note', name: 'Paint', content: { text: 'RAL 9010' }, user_id: 'oook-cli' },
      answer: { status: 200, schema: ANSWERS.created },
      handle: async ({ body, principal }) => {
        const made = await edits.create({
          entityType: body.entity_type,
          name: body.name,
          content: body.content ?? {},
          sourceType: body.source_type,
          author: authorOf(principal),
        });
        return reply({ entity: reads.toJson(made.stored), warning: made.warning });
      },
    }),
    route({
      method: 'GET',
      path: '/api/v1/graph/entities',
      authority: 'home:read',
      summary: 'Entities that are not deleted (v2)',
      query: listQuery,
      ...INVALID_INPUT,
      answer: { status: 200, schema: ANSWERS.list },
      handle: ({ query: { entity_type: type, limit, offset } }) => {
        const { entities, total } = reads.list(type, limit, offset);
        return reply({ entities: entities.map((entity) => reads.toJson(entity)), total, limit, offset });
      },
    }),
    route({
      method: 'GET',
      path: '/api/v1/graph/entities/{id}',
      authority: 'home:read',
      summary: 'One entity, or one of its versions, and its relationships (v2)',
      params: ENTITY_PARAMS,
      query: readQuery,
      ...INVALID_INPUT,
      answer: { status: 200, schema: ANSWERS.read },
      handle: async (call) => {
        const id = call.param('id');
        const { version, include_relationships: withEdges } = call.query;
        const { graph } = reads;
        const entity = version === undefined ? graph.entity(id) : graph.version(id, version);
        if (!entity) throw noEntity();
        const print = reads.edgePrinter();
        const relationships = withEdges
          ? {
              outgoing: await reads.relationships({ fromId: id }, Infinity, print),
              incoming: await reads.relationships({ toId: id }, Infinity, print),
            }
          : undefined;
        return reply({ entity: reads.toJson(entity), relationships });
      },
    }),
    route({
      method: 'PUT',
      path: '/api/v1/graph/entities/{id}',
      authority: 'graph:write',
      summary: 'Changes the name or some keys of the content (v2)',
      params: ENTITY_PARAMS,
      body: updateBody.refine(saysChanges, CHANGES_HINT),
      ...INVALID_INPUT,
      example: { content: { watts: 8 }, user_id: 'oook-cli' },
      answer: { status: 200, schema: ANSWERS.updated },
      handle: async (call) => {
        const { name, content } = call.body;
        const id = existing(call.param('id'));
        const made = await edits.update(
          id,
          { name: name ?? undefined, content: content ?? undefined },
          authorOf(call.principal),
        );
        return reply({
          entity: reads.toJson(made.stored),
          previous_version: made.previousVersion,
          warning: made.warning,
        });
      },
    }),
    route({
      method: 'GET',
      path: '/api/v1/graph/entities/{id}/versions',
      authority: 'home:read',
      summary: 'The versions of an entity, oldest first (v2)',
      params: ENTITY_PARAMS,
      query: versionsQuery.extend({ offset }),
      ...INVALID_INPUT,
      answer: { status: 200, schema: ANSWERS.versions },
      handle: async (call) => {
        const id = call.param('id');
        const { limit, offset: skipped } = call.query;
        if (!reads.graph.overview.brief(id)) throw noEntity();
        const page = { newestFirst: false, limit, offset: skipped };
        const { versions, total } = await reads.versions(id, page, (version) => reads.toJson(version));
        return reply({
          entity_id: id,
          versions,
          count: versions.length,
          truncated: skipped + versions.length < total ? true : undefined,
        });
      },
    }),
    route({
      method: 'GET',
      path: '/api/v1/graph/entities/{id}/connected',
      authority: 'home:read',
      summary: 'What an entity is joined to, nearest first (v2)',
      params: ENTITY_PARAMS,
      query: connectedQuery,
      ...INVALID_INPUT,
      answer: { status: 200, schema: ANSWERS.connected.extend({ truncated: MORE }) },
      handle: async (call) => {
        const id = existing(call.param('id'));
        const { relationship_type: relationshipType, direction, max_depth: maxDepth } = call.query;
        const { items, truncated } = await reads.connected(id, {
          direction: DIRECTIONS[direction],
          maxDepth,
          relationshipType,
        });
        return reply({
          entity_id: id,
          connected: items.map((neighbour) => ({
            entity: reads.toJson(neighbour.entity),
            relationship_type: neighbour.relationship.relationshipType,
            direction: neighbour.direction,
            distance: neighbour.distance,
          })),
          count: items.length,
          truncated: truncated ? true : undefined,
        });
      },
    }),
    route({
      method: 'GET',
      path: '/api/v1/graph/entities/{id}/similar',
      authority: 'home:read',
      summary: 'Entities of the same type that share words and keys with one, the most alike first (v2)',
      params: ENTITY_PARAMS,
      query: similarQuery,
      ...INVALID_INPUT,
      answer: { status: 200, schema: ANSWERS.similar },
      handle: async (call) => {
        const id = existing(call.param('id'));
        const similar = await reads.similar(id, call.query.threshold, call.query.limit);
        return reply({
          reference_entity_id: id,
          similar_entities: similar.map(({ entity, score }) => found(entity, score)),
          count: similar.length,
        });
      },
    }),
    route({
      method: 'POST',
      path: '/api/v1/graph/relationships',
      authority: 'graph:write',
      summary: 'Joins two entities (v2)',
      body: relateBody,
      ...INVALID_INPUT,
      example: { source_id: 'lamp', target_id: 'cellar', relationship_type: 'located_in', user_id: 'me' },
      answer: {
        status: 200,
        schema: ANSWERS.related.extend({
          created: z.boolean().describe('False where they were joined so already'),
        }),
      },
      handle: async ({ body, principal }) => {
        const ends = [body.source_id, body.target_id];
        if (!ends.every((id) => reads.graph.entity(id))) {
          throw new HubError('not_found', 'One or both entities not found');
        }
        const { stored, created, warning } = await edits.relate({
          fromEntityId: body.source_id,
          toEntityId: body.target_id,
          relationshipType: body.relationship_type,
          properties: body.properties ?? undefined,
          author: authorOf(principal),
        });
        return reply({ relationship: reads.edgeToJson(stored), created, warning });
      },
    }),
    route({
      method: 'GET',
      path: '/api/v1/graph/relationships',
      authority: 'home:read',
      summary: 'Relationships that hold now (v2)',
      query: edgesQuery,
      ...INVALID_INPUT,
      answer: { status: 200, schema: ANSWERS.edges },
      handle: async ({ query }) => {
        const { from_entity_id: fromId, to_entity_id: toId, relationship_type: type, limit } = query;
        const found = await reads.relationships({ fromId, toId, type }, limit + 1, reads.edgePrinter());
        const edges = found.slice(0, limit);
        return reply({
          relationships: edges,
          count: edges.length,
          truncated: found.length > limit ? true : undefined,
        });
      },
    }),
    route({
      method: 'POST',
      path: '/api/v1/graph/search',
      authority: 'home:read',
      summary: 'Entities that hold the words in their names or contents, best first (v2)',
      body: searchBody.extend({ limit: orNull(searchBody.shape.limit) }),
      ...INVALID_INPUT,
      example: { query: 'lamp', limit: 10 },
      answer: { status: 200, schema: ANSWERS.search },
      handle: async ({ body: { query, entity_types: types, limit } }) => {
        const hits = await reads.search(query, types ?? undefined, limit);
        return reply({
          query,
          results: hits.map((hit) => found(hit.entity, hit.score, hit)),
          count: hits.length,
        });
      },
    }),
    route({
      method: 'POST',
      path: '/api/v1/graph/path',
      authority: 'home:read',
      summary: 'A shortest way between two entities (v2)',
      body: pathBody.extend({ max_depth: orNull(pathBody.shape.max_depth) }),
      ...INVALID_INPUT,
      example: { from_entity_id: 'lamp', to_entity_id: 'kitchen' },
      answer: { status: 200, schema: ANSWERS.path },
      handle: async ({ body: { from_entity_id: from, to_entity_id: to, max_depth: maxDepth } }) =>
        reply(pathJson(from, to, await reads.path(from, to, maxDepth))),
    }),
    route({
      method: 'GET',
      path: '/api/v1/graph/statistics',
      authority: 'home:read',
      summary: 'Entities and relationships by type, in numbers (v2)',
      answer: { status: 200, schema: ANSWERS.statistics },
      handle: () => reply(statisticsJson(reads)),
    }),
  ];

  /** @throws HubError `not_found` in the words of v2 unless there is such an entity. */
  function existing(id: string): string {
    if (!reads.graph.entity(id)) throw noEntity();
    return id;
  }

  function found(entity: EntityVersion, score: number, hit?: SearchHit): JsonParts {
    const { name, content } = hit ? snippets(hit) : { name: [], content: [] };
    const fields = [...(name.length > 0 ? ['name'] : []), ...(content.length > 0 ? ['content'] : [])];
    return {
      entity: reads.toJson(entity),
      score,
      highlights: [...name, ...content],
      matched_fields: fields,
    };
  }
}

function reply(value: JsonParts): Reply {
  return jsonText(toJsonText(value));
}

function noEntity(): HubError {
  return new HubError('not_found', 'Entity not found');
}
