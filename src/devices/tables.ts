import type { Migrations } from '../base/migrations.ts';

/** What discovery told, beside the graph: the graph holds the device itself, these tables how it is recognised. */
export const deviceTables: Migrations = {
  owner: 'devices',
  steps: [
    `
CREATE TABLE device (
  key         INTEGER PRIMARY KEY,
  entity_id   TEXT NOT NULL UNIQUE,  -- the device entity; kept after a tombstone, so that re-discovery revives it
  discovered  TEXT NOT NULL,         -- JSON object: the content keys as discovery last gave them
  person_keys TEXT NOT NULL,         -- JSON array: content keys that a person changed; discovery leaves them alone
  seen_seq    INTEGER NOT NULL       -- versions of the entity up to here are reflected in person_keys
) STRICT;

CREATE TABLE device_identifier (
  identifier TEXT PRIMARY KEY,       -- 'mac:…', 'id:…' or 'component:…'
  device_key INTEGER NOT NULL REFERENCES device (key)
) STRICT, WITHOUT ROWID;

CREATE TABLE device_component (
  key             INTEGER PRIMARY KEY,
  component_id    TEXT NOT NULL UNIQUE,  -- the discovery identity, component/node/object
  device_key      INTEGER NOT NULL REFERENCES device (key),
  description     TEXT NOT NULL,         -- JSON ComponentDescription as last given
  available       INTEGER NOT NULL,      -- 1 while the device answers, as last known
  withdrawn_at_ms INTEGER                -- when the publisher withdrew it; NULL while it is there
) STRICT;
CREATE INDEX device_component_by_device ON device_component (device_key);

CREATE TABLE device_capability (
  key           INTEGER PRIMARY KEY,
  device_key    INTEGER NOT NULL REFERENCES device (key),
  component_key INTEGER NOT NULL REFERENCES device_component (key),
  kind          TEXT NOT NULL,
  name          TEXT NOT NULL,           -- given once, never changed, never reused
  UNIQUE (device_key, name),
  UNIQUE (component_key, kind)
) STRICT;

CREATE TABLE device_state (
  capability_key INTEGER PRIMARY KEY REFERENCES device_capability (key),
  value          TEXT NOT NULL,          -- JSON; the last value wins
  reported_ms    INTEGER NOT NULL
) STRICT;
`,
    // What a component is called may change, when a better source tells of it; what was built on it must not.
    `
ALTER TABLE device_component ADD COLUMN first_id TEXT;  -- the first component_id, unique within the device
UPDATE device_component SET first_id = component_id;
`,
  ],
};
