import type { Migrations } from '../../base/migrations.ts';

/**
 * What people say about energy: prices, and corrections of what was measured. Energy itself and its cost are never
 * stored: they are made from the readings when somebody asks, so that a corrected price corrects the past.
 */
export const energyTables: Migrations = {
  owner: 'energy',
  steps: [
    `
CREATE TABLE energy_tariff (
  id             TEXT PRIMARY KEY,
  name           TEXT NOT NULL,
  currency       TEXT NOT NULL,     -- ISO 4217
  valid_from     TEXT NOT NULL,     -- date of the home's calendar, such as 2026-03-29: a day there is no instant
  valid_to       TEXT,              -- the first date on which it holds no more; NULL while it has no end
  standing_price REAL NOT NULL,     -- for each day, whatever is used
  price          REAL,              -- for a kWh outside of every window; NULL where the windows leave nothing out
  windows        TEXT NOT NULL,     -- JSON: a list of {days, from, to, price}, see PriceWindow
  dynamic        TEXT               -- JSON: {factor, surcharge} over energy_price; NULL where it does not follow it
) STRICT, WITHOUT ROWID;

CREATE TABLE energy_price (
  start_ms INTEGER PRIMARY KEY,     -- of a quarter of an hour of UTC; a price by the hour is four rows
  price    REAL NOT NULL            -- for a kWh, as the market says it; below 0 at times
) STRICT;

CREATE TABLE energy_correction (
  id          TEXT PRIMARY KEY,
  entity_id   TEXT NOT NULL,
  from_ms     INTEGER NOT NULL,     -- on a quarter of an hour
  to_ms       INTEGER NOT NULL,     -- exclusive
  kwh         REAL,                 -- what was really used; NULL: what was measured is left out, and nothing is known
  reason      TEXT NOT NULL,
  before_kwh  REAL NOT NULL,        -- what was counted at the time of the correction
  made_by     TEXT NOT NULL,        -- id of the user
  made_ms     INTEGER NOT NULL,
  reversed_by TEXT,                 -- NULL while it counts
  reversed_ms INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX energy_correction_of ON energy_correction (entity_id, from_ms);
`,
  ],
};
