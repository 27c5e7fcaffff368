import type { Db } from '../base/db.ts';
import type { SyncDevice } from './types.ts';

interface DeviceRow {
  device_id: string;
  user_id: string;
  protocol: string;
  last_sync_ms: number;
  clock_value: string | null;
  cursor_seq: number;
  last_error: string | null;
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
    }));
}
