import type { Migrations } from '../base/migrations.ts';

/** What the hub remembers about the clients that sync. The graph itself knows nothing of them. */
export const syncTables: Migrations = {
  owner: 'sync',
  steps: [
    `
CREATE TABLE sync_device (
  device_id    TEXT PRIMARY KEY,  -- the client's own name for itself
  user_id      TEXT NOT NULL,     -- whose token it used last
  protocol     TEXT NOT NULL,     -- 'inbetweenies-v1' or 'inbetweenies-v1.1'
  last_sync_ms INTEGER NOT NULL,  -- ms since the Unix epoch; may lag a minute behind after a power cut
  clock_value  TEXT,              -- the newest version that it pushed; NULL when it never pushed
  cursor_seq   INTEGER NOT NULL,  -- the seq of the last cursor that it was given
  last_error   TEXT               -- why its last sync did not work wholly; NULL when it did
) STRICT, WITHOUT ROWID;
CREATE INDEX sync_device_by_time ON sync_device (last_sync_ms);
`,
    `
ALTER TABLE sync_device ADD COLUMN starts_over_ms INTEGER; -- a cursor from before then is not good any more; ms since the Unix epoch

CREATE TABLE sync_conflict (
  key              INTEGER PRIMARY KEY,
  id               TEXT NOT NULL UNIQUE,  -- as clients are told it
  entity_id        TEXT NOT NULL,
  conflict_type    TEXT NOT NULL,         -- already_exists, not_found, delete_update, version_conflict
  remote_version   TEXT NOT NULL,         -- the version that lost; the newest of them where others descend from it
  lost_versions    TEXT NOT NULL,         -- JSON array of every version that lost in it
  user_id          TEXT NOT NULL,         -- who made the remote version,
  device_id        TEXT NOT NULL,         -- and on which client
  created_ms       INTEGER NOT NULL,      -- ms since the Unix epoch
  resolved_ms      INTEGER,               -- NULL while somebody has to look at it
  resolution       TEXT,                  -- keep_local, accept_remote, merge
  resolved_version TEXT,                  -- what was made of it
  resolved_by      TEXT                   -- the user who decided
) STRICT;
CREATE INDEX sync_conflict_open ON sync_conflict (entity_id) WHERE resolved_ms IS NULL;
CREATE INDEX sync_conflict_open_by_key ON sync_conflict (key) WHERE resolved_ms IS NULL;
`,
  ],
};
