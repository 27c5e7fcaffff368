import { setImmediate } from 'node:timers/promises';

import type { Db } from '../base/db.ts';
import type { Direction, EntityVersion, RelationshipVersion } from './types.ts';

import { readBareHead, readByKeys, readLastWithContent, readLatest } from './entity-reader.ts';
import {
  countByType,
  countIsolated,
  countVersions,
  readByIds,
  readEdgesTouchedSince,
  readKeysOfTypes,
  readOpenEdgeKeysAt,
  readOpenEdgesByKeys,
  readVersionSeqs,
  readVersionsBySeq,
} from './overview-reader.ts';
import { likeness, traitsOf } from './likeness.ts';

/** Entities that are compared in one turn of the event loop: some milliseconds' work. */
const SLICE_KEYS = 100;

export interface GraphCounts {
  /** Entities that are not deleted, by stored type. */
  readonly entities: ReadonlyMap<string, number>;
  /** Open edges, by type. */
  readonly relationships: ReadonlyMap<string, number>;
  /** Entities without an open edge. */
  readonly isolated: number;
}

/** What there is to know of an entity besides what it says. */
export interface EntityBrief {
  readonly version: string;
  readonly entityType: string;
  readonly deleted: boolean;
}

export interface SimilarEntity {
  readonly entity: EntityVersion;
  /** 0 to 1, see `likeness`. */
  readonly score: number;
}

/**
 * The graph by numbers, by likeness and in bulk: reads that look at much of it. What may be very much is told by key or
 * by seq first, so that the caller can read it a slice at a time.
 */
export class GraphOverview {
  readonly #db: Db;
  readonly #committedSeq: () => number;
  #counts: { readonly seq: number; readonly value: GraphCounts } | undefined;

  constructor(options: { db: Db; committedSeq: () => number }) {
    this.#db = options.db;
    this.#committedSeq = options.committedSeq;
  }

  counts(): GraphCounts {
    const seq = this.#committedSeq();
    if (this.#counts?.seq !== seq) {
      this.#counts = { seq, value: { ...countByType(this.#db), isolated: countIsolated(this.#db) } };
    }
    return this.#counts.value;
  }

  /** The current version of an entity without its content, a tombstone included. */
  brief(id: string): EntityBrief | undefined {
    const head = readBareHead(this.#db, id);
    return head && { version: head.version, entityType: head.entityType, deleted: head.deleted };
  }

  /** The content that an entity has, or had before its tombstone. */
  lastContentJson(id: string): string | null {
    return readLastWithContent(this.#db, id)?.contentJson ?? null;
  }

  /** How many versions of an entity are held, the losers of conflicts included. */
  versionCount(id: string): number {
    return countVersions(this.#db, id);
  }

  /** Entities that are not deleted, of some stored types or (undefined) of all, in the order in which the hub met them. */
  page(types: readonly string[] | undefined, limit: number, offset: number): EntityVersion[] {
    const keys = readKeysOfTypes(this.#db, types, { afterKey: 0, limit, offset });
    const found = readByKeys(this.#db, keys);
    return keys.map((key) => found.get(key)).filter((entity) => entity !== undefined);
  }

  /** Keys of the open edges at an entity, of some types or (undefined) of all, those from it first; to be read with `openEdges`. */
  openEdgeKeys(entityId: string, direction: Direction, types?: readonly string[]): number[] {
    const at = (end: 'from' | 'to'): number[] =>
      direction === end || direction === 'both' ? readOpenEdgeKeysAt(this.#db, entityId, end, types) : [];
    return [...at('from'), ...at('to')];
  }

  /** Edges by key, in that order; one that has ended meanwhile is left out. */
  openEdges(keys: readonly number[]): RelationshipVersion[] {
    return readOpenEdgesByKeys(this.#db, keys);
  }

  /** Entities that are not deleted, in the order of their ids here. */
  entities(ids: readonly string[]): EntityVersion[] {
    return readByIds(this.#db, ids);
  }

  /** Seqs of the versions of an entity, the losers of conflicts included; to be read with `versions`. */
  versionSeqs(id: string, page: { newestFirst: boolean; limit: number; offset: number }): number[] {
    return readVersionSeqs(this.#db, id, page);
  }

  versions(seqs: readonly number[]): EntityVersion[] {
    return readVersionsBySeq(this.#db, seqs);
  }

  /** Ids of the edges of which a later version than `seq` is current. */
  edgesTouchedSince(seq: number): string[] {
    return readEdgesTouchedSince(this.#db, seq);
  }

  /**
   * The entities of `types` that are most like one, best first, it itself left out: at most `limit`, and none less alike
   * than `threshold`. Undefined when there is no such entity.
   */
  async similar(
    id: string,
    options: { types: readonly string[]; limit: number; threshold: number },
  ): Promise<SimilarEntity[] | undefined> {
    const reference = readLatest(this.#db, id);
    if (!reference || reference.contentJson === null) return undefined;
    const traits = traitsOf(reference.contentJson);
    let best: SimilarEntity[] = [];
    for (let afterKey = 0; ;) {
      const keys = readKeysOfTypes(this.#db, options.types, { afterKey, limit: SLICE_KEYS, offset: 0 });
      const rivals = [...readByKeys(this.#db, keys).values()]
        .filter((entity) => entity.id !== id && entity.contentJson !== null)
        .map((entity) => ({ entity, score: likeness(traits, traitsOf(entity.contentJson ?? '{}')) }))
        .filter(({ score }) => score > 0 && score >= options.threshold);
      // Ties go to what the hub met first.
      best = [...best, ...rivals].toSorted((a, b) => b.score - a.score).slice(0, options.limit);
      const last = keys.at(-1);
      if (last === undefined || keys.length < SLICE_KEYS) return best;
      afterKey = last;
      await setImmediate();
    }
  }
}
