import type { Tx } from '../../base/db.ts';
import type { BackupRow } from './types.ts';

export function insertBackup(tx: Tx, row: Omit<BackupRow, 'id'>): void {
  tx.run(
    `INSERT INTO backup_made
       (place, name, origin, created_ms, size_bytes, sha256, encrypted, entities, verified_ms, problem)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (place, name) DO UPDATE SET verified_ms = excluded.verified_ms, problem = excluded.problem`,
    row.place,
    row.name,
    row.origin,
    row.createdMs,
    row.sizeBytes,
    row.sha256,
    row.encrypted ? 1 : 0,
    row.entities,
    row.verifiedMs,
    row.problem,
  );
}

export function noteVerified(tx: Tx, id: number, verifiedMs: number): void {
  tx.run('UPDATE backup_made SET verified_ms = ?, problem = NULL WHERE id = ?', verifiedMs, id);
}

export function noteProblem(tx: Tx, id: number, problem: string): void {
  tx.run('UPDATE backup_made SET problem = ? WHERE id = ?', problem, id);
}

export function deleteBackup(tx: Tx, id: number): void {
  tx.run('DELETE FROM backup_made WHERE id = ?', id);
}
