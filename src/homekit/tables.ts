import type { Migrations } from '../base/migrations.ts';
import type { SecretColumn } from '../base/secrets-at-rest.ts';

/** Who has these can be the bridge, one of the phones that are paired with it, or the hub to an imported accessory. */
export const homekitSecrets: readonly SecretColumn[] = [
  { table: 'kept_value', key: 'name', value: 'value', only: ['homekit_pin', 'homekit_setup_id'] },
  { table: 'hap_storage', key: 'key', value: 'value' },
  { table: 'hap_pairing', key: 'id', value: 'secret_key' },
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

    `CREATE TABLE hap_pairing (
      id                   TEXT PRIMARY KEY,   -- device id of an accessory that the hub is paired with, XX:XX:XX:XX:XX:XX
      name                 TEXT NOT NULL,      -- as it announced itself when it was paired
      address              TEXT NOT NULL,      -- where it was last reached
      port                 INTEGER NOT NULL,
      controller_id        TEXT NOT NULL,      -- under which name the accessory knows this hub
      public_key           TEXT NOT NULL,      -- this hub's Ed25519 key for the accessory, base64url
      secret_key           TEXT NOT NULL,      -- the secret half; without it the accessory has to be reset
      accessory_public_key TEXT NOT NULL,      -- what the accessory proves itself with, base64url
      paired_at            INTEGER NOT NULL    -- ms since the Unix epoch
    ) STRICT, WITHOUT ROWID;`,
  ],
};
