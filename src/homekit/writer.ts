import type { Tx } from '../base/db.ts';
import type { BridgeRow } from './reader.ts';
import type { Inversion } from './types.ts';

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

/** Gives a device a place, in the place of the one it has. */
export function writePlace(tx: Tx, entityId: string, bridge: number, nowMs: number): void {
  tx.run(
    `INSERT INTO hap_accessory (entity_id, assigned_at, bridge) VALUES (?, ?, ?)
     ON CONFLICT (entity_id) DO UPDATE SET bridge = excluded.bridge, freed_at = NULL`,
    entityId,
    nowMs,
    bridge,
  );
}

/** Frees the place. Which one it was stays, with the ids and the services, so that the device comes back as it was. */
export function freePlace(tx: Tx, entityId: string, nowMs: number): void {
  tx.run('UPDATE hap_accessory SET freed_at = ? WHERE entity_id = ?', nowMs, entityId);
}

export function writeExcluded(tx: Tx, entityId: string, excluded: boolean, nowMs: number): void {
  if (!excluded) tx.run('DELETE FROM hap_excluded WHERE entity_id = ?', entityId);
  else {
    tx.run(
      'INSERT INTO hap_excluded (entity_id, excluded_at) VALUES (?, ?) ON CONFLICT (entity_id) DO NOTHING',
      entityId,
      nowMs,
    );
  }
}

export function writeBridge(tx: Tx, row: BridgeRow, nowMs: number): void {
  tx.run(
    'INSERT INTO hap_bridge (username, number, secret, port, alone, made_at) VALUES (?, ?, ?, ?, ?, ?)',
    row.username,
    row.number,
    row.secret,
    row.port,
    row.alone,
    nowMs,
  );
}

export function writeBridgePort(tx: Tx, username: string, port: number): void {
  tx.run('UPDATE hap_bridge SET port = ? WHERE username = ?', port, username);
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

/** Forgets what the device's components were first shown as: they are shown as what they are from now on. */
export function forgetTiles(tx: Tx, entityId: string): void {
  tx.run('UPDATE hap_service SET tile = NULL WHERE entity_id = ?', entityId);
}

export function writeInversion(
  tx: Tx,
  entityId: string,
  component: string,
  { opening, tilt }: Inversion,
): void {
  tx.run(
    `INSERT INTO hap_service (entity_id, component, opening_inverted, tilt_inverted) VALUES (?, ?, ?, ?)
     ON CONFLICT (entity_id, component) DO UPDATE SET
       opening_inverted = excluded.opening_inverted, tilt_inverted = excluded.tilt_inverted`,
    entityId,
    component,
    Number(opening),
    Number(tilt),
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
