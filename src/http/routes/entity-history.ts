import * as z from 'zod';

import type { Route } from '../route.ts';
import type { HttpOptions } from '../types.ts';

import { toIso } from '../../base/clock.ts';
import { homeEntityJson } from '../../graph/graph.ts';
import { noQuery, pageQuery } from '../paging.ts';
import { json } from '../reply.ts';
import { route } from '../route.ts';
import { entitySchema, pageSchema, relationshipSchema } from '../schemas.ts';
import {
  edgesQuery,
  edgesReply,
  ENTITY_PARAMS,
  existingEntity,
  momentOf,
  noEntity,
  versionsReply,
} from './graph-reads.ts';
import { refusePast, refuseUnseen, visibleTo } from './scope.ts';

const ofEntityQuery = edgesQuery.extend({ direction: z.enum(['from', 'to', 'both']).default('both') });

const lineageSchema = z.object({
  entity_id: z.string(),
  versions: z.array(
    z.object({
      version: z.string(),
      parent_versions: z.array(z.string()),
      child_versions: z.array(z.string()),
      held_as: z
        .enum(['current', 'past', 'lost'])
        .describe('lost: it lost a conflict and was never the state'),
      change_type: z.enum(['create', 'update', 'delete']),
      user_id: z.string(),
      device_id: z.string(),
      last_modified: z.string(),
    }),
  ),
  roots: z.array(z.string()),
  heads: z.array(z.string()).describe('Versions that nothing descends from'),
  missing_parents: z.array(z.string()).describe('Parents that are named and were never stored here'),
});

/** What was, and what it is joined to. */
export function entityHistoryRoutes({ graph }: Pick<HttpOptions, 'graph'>): Route[] {
  return [
    route({
      method: 'GET',
      path: '/api/entities/{id}/versions',
      authority: 'home:read',
      scoped: true,
      summary: 'All versions of an entity, oldest first; of a deleted one too',
      params: ENTITY_PARAMS,
      query: pageQuery,
      answer: { status: 200, schema: pageSchema(entitySchema) },
      handle: (call) => {
        const id = call.param('id');
        refuseUnseen(visibleTo(graph, call.principal), id);
        // Not `latest`: the losers of a conflict over an id that the hub never had are versions without a current one.
        if (graph.versions(id, 0, 1).length === 0) throw noEntity(id);
        const read = (afterSeq: number, limit: number) => graph.versions(id, afterSeq, limit);
        return versionsReply(graph, call.query, read, homeEntityJson);
      },
    }),
    route({
      method: 'GET',
      path: '/api/entities/{id}/lineage',
      authority: 'home:read',
      summary: 'How the versions of an entity descend from each other',
      params: ENTITY_PARAMS,
      query: noQuery,
      answer: { status: 200, schema: lineageSchema },
      handle: (call) => {
        const id = call.param('id');
        const lineage = graph.history.lineage(id);
        if (!lineage) throw noEntity(id);
        return json({
          entity_id: id,
          versions: lineage.nodes.map(({ entity, children, isCurrent }) => ({
            version: entity.version,
            parent_versions: entity.parentVersions,
            child_versions: children,
            held_as: isCurrent ? 'current' : entity.heldAs === 'state' ? 'past' : 'lost',
            change_type: entity.changeType,
            user_id: entity.userId,
            device_id: entity.deviceId,
            last_modified: toIso(entity.modifiedAtMs),
          })),
          roots: lineage.roots,
          heads: lineage.heads,
          missing_parents: lineage.missingParents,
        });
      },
    }),
    route({
      method: 'GET',
      path: '/api/entities/{id}/relationships',
      authority: 'home:read',
      scoped: true,
      summary: 'Relationships of an entity: those of now, of a time, or (from, to) all of a stretch of time',
      params: ENTITY_PARAMS,
      query: ofEntityQuery,
      answer: { status: 200, schema: pageSchema(relationshipSchema) },
      handle: async (call) => {
        const id = call.param('id');
        const { direction, ...query } = call.query;
        const visible = visibleTo(graph, call.principal);
        refusePast(call.principal, query);
        refuseUnseen(visible, id);
        // What was once joined to a thing that is deleted now is a fair question.
        const ofPast = query.from !== undefined || query.to !== undefined;
        if (!ofPast) existingEntity(graph, id, momentOf(graph, query.at));
        else if (!graph.latest(id)) throw noEntity(id);
        return await edgesReply(graph, { entityId: id, direction, query, visible });
      },
    }),
  ];
}
