import type { Tx } from '../base/db.ts';

import { toIso } from '../base/clock.ts';
import { HASH_BITS, packParents, packVersion, versionHash } from './version-codec.ts';

const TABLES = `
CREATE TABLE entity_latest (
  entity_key INTEGER PRIMARY KEY REFERENCES entity (key),
  seq        INTEGER NOT NULL,      -- the version that is current
  deleted    INTEGER NOT NULL       -- 1 when that is a tombstone
) STRICT;

CREATE TABLE lean_version (
  seq          INTEGER PRIMARY KEY, -- order of commits, shown to nobody before it is durable
  entity_key   INTEGER NOT NULL REFERENCES entity (key),
  moment       INTEGER NOT NULL,    -- valid_micros and, in the lowest ${HASH_BITS} bits, a hash of the version
  valid_micros INTEGER GENERATED ALWAYS AS (moment >> ${HASH_BITS}) VIRTUAL, -- when it began to hold, us since the Unix epoch
  version      TEXT NOT NULL,       -- opaque; packed, see version-codec.ts
  change_type  INTEGER NOT NULL,    -- 0 create, 1 update, 2 delete
  current      INTEGER NOT NULL,    -- 0 for the loser of a conflict: archive, never state
  author_key   INTEGER NOT NULL REFERENCES author (key),
  source_type  TEXT NOT NULL,
  client_time  TEXT,                -- when the author says it was made, as sent; NULL where valid_micros says the same
  parents      TEXT NOT NULL,       -- the versions that it supersedes; packed
  content      TEXT                 -- the JSON object as it goes out; NULL in a tombstone
) STRICT;

CREATE TABLE relationship_former_end (
  entity_key       INTEGER NOT NULL REFERENCES entity (key),   -- an end that an edge had,
  relationship_key INTEGER NOT NULL REFERENCES relationship (key), -- and has no more: reads of the past look here too
  PRIMARY KEY (entity_key, relationship_key)
) STRICT, WITHOUT ROWID;
`;

interface OldVersion {
  seq: number;
  entity_key: number;
  version: string;
  change_type: number;
  current: number;
  author_key: number;
  source_type: string;
  valid_micros: number;
  client_time: string;
  parents: string;
  content: string | null;
}

/**
 * Rewrites the versions into a table that wears the card less: texts that are derived from one another are packed, the
 * pointer to the current version has a narrow table of its own, and one index, in the order of time within each entity,
 * serves both the look-up of a version and reads of the past.
 */
export function makeVersionsLean(tx: Tx): void {
  tx.exec(TABLES);
  tx.run(
    'INSERT INTO entity_latest (entity_key, seq, deleted) SELECT key, latest_seq, deleted FROM entity WHERE latest_seq > 0',
  );
  for (const row of tx.iterate<OldVersion>('SELECT * FROM entity_version ORDER BY seq')) {
    const sameTime = row.client_time === toIso(Math.floor(row.valid_micros / 1000));
    tx.run(
      `INSERT INTO lean_version (seq, entity_key, moment, version, change_type, current, author_key, source_type,
         client_time, parents, content)
       VALUES (?1, ?2, (CAST(?3 AS INTEGER) << ${HASH_BITS}) | CAST(?4 AS INTEGER), ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)`,
      row.seq,
      row.entity_key,
      row.valid_micros,
      versionHash(row.version),
      packVersion(row.version),
      row.change_type,
      row.current,
      row.author_key,
      row.source_type,
      sameTime ? null : row.client_time,
      packParents(JSON.parse(row.parents) as string[]),
      row.content,
    );
  }
  tx.exec(`
    DROP INDEX entity_by_latest;
    DROP INDEX entity_by_type;
    ALTER TABLE entity DROP COLUMN latest_seq;
    ALTER TABLE entity DROP COLUMN deleted;
    CREATE INDEX entity_by_type ON entity (entity_type, key);
    DROP TABLE entity_version;
    ALTER TABLE lean_version RENAME TO entity_version;
    CREATE INDEX entity_version_by_moment ON entity_version (entity_key, moment);
  `);
}
