import type { Tx } from '../base/db.ts';
import type { PairingRow } from './reader.ts';

/** Keeps (or with null removes) the JSON text of a hap-nodejs key. */
export function writeStoredText(tx: Tx, key: string, value: string | null): void {
  if (value === null) tx.run('DELETE FROM hap_storage WHERE key = ?', key);
  else {
    tx.run(
      'INSERT INTO hap_storage (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value',
      key,
      value,
    );
  }
}

export function writeAssignment(tx: Tx, entityId: string, nowMs: number): void {
  tx.run(
    'INSERT INTO hap_accessory (entity_id, assigned_at) VALUES (?, ?) ON CONFLICT (entity_id) DO NOTHING',
    entityId,
    nowMs,
  );
}

/** Frees the place. The ids and the remembered services stay, so that the same device comes back as it was. */
export function removeAssignment(tx: Tx, entityId: string): void {
  tx.run('DELETE FROM hap_accessory WHERE entity_id = ?', entityId);
}

export function writeTile(tx: Tx, entityId: string, component: string, tile: string): void {
  tx.run(
    `INSERT INTO hap_service (entity_id, component, tile) VALUES (?, ?, ?)
     ON CONFLICT (entity_id, component) DO UPDATE SET tile = excluded.tile`,
    entityId,
    component,
    tile,
  );
}

/** Keeps the name a person gave in Apple Home; null gives it back to the hub. */
export function writeServiceName(tx: Tx, entityId: string, component: string, name: string | null): void {
  tx.run(
    `INSERT INTO hap_service (entity_id, component, name) VALUES (?, ?, ?)
     ON CONFLICT (entity_id, component) DO UPDATE SET name = excluded.name`,
    entityId,
    component,
    name,
  );
}

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
