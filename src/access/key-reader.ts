import type { Db } from '../base/db.ts';
import type { ApiKey, Scope } from './types.ts';

import { toGrants, toStoredUser, USER_COLUMNS, type StoredUser, type UserRow } from './reader.ts';
import { SCOPES } from './types.ts';

export interface StoredApiKey {
  readonly key: number;
  readonly apiKey: ApiKey;
  readonly maker: StoredUser;
}

interface ApiKeyRow extends UserRow {
  key_key: number;
  key_id: string;
  name: string;
  scopes: string;
  key_grants: string;
  key_created_ms: number;
  key_expires_ms: number | null;
  last_used_ms: number | null;
  old_until_ms: number | null;
}

const API_KEYS = `SELECT ${USER_COLUMNS}, k.key AS key_key, k.id AS key_id, k.name, k.scopes, k.grants AS key_grants,
    k.created_ms AS key_created_ms, k.expires_ms AS key_expires_ms, k.last_used_ms,
    (SELECT max(o.expires_ms) FROM access_api_secret o WHERE o.key_key = k.key) AS old_until_ms
  FROM access_api_key k JOIN access_user u ON u.key = k.user_key`;

/** Every key, in the order in which they were made. */
export function readApiKeys(db: Db): StoredApiKey[] {
  return db.all<ApiKeyRow>(`${API_KEYS} ORDER BY k.key`).map(toStoredApiKey);
}

export function readApiKey(db: Db, id: string): StoredApiKey | undefined {
  const row = db.get<ApiKeyRow>(`${API_KEYS} WHERE k.id = ?`, id);
  return row && toStoredApiKey(row);
}

/** The ids of the keys that a user answers for. */
export function readApiKeyIdsOf(db: Db, userKey: number): string[] {
  return db
    .all<{ id: string }>('SELECT id FROM access_api_key WHERE user_key = ?', userKey)
    .map(({ id }) => id);
}

/** The key that a secret belongs to, and when the secret itself ends where it was replaced. */
export function readApiKeyBySecret(
  db: Db,
  hash: Uint8Array,
): (StoredApiKey & { readonly secretExpiresAtMs: number | null }) | undefined {
  const secret = db.get<{ id: string; expires_ms: number | null }>(
    `SELECT k.id, s.expires_ms FROM access_api_secret s JOIN access_api_key k ON k.key = s.key_key WHERE s.hash = ?`,
    hash,
  );
  const stored = secret && readApiKey(db, secret.id);
  return stored && { ...stored, secretExpiresAtMs: secret.expires_ms };
}

/** Whose phone a pairing code is for. */
export interface StoredPairingCode {
  readonly owner: StoredUser;
  readonly deviceName: string | null;
  readonly expiresAtMs: number;
}

export function readPairingCode(db: Db, hash: Uint8Array): StoredPairingCode | undefined {
  const row = db.get<UserRow & { device_name: string | null; code_expires_ms: number }>(
    `SELECT ${USER_COLUMNS}, c.device_name, c.expires_ms AS code_expires_ms
     FROM access_pairing_code c JOIN access_user u ON u.key = c.user_key WHERE c.hash = ?`,
    hash,
  );
  return row && { owner: toStoredUser(row), deviceName: row.device_name, expiresAtMs: row.code_expires_ms };
}

export function countPairingCodes(db: Db): number {
  return db.get<{ n: number }>('SELECT count(*) AS n FROM access_pairing_code')?.n ?? 0;
}

function toStoredApiKey(row: ApiKeyRow): StoredApiKey {
  const maker = toStoredUser(row);
  return {
    key: row.key_key,
    maker,
    apiKey: {
      id: row.key_id,
      name: row.name,
      scopes: toScopes(row.scopes),
      grants: toGrants(row.key_grants),
      madeBy: { id: maker.user.id, username: maker.user.username },
      createdAtMs: row.key_created_ms,
      expiresAtMs: row.key_expires_ms,
      lastUsedAtMs: row.last_used_ms,
      oldSecretUntilMs: row.old_until_ms,
    },
  };
}

/** Scopes that this build does not know allow nothing. */
function toScopes(json: string): Scope[] {
  const stored = JSON.parse(json) as unknown[];
  return SCOPES.filter((scope) => stored.includes(scope));
}
