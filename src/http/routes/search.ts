import * as z from 'zod';

import type { SearchHit } from '../../graph/graph.ts';
import type { Route } from '../route.ts';
import type { HttpOptions } from '../types.ts';

import { homeEntityJson, toEntityType } from '../../graph/graph.ts';
import { pageQuery } from '../paging.ts';
import { jsonPage } from '../reply.ts';
import { route } from '../route.ts';
import { atQuery, entitySchema, pageSchema } from '../schemas.ts';
import { momentOf } from './graph-reads.ts';
import { refusePast, visibleTo } from './scope.ts';

const searchQuery = pageQuery.extend({
  q: z
    .string()
    .max(16_000)
    .describe('Words that must all be there, the last one as a beginning; "quoted" words stand together')
    .meta({ example: 'lam' }),
  entity_type: z.string().max(1000).optional().describe('Only these types, separated by commas'),
  ...atQuery,
});

const hitSchema = z.object({
  entity: entitySchema,
  score: z.number().describe('The higher, the better; to be compared within one answer only'),
  matched_in: z.enum(['name', 'content']),
  highlights: z.array(
    z.object({
      field: z.string().describe('A dotted path such as content.notes'),
      fragments: z.array(z.object({ text: z.string(), match: z.boolean() })),
    }),
  ),
});

export function searchRoutes({ graph }: Pick<HttpOptions, 'graph'>): Route[] {
  return [
    route({
      method: 'GET',
      path: '/api/search',
      authority: 'home:read',
      scoped: true,
      summary: 'Entities that hold the words, those with all of them in the name first',
      query: searchQuery,
      answer: { status: 200, schema: pageSchema(hitSchema) },
      handle: async ({ query, principal }) => {
        refusePast(principal, query);
        const visible = visibleTo(graph, principal);
        const types = query.entity_type?.split(',').map((type) => toEntityType(type.trim()));
        const moment = momentOf(graph, query.at);
        const page = await graph.search.search({
          q: query.q,
          limit: query.limit,
          ...(types ? { entityTypes: types } : {}),
          ...(query.cursor === undefined ? {} : { cursor: query.cursor }),
          ...(moment ? { moment } : {}),
          ...(visible ? { within: () => visibleTo(graph, principal)?.keys ?? [] } : {}),
        });
        return jsonPage(page.items.map(hitJson), page.nextCursor);
      },
    }),
  ];
}

function hitJson(hit: SearchHit): string {
  const rest = JSON.stringify({ score: hit.score, matched_in: hit.matchedIn, highlights: hit.highlights });
  return `{"entity":${homeEntityJson(hit.entity)},${rest.slice(1)}`;
}
