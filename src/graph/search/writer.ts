import type { Tx } from '../../base/db.ts';
import type { SearchWords } from './texts.ts';

/** What the index shall know of an entity. */
export interface IndexedEntity {
  readonly key: number;
  readonly entityType: string;
  /** Undefined where the entity is deleted. */
  readonly words: SearchWords | undefined;
}

/** Brings the index up to `seq`: what it says of these entities is replaced. */
export function writeIndexed(tx: Tx, entities: readonly IndexedEntity[], seq: number): void {
  for (const { key, entityType, words } of entities) {
    // A deleted one gets an empty row. A DELETE would leave the number of a page of FTS5 as the connection's last rowid: it
    // is above 2^53, at which the next statement of whoever comes next would throw.
    tx.run(
      'INSERT OR REPLACE INTO entity_search (rowid, name, body, type) VALUES (?, ?, ?, ?)',
      key,
      words?.name.join(' ') ?? '',
      words?.body.join(' ') ?? '',
      words ? entityType : '',
    );
  }
  tx.run('UPDATE search_state SET indexed_seq = ?', seq);
}

/** Empties the index; `format` is that of the words that will come. */
export function resetIndex(tx: Tx, format: string): void {
  tx.run(`INSERT INTO entity_search (entity_search) VALUES ('delete-all')`);
  tx.run('UPDATE search_state SET indexed_seq = 0, format = ?', format);
}

/**
 * Joins some of the pieces that the index was written in, about `pages` leaves of it.
 * @returns false when there was nothing worth joining.
 */
export function mergeIndex(tx: Tx, pages: number): boolean {
  const before = totalChanges(tx);
  tx.run(`INSERT INTO entity_search (entity_search, rank) VALUES ('merge', ?)`, pages);
  // FTS5 tells by this number only: the command itself counts for one.
  return totalChanges(tx) - before >= 2;
}

function totalChanges(tx: Tx): number {
  return tx.get<{ n: number }>('SELECT total_changes() AS n')?.n ?? 0;
}
