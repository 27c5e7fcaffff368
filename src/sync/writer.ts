import type { Tx } from '../base/db.ts';
import type { SyncDevice } from './types.ts';

/** Stores what is known about a client. */
export function writeSyncDevice(tx: Tx, device: SyncDevice): void {
  tx.run(
    `INSERT INTO sync_device (device_id, user_id, protocol, last_sync_ms, clock_value, cursor_seq, last_error)
     VALUES (?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (device_id) DO UPDATE SET user_id = excluded.user_id, protocol = excluded.protocol,
       last_sync_ms = excluded.last_sync_ms, clock_value = excluded.clock_value, cursor_seq = excluded.cursor_seq,
       last_error = excluded.last_error`,
    device.deviceId,
    device.userId,
    device.protocol,
    device.lastSyncMs,
    device.clockValue,
    device.cursorSeq,
    device.lastError,
  );
}

export function deleteSyncDevice(tx: Tx, deviceId: string): void {
  tx.run('DELETE FROM sync_device WHERE device_id = ?', deviceId);
}
