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
  ],
};
