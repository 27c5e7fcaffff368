import type { Query, Term } from './query.ts';
import type { SearchWords } from './texts.ts';

/** That an entity matches, found out without the index. */
export interface Match {
  /** True where the name alone has every term. */
  readonly inName: boolean;
  /** How much of the name, or else of everything, is what was searched for: above 0, at most 1. */
  readonly share: number;
}

/**
 * Whether every term is in the name or in the rest, as FTS5 would say from the index. A phrase is found in the name or in
 * the rest, not across the two.
 */
export function matchWords(query: Query, { name, body }: SearchWords): Match | undefined {
  if (query.length === 0) return undefined;
  const found = query.map((term) => ({ inName: count(name, term), inBody: count(body, term) }));
  if (found.some(({ inName, inBody }) => inName + inBody === 0)) return undefined;
  const inName = found.every((term) => term.inName > 0);
  const hits = found.reduce((sum, term) => sum + term.inName + (inName ? 0 : term.inBody), 0);
  const words = inName ? name.length : name.length + body.length;
  return { inName, share: Math.min(1, hits / words) };
}

/** How often a term begins in a row of words. */
function count(words: readonly string[], term: Term): number {
  let hits = 0;
  for (let at = 0; at < words.length; at++) if (startsAt(words, at, term)) hits += 1;
  return hits;
}

/** Whether a term begins at a word. */
export function startsAt(words: readonly string[], at: number, { words: wanted, prefix }: Term): boolean {
  for (let i = 0; i < wanted.length; i++) {
    const word = words[at + i];
    const want = wanted[i];
    if (word === undefined || want === undefined) return false;
    if (word !== want && !(prefix && i === wanted.length - 1 && word.startsWith(want))) return false;
  }
  return true;
}
