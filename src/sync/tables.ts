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
  ],
};
