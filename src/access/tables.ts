import type { Migrations } from '../base/migrations.ts';
import type { SecretColumn } from '../base/secrets-at-rest.ts';

/**
 * Users and their logins. A session is one login of one client: the family of its refresh tokens, and the thing that
 * an access token names. Ending a session deletes it, and with it every token that came from it.
 */
/** What is kept as it is, and sealed where there is a passphrase; the rest of the secrets are hashes. */
export const accessSecrets: readonly SecretColumn[] = [
  { table: 'kept_value', key: 'name', value: 'value', only: ['jwt_secret', 'setup_code'] },
];

export const accessTables: Migrations = {
  owner: 'access',
  steps: [
    `
CREATE TABLE access_user (
  key             INTEGER PRIMARY KEY,
  id              TEXT NOT NULL UNIQUE,   -- the subject of tokens, the author in the graph; never reused
  username        TEXT NOT NULL,          -- as its owner writes it
  username_folded TEXT NOT NULL UNIQUE,   -- what logins are compared with
  role            TEXT NOT NULL,          -- owner, admin, member, guest, service
  password_phc    TEXT,                   -- argon2id as a PHC string; NULL for a user that cannot log in by password
  created_ms      INTEGER NOT NULL        -- ms since the Unix epoch
) STRICT;

CREATE TABLE access_session (
  key          INTEGER PRIMARY KEY,
  id           TEXT NOT NULL UNIQUE,      -- the sid of access tokens
  user_key     INTEGER NOT NULL REFERENCES access_user (key) ON DELETE CASCADE,
  device_id    TEXT,                      -- what the client calls itself, if it said so
  created_ms   INTEGER NOT NULL,
  last_used_ms INTEGER NOT NULL           -- the last login or refresh; the one longest unused is ended first
) STRICT;
CREATE INDEX access_session_by_user ON access_session (user_key, last_used_ms);

CREATE TABLE access_refresh_token (
  hash        BLOB PRIMARY KEY,           -- SHA-256 of the token: a stolen database holds no usable token
  session_key INTEGER NOT NULL REFERENCES access_session (key) ON DELETE CASCADE,
  expires_ms  INTEGER NOT NULL,
  replaced_ms INTEGER                     -- when it was exchanged; shown again afterwards it was stolen
) STRICT, WITHOUT ROWID;
CREATE INDEX access_refresh_token_by_session ON access_refresh_token (session_key);
CREATE INDEX access_refresh_token_by_expiry ON access_refresh_token (expires_ms);
`,
    `
-- when its last access token ends, for a session that lives by long tokens; NULL where refresh tokens carry it
ALTER TABLE access_session ADD COLUMN expires_ms INTEGER;

CREATE TABLE access_guest_code (
  hash       BLOB PRIMARY KEY,            -- SHA-256 of the code: a stolen database holds no usable code
  prefix     TEXT NOT NULL UNIQUE,        -- its first characters, by which people tell codes apart
  user_key   INTEGER NOT NULL REFERENCES access_user (key) ON DELETE CASCADE, -- the guest who is let in by it
  created_ms INTEGER NOT NULL,
  expires_ms INTEGER NOT NULL             -- the end of the code and of every token that came from it
) STRICT, WITHOUT ROWID;
CREATE INDEX access_guest_code_by_user ON access_guest_code (user_key);
CREATE INDEX access_guest_code_by_expiry ON access_guest_code (expires_ms);
`,
    `
-- when the account ends, of a guest always; NULL where it does not
ALTER TABLE access_user ADD COLUMN expires_ms INTEGER;
-- kinds of device that the user may command besides those of the role, as JSON: ["lock"]
ALTER TABLE access_user ADD COLUMN grants TEXT NOT NULL DEFAULT '[]';

-- what people call the device
ALTER TABLE access_session ADD COLUMN device_name TEXT;
-- 1: the device was paired, and the tokens are good for device_id only
ALTER TABLE access_session ADD COLUMN bound INTEGER NOT NULL DEFAULT 0;

-- the hash of what it was exchanged for; NULL beside a replaced_ms: void, shown again it was stolen
ALTER TABLE access_refresh_token ADD COLUMN successor BLOB;

CREATE TABLE access_api_key (
  key          INTEGER PRIMARY KEY,
  id           TEXT NOT NULL UNIQUE,      -- part of the secret, by which people tell keys apart; never reused
  name         TEXT NOT NULL,             -- what it is for
  scopes       TEXT NOT NULL,             -- JSON: ["home:read"]
  grants       TEXT NOT NULL,             -- JSON, as in access_user
  user_key     INTEGER NOT NULL REFERENCES access_user (key) ON DELETE CASCADE, -- who answers for it
  created_ms   INTEGER NOT NULL,
  expires_ms   INTEGER,                   -- NULL: good until it is deleted
  last_used_ms INTEGER                    -- written at most once a minute
) STRICT;
CREATE INDEX access_api_key_by_user ON access_api_key (user_key);

CREATE TABLE access_api_secret (
  hash       BLOB PRIMARY KEY,            -- SHA-256 of the secret: a stolen database holds no usable key
  key_key    INTEGER NOT NULL REFERENCES access_api_key (key) ON DELETE CASCADE,
  expires_ms INTEGER                      -- NULL: the present one; else the end of its overlap with the next
) STRICT, WITHOUT ROWID;
CREATE INDEX access_api_secret_by_key ON access_api_secret (key_key);

CREATE TABLE access_pairing_code (
  hash        BLOB PRIMARY KEY,           -- SHA-256 of the code, which lives for ten minutes
  user_key    INTEGER NOT NULL REFERENCES access_user (key) ON DELETE CASCADE, -- whose phone it pairs
  device_name TEXT,                       -- what its maker calls the phone
  expires_ms  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX access_pairing_code_by_user ON access_pairing_code (user_key);

CREATE TABLE access_audit (
  id         INTEGER PRIMARY KEY AUTOINCREMENT, -- ascending and never reused: a gap in the middle shows that a row was taken
  time_ms    INTEGER NOT NULL,            -- ms since the Unix epoch
  action     TEXT NOT NULL,               -- one of AUDIT_ACTIONS
  outcome    TEXT NOT NULL,               -- ok, refused
  user_id    TEXT,                        -- who, as they were called then: the user may be gone. NULL for a stranger
  username   TEXT,
  target     TEXT,                        -- what it was done to
  address    TEXT,                        -- from where
  request_id TEXT,
  details    TEXT NOT NULL                -- JSON, without secrets
) STRICT;
CREATE TRIGGER access_audit_append_only BEFORE UPDATE ON access_audit
BEGIN SELECT RAISE(ABORT, 'the audit log is only ever appended to'); END;
`,
    `
-- ids of the rooms that the user is limited to, as JSON: ["kitchen"]; NULL: the whole home
ALTER TABLE access_user ADD COLUMN rooms TEXT;
`,
  ],
};
