import type { Migrations } from '../base/migrations.ts';

const STEP_1 = `
CREATE TABLE mqtt_retained (
  topic      TEXT PRIMARY KEY,   -- as published
  payload    BLOB NOT NULL,      -- the last retained message; never empty, an empty one removes the row
  qos        INTEGER NOT NULL,   -- 0, 1 or 2, as published
  updated_ms INTEGER NOT NULL    -- ms since the Unix epoch, when it was written here
) STRICT, WITHOUT ROWID;
`;

const STEP_2 = `
CREATE TABLE mqtt_user (
  name             TEXT PRIMARY KEY,   -- as the device shows it; letters, digits and . _ @ -
  password_hash    TEXT NOT NULL,      -- see src/mqtt/broker/passwords.ts
  publish_filters  TEXT NOT NULL,      -- JSON array of topic filters, with %u and %c for user and client id
  subscribe_filters TEXT NOT NULL,     -- the same, for what may be subscribed to
  enabled          INTEGER NOT NULL,   -- 0 = kept, and lets nobody in
  created_ms       INTEGER NOT NULL    -- ms since the Unix epoch
) STRICT, WITHOUT ROWID;

CREATE TABLE mqtt_session (
  client_id        TEXT PRIMARY KEY,   -- of a client that asked for a session that outlives its connection
  owner            TEXT NOT NULL,      -- the user name that it was made with; others do not get it
  subscriptions    TEXT NOT NULL,      -- JSON array of {topic, qos, …}
  offline_since_ms INTEGER             -- ms since the Unix epoch; NULL = was connected when this was written
) STRICT, WITHOUT ROWID;

CREATE TABLE mqtt_queued (
  client_id  TEXT NOT NULL,            -- whose session
  seq        INTEGER NOT NULL,         -- order of arrival; never used twice
  topic      TEXT NOT NULL,            -- as published; empty where only the release of a QoS 2 message is owed
  payload    BLOB NOT NULL,            -- of the message
  qos        INTEGER NOT NULL,         -- 1 or 2; 0 where only the release is owed
  message_id INTEGER,                  -- under which it was sent already, if it was
  PRIMARY KEY (client_id, seq)
) STRICT, WITHOUT ROWID;
`;

/** What the embedded broker keeps, so that retained messages and sessions survive a restart as MQTT's users expect. */
export const mqttTables: Migrations = { owner: 'mqtt', steps: [STEP_1, STEP_2] };
