import type { EntityVersion } from '../graph/types.ts';
import type { PreparedChange } from './prepare.ts';

import { HubError } from '../base/errors.ts';
import { encodeAnyContent, encodeContent, parseContent } from '../graph/graph.ts';

/** @throws HubError `invalid` when the change means an entity of another type. */
export function checkSameType(change: PreparedChange, base: EntityVersion): void {
  if (change.entityType !== null && change.entityType !== base.entityType) {
    throw new HubError(
      'invalid',
      `entity_type cannot change: this is a ${base.entityType}; delete it and make a new one`,
      { field: 'entity_type' },
    );
  }
}

/** @throws HubError `invalid` or `too_large` when the content that results cannot be accepted. */
export function patchedContent(change: PreparedChange, base: EntityVersion): string {
  checkSameType(change, base);
  return encodeContent(base.entityType, { ...parseContent(base), ...change.content });
}

/**
 * The content of a version that lost, as its author sees it: over the parent that it was made from where the hub holds
 * that, else as it was sent. It is kept for people to look at, so only its size is limited.
 * @throws HubError `too_large`.
 */
export function losersContent(change: PreparedChange, parent: EntityVersion | undefined): string | null {
  if (change.content === null) return null;
  return encodeAnyContent(parent ? { ...parseContent(parent), ...change.content } : change.content);
}
