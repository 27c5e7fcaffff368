import type { Tx } from '../base/db.ts';
import type { User } from './types.ts';

/** @returns the internal key of the new user. */
export function insertUser(tx: Tx, user: User, usernameFolded: string, passwordPhc: string | null): number {
  return tx.run(
    `INSERT INTO access_user (id, username, username_folded, role, password_phc, created_ms, expires_ms, grants, rooms)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    user.id,
    user.username,
    usernameFolded,
    user.role,
    passwordPhc,
    user.createdAtMs,
    user.expiresAtMs,
    JSON.stringify(user.grants),
    user.rooms ? JSON.stringify(user.rooms) : null,
  ).lastInsertRowid;
}

/** Writes what can change of a user; a password that is null stays as it is. */
export function updateUser(
  tx: Tx,
  userKey: number,
  user: Pick<User, 'username' | 'role' | 'expiresAtMs' | 'grants' | 'rooms'>,
  usernameFolded: string,
  passwordPhc: string | null,
): void {
  tx.run(
    `UPDATE access_user SET username = ?, username_folded = ?, role = ?, expires_ms = ?, grants = ?, rooms = ?,
       password_phc = coalesce(?, password_phc) WHERE key = ?`,
    user.username,
    usernameFolded,
    user.role,
    user.expiresAtMs,
    JSON.stringify(user.grants),
    user.rooms ? JSON.stringify(user.rooms) : null,
    passwordPhc,
    userKey,
  );
}

export function updatePassword(tx: Tx, userKey: number, passwordPhc: string): void {
  tx.run('UPDATE access_user SET password_phc = ? WHERE key = ?', passwordPhc, userKey);
}

/** Removes a user with their sessions, pairing codes and API keys, and the guest code that they came by. */
export function deleteUser(tx: Tx, userKey: number): void {
  tx.run('DELETE FROM access_user WHERE key = ?', userKey);
}

/** @returns the internal key of the new session. */
export function insertSession(
  tx: Tx,
  session: {
    id: string;
    userKey: number;
    deviceId: string | null;
    deviceName?: string | null;
    /** Its tokens are for `deviceId` only. */
    bound?: boolean;
    nowMs: number;
    /** For a session without refresh tokens: when its access token ends. */
    expiresAtMs?: number;
  },
): number {
  return tx.run(
    `INSERT INTO access_session (id, user_key, device_id, device_name, bound, created_ms, last_used_ms, expires_ms)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    session.id,
    session.userKey,
    session.deviceId,
    session.deviceName ?? null,
    session.bound === true ? 1 : 0,
    session.nowMs,
    session.nowMs,
    session.expiresAtMs ?? null,
  ).lastInsertRowid;
}

/** Lets a session live until `expiresAtMs` at least. */
export function extendSession(
  tx: Tx,
  sessionId: string,
  { nowMs, expiresAtMs }: { nowMs: number; expiresAtMs: number },
): void {
  tx.run(
    'UPDATE access_session SET last_used_ms = ?, expires_ms = max(coalesce(expires_ms, 0), ?) WHERE id = ?',
    nowMs,
    expiresAtMs,
    sessionId,
  );
}

/** Voids the refresh tokens of a session. */
export function voidRefreshTokens(tx: Tx, sessionId: string, nowMs: number): void {
  tx.run(
    `UPDATE access_refresh_token SET replaced_ms = coalesce(replaced_ms, ?), successor = NULL
     WHERE session_key = (SELECT key FROM access_session WHERE id = ?)`,
    nowMs,
    sessionId,
  );
}

export function insertRefreshToken(
  tx: Tx,
  token: { hash: Uint8Array; sessionKey: number; expiresAtMs: number },
): void {
  tx.run(
    'INSERT INTO access_refresh_token (hash, session_key, expires_ms) VALUES (?, ?, ?)',
    token.hash,
    token.sessionKey,
    token.expiresAtMs,
  );
}

/** Notes that a refresh token was exchanged for another one. The first exchange is the one whose time counts. */
export function markReplaced(
  tx: Tx,
  hash: Uint8Array,
  { successor, sessionKey, nowMs }: { successor: Uint8Array; sessionKey: number; nowMs: number },
): void {
  tx.run(
    'UPDATE access_refresh_token SET replaced_ms = coalesce(replaced_ms, ?), successor = ? WHERE hash = ?',
    nowMs,
    successor,
    hash,
  );
  tx.run('UPDATE access_session SET last_used_ms = ? WHERE key = ?', nowMs, sessionKey);
}

/** Voids a token whose holder never got it: shown after all, it was stolen on its way. */
export function markVoid(tx: Tx, hash: Uint8Array, nowMs: number): void {
  tx.run('UPDATE access_refresh_token SET replaced_ms = ?, successor = NULL WHERE hash = ?', nowMs, hash);
}

/** Ends a session together with its refresh tokens. @returns false when there was none. */
export function deleteSession(tx: Tx, sessionId: string): boolean {
  return tx.run('DELETE FROM access_session WHERE id = ?', sessionId).changes > 0;
}

export function insertGuestCode(
  tx: Tx,
  code: { hash: Uint8Array; prefix: string; userKey: number; createdAtMs: number; expiresAtMs: number },
): void {
  tx.run(
    'INSERT INTO access_guest_code (hash, prefix, user_key, created_ms, expires_ms) VALUES (?, ?, ?, ?, ?)',
    code.hash,
    code.prefix,
    code.userKey,
    code.createdAtMs,
    code.expiresAtMs,
  );
}

/**
 * Removes what no client can use any more: guests whose code has expired, expired refresh tokens, and the sessions that
 * have none left and no time of their own.
 */
export function deleteExpired(tx: Tx, nowMs: number): void {
  tx.run(
    'DELETE FROM access_user WHERE key IN (SELECT user_key FROM access_guest_code WHERE expires_ms <= ?)',
    nowMs,
  );
  tx.run('DELETE FROM access_refresh_token WHERE expires_ms <= ?', nowMs);
  tx.run(
    `DELETE FROM access_session WHERE coalesce(expires_ms, 0) <= ?
       AND NOT EXISTS (SELECT 1 FROM access_refresh_token t WHERE t.session_key = access_session.key)`,
    nowMs,
  );
}

/**
 * Keeps the `keep` sessions of a user that were used last, of those that are refreshed or of those that live by one long
 * token. @returns the ids of those that end.
 */
export function trimSessions(
  tx: Tx,
  userKey: number,
  { keep, long }: { keep: number; long: boolean },
): string[] {
  const ids = tx
    .all<{ id: string }>(
      `SELECT id FROM access_session WHERE user_key = ? AND (expires_ms IS NOT NULL) = ?
       ORDER BY last_used_ms DESC, key DESC LIMIT -1 OFFSET ?`,
      userKey,
      long ? 1 : 0,
      keep,
    )
    .map(({ id }) => id);
  for (const id of ids) deleteSession(tx, id);
  return ids;
}

/** Notes that a session is in use. */
export function touchSession(tx: Tx, sessionId: string, nowMs: number): void {
  tx.run('UPDATE access_session SET last_used_ms = ? WHERE id = ?', nowMs, sessionId);
}
