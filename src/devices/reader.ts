import type { Db } from '../base/db.ts';
import type { CapabilityKind, CapabilityValue, ComponentDescription } from './types.ts';

export interface DeviceRow {
  key: number;
  entityId: string;
  discovered: Record<string, unknown>;
  personKeys: string[];
  seenSeq: number;
}

export interface ComponentRow {
  key: number;
  deviceKey: number;
  firstId: string;
  description: ComponentDescription;
  available: boolean;
  withdrawnAtMs: number | null;
}

export interface CapabilityRow {
  key: number;
  deviceKey: number;
  componentKey: number;
  kind: CapabilityKind;
  name: string;
}

export function readDevices(db: Db): DeviceRow[] {
  return db
    .all<{ key: number; entity_id: string; discovered: string; person_keys: string; seen_seq: number }>(
      'SELECT key, entity_id, discovered, person_keys, seen_seq FROM device ORDER BY key',
    )
    .map((row) => ({
      key: row.key,
      entityId: row.entity_id,
      discovered: JSON.parse(row.discovered) as Record<string, unknown>,
      personKeys: JSON.parse(row.person_keys) as string[],
      seenSeq: row.seen_seq,
    }));
}

export function readIdentifiers(db: Db): { identifier: string; deviceKey: number }[] {
  return db
    .all<{ identifier: string; device_key: number }>('SELECT identifier, device_key FROM device_identifier')
    .map((row) => ({ identifier: row.identifier, deviceKey: row.device_key }));
}

export function readComponents(db: Db): ComponentRow[] {
  return db
    .all<{
      key: number;
      device_key: number;
      first_id: string;
      description: string;
      available: number;
      withdrawn_at_ms: number | null;
    }>(
      `SELECT key, device_key, first_id, description, available, withdrawn_at_ms
       FROM device_component ORDER BY key`,
    )
    .map((row) => ({
      key: row.key,
      deviceKey: row.device_key,
      firstId: row.first_id,
      description: JSON.parse(row.description) as ComponentDescription,
      available: row.available === 1,
      withdrawnAtMs: row.withdrawn_at_ms,
    }));
}

export function readCapabilities(db: Db): CapabilityRow[] {
  return db
    .all<{ key: number; device_key: number; component_key: number; kind: string; name: string }>(
      'SELECT key, device_key, component_key, kind, name FROM device_capability ORDER BY key',
    )
    .map((row) => ({
      key: row.key,
      deviceKey: row.device_key,
      componentKey: row.component_key,
      kind: row.kind as CapabilityKind,
      name: row.name,
    }));
}

export function readStates(db: Db): { capabilityKey: number; value: CapabilityValue; reportedMs: number }[] {
  return db
    .all<{ capability_key: number; value: string; reported_ms: number }>(
      'SELECT capability_key, value, reported_ms FROM device_state',
    )
    .map((row) => ({
      capabilityKey: row.capability_key,
      value: JSON.parse(row.value) as CapabilityValue,
      reportedMs: row.reported_ms,
    }));
}
