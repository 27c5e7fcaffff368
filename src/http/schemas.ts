import * as z from 'zod';

import { isJsonObject, type JsonObject } from '../base/json.ts';
import { parseTimeMicros } from '../graph/graph.ts';
import { ENTITY_TYPES, RELATIONSHIP_TYPES, SOURCE_TYPES } from '../graph/types.ts';

/** Not `z.record`, which drops a key named `__proto__`: content is stored as it was sent. */
export const jsonObject = z
  .custom<JsonObject>(isJsonObject, 'must be a JSON object')
  .meta({ type: 'object', additionalProperties: true });

const time = z.string().meta({ format: 'date-time', example: '2026-03-01T12:00:00.000Z' });

/** A moment in a query. A plus sign that was not encoded arrives as a space. */
export const timeQuery = z
  .string()
  .max(64)
  .transform((text) => text.replace(/ (?=\d\d:?\d\d$)/, '+'))
  .refine(
    (text) => parseTimeMicros(text) !== undefined,
    'must be an RFC 3339 time such as 2026-03-01T12:00:00Z',
  )
  .meta({ format: 'date-time' });

/** A moment that `timeQuery` has checked, in ms since the Unix epoch; null and undefined stay what they are. */
export function msOf<T extends string | null | undefined>(time: T): number | Exclude<T, string> {
  if (typeof time !== 'string') return time as Exclude<T, string>;
  return Math.floor((parseTimeMicros(time) ?? 0) / 1000);
}

/** `at` of every read of the graph. */
export const atQuery = {
  at: timeQuery.optional().describe('Reads the graph as it was at this time, now or in the past'),
};

/** Case is folded on input, so the names in the document are not the only spellings that are taken. */
export const entityTypeText = z
  .string()
  .min(1)
  .max(64)
  .describe(`One of ${ENTITY_TYPES.join(', ')}`)
  .meta({ example: 'device' });
export const relationshipTypeText = z
  .string()
  .min(1)
  .max(64)
  .describe(`One of ${RELATIONSHIP_TYPES.join(', ')}`)
  .meta({ example: 'located_in' });
export const sourceType = z.enum(SOURCE_TYPES);
export const entityId = z.string().min(1).max(128).meta({ example: 'lamp' });

/** The seed's HomeEntity. */
export const entitySchema = z
  .object({
    id: z.string(),
    version: z.string(),
    entity_type: z.string(),
    parent_versions: z.array(z.string()),
    content: jsonObject,
    user_id: z.string(),
    source_type: z.string(),
    created_at: time,
    last_modified: time,
    deleted_at: time.nullable(),
  })
  .meta({ id: 'Entity' });

const relationshipFields = {
  id: z.string(),
  version: z.string(),
  parent_versions: z.array(z.string()),
  from_entity_id: z.string(),
  to_entity_id: z.string(),
  relationship_type: z.string(),
  properties: jsonObject,
  user_id: z.string(),
  created_at: time,
  valid_from: time.describe('It is true from here,'),
  valid_to: time.nullable().describe('up to but not at this time; null while it lasts'),
};

/** The seed's EntityRelationship with its interval. */
export const relationshipSchema = z.object(relationshipFields).meta({ id: 'Relationship' });

export const storedRelationshipSchema = z
  .object({
    ...relationshipFields,
    warnings: z.array(z.string()).describe('What is unusual about it; it was stored all the same'),
  })
  .meta({ id: 'StoredRelationship' });

export const problemSchema = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    error: z.string(),
    code: z.string(),
    request_id: z.string(),
    field: z.string().optional().describe('The input that was at fault, as a dotted path'),
  })
  .meta({ id: 'Problem' });

/** A page of a list. */
export function pageSchema(item: z.ZodType): z.ZodType {
  return z.object({
    items: z.array(item),
    next_cursor: z.string().nullable().describe('For the next page; null at the end'),
  });
}
