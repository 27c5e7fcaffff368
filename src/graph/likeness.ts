import { isJsonObject } from '../base/json.ts';
import { textsOf } from './search/texts.ts';
import { wordsOf } from './search/tokens.ts';

/** What an entity is compared by. */
export interface Traits {
  readonly name: ReadonlySet<string>;
  /** Words of all other texts, and the names of the content's own keys. */
  readonly rest: ReadonlySet<string>;
}

/** What the name counts for; all the rest together counts for what is left of 1. */
const NAME_SHARE = 0.5;
/** A content that is a book is compared by its beginning. */
const MAX_TRAITS = 2000;

export function traitsOf(contentJson: string): Traits {
  const content: unknown = JSON.parse(contentJson);
  const name = new Set<string>();
  const keys = isJsonObject(content) ? Object.keys(content).filter((key) => key !== 'name') : [];
  const rest = new Set(keys.map((key) => `key ${key}`));
  for (const { field, text } of textsOf(content)) {
    if (rest.size >= MAX_TRAITS) break;
    for (const word of wordsOf(text)) (field === 'content.name' ? name : rest).add(word);
  }
  return { name, rest };
}

/**
 * How alike two contents are, 0 to 1: half of it is the share of words that their names have in common, half the share
 * of the other words and keys. A share is what both have among what either has. Where neither has more than a name, the
 * names decide alone.
 */
export function likeness(a: Traits, b: Traits): number {
  if (a.rest.size === 0 && b.rest.size === 0) return shared(a.name, b.name);
  return NAME_SHARE * shared(a.name, b.name) + (1 - NAME_SHARE) * shared(a.rest, b.rest);
}

function shared(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  const either = a.union(b).size;
  return either === 0 ? 0 : a.intersection(b).size / either;
}
