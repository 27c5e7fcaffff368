import type { Tx } from '../base/db.ts';
import type { DeviceRow } from './reader.ts';
import type { CapabilityKind, CapabilityValue, ComponentDescription } from './types.ts';

/** @returns the key of the new device. */
export function insertDevice(tx: Tx, entityId: string): number {
  return tx.run(
    `INSERT INTO device (entity_id, discovered, person_keys, seen_seq) VALUES (?, '{}', '[]', 0)`,
    entityId,
  ).lastInsertRowid;
}

export function updateDevice(tx: Tx, row: DeviceRow): void {
  tx.run(
    'UPDATE device SET discovered = ?, person_keys = ?, seen_seq = ? WHERE key = ?',
    JSON.stringify(row.discovered),
    JSON.stringify(row.personKeys),
    row.seenSeq,
    row.key,
  );
}

/** The first device that claims an identifier keeps it. */
export function insertIdentifier(tx: Tx, identifier: string, deviceKey: number): void {
  tx.run(
    'INSERT INTO device_identifier (identifier, device_key) VALUES (?, ?) ON CONFLICT DO NOTHING',
    identifier,
    deviceKey,
  );
}

/** @returns the key of the new component. */
export function insertComponent(
  tx: Tx,
  row: { deviceKey: number; firstId: string; description: ComponentDescription },
): number {
  return tx.run(
    `INSERT INTO device_component (component_id, device_key, first_id, description, available, withdrawn_at_ms)
     VALUES (?, ?, ?, ?, 1, NULL)`,
    row.description.id,
    row.deviceKey,
    row.firstId,
    JSON.stringify(row.description),
  ).lastInsertRowid;
}

/** Describes a component anew, also under another id; it is there again if it was withdrawn. */
export function updateComponent(tx: Tx, key: number, description: ComponentDescription): void {
  tx.run(
    'UPDATE device_component SET component_id = ?, description = ?, withdrawn_at_ms = NULL WHERE key = ?',
    description.id,
    JSON.stringify(description),
    key,
  );
}

export function markWithdrawn(tx: Tx, componentKey: number, atMs: number): void {
  tx.run('UPDATE device_component SET withdrawn_at_ms = ? WHERE key = ?', atMs, componentKey);
}

export function writeAvailable(tx: Tx, componentKey: number, available: boolean): void {
  tx.run('UPDATE device_component SET available = ? WHERE key = ?', available ? 1 : 0, componentKey);
}

/** @returns the key of the new capability. */
export function insertCapability(
  tx: Tx,
  row: { deviceKey: number; componentKey: number; kind: CapabilityKind; name: string },
): number {
  return tx.run(
    'INSERT INTO device_capability (device_key, component_key, kind, name) VALUES (?, ?, ?, ?)',
    row.deviceKey,
    row.componentKey,
    row.kind,
    row.name,
  ).lastInsertRowid;
}

export function writeState(tx: Tx, capabilityKey: number, value: CapabilityValue, reportedMs: number): void {
  tx.run(
    `INSERT INTO device_state (capability_key, value, reported_ms) VALUES (?, ?, ?)
     ON CONFLICT (capability_key) DO UPDATE SET value = excluded.value, reported_ms = excluded.reported_ms`,
    capabilityKey,
    JSON.stringify(value),
    reportedMs,
  );
}
