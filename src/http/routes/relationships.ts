import * as z from 'zod';

import type { Route } from '../route.ts';
import type { HttpOptions } from '../types.ts';

import { HubError } from '../../base/errors.ts';
import { jsonEqual } from '../../base/json.ts';
import { isJsonObject, type JsonObject } from '../../base/json.ts';
import { checkId, relationshipJson, toRelationshipType } from '../../graph/graph.ts';
import { empty, jsonText } from '../reply.ts';
import { route } from '../route.ts';
import { authorOf } from './author.ts';

/** Properties say a word about an edge; what needs more room is an entity. */
const MAX_PROPERTIES_BYTES = 16 * 1024;

const createBody = z.object({
  from_entity_id: z.string().min(1).max(128),
  to_entity_id: z.string().min(1).max(128),
  relationship_type: z.string().max(64),
  properties: z
    .custom<JsonObject>(isJsonObject, 'must be a JSON object')
    .refine(
      (properties) => Buffer.byteLength(JSON.stringify(properties)) <= MAX_PROPERTIES_BYTES,
      'must be at most 16 KiB',
    )
    .nullish(),
  id: z.string().nullish(),
});

export function relationshipRoutes({ graph }: Pick<HttpOptions, 'graph'>): Route[] {
  return [
    route({
      method: 'POST',
      path: '/api/relationships',
      authority: 'graph:write',
      summary: 'Makes a relationship that holds from now on',
      body: createBody,
      handle: async ({ body, principal }) => {
        const relationshipType = toRelationshipType(body.relationship_type);
        const { id } = body;
        if (typeof id === 'string') {
          checkId(id, 'id');
          if (graph.relationship(id)) {
            throw new HubError('conflict', `a relationship with the id ${id} exists already`, {
              field: 'id',
            });
          }
        }
        const edge = graph.transaction((writer) => {
          const put = writer.putRelationship({
            ...(typeof id === 'string' ? { id } : {}),
            fromEntityId: body.from_entity_id,
            toEntityId: body.to_entity_id,
            relationshipType,
            properties: body.properties ?? {},
            author: authorOf(principal),
          });
          const asked = typeof id === 'string' && id !== put.id;
          if (asked || !jsonEqual(JSON.parse(put.propertiesJson), body.properties ?? {})) {
            throw new HubError(
              'conflict',
              `These two are joined so already, by ${put.id}; end that one first.`,
            );
          }
          return put;
        });
        await graph.settled();
        const location = `/api/relationships/${encodeURIComponent(edge.id)}`;
        return jsonText(relationshipJson(edge), { status: 201, headers: { location } });
      },
    }),
    route({
      method: 'GET',
      path: '/api/relationships/{id}',
      authority: 'home:read',
      summary: 'One relationship, ended or not',
      handle: (call) => {
        const edge = graph.relationship(call.param('id'));
        if (!edge) throw new HubError('not_found', 'There is no such relationship.');
        return jsonText(relationshipJson(edge));
      },
    }),
    route({
      method: 'DELETE',
      path: '/api/relationships/{id}',
      authority: 'graph:write',
      summary: 'Ends a relationship now; that it held stays known',
      handle: async (call) => {
        graph.transaction((writer) => writer.endRelationship(call.param('id'), authorOf(call.principal)));
        await graph.settled();
        return empty(204);
      },
    }),
  ];
}
