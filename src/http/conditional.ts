import { HubError } from '../base/errors.ts';
import { shortHash } from '../base/ids.ts';

/** The strong ETag of a version of an entity or a relationship: versions are opaque texts of clients and may hold what a header cannot. */
export function etagOf(row: { readonly version: string }): string {
  return `"${shortHash(row.version, 32)}"`;
}

/** Whether an `If-None-Match` names this version, so that the client has it already. */
export function isHeldByClient(ifNoneMatch: string | undefined, row: { readonly version: string }): boolean {
  return ifNoneMatch !== undefined && names(ifNoneMatch, etagOf(row), true);
}

/**
 * Guards a write by `If-Match`.
 * @throws HubError `precondition_failed` when the client has seen another version.
 */
export function checkIfMatch(ifMatch: string | undefined, row: { readonly version: string }): void {
  if (ifMatch === undefined || names(ifMatch, etagOf(row), false)) return;
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
