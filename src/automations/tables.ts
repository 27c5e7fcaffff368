import type { Migrations } from '../base/migrations.ts';

/** What automations may run, what they did, and how far the clock was looked at. */
export const automationTables: Migrations = {
  owner: 'automations',
  steps: [
    `
CREATE TABLE automation_approval (
  entity_id   TEXT PRIMARY KEY,
  hash        TEXT NOT NULL,        -- of triggers, conditions and actions: what somebody answers for
  approved_by TEXT NOT NULL,        -- id of a user, key:<id> of an API key, or terminal
  approved_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE automation_run (
  key          INTEGER PRIMARY KEY AUTOINCREMENT,
  entity_id    TEXT NOT NULL,       -- kept when the automation is gone
  firing       TEXT UNIQUE,         -- automation, trigger and scheduled time: fires once; NULL for what has no time
  trigger      TEXT NOT NULL,       -- in words
  why          TEXT NOT NULL,       -- JSON: what was seen
  scheduled_ms INTEGER,             -- when it was due; NULL for what has no time
  started_ms   INTEGER NOT NULL,
  finished_ms  INTEGER,             -- NULL while it runs
  outcome      TEXT NOT NULL,       -- see OUTCOMES
  actions      TEXT NOT NULL        -- JSON: a list of {action, ok, result}
) STRICT;
CREATE INDEX automation_run_of ON automation_run (entity_id, key);

CREATE TABLE automation_progress (
  key         INTEGER PRIMARY KEY CHECK (key = 1),
  looked_ms   INTEGER NOT NULL,     -- what was due up to here has been seen to
  furthest_ms INTEGER NOT NULL      -- the same before the clock was set back; looked_ms where it never was
) STRICT;

CREATE TABLE automation_hold (
  id       TEXT PRIMARY KEY,        -- automation and trigger, of those that wait for a state to last
  since_ms INTEGER NOT NULL,        -- wall clock when the state began
  fired    INTEGER NOT NULL         -- 1 once it has fired, or began before anybody watched
) STRICT, WITHOUT ROWID;
`,
  ],
};
