import type { Db } from '../base/db.ts';
import type { EntityVersion, RelationshipVersion } from './types.ts';

import {
  readChangedEdgeEnds,
  readContentBefore,
  readOpenEdge,
  readOpenEdgeKeys,
  readOpenEdgesOf,
  readStateBrief,
  readStateNames,
  readStateOf,
  readStateRows,
  type PageLimit,
  type StateBrief,
  type StateName,
} from './snapshot-reader.ts';

export type { StateBrief, StateName } from './snapshot-reader.ts';

const ENDS_AT_ONCE = 500;

/**
 * The graph as it stood when `untilSeq` was its last row, to be read bit by bit over many turns of the event loop: what
 * is written meanwhile does not show, and nothing is held open for it. Edges are the exception: one that was touched
 * after `untilSeq` is left out, since whoever reads on from `untilSeq` is told of it then.
 */
export class GraphSnapshot {
  readonly #db: Db;
  readonly #committedSeq: () => number;
  readonly untilSeq: number;

  constructor(db: Db, untilSeq: number, committedSeq: () => number) {
    this.#db = db;
    this.untilSeq = untilSeq;
    this.#committedSeq = committedSeq;
  }

  /** The state rows above `afterSeq`, tombstones included, oldest first; none means that there are no more. */
  entitiesAfter(afterSeq: number, limit: PageLimit): EntityVersion[] {
    const moved = this.#committedSeq() > this.untilSeq;
    return readStateRows(this.#db, { afterSeq, untilSeq: this.untilSeq, moved }, limit);
  }

  /** The state of an entity, a tombstone included. */
  entity(id: string): EntityVersion | undefined {
    return readStateOf(this.#db, id, this.untilSeq);
  }

  /** The same without the content. */
  brief(id: string): StateBrief | undefined {
    return readStateBrief(this.#db, id, this.untilSeq);
  }

  /** What the entity said before its tombstone, as JSON text; null where it never said anything. */
  contentBefore(tombstone: EntityVersion): string | null {
    return readContentBefore(this.#db, tombstone.id, tombstone.seq);
  }

  /** Ids, types and versions of everything, tombstones included, in the byte order of the ids, after `afterId`. */
  names(afterId: string, limit: number): StateName[] {
    return readStateNames(this.#db, this.untilSeq, afterId, limit);
  }

  /** The open edges that have the entity as this end, read one by one. */
  *openEdges(entityId: string, end: 'from' | 'to'): Generator<RelationshipVersion> {
    for (const key of readOpenEdgeKeys(this.#db, entityId, end, this.untilSeq)) {
      const edge = readOpenEdge(this.#db, key, this.untilSeq);
      if (edge) yield edge;
    }
  }

  /** The same for many entities at once, by entity; undefined where that is more than `limit`. */
  openEdgesOf(
    entityIds: readonly string[],
    end: 'from' | 'to',
    limit: PageLimit,
  ): ReadonlyMap<string, readonly RelationshipVersion[]> | undefined {
    return readOpenEdgesOf(this.#db, entityIds, { end, untilSeq: this.untilSeq, limit });
  }

  /** The ends of the open edges that changed after `afterSeq`. */
  *edgesChangedAfter(afterSeq: number): Generator<{ fromEntityId: string; toEntityId: string }> {
    let seq = afterSeq;
    for (;;) {
      const rows = readChangedEdgeEnds(this.#db, seq, this.untilSeq, ENDS_AT_ONCE);
      yield* rows;
      const last = rows.at(-1);
      if (!last || rows.length < ENDS_AT_ONCE) return;
      seq = last.seq;
    }
  }
}
