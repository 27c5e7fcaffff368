import * as z from 'zod';

import type { EntityVersion } from '../../graph/types.ts';
import type { Reply } from '../reply.ts';
import type { Route } from '../route.ts';
import type { HttpOptions } from '../types.ts';

import { HubError } from '../../base/errors.ts';
import { isJsonObject, jsonEqual, type JsonObject } from '../../base/json.ts';
import { checkId, homeEntityJson, parseContent, relationshipJson, toEntityType } from '../../graph/graph.ts';
import { SOURCE_TYPES } from '../../graph/types.ts';
import { checkIfMatch, etagOf, isHeldByClient } from '../conditional.ts';
import { mergePatch } from '../merge-patch.ts';
import { makeCursor, pageOf, pageQuery, parseCursor, noQuery } from '../paging.ts';
import { empty, jsonPage, jsonText } from '../reply.ts';
import { route } from '../route.ts';
import { authorOf } from './author.ts';

/** Not `z.record`, which drops a key named `__proto__`: content is stored as it was sent. */
const contentObject = z.custom<JsonObject>(isJsonObject, 'must be a JSON object');

const listQuery = pageQuery.extend({
  entity_type: z.string().min(1).max(64).optional(),
  room_id: z.string().min(1).max(128).optional(),
  source_type: z.enum(SOURCE_TYPES).optional(),
});
const createBody = z.object({
  entity_type: z.string().max(64),
  content: contentObject,
  id: z.string().nullish(),
  source_type: z.enum(SOURCE_TYPES).default('manual'),
});
const patchBody = z.object({ content: contentObject });
const edgesQuery = pageQuery.extend({ direction: z.enum(['from', 'to', 'both']).default('both') });

export function entityRoutes({ graph }: Pick<HttpOptions, 'graph'>): Route[] {
  const existing = (id: string): EntityVersion => {
    const entity = graph.entity(id);
    if (!entity) throw noEntity(id);
    return entity;
  };
  return [
    route({
      method: 'GET',
      path: '/api/entities',
      authority: 'home:read',
      summary: 'Entities that are not deleted',
      query: listQuery,
      handle: ({ query }) => {
        const filter = {
          ...(query.entity_type === undefined ? {} : { entityType: toEntityType(query.entity_type) }),
          ...(query.room_id === undefined ? {} : { roomId: query.room_id }),
          ...(query.source_type === undefined ? {} : { sourceType: query.source_type }),
        };
        const page = graph.list(filter, query.limit, query.cursor);
        return jsonPage(page.items.map(homeEntityJson), page.nextCursor);
      },
    }),
    route({
      method: 'POST',
      path: '/api/entities',
      authority: 'graph:write',
      summary: 'Makes an entity',
      body: createBody,
      handle: async ({ body, principal }) => {
        const entityType = toEntityType(body.entity_type);
        const { id } = body;
        if (typeof id === 'string') checkId(id, 'id');
        const entity = graph.transaction((writer) =>
          writer.createEntity({
            ...(typeof id === 'string' ? { id } : {}),
            entityType,
            content: body.content,
            author: authorOf(principal),
            sourceType: body.source_type,
          }),
        );
        await graph.settled();
        return entityReply(entity, 201);
      },
    }),
    route({
      method: 'GET',
      path: '/api/entities/{id}',
      authority: 'home:read',
      summary: 'One entity',
      query: noQuery,
      handle: (call) => {
        const entity = existing(call.param('id'));
        if (isHeldByClient(call.header('if-none-match'), entity)) return empty(304, { etag: etagOf(entity) });
        return entityReply(entity, 200);
      },
    }),
    route({
      method: 'PATCH',
      path: '/api/entities/{id}',
      authority: 'graph:write',
      summary: 'Changes the content by a JSON merge patch',
      body: patchBody,
      handle: async (call) => {
        const id = call.param('id');
        const entity = graph.transaction((writer) => {
          const latest = writer.latest(id);
          if (!latest || latest.contentJson === null) throw noEntity(id);
          checkIfMatch(call.header('if-match'), latest);
          const before = parseContent(latest);
          const after = mergePatch(before, call.body.content);
          return jsonEqual(before, after)
            ? latest
            : writer.replaceContent(id, after, authorOf(call.principal));
        });
        await graph.settled();
        return entityReply(entity, 200);
      },
    }),
    route({
      method: 'DELETE',
      path: '/api/entities/{id}',
      authority: 'graph:write',
      summary: 'Deletes an entity and ends its relationships; its history stays',
      handle: async (call) => {
        const id = call.param('id');
        graph.transaction((writer) => {
          const latest = writer.latest(id);
          if (!latest || latest.contentJson === null) throw noEntity(id);
          checkIfMatch(call.header('if-match'), latest);
          writer.deleteEntity(id, authorOf(call.principal));
        });
        await graph.settled();
        return empty(204);
      },
    }),
    route({
      method: 'GET',
      path: '/api/entities/{id}/versions',
      authority: 'home:read',
      summary: 'All versions of an entity, oldest first; of a deleted one too',
      query: pageQuery,
      handle: (call) => {
        const id = call.param('id');
        const { limit, cursor } = call.query;
        const after = parseCursor(cursor);
        // Not `latest`: the losers of a conflict over an id that the hub never had are versions without a current one.
        if (graph.versions(id, 0, 1).length === 0) throw noEntity(id);
        // A seq above the durable head could be given away a second time after a power cut.
        const found = graph.versions(id, after, limit + 1).filter(({ seq }) => seq <= graph.headSeq);
        const page = found.slice(0, limit);
        const last = page.at(-1);
        return jsonPage(page.map(homeEntityJson), found.length > limit && last ? makeCursor(last.seq) : null);
      },
    }),
    route({
      method: 'GET',
      path: '/api/entities/{id}/relationships',
      authority: 'home:read',
      summary: 'Relationships that hold now',
      query: edgesQuery,
      handle: (call) => {
        const { id } = existing(call.param('id'));
        const edges = graph.relationshipsOf(id, call.query.direction).toSorted((a, b) => a.seq - b.seq);
        const { items, nextCursor } = pageOf(edges, call.query, ({ seq }) => seq);
        return jsonPage(items.map(relationshipJson), nextCursor);
      },
    }),
  ];
}

function entityReply(entity: EntityVersion, status: number): Reply {
  const headers = { etag: etagOf(entity) };
  if (status !== 201) return jsonText(homeEntityJson(entity), { status, headers });
  const location = `/api/entities/${encodeURIComponent(entity.id)}`;
  return jsonText(homeEntityJson(entity), { status, headers: { ...headers, location } });
}

function noEntity(id: string): HubError {
  return new HubError('not_found', `There is no entity ${id.slice(0, 128)}.`);
}
