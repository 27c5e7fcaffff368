import * as z from 'zod';

import { entityTypeWord, relationshipTypeWord, sourceTypeWord } from '../../../tools/tools.ts';
import { jsonObject } from '../../schemas.ts';
import { entityV2, flag, offset, relationshipV2, wholeNumber } from './schemas.ts';

const MAX_VERSIONS = 1000;
const MAX_EDGES = 20_000;

const entityIdText = z.string().min(1).max(128);
export const createBody = z.object({
  entity_type: entityTypeWord,
  name: z.string().min(1),
  content: jsonObject.nullish(),
  source_type: sourceTypeWord.default('manual'),
});
export const listQuery = z.object({
  entity_type: entityTypeWord.optional(),
  limit: wholeNumber(1, 100).default(10),
  offset,
});
export const readQuery = z.object({
  version: z.string().min(1).max(256).optional(),
  include_relationships: flag.default(true),
});
export const updateBody = z.object({
  name: z.string().min(1).nullish(),
  content: jsonObject.nullish().describe('Keys replace those that are there; the others stay'),
});
export const versionsQuery = z.object({ limit: wholeNumber(1, MAX_VERSIONS).default(MAX_VERSIONS) });
export const connectedQuery = z.object({
  relationship_type: relationshipTypeWord.optional(),
  direction: z.enum(['outgoing', 'incoming', 'both']).default('both'),
  max_depth: wholeNumber(1, 5).default(1),
});
export const similarQuery = z.object({
  threshold: z.coerce
    .number('must be a number from 0 to 1')
    .min(0)
    .max(1)
    .default(0.7)
    .describe('How alike they must be at least: half of it are the words of the names, half all the rest'),
  limit: wholeNumber(1, 50).default(10),
});
export const relateBody = z.object({
  source_id: entityIdText,
  target_id: entityIdText,
  relationship_type: relationshipTypeWord,
  properties: jsonObject.nullish(),
});
export const edgesQuery = z.object({
  from_entity_id: entityIdText.optional(),
  to_entity_id: entityIdText.optional(),
  relationship_type: relationshipTypeWord.optional(),
  limit: wholeNumber(1, MAX_EDGES).default(MAX_EDGES),
});
export const searchBody = z.object({
  query: z.string().max(16_000),
  entity_types: z.array(entityTypeWord).nullish(),
  limit: wholeNumber(1, 100).default(10),
});
export const pathBody = z.object({
  from_entity_id: entityIdText,
  to_entity_id: entityIdText,
  max_depth: wholeNumber(1, 20).default(10),
});

const warning = z.string().optional().describe('What is unusual about it; it was stored all the same');
const truncated = z.literal(true).optional().describe('There is more than this');
const edges = z.array(relationshipV2);
const hit = z.object({
  entity: entityV2,
  score: z.number(),
  highlights: z.array(z.string()),
  matched_fields: z.array(z.string()),
});
export const ANSWERS = {
  created: z.object({ entity: entityV2, warning }),
  list: z.object({ entities: z.array(entityV2), total: z.int(), limit: z.int(), offset: z.int() }),
  read: z.object({
    entity: entityV2,
    relationships: z.object({ outgoing: edges, incoming: edges }).optional(),
  }),
  updated: z.object({ entity: entityV2, previous_version: z.string(), warning }),
  versions: z.object({ entity_id: z.string(), versions: z.array(entityV2), count: z.int(), truncated }),
  connected: z.object({
    entity_id: z.string(),
    connected: z.array(
      z.object({
        entity: entityV2,
        relationship_type: z.string(),
        direction: z.enum(['outgoing', 'incoming']),
        distance: z.int(),
      }),
    ),
    count: z.int(),
  }),
  similar: z.object({ reference_entity_id: z.string(), similar_entities: z.array(hit), count: z.int() }),
  related: z.object({ relationship: relationshipV2, warning }),
  edges: z.object({ relationships: edges, count: z.int(), truncated }),
  search: z.object({ query: z.string(), results: z.array(hit), count: z.int() }),
  path: z.object({
    from: z.string(),
    to: z.string(),
    path: z.array(z.object({ id: z.string(), name: z.string(), type: z.string() })),
    length: z.int().describe('In relationships'),
    found: z.boolean(),
  }),
  statistics: z.object({
    total_entities: z.int(),
    total_relationships: z.int(),
    entity_types: jsonObject,
    relationship_types: jsonObject,
    average_degree: z.number(),
    isolated_entities: z.int(),
  }),
};
