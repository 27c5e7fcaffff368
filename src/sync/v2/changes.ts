import type { GraphSnapshot, StateBrief } from '../../graph/graph.ts';
import type { EntityVersion, RelationshipVersion } from '../../graph/types.ts';
import type { AnswerPlan } from './types.ts';

import {
  entityJsonV2,
  isV2EntityType,
  isV2RelationshipType,
  relationshipJsonV2,
  toV2EntityType,
} from '../../graph/graph.ts';

/** Rows on a page of a client that pages. */
const PAGE_ROWS = 500;
/** What is read and held at a time. */
const READ_LIMIT = { rows: 500, bytes: 1024 * 1024 };
/** Entities whose edges are read together, and how much of edges may be held for that. */
const EDGES_OF = 100;
const EDGE_LIMIT = { rows: 1000, bytes: 1024 * 1024 };
/** Ends of edges that are remembered: a room is the end of many. */
const MAX_ENDS = 2000;

/**
 * The `changes` of one answer as JSON text, piece by piece, read from the stored rows while somebody asks for the next
 * piece. It tells the cursor for the next page when it is done.
 */
export class ChangeStream {
  readonly #plan: AnswerPlan;
  readonly #snapshot: GraphSnapshot;
  readonly #ends = new Map<string, StateBrief | undefined>();
  /** Which ends of edges are looked at where an entity is told. */
  readonly #sides: readonly ('from' | 'to')[];
  /** Edges of the entities that are told next, by that end; what is not in it is read when it is needed. */
  readonly #edgesAhead = new Map<'from' | 'to', ReadonlyMap<string, readonly RelationshipVersion[]>>();
  /** True where every row that v2 clients may see is in this answer. */
  readonly #isWhole: boolean;
  /** Sent out of turn. */
  readonly #extras = new Set<string>();
  /** Sent in turn: the rows above `afterSeq` and up to this one. */
  #sentSeq = 0;
  #isFirst = true;
  /** The seq after which the next page begins; null when there is none. Only right once all pieces are read. */
  nextCursor: number | null = null;

  constructor(plan: AnswerPlan) {
    this.#plan = plan;
    this.#snapshot = plan.snapshot;
    const { filter, cursor } = plan.request;
    this.#isWhole =
      plan.afterSeq === 0 && cursor === null && filter.entityTypes === null && filter.modifiedBy === null;
    this.#sides = this.#isWhole ? ['from'] : ['from', 'to'];
  }

  /** An empty piece is a pause: something was read that needs not be told. */
  *pieces(): Generator<string> {
    yield* this.#rowsInTurn();
    // What the client has pushed is there in any case: some take that for the acknowledgement.
    for (const id of this.#plan.outcome.applied) yield* this.#extra(id);
    if (this.#plan.afterSeq > 0 && this.#plan.request.cursor === null) yield* this.#carriers();
  }

  *#rowsInTurn(): Generator<string> {
    const { afterSeq, request } = this.#plan;
    let seq = afterSeq;
    let told = 0;
    for (;;) {
      const rows = this.#snapshot.entitiesAfter(seq, READ_LIMIT);
      for (const [index, row] of rows.entries()) {
        if (index % EDGES_OF === 0) this.#readEdgesAhead(rows.slice(index, index + EDGES_OF));
        seq = row.seq;
        if (!this.#accepts(row)) continue;
        if (request.cursor !== null && told === PAGE_ROWS) {
          this.nextCursor = this.#sentSeq;
          return;
        }
        this.#sentSeq = row.seq;
        told += 1;
        yield* this.#change(row);
      }
      if (rows.length === 0) break;
      yield '';
    }
    this.#sentSeq = this.#snapshot.untilSeq;
  }

  /** The current row of an entity that is not sent in turn; once. */
  *#extra(id: string): Generator<string> {
    if (this.#extras.has(id)) return;
    const brief = this.#end(id);
    if (!brief || (this.#isSentInTurn(brief) && brief.seq <= this.#sentSeq)) return;
    const row = this.#snapshot.entity(id);
    if (!row) return;
    this.#extras.add(id);
    yield* this.#change(row);
  }

  /** Edges that changed between things that did not: one of the two goes along, because an edge is told with an entity. */
  *#carriers(): Generator<string> {
    for (const { fromEntityId, toEntityId } of this.#snapshot.edgesChangedAfter(this.#plan.afterSeq)) {
      yield '';
      const from = this.#end(fromEntityId);
      const to = this.#end(toEntityId);
      if (!from || !to || !isV2EntityType(from.entityType) || !isV2EntityType(to.entityType)) continue;
      if (this.#isSentInTurn(from) || this.#isSentInTurn(to)) continue;
      if (this.#accepts(from)) yield* this.#extra(fromEntityId);
      else if (this.#accepts(to)) yield* this.#extra(toEntityId);
    }
  }

  *#change(row: EntityVersion): Generator<string> {
    const deleted = row.contentJson === null;
    const last = deleted ? this.#snapshot.contentBefore(row) : null;
    const comma = this.#isFirst ? '' : ',';
    this.#isFirst = false;
    const type = deleted ? 'delete' : 'update';
    yield `${comma}{"change_type":"${type}","entity":{"checksum":null,${entityJsonV2(row, last).slice(1)},"relationships":[`;
    if (!deleted && isV2EntityType(row.entityType)) yield* this.#edgesOf(row);
    yield ']}';
  }

  /** The open edges that are told with an entity: those from it, and those to it whose other end is not in the answer. */
  *#edgesOf(row: EntityVersion): Generator<string> {
    let comma = '';
    const { seq, version, entityType, userId } = row;
    this.#keepEnd(row.id, { seq, version, entityType, userId });
    for (const end of this.#sides) {
      const ahead = this.#edgesAhead.get(end)?.get(row.id);
      for (const edge of ahead ?? this.#snapshot.openEdges(row.id, end)) {
        const json = this.#edgeJson(edge, end);
        yield json === undefined ? '' : comma + json;
        if (json !== undefined) comma = ',';
      }
    }
  }

  #edgeJson(edge: RelationshipVersion, toldAt: 'from' | 'to'): string | undefined {
    const from = this.#end(edge.fromEntityId);
    const to = this.#end(edge.toEntityId);
    if (!from || !to || !isV2RelationshipType(edge.relationshipType)) return undefined;
    if (!isV2EntityType(from.entityType) || !isV2EntityType(to.entityType)) return undefined;
    if (toldAt === 'to' && this.#isSentInTurn(from)) return undefined;
    return relationshipJsonV2(edge, { from: from.version, to: to.version });
  }

  #readEdgesAhead(rows: readonly EntityVersion[]): void {
    const ids = rows.filter((row) => row.contentJson !== null && this.#accepts(row)).map((row) => row.id);
    this.#edgesAhead.clear();
    for (const end of this.#sides) {
      const edges = this.#snapshot.openEdgesOf(ids, end, EDGE_LIMIT);
      if (edges) this.#edgesAhead.set(end, edges);
    }
  }

  #end(id: string): StateBrief | undefined {
    if (!this.#ends.has(id)) this.#keepEnd(id, this.#snapshot.brief(id));
    return this.#ends.get(id);
  }

  #keepEnd(id: string, brief: StateBrief | undefined): void {
    if (this.#ends.size >= MAX_ENDS) this.#ends.clear();
    this.#ends.set(id, brief);
  }

  #isSentInTurn(row: StateBrief): boolean {
    return row.seq > this.#plan.afterSeq && this.#accepts(row);
  }

  #accepts({ entityType, userId }: Pick<StateBrief, 'entityType' | 'userId'>): boolean {
    const { entityTypes, modifiedBy } = this.#plan.request.filter;
    if (!isV2EntityType(entityType)) return false;
    if (modifiedBy !== null && !modifiedBy.includes(userId)) return false;
    return (
      entityTypes === null ||
      entityTypes.includes(entityType) ||
      entityTypes.includes(toV2EntityType(entityType))
    );
  }
}
