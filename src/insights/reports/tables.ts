import type { Migrations } from '../../base/migrations.ts';

/** Reports of finished periods, and how each gets out of the house. */
export const reportTables: Migrations = {
  owner: 'reports',
  steps: [
    `
CREATE TABLE insights_report (
  id              TEXT PRIMARY KEY,   -- of the period, such as weekly-2026-W13
  kind            TEXT NOT NULL,      -- daily, weekly, monthly
  period_start_ms INTEGER NOT NULL,   -- ms since the Unix epoch, in the zone that the home had then
  period_end_ms   INTEGER NOT NULL,   -- exclusive
  made_ms         INTEGER NOT NULL,   -- when it was made, or made anew
  json            TEXT NOT NULL,      -- the whole of it, see reportSchema; pages are made of it
  UNIQUE (kind, period_start_ms)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX insights_report_by_end ON insights_report (period_end_ms, kind);

CREATE TABLE insights_report_delivery (
  report_id TEXT NOT NULL,
  target    TEXT NOT NULL,            -- mail, webhook
  state     TEXT NOT NULL,            -- queued, retrying, sent, failed
  attempts  INTEGER NOT NULL,         -- tries that were begun for this order
  order_no  INTEGER NOT NULL,         -- how often it was told to be sent
  round     INTEGER NOT NULL,         -- how often the queue has given up on this order
  due_ms    INTEGER,                  -- not before this; NULL: at once
  error     TEXT,                     -- why the last try failed
  at_ms     INTEGER NOT NULL,         -- when any of this changed
  PRIMARY KEY (report_id, target)
) STRICT, WITHOUT ROWID;
`,
  ],
};
