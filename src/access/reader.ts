import type { Db } from '../base/db.ts';
import type { DeviceSession, GrantKind, Role, User } from './types.ts';

import { GRANT_KINDS, ROLES } from './types.ts';

/** The columns of a user, as `USER_COLUMNS` names them. */
export interface UserRow {
  key: number;
  id: string;
  username: string;
  role: string;
  password_phc: string | null;
  created_ms: number;
  expires_ms: number | null;
  grants: string;
  rooms: string | null;
}

export interface StoredUser {
  readonly key: number;
  readonly user: User;
  /** argon2id as a PHC string, or null where no password was set. */
  readonly passwordPhc: string | null;
}

/** To be used where `access_user` is called `u`. */
export const USER_COLUMNS =
  'u.key, u.id, u.username, u.role, u.password_phc, u.created_ms, u.expires_ms, u.grants, u.rooms';

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

/** Those behind guest codes are left out: they come and go with their codes. */
const PEOPLE = `SELECT ${USER_COLUMNS} FROM access_user u
  WHERE NOT EXISTS (SELECT 1 FROM access_guest_code c WHERE c.user_key = u.key)`;

/** Everybody with an account, in the order in which they were made. */
export function readUsers(db: Db): StoredUser[] {
  return db.all<UserRow>(`${PEOPLE} ORDER BY u.key`).map(toStoredUser);
}

export function readUser(db: Db, id: string): StoredUser | undefined {
  const row = db.get<UserRow>(`${PEOPLE} AND u.id = ?`, id);
  return row && toStoredUser(row);
}

export function countOwners(db: Db): number {
  return db.get<{ n: number }>("SELECT count(*) AS n FROM access_user WHERE role = 'owner'")?.n ?? 0;
}

/** A session together with whose it is, as stored now: a role that was taken away is gone at once. */
export interface StoredSession {
  readonly session: DeviceSession;
  readonly userKey: number;
  readonly user: User;
}

interface SessionRow extends UserRow {
  session_id: string;
  device_id: string | null;
  device_name: string | null;
  bound: number;
  session_created_ms: number;
  last_used_ms: number;
}

const SESSIONS = `SELECT ${USER_COLUMNS}, s.id AS session_id, s.device_id, s.device_name, s.bound,
    s.created_ms AS session_created_ms, s.last_used_ms
  FROM access_session s JOIN access_user u ON u.key = s.user_key`;

export function readSession(db: Db, sessionId: string): StoredSession | undefined {
  const row = db.get<SessionRow>(`${SESSIONS} WHERE s.id = ?`, sessionId);
  return row && toStoredSession(row);
}

/** Logins that still can be used, of one user or of all, the one used last first. */
export function readSessions(db: Db, userId: string | null, nowMs: number): StoredSession[] {
  return db
    .all<SessionRow>(
      `${SESSIONS} WHERE (? IS NULL OR u.id = ?) AND (coalesce(s.expires_ms, 0) > ? OR EXISTS
         (SELECT 1 FROM access_refresh_token t WHERE t.session_key = s.key AND t.expires_ms > ?))
       ORDER BY s.last_used_ms DESC, s.key DESC`,
      userId,
      userId,
      nowMs,
      nowMs,
    )
    .map(toStoredSession);
}

/** The logins to which a device was bound by pairing, whoever's they are. */
export function readBoundSessions(db: Db, deviceId: string): StoredSession[] {
  return db
    .all<SessionRow>(`${SESSIONS} WHERE s.bound = 1 AND s.device_id = ?`, deviceId)
    .map(toStoredSession);
}

function toStoredSession(row: SessionRow): StoredSession {
  const { key: userKey, user } = toStoredUser(row);
  return {
    userKey,
    user,
    session: {
      id: row.session_id,
      deviceId: row.device_id,
      deviceName: row.device_name,
      user: { id: user.id, username: user.username, role: user.role },
      createdAtMs: row.session_created_ms,
      lastUsedAtMs: row.last_used_ms,
      bound: row.bound === 1,
    },
  };
}

/** The sessions of a user. */
export function readSessionIds(db: Db, userKey: number): string[] {
  return db
    .all<{ id: string }>('SELECT id FROM access_session WHERE user_key = ?', userKey)
    .map(({ id }) => id);
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
  code_expires_ms: number;
}

const GUEST_CODES = `SELECT ${USER_COLUMNS}, c.prefix, c.created_ms AS code_created_ms, c.expires_ms AS code_expires_ms
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
    expiresAtMs: row.code_expires_ms,
  };
}

export interface StoredRefreshToken {
  readonly sessionKey: number;
  readonly sessionId: string;
  readonly deviceId: string | null;
  readonly bound: boolean;
  readonly user: User;
  readonly expiresAtMs: number;
  readonly replacedAtMs: number | null;
  /** The hash of what it was exchanged for; null where it was not, or is void. */
  readonly successor: Uint8Array | null;
}

export function readRefreshToken(db: Db, hash: Uint8Array): StoredRefreshToken | undefined {
  const row = db.get<
    UserRow & {
      session_key: number;
      session_id: string;
      device_id: string | null;
      bound: number;
      token_expires_ms: number;
      replaced_ms: number | null;
      successor: Uint8Array | null;
    }
  >(
    `SELECT ${USER_COLUMNS}, t.session_key, s.id AS session_id, s.device_id, s.bound,
       t.expires_ms AS token_expires_ms, t.replaced_ms, t.successor
     FROM access_refresh_token t JOIN access_session s ON s.key = t.session_key
     JOIN access_user u ON u.key = s.user_key WHERE t.hash = ?`,
    hash,
  );
  return (
    row && {
      sessionKey: row.session_key,
      sessionId: row.session_id,
      deviceId: row.device_id,
      bound: row.bound === 1,
      user: toStoredUser(row).user,
      expiresAtMs: row.token_expires_ms,
      replacedAtMs: row.replaced_ms,
      successor: row.successor,
    }
  );
}

export function toStoredUser(row: UserRow): StoredUser {
  return {
    key: row.key,
    user: {
      id: row.id,
      username: row.username,
      role: toRole(row.role),
      createdAtMs: row.created_ms,
      expiresAtMs: row.expires_ms,
      grants: toGrants(row.grants),
      ...(row.rooms === null ? {} : { rooms: JSON.parse(row.rooms) as string[] }),
    },
    passwordPhc: row.password_phc,
  };
}

/** Kinds that this build does not know give nothing. */
export function toGrants(json: string): GrantKind[] {
  const stored = JSON.parse(json) as unknown[];
  return GRANT_KINDS.filter((kind) => stored.includes(kind));
}

/** A role that this build does not know must not turn into any rights. */
function toRole(text: string): Role {
  const role = ROLES.find((known) => known === text);
  if (!role) throw new Error(`a stored user has the unknown role "${text}"`);
  return role;
}
