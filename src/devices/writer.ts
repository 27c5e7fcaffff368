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

/** @returns the key of the component, new or known. */
export function putComponent(tx: Tx, deviceKey: number, description: ComponentDescription): number {
  const row = tx.get<{ key: number }>(
    `INSERT INTO device_component (component_id, device_key, description, available, withdrawn_at_ms)
     VALUES (?, ?, ?, 1, NULL)
     ON CONFLICT (component_id) DO UPDATE SET description = excluded.description, withdrawn_at_ms = NULL
     RETURNING key`,
    description.id,
    deviceKey,
    JSON.stringify(description),
  );
  if (!row) throw new Error(`the component ${description.id} was written and is not there`);
  return row.key;
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
