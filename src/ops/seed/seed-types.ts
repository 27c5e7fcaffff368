import { createHash } from 'node:crypto';

import type { Content, EntityType, RelationshipType, SourceType } from '../../graph/types.ts';

/** A thing of the made-up home. Its id is made from `key`, and is the same in every home that is seeded. */
export interface SeedThing {
  readonly key: string;
  readonly type: EntityType;
  readonly content: Content;
  /** Default `manual`: somebody wrote it down. */
  readonly source?: SourceType;
}

/** An edge by the keys of its ends, from the day of moving in on. */
export type SeedEdge = readonly [
  from: string,
  type: RelationshipType,
  to: string,
  properties?: Content | undefined,
];

/** Something that happened later. Times are RFC 3339 UTC. */
export type SeedEvent =
  | { readonly at: string; readonly edit: string; readonly change: Content }
  | { readonly at: string; readonly remove: string }
  | { readonly at: string; readonly end: SeedEdge }
  | { readonly at: string; readonly begin: SeedEdge };

/** The id of a thing of the made-up home: a UUID (version 8) out of its key. */
export function seedId(key: string): string {
  const hex = createHash('sha256').update(`funkygibbon seed: ${key}`).digest('hex');
  const variant = ((Number.parseInt(hex.slice(16, 18), 16) & 0x3f) | 0x80).toString(16);
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `${variant}${hex.slice(18, 20)}`,
    hex.slice(20, 32),
  ].join('-');
}
