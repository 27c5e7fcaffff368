import type { Db } from '../base/db.ts';
import type { ClientRecord } from './types.ts';

interface RecordRow {
  id: number;
  client_id: string;
  server_url: string;
  last_sync_ms: number | null;
  last_success_ms: number | null;
  last_error: string | null;
  failures: number;
  syncs: number;
  in_progress: number;
  next_retry_ms: number | null;
  created_ms: number;
  updated_ms: number;
}

const SELECT = `SELECT id, client_id, server_url, last_sync_ms, last_success_ms, last_error, failures, syncs, in_progress,
  next_retry_ms, created_ms, updated_ms FROM client_sync_metadata`;

export function readRecord(db: Db, clientId: string): ClientRecord | undefined {
  const row = db.get<RecordRow>(`${SELECT} WHERE client_id = ?`, clientId);
  return row && toRecord(row);
}

/** Records in the order in which they were made. */
export function readRecords(db: Db, limit: number): ClientRecord[] {
  return db.all<RecordRow>(`${SELECT} ORDER BY id LIMIT ?`, limit).map(toRecord);
}

function toRecord(row: RecordRow): ClientRecord {
  return {
    id: row.id,
    clientId: row.client_id,
    serverUrl: row.server_url,
    lastSyncMs: row.last_sync_ms,
    lastSuccessMs: row.last_success_ms,
    lastError: row.last_error,
    failures: row.failures,
    syncs: row.syncs,
    inProgress: row.in_progress === 1,
    nextRetryMs: row.next_retry_ms,
    createdMs: row.created_ms,
    updatedMs: row.updated_ms,
  };
}
