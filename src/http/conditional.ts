import type { EntityVersion } from '../graph/types.ts';

import { HubError } from '../base/errors.ts';
import { shortHash } from '../base/ids.ts';

/** The strong ETag of a version: versions are opaque texts of clients and may hold what a header cannot. */
export function etagOf(entity: EntityVersion): string {
  return `"${shortHash(entity.version, 32)}"`;
}

/** Whether an `If-None-Match` names this version, so that the client has it already. */
export function isHeldByClient(ifNoneMatch: string | undefined, entity: EntityVersion): boolean {
  return ifNoneMatch !== undefined && names(ifNoneMatch, etagOf(entity), true);
}

/**
 * Guards a write by `If-Match`.
 * @throws HubError `precondition_failed` when the client has seen another version.
 */
export function checkIfMatch(ifMatch: string | undefined, entity: EntityVersion): void {
  if (ifMatch === undefined || names(ifMatch, etagOf(entity), false)) return;
  throw new HubError(
    'precondition_failed',
    'It was changed in the meantime. Read it again, and repeat the change on what it is now.',
  );
}

/** A weak tag equals a strong one only when reading (RFC 9110, 13.1). */
function names(header: string, etag: string, weak: boolean): boolean {
  return header.split(',').some((part) => {
    const tag = part.trim();
    return tag === '*' || tag === etag || (weak && tag === `W/${etag}`);
  });
}
