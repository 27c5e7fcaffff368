import type { Tx } from '../base/db.ts';
import type { ApiKey } from './types.ts';

/** Stores a new key with the hash of its first secret. */
export function insertApiKey(
  tx: Tx,
  key: Pick<ApiKey, 'id' | 'name' | 'scopes' | 'grants' | 'createdAtMs' | 'expiresAtMs'>,
  userKey: number,
  hash: Uint8Array,
): void {
  const { lastInsertRowid } = tx.run(
    `INSERT INTO access_api_key (id, name, scopes, grants, user_key, created_ms, expires_ms)
     VALUES (?, ?, ?, ?, ?, ?, ?)`,
    key.id,
    key.name,
    JSON.stringify(key.scopes),
    JSON.stringify(key.grants),
    userKey,
    key.createdAtMs,
    key.expiresAtMs,
  );
  tx.run('INSERT INTO access_api_secret (hash, key_key) VALUES (?, ?)', hash, lastInsertRowid);
}

/** Gives a key another secret. The present one is good until `oldUntilMs`, one that was replaced before is not. */
export function replaceSecret(tx: Tx, keyKey: number, hash: Uint8Array, oldUntilMs: number): void {
  tx.run('DELETE FROM access_api_secret WHERE key_key = ? AND expires_ms IS NOT NULL', keyKey);
  tx.run('UPDATE access_api_secret SET expires_ms = ? WHERE key_key = ?', oldUntilMs, keyKey);
  tx.run('INSERT INTO access_api_secret (hash, key_key) VALUES (?, ?)', hash, keyKey);
}

/** Removes the secret before the last rotation at once. */
export function deleteOldSecrets(tx: Tx, keyKey: number): void {
  tx.run('DELETE FROM access_api_secret WHERE key_key = ? AND expires_ms IS NOT NULL', keyKey);
}

export function updateLastUsed(tx: Tx, keyKey: number, nowMs: number): void {
  tx.run('UPDATE access_api_key SET last_used_ms = ? WHERE key = ?', nowMs, keyKey);
}

/** Removes a key with its secrets. @returns false when there was none. */
export function deleteApiKey(tx: Tx, id: string): boolean {
  return tx.run('DELETE FROM access_api_key WHERE id = ?', id).changes > 0;
}

export function deleteApiKeysOf(tx: Tx, userKey: number): void {
  tx.run('DELETE FROM access_api_key WHERE user_key = ?', userKey);
}

export function insertPairingCode(
  tx: Tx,
  code: { hash: Uint8Array; userKey: number; deviceName: string | null; expiresAtMs: number },
): void {
  tx.run(
    'INSERT INTO access_pairing_code (hash, user_key, device_name, expires_ms) VALUES (?, ?, ?, ?)',
    code.hash,
    code.userKey,
    code.deviceName,
    code.expiresAtMs,
  );
}

/** @returns false when it was redeemed already. */
export function deletePairingCode(tx: Tx, hash: Uint8Array): boolean {
  return tx.run('DELETE FROM access_pairing_code WHERE hash = ?', hash).changes > 0;
}

export function deletePairingCodesOf(tx: Tx, userKey: number): void {
  tx.run('DELETE FROM access_pairing_code WHERE user_key = ?', userKey);
}

export function deleteExpiredPairingCodes(tx: Tx, nowMs: number): void {
  tx.run('DELETE FROM access_pairing_code WHERE expires_ms <= ?', nowMs);
}

/** Removes secrets that were replaced and whose overlap with the next one is over. */
export function deleteEndedSecrets(tx: Tx, nowMs: number): void {
  tx.run('DELETE FROM access_api_secret WHERE expires_ms <= ?', nowMs);
}
