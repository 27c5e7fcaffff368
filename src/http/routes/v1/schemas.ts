import * as z from 'zod';

import { jsonObject } from '../../schemas.ts';

/** What the routes of Inbetweenies v2 share. Their clients know 422 for what is not well-formed. */
export const INVALID_INPUT = { invalidInputStatus: 422 } as const;

/** A whole number in a query or a body; clients may send it as text. */
export function wholeNumber(least: number, most: number): z.ZodCoercedNumber {
  const message = `must be a whole number from ${least} to ${most}`;
  return z.coerce.number(message).int(message).min(least, message).max(most, message);
}

/** Query of a list with an offset. */
export const offset = wholeNumber(0, 1_000_000_000).default(0);

/** `true`, `1`, `yes`, `on` and their opposites. */
export const flag = z.stringbool('must be true or false');

const time = z.string().meta({ example: '2026-03-01T12:00:00.000000+00:00' });

export const entityV2 = z
  .object({
    id: z.string(),
    version: z.string(),
    entity_type: z.string(),
    name: z.string(),
    content: jsonObject,
    source_type: z.string(),
    user_id: z.string(),
    parent_versions: z.array(z.string()),
    created_at: time,
    updated_at: time,
  })
  .meta({ id: 'EntityV2' });

export const relationshipV2 = z
  .object({
    id: z.string(),
    from_entity_id: z.string(),
    from_entity_version: z.string(),
    to_entity_id: z.string(),
    to_entity_version: z.string(),
    relationship_type: z.string(),
    properties: jsonObject,
    user_id: z.string(),
    created_at: time,
    updated_at: time,
  })
  .meta({ id: 'RelationshipV2' });
