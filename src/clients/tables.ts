import type { Migrations } from '../base/migrations.ts';

/** What clients of Inbetweenies v2 note about their own syncs. The hub keeps it for them and does nothing with it. */
export const clientTables: Migrations = {
  owner: 'clients',
  steps: [
    `
CREATE TABLE client_sync_metadata (
  id              INTEGER PRIMARY KEY,
  client_id       TEXT NOT NULL UNIQUE,  -- the client's own name for itself
  server_url      TEXT NOT NULL,         -- where it syncs with, as it says
  last_sync_ms    INTEGER,               -- when its last sync began, ms since the Unix epoch
  last_success_ms INTEGER,               -- when its last sync that worked ended
  last_error      TEXT,                  -- why its last sync did not work; NULL when it did
  failures        INTEGER NOT NULL,      -- in a row
  syncs           INTEGER NOT NULL,      -- that ended, either way
  in_progress     INTEGER NOT NULL,      -- 1 between the beginning and the end of a sync
  next_retry_ms   INTEGER,               -- when it should try again; NULL when the last sync worked
  created_ms      INTEGER NOT NULL,
  updated_ms      INTEGER NOT NULL
) STRICT;
CREATE INDEX client_sync_metadata_by_update ON client_sync_metadata (updated_ms);
`,
    // An id that was given away names one record for ever, so that AUTOINCREMENT is what it takes.
    `
CREATE TABLE lasting_sync_metadata (
  id              INTEGER PRIMARY KEY AUTOINCREMENT,  -- never given away twice
  client_id       TEXT NOT NULL UNIQUE,  -- the client's own name for itself
  server_url      TEXT NOT NULL,         -- where it syncs with, as it says
  last_sync_ms    INTEGER,               -- when its last sync began, ms since the Unix epoch
  last_success_ms INTEGER,               -- when its last sync that worked ended
  last_error      TEXT,                  -- why its last sync did not work; NULL when it did
  failures        INTEGER NOT NULL,      -- in a row
  syncs           INTEGER NOT NULL,      -- that ended, either way
  in_progress     INTEGER NOT NULL,      -- 1 between the beginning and the end of a sync
  next_retry_ms   INTEGER,               -- when it should try again; NULL when the last sync worked
  created_ms      INTEGER NOT NULL,
  updated_ms      INTEGER NOT NULL
) STRICT;
INSERT INTO lasting_sync_metadata SELECT id, client_id, server_url, last_sync_ms, last_success_ms, last_error, failures,
  syncs, in_progress, next_retry_ms, created_ms, updated_ms FROM client_sync_metadata ORDER BY id;
DROP TABLE client_sync_metadata;
ALTER TABLE lasting_sync_metadata RENAME TO client_sync_metadata;
CREATE INDEX client_sync_metadata_by_update ON client_sync_metadata (updated_ms);
`,
  ],
};
