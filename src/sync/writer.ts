import type { Tx } from '../base/db.ts';
import type { Conflict, ResolvedConflict, SyncDevice } from './types.ts';

/** Stores what is known about a client. */
export function writeSyncDevice(tx: Tx, device: SyncDevice): void {
  tx.run(
    `INSERT INTO sync_device (device_id, user_id, protocol, last_sync_ms, clock_value, cursor_seq, last_error,
       starts_over_ms)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (device_id) DO UPDATE SET user_id = excluded.user_id, protocol = excluded.protocol,
       last_sync_ms = excluded.last_sync_ms, clock_value = excluded.clock_value, cursor_seq = excluded.cursor_seq,
       last_error = excluded.last_error, starts_over_ms = excluded.starts_over_ms`,
    device.deviceId,
    device.userId,
    device.protocol,
    device.lastSyncMs ?? 0,
    device.clockValue,
    device.cursorSeq,
    device.lastError,
    device.startsOverMs,
  );
}

export function deleteSyncDevice(tx: Tx, deviceId: string): void {
  tx.run('DELETE FROM sync_device WHERE device_id = ?', deviceId);
}

export function insertConflict(tx: Tx, conflict: Conflict): void {
  tx.run(
    `INSERT INTO sync_conflict (id, entity_id, conflict_type, remote_version, lost_versions, user_id, device_id, created_ms)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)
     -- A restored hub may be sent the change again that it has had a decision about.
     ON CONFLICT (id) DO UPDATE SET resolved_ms = NULL, resolution = NULL, resolved_version = NULL, resolved_by = NULL`,
    conflict.conflictId,
    conflict.entityId,
    conflict.type,
    conflict.remoteVersion,
    JSON.stringify(conflict.lostVersions),
    conflict.userId,
    conflict.deviceId,
    conflict.createdAtMs,
  );
}

/** Stores that another version lost in the conflict too. */
export function writeJoined(tx: Tx, conflict: Conflict): void {
  tx.run(
    'UPDATE sync_conflict SET remote_version = ?, lost_versions = ?, user_id = ?, device_id = ? WHERE id = ?',
    conflict.remoteVersion,
    JSON.stringify(conflict.lostVersions),
    conflict.userId,
    conflict.deviceId,
    conflict.conflictId,
  );
}

export function writeResolved(tx: Tx, conflictId: string, resolved: ResolvedConflict): void {
  tx.run(
    'UPDATE sync_conflict SET resolved_ms = ?, resolution = ?, resolved_version = ?, resolved_by = ? WHERE id = ?',
    resolved.atMs,
    resolved.resolution,
    resolved.version,
    resolved.userId,
    conflictId,
  );
}
