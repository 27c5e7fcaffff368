import type { Tx } from '../base/db.ts';
import type { PairingRow, ServiceEntityRow } from './reader.ts';

/** Keeps the pairing with an accessory; a later one with the same accessory replaces it. */
export function writePairing(tx: Tx, row: PairingRow, nowMs: number): void {
  tx.run(
    `INSERT OR REPLACE INTO hap_pairing
       (id, name, address, port, controller_id, public_key, secret_key, accessory_public_key, paired_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    row.id,
    row.name,
    row.address,
    row.port,
    row.controllerId,
    row.publicKey,
    row.secretKey,
    row.accessoryPublicKey,
    nowMs,
  );
}

export function writePairingAddress(tx: Tx, id: string, address: string, port: number): void {
  tx.run('UPDATE hap_pairing SET address = ?, port = ? WHERE id = ?', address, port, id);
}

export function removePairing(tx: Tx, id: string): void {
  tx.run('DELETE FROM hap_pairing WHERE id = ?', id);
}

export function writeServiceEntity(tx: Tx, { component, entityId, discovered }: ServiceEntityRow): void {
  tx.run(
    'INSERT OR REPLACE INTO hap_service_entity (component, entity_id, discovered) VALUES (?, ?, ?)',
    component,
    entityId,
    discovered,
  );
}
