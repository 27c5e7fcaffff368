import type { Migrations } from '../../base/migrations.ts';

export const backupTables: Migrations = {
  owner: 'backup',
  steps: [
    `CREATE TABLE backup_made (
      id          INTEGER PRIMARY KEY,  -- the order in which they were made, whatever the clock said
      place       TEXT NOT NULL,        -- the folder as an absolute path, or s3://bucket/prefix
      name        TEXT NOT NULL,        -- of the file
      origin      TEXT NOT NULL,        -- schedule or hand
      created_ms  INTEGER NOT NULL,     -- ms since the Unix epoch
      size_bytes  INTEGER NOT NULL,     -- of the file
      sha256      TEXT NOT NULL,        -- of the file, hex
      encrypted   INTEGER NOT NULL,     -- 1 where it has a passphrase
      entities    INTEGER NOT NULL,     -- in the database, the deleted ones included
      verified_ms INTEGER NOT NULL,     -- when it was last read in full and found good
      problem     TEXT,                 -- what was found wrong since; NULL where nothing was
      UNIQUE (place, name)
    ) STRICT;`,
  ],
};
