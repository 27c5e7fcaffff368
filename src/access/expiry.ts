import type { Store } from '../base/store.ts';

import { countLeftovers, type Leftovers } from './expiry-reader.ts';
import { deleteEndedSecrets, deleteExpiredPairingCodes } from './key-writer.ts';
import { deleteExpired } from './writer.ts';

/**
 * Removes what nobody can use any more: refresh tokens, sessions and guests whose time is over, pairing codes, and the
 * former secrets of keys that were rotated. Accounts and keys of people stay when they end: an admin can let them go on.
 * Nothing else removes sessions, refresh tokens and guests by age: a login while the clock is years ahead would sign out
 * the whole household.
 * @param nowMs may lie behind the clock: whoever is shut out by it is so whether or not the row is still there.
 * @returns how many rows of each were removed.
 * @throws HubError `storage`, `storage_full`.
 */
export function removeExpired(store: Store, nowMs: number): Leftovers {
  return store.write((tx) => {
    const before = countLeftovers(tx);
    deleteExpired(tx, nowMs);
    deleteExpiredPairingCodes(tx, nowMs);
    deleteEndedSecrets(tx, nowMs);
    const after = countLeftovers(tx);
    return {
      refreshTokens: before.refreshTokens - after.refreshTokens,
      sessions: before.sessions - after.sessions,
      guests: before.guests - after.guests,
      pairingCodes: before.pairingCodes - after.pairingCodes,
      keySecrets: before.keySecrets - after.keySecrets,
    };
  });
}
