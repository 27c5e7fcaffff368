import type { Db } from '../base/db.ts';

/** What is remembered about one component of a device. */
export interface RememberedService {
  readonly entityId: string;
  readonly component: string;
  readonly tile: string | null;
  readonly name: string | null;
}

/** The JSON text kept under a hap-nodejs key, or undefined. */
export function readStoredText(db: Db, key: string): string | undefined {
  return db.get<{ value: string }>('SELECT value FROM hap_storage WHERE key = ?', key)?.value;
}

/** The devices that have a place on the bridge. */
export function readAssignedEntities(db: Db): Set<string> {
  const rows = db.all<{ entity_id: string }>(
    'SELECT entity_id FROM hap_accessory ORDER BY assigned_at, entity_id',
  );
  return new Set(rows.map((row) => row.entity_id));
}

export function readRememberedServices(db: Db): RememberedService[] {
  return db.all<RememberedService>(
    'SELECT entity_id AS entityId, component, tile, name FROM hap_service ORDER BY entity_id, component',
  );
}

/** A pairing with somebody else's accessory, as its columns hold it. */
export interface PairingRow {
  readonly id: string;
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly controllerId: string;
  /** Keys are base64url. */
  readonly publicKey: string;
  /** As `Secrets.seal` wrote it. */
  readonly secretKey: string;
  readonly accessoryPublicKey: string;
}

/** The accessories that the hub is paired with, oldest first. */
export function readPairings(db: Db): PairingRow[] {
  return db.all<PairingRow>(
    `SELECT id, name, address, port, controller_id AS controllerId, public_key AS publicKey,
            secret_key AS secretKey, accessory_public_key AS accessoryPublicKey
     FROM hap_pairing ORDER BY paired_at, id`,
  );
}
