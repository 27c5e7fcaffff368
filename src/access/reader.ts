import type { Db } from '../base/db.ts';
import type { Role, User } from './types.ts';

import { ROLES } from './types.ts';

interface UserRow {
  key: number;
  id: string;
  username: string;
  role: string;
  password_phc: string | null;
  created_ms: number;
}

export interface StoredUser {
  readonly key: number;
  readonly user: User;
  /** argon2id as a PHC string, or null where no password was set. */
  readonly passwordPhc: string | null;
}

const USER_COLUMNS = 'u.key, u.id, u.username, u.role, u.password_phc, u.created_ms';

export function hasUsers(db: Db): boolean {
  return db.get('SELECT 1 AS yes FROM access_user LIMIT 1') !== undefined;
}

export function readUserByName(db: Db, foldedUsername: string): StoredUser | undefined {
  const row = db.get<UserRow>(
    `SELECT ${USER_COLUMNS} FROM access_user u WHERE u.username_folded = ?`,
    foldedUsername,
  );
  return row && toStoredUser(row);
}

/** The user whose session this is, as stored now: a role that was taken away is gone at once. */
export function readSessionUser(
  db: Db,
  sessionId: string,
): { user: User; deviceId: string | null } | undefined {
  const row = db.get<UserRow & { device_id: string | null }>(
    `SELECT ${USER_COLUMNS}, s.device_id FROM access_session s JOIN access_user u ON u.key = s.user_key WHERE s.id = ?`,
    sessionId,
  );
  return row && { user: toStoredUser(row).user, deviceId: row.device_id };
}

export interface StoredGuestCode {
  /** Its first characters. */
  readonly prefix: string;
  readonly userKey: number;
  readonly user: User;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
}

interface GuestCodeRow extends UserRow {
  prefix: string;
  code_created_ms: number;
  expires_ms: number;
}

const GUEST_CODES = `SELECT ${USER_COLUMNS}, c.prefix, c.created_ms AS code_created_ms, c.expires_ms
  FROM access_guest_code c JOIN access_user u ON u.key = c.user_key`;

export function readGuestCode(db: Db, hash: Uint8Array): StoredGuestCode | undefined {
  const row = db.get<GuestCodeRow>(`${GUEST_CODES} WHERE c.hash = ?`, hash);
  return row && toGuestCode(row);
}

export function readGuestCodeByPrefix(db: Db, prefix: string): StoredGuestCode | undefined {
  const row = db.get<GuestCodeRow>(`${GUEST_CODES} WHERE c.prefix = ?`, prefix);
  return row && toGuestCode(row);
}

/** Codes that are good after `nowMs`, oldest first. */
export function readGuestCodes(db: Db, nowMs: number): StoredGuestCode[] {
  return db
    .all<GuestCodeRow>(`${GUEST_CODES} WHERE c.expires_ms > ? ORDER BY c.created_ms, c.prefix`, nowMs)
    .map(toGuestCode);
}

function toGuestCode(row: GuestCodeRow): StoredGuestCode {
  return {
    prefix: row.prefix,
    userKey: row.key,
    user: toStoredUser(row).user,
    createdAtMs: row.code_created_ms,
    expiresAtMs: row.expires_ms,
  };
}

/** The sessions of a user. */
export function readSessionIds(db: Db, userKey: number): string[] {
  return db
    .all<{ id: string }>('SELECT id FROM access_session WHERE user_key = ?', userKey)
    .map(({ id }) => id);
}

export interface StoredRefreshToken {
  readonly sessionKey: number;
  readonly sessionId: string;
  readonly user: User;
  readonly expiresAtMs: number;
  readonly replacedAtMs: number | null;
}

export function readRefreshToken(db: Db, hash: Uint8Array): StoredRefreshToken | undefined {
  const row = db.get<
    UserRow & { session_key: number; session_id: string; expires_ms: number; replaced_ms: number | null }
  >(
    `SELECT ${USER_COLUMNS}, t.session_key, s.id AS session_id, t.expires_ms, t.replaced_ms
     FROM access_refresh_token t JOIN access_session s ON s.key = t.session_key
     JOIN access_user u ON u.key = s.user_key WHERE t.hash = ?`,
    hash,
  );
  return (
    row && {
      sessionKey: row.session_key,
      sessionId: row.session_id,
      user: toStoredUser(row).user,
      expiresAtMs: row.expires_ms,
      replacedAtMs: row.replaced_ms,
    }
  );
}

function toStoredUser(row: UserRow): StoredUser {
  return {
    key: row.key,
    user: { id: row.id, username: row.username, role: toRole(row.role), createdAtMs: row.created_ms },
    passwordPhc: row.password_phc,
  };
}

/** A role that this build does not know must not turn into any rights. */
function toRole(text: string): Role {
  const role = ROLES.find((known) => known === text);
  if (!role) throw new Error(`a stored user has the unknown role "${text}"`);
  return role;
}
