import type { Db } from '../base/db.ts';
import type { Conflict, SyncDevice } from './types.ts';

import { CONFLICT_TYPES, RESOLUTIONS } from './types.ts';

interface DeviceRow {
  device_id: string;
  user_id: string;
  protocol: string;
  last_sync_ms: number;
  clock_value: string | null;
  cursor_seq: number;
  last_error: string | null;
  starts_over_ms: number | null;
}

/** The clients that synced last, newest first. */
export function readSyncDevices(db: Db, limit: number): SyncDevice[] {
  return db
    .all<DeviceRow>('SELECT * FROM sync_device ORDER BY last_sync_ms DESC LIMIT ?', limit)
    .map((row) => ({
      deviceId: row.device_id,
      userId: row.user_id,
      protocol: row.protocol,
      lastSyncMs: row.last_sync_ms,
      clockValue: row.clock_value,
      cursorSeq: row.cursor_seq,
      lastError: row.last_error,
      startsOverMs: row.starts_over_ms,
    }));
}

interface ConflictRow {
  key: number;
  id: string;
  entity_id: string;
  conflict_type: string;
  remote_version: string;
  lost_versions: string;
  user_id: string;
  device_id: string;
  created_ms: number;
  resolved_ms: number | null;
  resolution: string | null;
  resolved_version: string | null;
  resolved_by: string | null;
}

export function readConflict(db: Db, conflictId: string): Conflict | undefined {
  const row = db.get<ConflictRow>('SELECT * FROM sync_conflict WHERE id = ?', conflictId);
  return row && toConflict(row);
}

/** The open conflicts of one entity, oldest first. */
export function readOpenConflictsOf(db: Db, entityId: string): Conflict[] {
  return db
    .all<ConflictRow>(
      'SELECT * FROM sync_conflict WHERE entity_id = ? AND resolved_ms IS NULL ORDER BY key',
      entityId,
    )
    .map(toConflict);
}

/** Open conflicts after an internal key, oldest first. */
export function readOpenConflicts(
  db: Db,
  afterKey: number,
  limit: number,
): { key: number; conflict: Conflict }[] {
  return db
    .all<ConflictRow>(
      'SELECT * FROM sync_conflict WHERE key > ? AND resolved_ms IS NULL ORDER BY key LIMIT ?',
      afterKey,
      limit,
    )
    .map((row) => ({ key: row.key, conflict: toConflict(row) }));
}

/** How many conflicts are open, by the client whose change lost. */
export function countOpenConflicts(db: Db): Map<string, number> {
  const rows = db.all<{ device_id: string; n: number }>(
    'SELECT device_id, count(*) AS n FROM sync_conflict WHERE resolved_ms IS NULL GROUP BY device_id',
  );
  return new Map(rows.map(({ device_id, n }) => [device_id, n]));
}

function toConflict(row: ConflictRow): Conflict {
  return {
    conflictId: row.id,
    entityId: row.entity_id,
    type: oneOf(CONFLICT_TYPES, row.conflict_type),
    remoteVersion: row.remote_version,
    lostVersions: JSON.parse(row.lost_versions) as string[],
    userId: row.user_id,
    deviceId: row.device_id,
    createdAtMs: row.created_ms,
    resolved:
      row.resolved_ms === null
        ? null
        : {
            atMs: row.resolved_ms,
            resolution: oneOf(RESOLUTIONS, row.resolution ?? ''),
            version: row.resolved_version ?? '',
            userId: row.resolved_by ?? '',
          },
  };
}

function oneOf<T extends string>(known: readonly T[], text: string): T {
  const found = known.find((word) => word === text);
  if (found === undefined) throw new Error(`a stored conflict says "${text}"`);
  return found;
}
