import type { Db } from '../base/db.ts';
import type { StoredSession } from './reader.ts';
import type { Actor, Principal } from './types.ts';

import { HubError } from '../base/errors.ts';
import { readApiKey } from './key-reader.ts';
import { readSession, readUser } from './reader.ts';

/**
 * To be asked first in the transaction of an act: since the request was let in its body had to come and a password to be
 * hashed, and whoever sent it may have been deleted, demoted or logged out meanwhile. Each of these ends the login or the
 * key that they came by; what comes by neither is the terminal's.
 * @throws HubError `unauthenticated`.
 */
export function refuseEnded(db: Db, { principal }: Actor): void {
  const { permissions, sessionId, tokenId, userId } = principal;
  if (sessionId === undefined) return;
  const stands = permissions
    ? readApiKey(db, tokenId) !== undefined
    : readSession(db, sessionId)?.user.id === userId;
  if (!stands) throw new HubError('unauthenticated', 'Your login has ended meanwhile. Log in again.');
}

/** Whether a login is the principal's own. All who came by one guest code are one user and many people. */
export function isOwnLogin(
  db: Db,
  { sessionId, userId }: Principal,
  { session, user }: StoredSession,
): boolean {
  return user.id === userId && (session.id === sessionId || readUser(db, userId) !== undefined);
}
