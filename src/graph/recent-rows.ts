import type { EntityVersion } from './types.ts';

/** Enough for a push of the largest size, twice; older rows are read from the file. */
const MAX_ROWS = 2000;
const MAX_BYTES = 1024 * 1024;

/** One row that was written: of an entity, or (null) of an edge. */
export type WrittenRow = EntityVersion | null;

/**
 * The rows that were written last, as objects: whoever follows the graph asks for them right after they were written, and
 * need not read them back from the file. Only rows without a gap up to the newest are held.
 */
export class RecentRows {
  /** The seq of the first row of `#rows`. */
  #firstSeq: number;
  readonly #rows: WrittenRow[] = [];
  #bytes = 0;

  /** @param nextSeq of the row that will be written next */
  constructor(nextSeq: number) {
    this.#firstSeq = nextSeq;
  }

  /** Takes over the rows of a transaction, in the order of their seq, the first being the next one. */
  add(rows: readonly WrittenRow[]): void {
    for (const row of rows) {
      this.#rows.push(row);
      this.#bytes += bytesOf(row);
    }
    let dropped = 0;
    while (this.#rows.length - dropped > MAX_ROWS || this.#bytes > MAX_BYTES) {
      this.#bytes -= bytesOf(this.#rows[dropped] ?? null);
      dropped += 1;
    }
    if (dropped === 0) return;
    this.#rows.splice(0, dropped);
    this.#firstSeq += dropped;
  }

  /**
   * The entities whose current row lies in (afterSeq, untilSeq], as `readEntityChanges` reads them, and whether any edge
   * has a row there; undefined where not all of those rows are held.
   */
  between(
    afterSeq: number,
    untilSeq: number,
  ): { entities: readonly EntityVersion[]; hasEdges: boolean } | undefined {
    if (afterSeq < this.#firstSeq - 1) return undefined;
    // A later row of the same entity, up to the newest of all, takes the place of an earlier one.
    const latest = new Map<string, EntityVersion>();
    let hasEdges = false;
    for (let index = afterSeq + 1 - this.#firstSeq; index < this.#rows.length; index++) {
      const row = this.#rows[index];
      if (row) {
        if (row.heldAs === 'state') latest.set(row.id, row);
      } else if (this.#firstSeq + index <= untilSeq) hasEdges = true;
    }
    const entities = [...latest.values()].filter((row) => row.seq <= untilSeq);
    return { entities: entities.sort((a, b) => a.seq - b.seq), hasEdges };
  }
}

function bytesOf(row: WrittenRow): number {
  return 300 + (row?.contentJson?.length ?? 0);
}
