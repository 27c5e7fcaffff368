import * as z from 'zod';

import type { GraphWriter, Visible } from '../../graph/graph.ts';
import type { RelationshipVersion } from '../../graph/types.ts';
import type { Reply } from '../reply.ts';
import type { Route } from '../route.ts';
import type { HttpOptions } from '../types.ts';

import { HubError } from '../../base/errors.ts';
import { isJsonObject, jsonEqual, type JsonObject } from '../../base/json.ts';
import { checkId, endpointWarning, relationshipJson, toRelationshipType } from '../../graph/graph.ts';
import { checkIfMatch, etagOf, isHeldByClient } from '../conditional.ts';
import { mergePatch } from '../merge-patch.ts';
import { pageQuery } from '../paging.ts';
import { empty, jsonText } from '../reply.ts';
import { route } from '../route.ts';
import {
  atQuery,
  entityId,
  jsonObject,
  pageSchema,
  relationshipSchema,
  storedRelationshipSchema,
} from '../schemas.ts';
import { authorOf } from './author.ts';
import { edgesQuery, edgesReply, momentOf, versionsReply } from './graph-reads.ts';
import { refusePast, visibleTo } from './scope.ts';

/** Properties say a word about an edge; what needs more room is an entity. */
const MAX_PROPERTIES_BYTES = 16 * 1024;

const PARAMS = { id: { description: 'The id of a relationship', example: 'lamp-in-kitchen' } } as const;

const fits = (value: JsonObject): boolean => Buffer.byteLength(JSON.stringify(value)) <= MAX_PROPERTIES_BYTES;
const properties = jsonObject.refine(fits, 'must be at most 16 KiB').meta({ type: 'object' });

const listQuery = edgesQuery.extend({
  entity_id: entityId.optional().describe('Only what has this entity at either end'),
  from_entity_id: entityId.optional(),
  to_entity_id: entityId.optional(),
});
const createBody = z.object({
  from_entity_id: entityId,
  to_entity_id: entityId,
  relationship_type: z.string().max(64),
  properties: properties.nullish(),
  id: z.string().nullish(),
});
const patchBody = z.object({
  from_entity_id: entityId.optional(),
  to_entity_id: entityId.optional(),
  relationship_type: z.string().max(64).optional(),
  properties: jsonObject.optional().describe('A JSON merge patch'),
});
const readQuery = z.strictObject(atQuery);

export function relationshipRoutes({ graph }: Pick<HttpOptions, 'graph'>): Route[] {
  const stored = (edge: RelationshipVersion, status: 200 | 201): Reply => {
    const from = graph.latest(edge.fromEntityId);
    const to = graph.latest(edge.toEntityId);
    const warning = from && to && endpointWarning(edge.relationshipType, from.entityType, to.entityType);
    const warnings = JSON.stringify(warning === undefined ? [] : [warning]);
    const location = `/api/relationships/${encodeURIComponent(edge.id)}`;
    return jsonText(`${relationshipJson(edge).slice(0, -1)},"warnings":${warnings}}`, {
      status,
      headers: { etag: etagOf(edge), ...(status === 201 ? { location } : {}) },
    });
  };
  return [
    route({
      method: 'GET',
      path: '/api/relationships',
      authority: 'home:read',
      scoped: true,
      summary:
        'Relationships: those of now, of a time, or (from, to) all of an entity over a stretch of time',
      query: listQuery,
      answer: { status: 200, schema: pageSchema(relationshipSchema) },
      handle: async ({ query, principal }) => {
        refusePast(principal, query);
        return await edgesReply(graph, { ...toEnds(query), query, visible: visibleTo(graph, principal) });
      },
    }),
    route({
      method: 'POST',
      path: '/api/relationships',
      authority: 'graph:write',
      summary: 'Makes a relationship that holds from now on',
      body: createBody,
      example: { from_entity_id: 'lamp', to_entity_id: 'kitchen', relationship_type: 'monitors' },
      answer: { status: 201, schema: storedRelationshipSchema },
      handle: async ({ body, principal }) => {
        const { id } = body;
        if (typeof id === 'string') checkId(id, 'id');
        const relationshipType = toRelationshipType(body.relationship_type);
        const edge = graph.transaction((writer) => {
          if (typeof id === 'string' && writer.relationship(id)) {
            throw new HubError('conflict', `a relationship with the id ${id} exists already`, {
              field: 'id',
            });
          }
          const put = writer.putRelationship({
            ...(typeof id === 'string' ? { id } : {}),
            fromEntityId: body.from_entity_id,
            toEntityId: body.to_entity_id,
            relationshipType,
            properties: body.properties ?? {},
            author: authorOf(principal),
          });
          const asked = typeof id === 'string' && id !== put.id;
          if (asked || !jsonEqual(propertiesOf(put), body.properties ?? {})) {
            throw new HubError(
              'conflict',
              `These two are joined so already, by ${put.id}; change that one, or end it first.`,
            );
          }
          return put;
        });
        await graph.settled();
        return stored(edge, 201);
      },
    }),
    route({
      method: 'GET',
      path: '/api/relationships/{id}',
      authority: 'home:read',
      scoped: true,
      summary: 'One relationship, ended or not; with `at`, as it held at a time',
      params: PARAMS,
      query: readQuery,
      answer: { status: 200, schema: relationshipSchema },
      handle: (call) => {
        refusePast(call.principal, call.query);
        const moment = momentOf(graph, call.query.at);
        const id = call.param('id');
        const edge = moment ? graph.history.relationship(id, moment) : graph.relationship(id);
        if (!edge || !seesEdge(visibleTo(graph, call.principal), edge)) throw noRelationship();
        const headers = { etag: etagOf(edge) };
        if (isHeldByClient(call.header('if-none-match'), edge)) return empty(304, headers);
        return jsonText(relationshipJson(edge), { headers });
      },
    }),
    route({
      method: 'GET',
      path: '/api/relationships/{id}/versions',
      authority: 'home:read',
      summary: 'All versions of a relationship, oldest first',
      params: PARAMS,
      query: pageQuery,
      answer: { status: 200, schema: pageSchema(relationshipSchema) },
      handle: (call) => {
        const id = call.param('id');
        if (!graph.relationship(id)) throw noRelationship();
        const read = (afterSeq: number, limit: number) => graph.relationshipVersions(id, afterSeq, limit);
        return versionsReply(graph, call.query, read, (edge) => relationshipJson(edge));
      },
    }),
    route({
      method: 'PATCH',
      path: '/api/relationships/{id}',
      authority: 'graph:write',
      summary: 'Changes a relationship from now on: what it said until now ends, and stays known',
      params: PARAMS,
      body: patchBody,
      example: { properties: { shelf: 'upper' } },
      answer: { status: 200, schema: storedRelationshipSchema },
      handle: async (call) => {
        const edge = graph.transaction((writer) => {
          const latest = writer.relationship(call.param('id'));
          if (!latest) throw noRelationship();
          checkIfMatch(call.header('if-match'), latest);
          return change(writer, latest, call.body, authorOf(call.principal));
        });
        await graph.settled();
        return stored(edge, 200);
      },
    }),
    route({
      method: 'DELETE',
      path: '/api/relationships/{id}',
      authority: 'graph:write',
      summary: 'Ends a relationship now; that it held stays known',
      params: PARAMS,
      answer: { status: 204, schema: null },
      handle: async (call) => {
        graph.transaction((writer) => {
          const latest = writer.relationship(call.param('id'));
          if (!latest) throw noRelationship();
          checkIfMatch(call.header('if-match'), latest);
          writer.endRelationship(latest.id, authorOf(call.principal));
        });
        await graph.settled();
        return empty(204);
      },
    }),
  ];
}

function change(
  writer: GraphWriter,
  latest: RelationshipVersion,
  patch: z.output<typeof patchBody>,
  author: { userId: string; deviceId: string },
): RelationshipVersion {
  const before = {
    fromEntityId: latest.fromEntityId,
    toEntityId: latest.toEntityId,
    relationshipType: latest.relationshipType,
    properties: propertiesOf(latest),
  };
  const after = {
    fromEntityId: patch.from_entity_id ?? before.fromEntityId,
    toEntityId: patch.to_entity_id ?? before.toEntityId,
    relationshipType:
      patch.relationship_type === undefined
        ? before.relationshipType
        : toRelationshipType(patch.relationship_type),
    properties: patch.properties ? mergePatch(before.properties, patch.properties) : before.properties,
  };
  if (!fits(after.properties)) {
    throw new HubError('too_large', 'properties must be at most 16 KiB', { field: 'properties' });
  }
  return jsonEqual(before, after) ? latest : writer.changeRelationship(latest.id, after, author);
}

/** Which end of what a list is asked for: one entity leads, the other narrows it. */
function toEnds(query: z.output<typeof listQuery>): {
  entityId?: string;
  otherId?: string;
  direction: 'from' | 'to' | 'both';
} {
  const { entity_id: either, from_entity_id: from, to_entity_id: to } = query;
  if (either !== undefined && from !== undefined && to !== undefined) {
    throw new HubError('invalid', 'name two ends at most', { field: 'entity_id' });
  }
  if (from !== undefined) return { entityId: from, direction: 'from', ...other(to ?? either) };
  if (to !== undefined) return { entityId: to, direction: 'to', ...other(either) };
  return { direction: 'both', ...(either === undefined ? {} : { entityId: either }) };
}

function other(id: string | undefined): { otherId?: string } {
  return id === undefined ? {} : { otherId: id };
}

function propertiesOf(edge: RelationshipVersion): JsonObject {
  const parsed: unknown = JSON.parse(edge.propertiesJson);
  return isJsonObject(parsed) ? parsed : {};
}

function seesEdge(visible: Visible | undefined, { fromEntityId, toEntityId }: RelationshipVersion): boolean {
  return !visible || (visible.ids.has(fromEntityId) && visible.ids.has(toEntityId));
}

function noRelationship(): HubError {
  return new HubError('not_found', 'There is no such relationship.');
}
