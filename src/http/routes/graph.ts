import * as z from 'zod';

import type { Difference } from '../../graph/graph.ts';
import type { EntityVersion, RelationshipVersion } from '../../graph/types.ts';
import type { Route } from '../route.ts';
import type { HttpOptions } from '../types.ts';

import { toIso } from '../../base/clock.ts';
import { HubError } from '../../base/errors.ts';
import { homeEntityJson, MAX_DEPTH, relationshipJson, toRelationshipType } from '../../graph/graph.ts';
import { jsonText } from '../reply.ts';
import { route } from '../route.ts';
import { atQuery, entityId, entitySchema, relationshipSchema, timeQuery } from '../schemas.ts';
import { momentOf } from './graph-reads.ts';

const MAX_SURROUNDINGS = 1000;
const DEFAULT_PAGE = 500;
const MAX_PAGE = 2000;

const wholeNumber = (least: number, most: number, byDefault: number): z.ZodDefault<z.ZodCoercedNumber> => {
  const message = `must be a whole number from ${least} to ${most}`;
  return z.coerce.number(message).int(message).min(least, message).max(most, message).default(byDefault);
};
const walkQuery = {
  direction: z
    .enum(['from', 'to', 'both'])
    .default('both')
    .describe('from follows relationships as they point, to against that'),
  relationship_type: z.string().max(1000).optional().describe('Types to follow, separated by commas'),
  ...atQuery,
};
const pathQuery = z.strictObject({
  from: entityId.describe('The entity to start at'),
  to: entityId.describe('The entity to get to').meta({ example: 'home' }),
  max_depth: wholeNumber(1, MAX_DEPTH, 10),
  ...walkQuery,
});
const neighboursQuery = z.strictObject({
  entity_id: entityId,
  limit: wholeNumber(1, MAX_SURROUNDINGS, 200),
  ...walkQuery,
});
const subgraphQuery = neighboursQuery.extend({ depth: wholeNumber(1, MAX_DEPTH, 2) });
const historyPage = {
  limit: wholeNumber(1, MAX_PAGE, DEFAULT_PAGE),
  cursor: z.string().min(1).max(200).optional(),
};
const snapshotQuery = z.strictObject({ ...atQuery, ...historyPage });
const diffQuery = z.strictObject({
  from: timeQuery.meta({ example: '2026-01-01T00:00:00Z' }),
  to: timeQuery.optional().describe('Default: now'),
  ...historyPage,
});

const nextCursor = z.string().nullable();
const pathAnswer = z.object({
  from: z.string(),
  to: z.string(),
  found: z.boolean(),
  length: z.int().nullable().describe('Number of relationships'),
  path: z.array(entitySchema),
  relationships: z.array(relationshipSchema),
});
const neighboursAnswer = z.object({
  entity_id: z.string(),
  items: z.array(z.object({ entity: entitySchema, relationship: relationshipSchema })),
  truncated: z.boolean(),
});
const subgraphAnswer = z.object({
  entity_id: z.string(),
  entities: z.array(z.object({ entity: entitySchema, distance: z.int() })),
  relationships: z.array(relationshipSchema),
  truncated: z.boolean().describe('True where there is more than limit'),
});
const snapshotAnswer = z.object({
  at: z.string(),
  entities: z.array(entitySchema),
  relationships: z.array(relationshipSchema),
  next_cursor: nextCursor,
});
const change = z.enum(['added', 'changed', 'removed']);
const diffAnswer = z.object({
  from: z.string(),
  to: z.string(),
  entities: z.array(z.object({ change, before: entitySchema.nullable(), after: entitySchema.nullable() })),
  relationships: z.array(
    z.object({ change, before: relationshipSchema.nullable(), after: relationshipSchema.nullable() }),
  ),
  next_cursor: nextCursor,
});

/** The graph as a whole: how things are joined, and how it was. */
export function graphRoutes({ graph, clock }: Pick<HttpOptions, 'graph' | 'clock'>): Route[] {
  return [
    route({
      method: 'GET',
      path: '/api/graph/path',
      authority: 'home:read',
      summary: 'A shortest path between two entities',
      query: pathQuery,
      answer: { status: 200, schema: pathAnswer },
      handle: async ({ query }) => {
        const path = await graph.paths.path(query.from, query.to, query.max_depth, walkOf(query));
        const head = JSON.stringify({
          from: query.from,
          to: query.to,
          found: path !== undefined,
          length: path?.relationships.length ?? null,
        });
        return jsonText(
          `${head.slice(0, -1)},"path":${entitiesJson(path?.entities ?? [])},` +
            `"relationships":${edgesJson(path?.relationships ?? [])}}`,
        );
      },
    }),
    route({
      method: 'GET',
      path: '/api/graph/neighbours',
      authority: 'home:read',
      summary: 'What an entity is joined to, and how',
      query: neighboursQuery,
      answer: { status: 200, schema: neighboursAnswer },
      handle: async ({ query }) => {
        const { entity_id: id, limit } = query;
        const { items, truncated } = await graph.paths.neighbours(id, limit, walkOf(query));
        const joined = items.map(
          ({ entity, relationship }) =>
            `{"entity":${homeEntityJson(entity)},"relationship":${relationshipJson(relationship)}}`,
        );
        return jsonText(
          `{"entity_id":${JSON.stringify(id)},"items":[${joined.join(',')}],"truncated":${truncated}}`,
        );
      },
    }),
    route({
      method: 'GET',
      path: '/api/graph/subgraph',
      authority: 'home:read',
      summary: 'Everything within some steps of an entity, nearest first, and how it is joined',
      query: subgraphQuery,
      answer: { status: 200, schema: subgraphAnswer },
      handle: async ({ query }) => {
        const { entity_id: id, depth, limit } = query;
        const around = await graph.paths.subgraph(id, depth, limit, walkOf(query));
        const entities = around.entities.map(
          ({ entity, distance }) => `{"entity":${homeEntityJson(entity)},"distance":${distance}}`,
        );
        return jsonText(
          `{"entity_id":${JSON.stringify(id)},"entities":[${entities.join(',')}],` +
            `"relationships":${edgesJson(around.relationships)},"truncated":${around.truncated}}`,
        );
      },
    }),
    route({
      method: 'GET',
      path: '/api/graph/snapshot',
      authority: 'home:read',
      summary: 'The whole graph as it was at a time; all pages are of one moment',
      query: snapshotQuery,
      answer: { status: 200, schema: snapshotAnswer },
      handle: async ({ query }) => {
        const at = momentOf(graph, query.at) ?? graph.history.present();
        const page = await graph.history.snapshot(at, query.limit, query.cursor);
        return jsonText(
          `{"at":${isoJson(page.moment.micros)},"entities":${entitiesJson(page.entities)},` +
            `"relationships":${edgesJson(page.relationships)},"next_cursor":${JSON.stringify(page.nextCursor)}}`,
        );
      },
    }),
    route({
      method: 'GET',
      path: '/api/graph/diff',
      authority: 'home:read',
      summary: 'What changed between two times; a page may be short, and ends where next_cursor is null',
      query: diffQuery,
      answer: { status: 200, schema: diffAnswer },
      handle: async ({ query }) => {
        const from = graph.history.moment(query.from, 'from');
        const to = query.to === undefined ? graph.history.present() : graph.history.moment(query.to, 'to');
        if (from.micros > to.micros) {
          throw new HubError('invalid', 'from must not be later than to', { field: 'from' });
        }
        const page = await graph.history.diff(from, to, query.limit, query.cursor);
        const entities = page.entities.map((pair) => differenceJson(pair, homeEntityJson));
        const edges = page.relationships.map((pair) =>
          differenceJson(pair, (edge) => relationshipJson(edge)),
        );
        return jsonText(
          `{"from":${isoJson(page.from.micros)},"to":${isoJson(page.to.micros)},"entities":[${entities.join(',')}],` +
            `"relationships":[${edges.join(',')}],"next_cursor":${JSON.stringify(page.nextCursor)}}`,
        );
      },
    }),
  ];

  /** A moment for people; the present has the hub's own time. */
  function isoJson(micros: number): string {
    return JSON.stringify(toIso(Math.min(Math.floor(micros / 1000), clock.nowMs())));
  }

  function walkOf(query: {
    direction: 'from' | 'to' | 'both';
    relationship_type?: string | undefined;
    at?: string | undefined;
  }): Parameters<typeof graph.paths.path>[3] {
    return {
      direction: query.direction,
      relationshipTypes: query.relationship_type?.split(',').map((type) => toRelationshipType(type.trim())),
      moment: momentOf(graph, query.at),
    };
  }
}

function differenceJson<T>({ before, after }: Difference<T>, toJson: (row: T) => string): string {
  const kind = !before ? 'added' : after ? 'changed' : 'removed';
  return `{"change":"${kind}","before":${before ? toJson(before) : null},"after":${after ? toJson(after) : null}}`;
}

function entitiesJson(entities: readonly EntityVersion[]): string {
  return `[${entities.map(homeEntityJson).join(',')}]`;
}

function edgesJson(edges: readonly RelationshipVersion[]): string {
  return `[${edges.map((edge) => relationshipJson(edge)).join(',')}]`;
}
