import type { Migrations } from '../base/migrations.ts';

import { COMPACTED_TABLES } from './compaction-tables.ts';
import { makeVersionsLean } from './lean-versions.ts';
import { SEARCH_TABLES } from './search/tables.ts';
import { stampVersions } from './stamps.ts';

/**
 * The home graph. Keys inside the file are integers: text ids and versions in every index cost 64 bytes of card wear
 * for each byte of data. `seq` is one counter over entity and edge versions; replication uses it and nothing else does.
 * The second step replaces `entity_version` and moves the pointer to the current version out of `entity`.
 */
export const graphTables: Migrations = {
  owner: 'graph',
  steps: [
    `
CREATE TABLE author (
  key       INTEGER PRIMARY KEY,
  user_id   TEXT NOT NULL,          -- who made a version; 'hub' for the hub itself
  device_id TEXT NOT NULL,          -- the client that sent it
  UNIQUE (user_id, device_id)
) STRICT;

CREATE TABLE entity (
  key            INTEGER PRIMARY KEY,
  id             TEXT NOT NULL UNIQUE,  -- 1 to 128 characters, made by whoever created it
  entity_type    TEXT NOT NULL,
  latest_seq     INTEGER NOT NULL,      -- the version that is current; negative while only losers of conflicts are held
  deleted        INTEGER NOT NULL,      -- 1 when the current version is a tombstone
  created_micros INTEGER NOT NULL       -- effective time of the first version, us since the Unix epoch
) STRICT;
CREATE UNIQUE INDEX entity_by_latest ON entity (latest_seq);
CREATE INDEX entity_by_type ON entity (entity_type, key) WHERE deleted = 0;

CREATE TABLE entity_version (
  seq          INTEGER PRIMARY KEY,     -- order of commits, shown to nobody before it is durable
  entity_key   INTEGER NOT NULL REFERENCES entity (key),
  version      TEXT NOT NULL,           -- opaque; the hub's own sort by time
  change_type  INTEGER NOT NULL,        -- 0 create, 1 update, 2 delete
  current      INTEGER NOT NULL,        -- 0 for the loser of a conflict: archive, never state
  author_key   INTEGER NOT NULL REFERENCES author (key),
  source_type  TEXT NOT NULL,
  valid_micros INTEGER NOT NULL,        -- when it began to hold: not after its receipt, after its parents
  client_time  TEXT NOT NULL,           -- when the author says it was made, as sent
  parents      TEXT NOT NULL,           -- JSON array of the versions that it supersedes
  content      TEXT                     -- the JSON object as it goes out; NULL in a tombstone
) STRICT;
CREATE UNIQUE INDEX entity_version_by_version ON entity_version (entity_key, version);

CREATE TABLE relationship (
  key               INTEGER PRIMARY KEY,
  id                TEXT NOT NULL UNIQUE,
  latest_seq        INTEGER NOT NULL,   -- the version that is current; negative while only losers are held
  from_key          INTEGER NOT NULL REFERENCES entity (key),
  to_key            INTEGER NOT NULL REFERENCES entity (key),
  relationship_type TEXT NOT NULL,
  open              INTEGER NOT NULL    -- 1 while the current version has no end
) STRICT;
CREATE UNIQUE INDEX relationship_by_latest ON relationship (latest_seq);
CREATE INDEX relationship_by_from ON relationship (from_key, relationship_type, open);
CREATE INDEX relationship_by_to ON relationship (to_key, relationship_type, open);

CREATE TABLE relationship_version (
  seq               INTEGER PRIMARY KEY,  -- the same counter as entity_version.seq
  relationship_key  INTEGER NOT NULL REFERENCES relationship (key),
  version           TEXT NOT NULL,
  current           INTEGER NOT NULL,
  author_key        INTEGER NOT NULL REFERENCES author (key),
  from_key          INTEGER NOT NULL REFERENCES entity (key),
  to_key            INTEGER NOT NULL REFERENCES entity (key),
  relationship_type TEXT NOT NULL,
  valid_from_micros INTEGER NOT NULL,     -- the edge is true from here,
  valid_to_micros   INTEGER,              -- up to but not at this time; NULL while it lasts
  created_micros    INTEGER NOT NULL,     -- when the first version of the edge was made
  parents           TEXT NOT NULL,
  properties        TEXT NOT NULL         -- JSON object
) STRICT;
CREATE UNIQUE INDEX relationship_version_by_version ON relationship_version (relationship_key, version);
`,
    makeVersionsLean,
    SEARCH_TABLES,
    stampVersions,
    COMPACTED_TABLES,
  ],
};

/** Counts the entities in a copy of the database, the deleted ones included; in a column `n`. */
export const COUNT_ENTITIES = 'SELECT count(*) AS n FROM entity';
