import type { Db } from '../base/db.ts';

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

/** The service entity of a component, and what the hub wrote into it last. */
export interface ServiceEntityRow {
  readonly component: string;
  readonly entityId: string;
  /** JSON. */
  readonly discovered: string;
}

/** The service entities that were ever made of a pairing. */
export function readServiceEntities(db: Db, pairingId: string): ServiceEntityRow[] {
  return db.all<ServiceEntityRow>(
    `SELECT component, entity_id AS entityId, discovered FROM hap_service_entity
     WHERE component >= ? AND component < ? ORDER BY component`,
    `hap/${pairingId}/`,
    `hap/${pairingId}0`,
  );
}
