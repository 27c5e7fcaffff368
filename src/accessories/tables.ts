import type { Migrations } from '../base/migrations.ts';
import type { SecretColumn } from '../base/secrets-at-rest.ts';

/** Who has these is the hub to an imported accessory. */
export const accessorySecrets: readonly SecretColumn[] = [
  { table: 'hap_pairing', key: 'id', value: 'secret_key' },
];

export const accessoryTables: Migrations = {
  owner: 'accessories',
  steps: [
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
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE hap_service_entity (
      component  TEXT PRIMARY KEY,   -- hap/<pairing>/<aid>.<iid>, the same as in the devices' own tables
      entity_id  TEXT NOT NULL,      -- its service entity; kept when the pairing ends, so that a later one brings it back
      discovered TEXT NOT NULL       -- the content that the hub wrote last, JSON: what differs from it is a person's
    ) STRICT, WITHOUT ROWID;`,
  ],
};
