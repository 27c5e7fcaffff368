import type { Migrations } from '../../base/migrations.ts';

/** What was suggested, and what people said to it. What they dismissed stays away. */
export const suggestionTables: Migrations = {
  owner: 'suggestions',
  steps: [
    `
CREATE TABLE suggestion (
  id            TEXT PRIMARY KEY,   -- of the rule as it was first found
  identity      TEXT NOT NULL,      -- JSON: by what it is recognised when it is found again, see identityOf
  status        TEXT NOT NULL,      -- proposed, accepted, dismissed, withdrawn
  shown         TEXT NOT NULL,      -- JSON: as it was shown last
  first_ms      INTEGER NOT NULL,   -- when it was first found, ms since the Unix epoch
  last_ms       INTEGER NOT NULL,   -- when it was last found
  decided_ms    INTEGER,            -- NULL while nobody has decided
  decided_by    TEXT,               -- the user who did
  reason        TEXT,               -- why it was dismissed, in their words
  automation_id TEXT                -- what it became
) STRICT, WITHOUT ROWID;
`,
    `
ALTER TABLE suggestion ADD COLUMN runs INTEGER NOT NULL DEFAULT 0;      -- of its automation, in the days last looked at
ALTER TABLE suggestion ADD COLUMN reverted INTEGER NOT NULL DEFAULT 0;  -- of these, so many were undone by people

CREATE TABLE suggestion_search (
  key         INTEGER PRIMARY KEY CHECK (key = 1),
  computed_ms INTEGER NOT NULL,   -- when habits were last looked for, ms since the Unix epoch
  since_ms    INTEGER,            -- since when there were records; NULL where there were none
  days        INTEGER NOT NULL,   -- that were looked at
  tried       INTEGER NOT NULL    -- habits that were looked at
) STRICT;
`,
  ],
};
