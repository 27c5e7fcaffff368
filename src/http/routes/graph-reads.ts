import type * as z from 'zod';

import type { Visible } from '../../graph/graph.ts';
import type { EntityVersion, Moment } from '../../graph/types.ts';
import type { Reply } from '../reply.ts';
import type { HttpOptions } from '../types.ts';

import { HubError } from '../../base/errors.ts';
import { parseTimeMicros, relationshipJson, toRelationshipType } from '../../graph/graph.ts';
import { makeCursor, pageOf, pageQuery, parseCursor } from '../paging.ts';
import { jsonPage } from '../reply.ts';
import { atQuery, relationshipTypeText, timeQuery } from '../schemas.ts';

type Graph = HttpOptions['graph'];

/** What the routes of the graph share. */
export const ENTITY_PARAMS = { id: { description: 'The id of an entity', example: 'lamp' } } as const;

/** Query of lists of edges. */
export const edgesQuery = pageQuery.extend({
  relationship_type: relationshipTypeText.optional(),
  ...atQuery,
  from: timeQuery.optional().describe('Lists what was true at any time from here on,'),
  to: timeQuery.optional().describe('up to but not at this time: the history of the edges'),
});

/** The moment that `at` names; undefined where there is none. @throws HubError `invalid` when it is in the future. */
export function momentOf(graph: Graph, at: string | undefined): Moment | undefined {
  return at === undefined ? undefined : graph.history.moment(at);
}

/** @throws HubError `not_found` unless the entity is there, or was at the moment. */
export function existingEntity(graph: Graph, id: string, moment?: Moment): EntityVersion {
  const entity = moment ? graph.history.entity(id, moment) : graph.entity(id);
  if (!entity) throw noEntity(id);
  return entity;
}

export function noEntity(id: string): HubError {
  return new HubError('not_found', `There is no entity ${id.slice(0, 128)}.`);
}

interface EdgeList {
  /** Only edges with this entity as the end that `direction` says. */
  readonly entityId?: string | undefined;
  readonly direction: 'from' | 'to' | 'both';
  /** Only edges that have this entity too. */
  readonly otherId?: string | undefined;
  readonly query: z.output<typeof edgesQuery>;
  /** Only edges with both ends in sight; of the present only. */
  readonly visible?: Visible | undefined;
}

/** A page of edges: those that hold now or held at a time, or what edges said over a stretch of time. */
export async function edgesReply(graph: Graph, list: EdgeList): Promise<Reply> {
  const { query } = list;
  const relationshipType =
    query.relationship_type === undefined ? undefined : toRelationshipType(query.relationship_type);
  if (query.from !== undefined || query.to !== undefined) return historyReply(graph, list, relationshipType);
  const moment = momentOf(graph, query.at);
  const keyOf = (id: string | undefined): number | undefined =>
    id === undefined ? undefined : (graph.keyOf(id) ?? 0);
  const entityKey = keyOf(list.entityId);
  const otherKey = keyOf(list.otherId);
  const filter = {
    ...(entityKey === undefined ? {} : { entityKey, direction: list.direction }),
    ...(otherKey === undefined ? {} : { otherKey }),
    ...(relationshipType === undefined ? {} : { relationshipType }),
    ...(list.visible ? { withinKeys: list.visible.keys } : {}),
  };
  const page = moment
    ? await graph.history.relationships(filter, query.limit, query.cursor, moment)
    : graph.relationships(filter, query.limit, query.cursor);
  return jsonPage(
    page.items.map((edge) => relationshipJson(edge)),
    page.nextCursor,
  );
}

function historyReply(graph: Graph, list: EdgeList, relationshipType: string | undefined): Reply {
  const { query } = list;
  if (query.at !== undefined) {
    throw new HubError('invalid', 'ask for a moment (at) or for a stretch of time (from, to), not for both', {
      field: 'at',
    });
  }
  if (list.entityId === undefined) {
    throw new HubError('invalid', 'the history of relationships is that of an entity: name one', {
      field: 'entity_id',
    });
  }
  const micros = (text: string | undefined): number | undefined =>
    text === undefined ? undefined : parseTimeMicros(text);
  const intervals = graph.history
    .intervals(list.entityId, {
      direction: list.direction,
      relationshipType,
      fromMicros: micros(query.from),
      toMicros: micros(query.to),
    })
    .filter(
      ({ relationship }) =>
        list.otherId === undefined ||
        [relationship.fromEntityId, relationship.toEntityId].includes(list.otherId),
    );
  const { items, nextCursor } = pageOf(intervals, query, (_, index) => index + 1);
  return jsonPage(
    items.map((interval) => relationshipJson(interval.relationship, interval)),
    nextCursor,
  );
}

/**
 * A page of versions, oldest first. `read` gives those above a seq; one that is not durable yet is left out, since its
 * seq could be given away a second time after a power cut.
 */
export function versionsReply<T extends { readonly seq: number }>(
  graph: Graph,
  query: z.output<typeof pageQuery>,
  read: (afterSeq: number, limit: number) => readonly T[],
  toJson: (version: T) => string,
): Reply {
  const found = read(parseCursor(query.cursor), query.limit + 1).filter(({ seq }) => seq <= graph.headSeq);
  const page = found.slice(0, query.limit);
  const last = page.at(-1);
  return jsonPage(page.map(toJson), found.length > query.limit && last ? makeCursor(last.seq) : null);
}
