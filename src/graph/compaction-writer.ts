import type { Tx } from '../base/db.ts';

/** Removes the content of a version; that it was there, and what it descended from, stays. */
export function compactVersion(tx: Tx, seq: number): void {
  tx.run(
    `INSERT OR IGNORE INTO compacted_version (entity_key, moment, version, parents)
     SELECT entity_key, moment, version, parents FROM entity_version WHERE seq = ?`,
    seq,
  );
  tx.run('DELETE FROM entity_version WHERE seq = ?', seq);
}
