import type { Graph } from '../graph/graph.ts';
import type { EntityVersion, RelationshipVersion } from '../graph/types.ts';
import type { LiveCursors } from './types.ts';

import { entityChangeMessage, relationshipChangeMessage } from './messages.ts';

/** Rows and bytes that are read at once. */
const PAGE_ROWS = 200;
const PAGE_BYTES = 1024 * 1024;
/** Pages that are kept: one for those that follow, some for those that catch up. Each may hold some MiB. */
const MAX_PAGES = 4;

/** One change of the graph, and its message once somebody wants it. */
export interface Fact {
  readonly seq: number;
  readonly row: { readonly entity: EntityVersion } | { readonly edge: RelationshipVersion };
  /** Rooms that a deleted entity was in: its edges ended with it. */
  readonly leftRooms: readonly string[];
  frame: Buffer | undefined;
}

export interface FactPage {
  readonly afterSeq: number;
  readonly facts: readonly Fact[];
  readonly scannedSeq: number;
  readonly hasMore: boolean;
}

/**
 * The changes of the graph, read and made into messages once for all connections that stand at the same place. A page
 * that is kept stays right: what changed again since is in a later one too.
 */
export class FactPages {
  readonly #graph: Graph;
  readonly #cursor: LiveCursors;
  #pages: FactPage[] = [];
  #reads = 0;

  constructor(graph: Graph, cursor: LiveCursors) {
    this.#graph = graph;
    this.#cursor = cursor;
  }

  /** How many pages were read so far. */
  get reads(): number {
    return this.#reads;
  }

  /** What follows `afterSeq`. */
  after(afterSeq: number): FactPage {
    const [latest] = this.#pages;
    if (latest?.afterSeq === afterSeq) return latest;
    const known = this.#pages.find((page) => page.afterSeq === afterSeq);
    const page = known ?? this.#read(afterSeq);
    this.#pages = [page, ...this.#pages.filter((other) => other !== page)].slice(0, MAX_PAGES);
    return page;
  }

  /**
   * The fact's message, with its cursor: built for the first who wants it. Whoever does not see all has a cursor, and so
   * a message, of their own; `scope` is the hash of what they see.
   */
  frameOf(fact: Fact, scope?: string): Buffer {
    if (scope !== undefined) return this.#toFrame(fact, scope);
    fact.frame ??= this.#toFrame(fact);
    return fact.frame;
  }

  /** To be called when nobody needs the pages for now. */
  forget(): void {
    if (this.#pages.length > 0) this.#pages = [];
  }

  #toFrame({ row, seq }: Fact, scope?: string): Buffer {
    const cursor = this.#cursor.headCursor(seq, scope);
    return 'entity' in row
      ? entityChangeMessage(row.entity, cursor)
      : relationshipChangeMessage(row.edge, cursor);
  }

  #read(afterSeq: number): FactPage {
    this.#reads += 1;
    const changes = this.#graph.changesSince(afterSeq, {
      limit: PAGE_ROWS,
      maxBytes: PAGE_BYTES,
      edges: true,
    });
    const facts: Fact[] = changes.relationships.map((edge) => ({
      seq: edge.seq,
      row: { edge },
      leftRooms: [],
      frame: undefined,
    }));
    for (const entity of changes.entities) {
      facts.push({
        seq: entity.seq,
        row: { entity },
        leftRooms: entity.contentJson === null ? roomsLeft(entity.id, changes.relationships) : [],
        frame: undefined,
      });
    }
    facts.sort((a, b) => a.seq - b.seq);
    return { afterSeq, facts, scannedSeq: changes.scannedSeq, hasMore: changes.hasMore };
  }
}

function roomsLeft(entityId: string, ended: readonly RelationshipVersion[]): string[] {
  return ended
    .filter((edge) => edge.fromEntityId === entityId && edge.relationshipType === 'located_in')
    .map(({ toEntityId }) => toEntityId);
}
