import type { Migrations } from '../base/migrations.ts';

/**
 * Numeric history. A flush appends one row that holds the readings of every series: one row for each series would
 * write a page for each, once a minute. Once an hour they are sorted into rows for each series. A `slot` is a series
 * and a period in one integer (see `slotOf`), so that a series lies together on the disk and costs no index.
 */
export const readingTables: Migrations = {
  owner: 'readings',
  steps: [
    `
CREATE TABLE reading_series (
  key        INTEGER PRIMARY KEY,
  entity_id  TEXT NOT NULL,        -- kept when the device is gone, until its last reading has expired
  capability TEXT NOT NULL,
  is_counter INTEGER NOT NULL,     -- 1 where the value only rises (state_class total, total_increasing)
  intervals  BLOB NOT NULL,        -- how often it is reported, see UsualInterval; empty at first
  UNIQUE (entity_id, capability)
) STRICT;

CREATE TABLE reading_batch (
  key        INTEGER PRIMARY KEY,  -- in the order of the flushes
  written_ms INTEGER NOT NULL,     -- wall clock of the flush
  data       BLOB NOT NULL         -- readings of many series, see encodeBatch; gone once they are in reading_chunk
) STRICT;

CREATE TABLE reading_chunk (
  slot INTEGER PRIMARY KEY,        -- series and UTC hour
  data BLOB NOT NULL               -- its readings, see encodeReadings
) STRICT;

CREATE TABLE reading_5m (
  slot INTEGER PRIMARY KEY,        -- series and UTC hour
  data BLOB NOT NULL               -- up to 12 aggregates, see encodeAggregates
) STRICT;

CREATE TABLE reading_1h (
  slot INTEGER PRIMARY KEY,        -- series and UTC day
  data BLOB NOT NULL               -- up to 24 aggregates
) STRICT;

CREATE TABLE reading_progress (
  key         INTEGER PRIMARY KEY CHECK (key = 1),
  rolled_hour INTEGER NOT NULL,    -- hours since the Unix epoch before this one are in reading_5m and reading_1h
  alive_ms    INTEGER NOT NULL,    -- the hub was running at this time; a newer written_ms of a batch counts too
  trusted_ms  INTEGER NOT NULL     -- how far the wall clock is believed when old rows are removed
) STRICT;
`,
  ],
};
