import type { Content } from '../graph/types.ts';

import { jsonEqual } from '../base/json.ts';

export interface Merge {
  /** Both sides' changes; a key in `conflicting` as the hub has it. */
  readonly merged: Content;
  /** Keys that the two sides changed differently. */
  readonly conflicting: readonly string[];
}

/**
 * Joins two sides of a content, key by key (PROTOCOL.md 2.1.3). A key that only one side changed against the base, or that
 * both changed alike, is settled; where there are several bases, all of them have to settle it alike. Without a base every
 * key that both have and that differs conflicts.
 * @param theirs the client's whole content, or without a base only the keys that it sets
 */
export function mergeContents(bases: readonly Content[], ours: Content, theirs: Content): Merge {
  const conflicting: string[] = [];
  const merged: [string, unknown][] = [];
  for (const key of new Set([...Object.keys(ours), ...Object.keys(theirs)])) {
    const our = valueOf(ours, key);
    const their = valueOf(theirs, key);
    const value = bases.length > 0 ? settledByAll(bases, key, our, their) : joined(our, their);
    if (value === CONFLICT) conflicting.push(key);
    const kept = value === CONFLICT ? our : value;
    if (kept !== undefined) merged.push([key, kept]);
  }
  // Not by assignment: a key may be called __proto__.
  return { merged: Object.fromEntries(merged), conflicting };
}

const CONFLICT = Symbol('conflict');

function settledByAll(bases: readonly Content[], key: string, our: unknown, their: unknown): unknown {
  const [first, ...others] = bases.map((base) => settled(valueOf(base, key), our, their));
  return others.every((other) => jsonEqual(other, first)) ? first : CONFLICT;
}

function settled(base: unknown, our: unknown, their: unknown): unknown {
  if (jsonEqual(our, their) || jsonEqual(base, their)) return our;
  return jsonEqual(base, our) ? their : CONFLICT;
}

function joined(our: unknown, their: unknown): unknown {
  if (their === undefined || jsonEqual(our, their)) return our;
  return our === undefined ? their : CONFLICT;
}

/** The value of a key of its own, undefined where it has none. */
function valueOf(content: Content, key: string): unknown {
  return Object.hasOwn(content, key) ? content[key] : undefined;
}
