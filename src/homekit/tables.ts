import type { Migrations } from '../base/migrations.ts';
import type { SecretColumn } from '../base/secrets-at-rest.ts';

/** Who has these can be the bridge, or one of the phones that are paired with it. */
export const homekitSecrets: readonly SecretColumn[] = [
  { table: 'kept_value', key: 'name', value: 'value', only: ['homekit_pin', 'homekit_setup_id'] },
  { table: 'hap_storage', key: 'key', value: 'value' },
  { table: 'hap_bridge', key: 'username', value: 'secret' },
];

export const homekitTables: Migrations = {
  owner: 'homekit',
  steps: [
    `CREATE TABLE hap_storage (
      key   TEXT PRIMARY KEY,   -- the name hap-nodejs gives it: AccessoryInfo.<id>.json, IdentifierCache.<id>.json …
      value TEXT NOT NULL       -- its JSON; holds the bridge's signing key and the pairings, so it is secret
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE hap_accessory (
      entity_id   TEXT PRIMARY KEY,   -- the device that has one of the bridge's 149 places
      assigned_at INTEGER NOT NULL    -- ms since the Unix epoch
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE hap_service (
      entity_id TEXT NOT NULL,   -- the device
      component TEXT NOT NULL,   -- the discovery identity of its component
      tile      TEXT,            -- Switch or Outlet, as first shown: a tile never changes under a person's automations
      name      TEXT,            -- the name that a person gave it in Apple Home; null while they gave none
      PRIMARY KEY (entity_id, component)
    ) STRICT, WITHOUT ROWID;`,

    `CREATE TABLE hap_bridge (
      username TEXT PRIMARY KEY,          -- what Apple Home knows the bridge by, XX:XX:XX:XX:XX:XX
      number   INTEGER NOT NULL UNIQUE,   -- 2, 3 …; the first bridge has no row, its identity is among the kept values
      secret   TEXT NOT NULL,             -- setup code and setup id, by a space
      port     INTEGER,                   -- where it listened last; null while it never did
      made_at  INTEGER NOT NULL           -- ms since the Unix epoch
    ) STRICT, WITHOUT ROWID;

    -- The bridge that the device stands on. Those of before stand on the first.
    ALTER TABLE hap_accessory ADD COLUMN bridge INTEGER NOT NULL DEFAULT 1;
    -- When the device was removed, in ms; its place is free since then, and its own again where it comes back in time.
    ALTER TABLE hap_accessory ADD COLUMN freed_at INTEGER;

    CREATE TABLE hap_excluded (
      entity_id   TEXT PRIMARY KEY,   -- a device that a person keeps out of Apple Home
      excluded_at INTEGER NOT NULL    -- ms since the Unix epoch
    ) STRICT, WITHOUT ROWID;`,

    `-- From here on tile holds the service of whatever may be shown as more than one: covers, climates and valves too.
    -- 1: a person turned open and closed round for Apple Home, because the motor is wired the other way.
    ALTER TABLE hap_service ADD COLUMN opening_inverted INTEGER NOT NULL DEFAULT 0;
    -- 1: the same for the slats.
    ALTER TABLE hap_service ADD COLUMN tilt_inverted INTEGER NOT NULL DEFAULT 0;`,

    `-- 1: a person gave the bridge to one device alone, and no other is put on it.
    ALTER TABLE hap_bridge ADD COLUMN alone INTEGER NOT NULL DEFAULT 0;`,
  ],
};
