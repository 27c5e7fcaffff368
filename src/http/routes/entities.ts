import * as z from 'zod';

import type { Actor } from '../../access/types.ts';
import type { GraphWriter } from '../../graph/graph.ts';
import type { EntityVersion } from '../../graph/types.ts';
import type { Reply } from '../reply.ts';
import type { Call, Route } from '../route.ts';
import type { HttpOptions } from '../types.ts';

import { HubError } from '../../base/errors.ts';
import { jsonEqual } from '../../base/json.ts';
import { checkId, homeEntityJson, parseContent, toEntityType } from '../../graph/graph.ts';
import { checkIfMatch, etagOf, isHeldByClient } from '../conditional.ts';
import { mergePatch } from '../merge-patch.ts';
import { pageQuery } from '../paging.ts';
import { empty, jsonPage, jsonText } from '../reply.ts';
import { route } from '../route.ts';
import { atQuery, entitySchema, entityTypeText, jsonObject, pageSchema, sourceType } from '../schemas.ts';
import { actorOf, authorOf } from './author.ts';
import { ENTITY_PARAMS, existingEntity, momentOf, noEntity } from './graph-reads.ts';
import { refuseHome, refusePast, refuseRoot, refuseUnseen, seenKeys, visibleTo } from './scope.ts';

const listQuery = pageQuery.extend({
  entity_type: entityTypeText.optional(),
  room_id: z.string().min(1).max(128).optional().describe('Only what is located in this room'),
  source_type: sourceType.optional(),
  q: z.string().max(10_000).optional().describe('Only what holds these words, the last one as a beginning'),
  ...atQuery,
});
const createBody = z.object({
  entity_type: z.string().max(64),
  content: jsonObject,
  id: z.string().nullish(),
  source_type: sourceType.default('manual'),
});
const contentBody = z.object({ content: jsonObject });
const readQuery = z.strictObject({
  version: z.string().min(1).max(256).optional().describe('One version, current or not'),
  ...atQuery,
});
const restoreBody = z.object({
  version: z.string().min(1).max(256).optional().describe('The version to take the content of'),
});

const deleteQuery = z.strictObject({
  confirm: z
    .literal('true')
    .optional()
    .describe('The person was told what Apple Home forgets by it: what an answer of 409 says'),
});

export function entityRoutes({
  graph,
  automations,
  homekit,
}: Pick<HttpOptions, 'automations' | 'graph' | 'homekit'>): Route[] {
  // Told in the turn of the write: what came by another way must not be taken for the caller's.
  const noteEdit = ({ id, entityType }: EntityVersion, by: Actor): void => {
    if (entityType === 'automation' || entityType === 'schedule') automations?.edited(id, by);
  };
  return [
    route({
      method: 'GET',
      path: '/api/entities',
      authority: 'home:read',
      scoped: true,
      summary: 'Entities that are not deleted',
      query: listQuery,
      answer: { status: 200, schema: pageSchema(entitySchema) },
      handle: async ({ query, principal }) => {
        refusePast(principal, query);
        const moment = momentOf(graph, query.at);
        const asked = {
          ...(query.entity_type === undefined ? {} : { entityType: toEntityType(query.entity_type) }),
          ...(query.room_id === undefined ? {} : { roomId: query.room_id }),
          ...(query.source_type === undefined ? {} : { sourceType: query.source_type }),
          ...(query.q === undefined ? {} : { keys: await graph.search.matchingKeys(query.q, moment) }),
        };
        const visible = visibleTo(graph, principal);
        const filter = visible ? { ...asked, keys: seenKeys(visible, asked) } : asked;
        const page = moment
          ? await graph.history.list(filter, query.limit, query.cursor, moment)
          : graph.list(filter, query.limit, query.cursor);
        return jsonPage(page.items.map(homeEntityJson), page.nextCursor);
      },
    }),
    route({
      method: 'POST',
      path: '/api/entities',
      authority: 'graph:write',
      summary: 'Makes an entity',
      body: createBody,
      example: { entity_type: 'note', content: { name: 'Paint', text: 'The walls are RAL 9010.' } },
      answer: { status: 201, schema: entitySchema },
      handle: async (call) => {
        const { body, principal } = call;
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
        noteEdit(entity, actorOf(call));
        await graph.settled();
        return entityReply(entity, 201);
      },
    }),
    route({
      method: 'GET',
      path: '/api/entities/{id}',
      authority: 'home:read',
      scoped: true,
      summary: 'One entity: as it is, as it was at a time, or one of its versions',
      params: ENTITY_PARAMS,
      query: readQuery,
      answer: { status: 200, schema: entitySchema },
      handle: (call) => {
        refuseUnseen(visibleTo(graph, call.principal), call.param('id'));
        const entity = readOne(graph, call.param('id'), call.query);
        if (isHeldByClient(call.header('if-none-match'), entity)) return empty(304, { etag: etagOf(entity) });
        return entityReply(entity, 200);
      },
    }),
    route({
      method: 'PUT',
      path: '/api/entities/{id}',
      authority: 'graph:write',
      scoped: true,
      summary: 'Replaces the whole content',
      params: ENTITY_PARAMS,
      body: contentBody,
      example: { content: { name: 'Reading lamp', watts: 8 } },
      answer: { status: 200, schema: entitySchema },
      handle: async (call) => {
        const { content } = call.body;
        return await changeEntity(
          graph,
          call,
          (writer, latest) =>
            jsonEqual(parseContent(latest), content)
              ? latest
              : writer.replaceContent(latest.id, content, authorOf(call.principal)),
          noteEdit,
        );
      },
    }),
    route({
      method: 'PATCH',
      path: '/api/entities/{id}',
      authority: 'graph:write',
      scoped: true,
      summary: 'Changes the content by a JSON merge patch',
      params: ENTITY_PARAMS,
      body: contentBody,
      example: { content: { name: 'Reading lamp' } },
      answer: { status: 200, schema: entitySchema },
      handle: async (call) =>
        await changeEntity(
          graph,
          call,
          (writer, latest) => {
            const before = parseContent(latest);
            const after = mergePatch(before, call.body.content);
            return jsonEqual(before, after)
              ? latest
              : writer.replaceContent(latest.id, after, authorOf(call.principal));
          },
          noteEdit,
        ),
    }),
    route({
      method: 'DELETE',
      path: '/api/entities/{id}',
      authority: 'graph:write',
      scoped: true,
      summary:
        'Deletes an entity and ends its relationships; its history stays. 409 says what Apple Home would forget',
      params: ENTITY_PARAMS,
      query: deleteQuery,
      answer: { status: 204, schema: null },
      handle: async (call) => {
        const visible = visibleTo(graph, call.principal);
        refuseRoot(visible, call.param('id'));
        refuseUnseen(visible, call.param('id'));
        const loss = call.query.confirm === undefined ? homekit.lossByRemoval(call.param('id')) : null;
        if (loss !== null) throw new HubError('conflict', `${loss} Confirm it to go on ("?confirm=true").`);
        await changeEntity(graph, call, (writer, latest) =>
          writer.deleteEntity(latest.id, authorOf(call.principal)),
        );
        return empty(204);
      },
    }),
    route({
      method: 'POST',
      path: '/api/entities/{id}/restore',
      authority: 'graph:write',
      summary: 'Brings back what was deleted, with its relationships, or the content of an old version',
      params: ENTITY_PARAMS,
      body: restoreBody,
      bodyOptional: true,
      example: {},
      answer: { status: 200, schema: entitySchema },
      handle: async (call) => {
        const id = call.param('id');
        const entity = graph.transaction((writer) => {
          const latest = writer.latest(id);
          if (!latest) throw noEntity(id);
          checkIfMatch(call.header('if-match'), latest);
          return writer.restoreEntity(id, call.body.version, authorOf(call.principal));
        });
        noteEdit(entity, actorOf(call));
        await graph.settled();
        return entityReply(entity, 200);
      },
    }),
  ];
}

function readOne(
  graph: HttpOptions['graph'],
  id: string,
  query: { version?: string | undefined; at?: string | undefined },
): EntityVersion {
  if (query.version === undefined) return existingEntity(graph, id, momentOf(graph, query.at));
  if (query.at !== undefined) {
    throw new HubError('invalid', 'ask for a version or for a time, not for both', { field: 'at' });
  }
  const version = graph.version(id, query.version);
  // What is not durable yet could be another version under the same name after a power cut.
  if (!version || version.seq > graph.headSeq) {
    throw new HubError('not_found', `There is no such version of ${id.slice(0, 128)}.`, { field: 'version' });
  }
  return version;
}

/** Changes an entity that is there, guarded by If-Match, and answers with it once the change is durable. */
async function changeEntity(
  graph: HttpOptions['graph'],
  call: Pick<Call, 'param' | 'header' | 'principal' | 'address' | 'requestId'>,
  change: (writer: GraphWriter, latest: EntityVersion) => EntityVersion,
  noteEdit?: (entity: EntityVersion, by: Actor) => void,
): Promise<Reply> {
  const id = call.param('id');
  const visible = visibleTo(graph, call.principal);
  refuseUnseen(visible, id);
  refuseHome(visible, id);
  const { entity, isChanged } = graph.transaction((writer) => {
    const latest = writer.latest(id);
    if (!latest || latest.contentJson === null) throw noEntity(id);
    checkIfMatch(call.header('if-match'), latest);
    const changed = change(writer, latest);
    return { entity: changed, isChanged: changed !== latest };
  });
  if (isChanged) noteEdit?.(entity, actorOf(call));
  await graph.settled();
  return entityReply(entity, 200);
}

function entityReply(entity: EntityVersion, status: number): Reply {
  const headers = { etag: etagOf(entity) };
  if (status !== 201) return jsonText(homeEntityJson(entity), { status, headers });
  const location = `/api/entities/${encodeURIComponent(entity.id)}`;
  return jsonText(homeEntityJson(entity), { status, headers: { ...headers, location } });
}
