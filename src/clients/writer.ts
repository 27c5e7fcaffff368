import type { Tx } from '../base/db.ts';
import type { ClientRecord } from './types.ts';

export function insertRecord(tx: Tx, clientId: string, serverUrl: string, nowMs: number): void {
  tx.run(
    `INSERT INTO client_sync_metadata (client_id, server_url, failures, syncs, in_progress, created_ms, updated_ms)
     VALUES (?, ?, 0, 0, 0, ?, ?)`,
    clientId,
    serverUrl,
    nowMs,
    nowMs,
  );
}

export function updateRecord(tx: Tx, record: ClientRecord): void {
  tx.run(
    `UPDATE client_sync_metadata SET server_url = ?, last_sync_ms = ?, last_success_ms = ?, last_error = ?, failures = ?,
       syncs = ?, in_progress = ?, next_retry_ms = ?, updated_ms = ? WHERE id = ?`,
    record.serverUrl,
    record.lastSyncMs,
    record.lastSuccessMs,
    record.lastError,
    record.failures,
    record.syncs,
    record.inProgress ? 1 : 0,
    record.nextRetryMs,
    record.updatedMs,
    record.id,
  );
}

/** @returns false when there was none. */
export function deleteRecord(tx: Tx, clientId: string): boolean {
  return tx.run('DELETE FROM client_sync_metadata WHERE client_id = ?', clientId).changes > 0;
}

/** Keeps the `keep` records that changed last. */
export function trimRecords(tx: Tx, keep: number): void {
  tx.run(
    `DELETE FROM client_sync_metadata WHERE id IN (SELECT id FROM client_sync_metadata
       ORDER BY updated_ms DESC, id DESC LIMIT -1 OFFSET ?)`,
    keep,
  );
}
