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

/**
 * Whether changes of an entity say what to change. Who speaks of neither name nor content means something else by it, and
 * would take an answer for a change.
 */
export function saysChanges(changes: { readonly name?: unknown; readonly content?: unknown }): boolean {
  return (changes.name ?? changes.content ?? null) !== null;
}

export const CHANGES_HINT =
  'must hold a name (a text) or a content (an object), such as {"content": {"watts": 8}}';

export const idArgument = z.string().min(1).max(128);

/** A number, or what some callers send for one: its text. */
export function numberArgument<T extends z.ZodType>(schema: T): z.ZodPreprocess<T> {
  return z.preprocess((given) => (isNumberText(given) ? Number(given) : given), schema);
}

export function countArgument(
  least: number,
  most: number,
  byDefault: number,
): z.ZodPreprocess<z.ZodDefault<z.ZodInt>> {
  // The default is inside: outside, the JSON Schema would not tell it.
  return numberArgument(z.int().min(least).max(most).default(byDefault));
}

function isNumberText(given: unknown): boolean {
  return typeof given === 'string' && /^\s*[+-]?\d{1,15}(\.\d{1,15})?\s*$/.test(given);
}
