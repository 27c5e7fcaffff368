import type { Migrations } from '../base/migrations.ts';

/**
 * The durable job table decides alone what is due. Times of the wall clock can be wrong (a Pi boots in 1970), so what is
 * due after a delay carries the time at which that was written: a clock that shows less has been set back.
 */
export const jobTables: Migrations = {
  owner: 'jobs',
  steps: [
    `
CREATE TABLE job_schedule (
  name    TEXT PRIMARY KEY,
  cron    TEXT NOT NULL,       -- the fields that next_ms was reckoned from,
  zone    TEXT NOT NULL,       -- and the time zone of the home
  next_ms INTEGER,             -- when it comes next, ms since the Unix epoch; NULL: never
  last_ms INTEGER NOT NULL     -- up to here nothing of it is outstanding; 0: it never came
) STRICT, WITHOUT ROWID;

CREATE TABLE job_run (
  id         INTEGER PRIMARY KEY AUTOINCREMENT, -- ascending and never reused
  name       TEXT NOT NULL,
  origin     TEXT NOT NULL,    -- schedule, queue, hand
  key        TEXT,             -- idempotency key; NULL where none was given
  payload    TEXT NOT NULL,    -- JSON object
  state      TEXT NOT NULL,    -- queued, running, done, failed, cancelled
  attempts   INTEGER NOT NULL, -- tries that were begun
  due_ms     INTEGER NOT NULL, -- not before this
  set_ms     INTEGER,          -- when due_ms was reckoned from a delay; NULL where somebody named the time itself
  owner      TEXT,             -- the process that holds the lease while it runs
  lease_ms   INTEGER,          -- the end of the lease
  created_ms INTEGER NOT NULL,
  started_ms INTEGER,          -- the last try
  ended_ms   INTEGER,
  summary    TEXT,             -- what it came to, for people
  figures    TEXT NOT NULL DEFAULT '{}', -- JSON object of numbers
  error      TEXT              -- why the last failing try failed
) STRICT;
CREATE INDEX job_run_waiting ON job_run (name, due_ms) WHERE state = 'queued';
CREATE INDEX job_run_by_name ON job_run (name, id);
CREATE UNIQUE INDEX job_run_by_key ON job_run (name, key) WHERE key IS NOT NULL AND state IN ('queued', 'running', 'done');

CREATE TABLE job_clock (
  key        INTEGER PRIMARY KEY CHECK (key = 1),
  trusted_ms INTEGER NOT NULL  -- how far the wall clock is believed when old things are removed
) STRICT;
`,
    `
ALTER TABLE job_run ADD COLUMN problem TEXT; -- what the last try found and only a person can mend, a word; NULL: nothing
ALTER TABLE job_run ADD COLUMN action TEXT;  -- and what that person is to do
ALTER TABLE job_run ADD COLUMN busy_ms INTEGER; -- how long the last try took, by a clock that nobody sets; NULL: not known
ALTER TABLE job_clock ADD COLUMN leap_ms INTEGER; -- what the wall clock showed last while it is in doubt; NULL where it is not
ALTER TABLE job_clock ADD COLUMN stood_ms INTEGER NOT NULL DEFAULT 0; -- how long the hub has run since it leapt there
`,
  ],
};
