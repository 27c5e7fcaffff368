import type { Migrations } from '../base/migrations.ts';

/**
 * What happened and is no number. A flush appends one row for the whole home; once a day these are sorted into a row for
 * each series and day. A `slot` is a day and a series in one integer (see `slotOf`): a day lies together, so that it
 * costs few pages to read or to remove.
 */
export const activityTables: Migrations = {
  owner: 'activity',
  steps: [
    `
CREATE TABLE activity_series (
  key        INTEGER PRIMARY KEY,
  entity_id  TEXT NOT NULL,        -- kept when the device is gone, until its last event has expired
  capability TEXT NOT NULL,        -- a capability's name, or 'available'
  UNIQUE (entity_id, capability)
) STRICT;

CREATE TABLE activity_batch (
  key        INTEGER PRIMARY KEY,  -- in the order of the flushes
  data       BLOB NOT NULL         -- events of many series, see encodeBatch; gone once they are in activity_day
) STRICT;

CREATE TABLE activity_day (
  slot INTEGER PRIMARY KEY,        -- UTC day and series
  data BLOB NOT NULL               -- its events, see encodeEvents
) STRICT;

CREATE TABLE activity_span (
  start_ms INTEGER PRIMARY KEY,    -- the hub ran from here,
  end_ms   INTEGER NOT NULL        -- at least until here; ms since the Unix epoch
) STRICT;

CREATE TABLE activity_size (
  key   INTEGER PRIMARY KEY CHECK (key = 1),
  bytes INTEGER NOT NULL           -- of all data in activity_day
) STRICT;
INSERT INTO activity_size (key, bytes) VALUES (1, 0);
`,
    `
ALTER TABLE activity_series ADD COLUMN last_day INTEGER NOT NULL DEFAULT 0;  -- UTC day of its last sorted event, or of its first words
UPDATE activity_series SET last_day = coalesce((SELECT max(slot) / 1048576 FROM activity_day), 0);
`,
  ],
};
