import * as z from 'zod';

import type { JsonObject } from '../base/json.ts';

import { isJsonObject } from '../base/json.ts';
import { ENTITY_TYPES, RELATIONSHIP_TYPES, SOURCE_TYPES } from '../graph/types.ts';

/** Types that the clients of Inbetweenies v2 and v3 know; the hub's others are taken as well. */
const ADVERTISED_ENTITY_TYPES = ENTITY_TYPES.filter((type) => type !== 'accessory' && type !== 'service');

/** A word of a closed list, in any case: clients of different ages write `DEVICE` and `device`. */
function wordOf(known: readonly string[], listName: string, advertised = known): z.ZodType<string, string> {
  return z
    .string()
    .transform((text, context) => {
      const folded = text.toLowerCase();
      if (known.includes(folded)) return folded;
      context.addIssue({
        code: 'custom',
        message: `'${text.slice(0, 64)}' is not a valid ${listName}; it is one of ${advertised.join(', ')}`,
      });
      return z.NEVER;
    })
    .meta({ enum: advertised });
}

export const entityTypeWord = wordOf(ENTITY_TYPES, 'EntityType', ADVERTISED_ENTITY_TYPES);
export const relationshipTypeWord = wordOf(RELATIONSHIP_TYPES, 'RelationshipType');

/** Where something is from; what the hub has no word for was imported from somewhere. */
export const sourceTypeWord = z.string().transform((text) => {
  const folded = text.toLowerCase();
  return (SOURCE_TYPES as readonly string[]).includes(folded) ? folded : 'imported';
});

/** Not `z.record`, which drops a key named `__proto__`: content is stored as it was sent. */
export const jsonObjectArgument = z
  .custom<JsonObject>(isJsonObject, 'must be a JSON object')
  .meta({ type: 'object', additionalProperties: true });

export const idArgument = z.string().min(1).max(128);

export function countArgument(least: number, most: number, byDefault: number): z.ZodDefault<z.ZodInt> {
  return z.int().min(least).max(most).default(byDefault);
}
