import type { Clock } from '../../base/clock.ts';
import type { Db } from '../../base/db.ts';
import type { Graph, GraphWriter } from '../../graph/graph.ts';
import type { HeldAs, RelationshipVersion, StoredVersion } from '../../graph/types.ts';
import type { PushV2 } from './types.ts';

import { readTogether } from '../../base/db.ts';
import { inSlices } from '../slices.ts';

/** An edge that says more is read when it is needed: ten thousand of them would fill a small heap. */
const MAX_KEPT_PROPERTIES = 1024;

/**
 * What a push needs to know of the graph, read a slice at a time before the transaction, so that the transaction only has
 * to write. What anybody wrote since is read again where it is needed.
 */
export class Known {
  readonly #graph: Graph;
  readonly #db: Db;
  readonly #seq: number;
  readonly #heads = new Map<string, StoredVersion | undefined>();
  readonly #held = new Map<string, Map<string, HeldAs | undefined>>();
  readonly #edges = new Map<string, RelationshipVersion | undefined>();
  /** Ids of edges in `#edges`, by the entities that they have as ends. */
  readonly #edgesAt = new Map<string, Set<string>>();

  /** @param db of the graph's file */
  constructor(graph: Graph, db: Db) {
    this.#graph = graph;
    this.#db = db;
    this.#seq = graph.committedSeq;
  }

  async load({ entities, edges }: PushV2, clock: Clock): Promise<void> {
    const together = (slice: () => void): void => readTogether(this.#db, slice);
    await inSlices(entities, clock, ({ id, version }) => this.#lookAt(id, version), together);
    await inSlices(
      edges,
      clock,
      (edge) => {
        this.#lookAt(edge.fromEntityId, edge.fromVersion);
        this.#lookAt(edge.toEntityId, edge.toVersion);
        if (!this.#edges.has(edge.id)) this.#keepEdge(edge.id, this.#graph.relationship(edge.id));
      },
      together,
    );
  }

  /** To be called first in the transaction. */
  refresh(writer: GraphWriter): void {
    if (this.#graph.committedSeq === this.#seq) return;
    for (const id of writer.touchedSince(this.#seq)) this.forget(id);
    for (const id of this.#graph.overview.edgesTouchedSince(this.#seq)) this.#edges.delete(id);
  }

  /** The current version, a tombstone included. Of its content only whether it has one is kept. */
  head(writer: GraphWriter, id: string): StoredVersion | undefined {
    if (!this.#heads.has(id)) this.#heads.set(id, withoutContent(writer.head(id)));
    return this.#heads.get(id);
  }

  heldAs(writer: GraphWriter, id: string, version: string): HeldAs | undefined {
    const held = this.#held.get(id);
    return held?.has(version) ? held.get(version) : writer.heldAs(id, version);
  }

  /** The latest version of an edge, open or ended. */
  edge(writer: GraphWriter, id: string): RelationshipVersion | undefined {
    return this.#edges.has(id) ? this.#edges.get(id) : writer.relationship(id);
  }

  /** To be called for a version that the transaction has written. */
  written(stored: StoredVersion): void {
    const { id, version, heldAs, contentJson } = stored.entity;
    const before = this.#heads.get(id);
    // A tombstone ends edges, and what follows one opens them again.
    if (contentJson === null || before?.entity.contentJson === null) this.#forgetEdgesAt(id);
    if (heldAs === 'state') this.#heads.set(id, withoutContent(stored));
    this.#held.get(id)?.set(version, heldAs);
  }

  /** To be called for an entity of which something unknown was written. */
  forget(id: string): void {
    this.#heads.delete(id);
    this.#held.delete(id);
    this.#forgetEdgesAt(id);
  }

  /** To be called for an edge that the transaction has written: where it leads from, others may have ended for it. */
  edgeWritten(id: string, fromEntityId: string): void {
    this.#edges.delete(id);
    this.#forgetEdgesAt(fromEntityId);
  }

  #lookAt(id: string, version: string): void {
    if (!this.#heads.has(id)) this.#heads.set(id, withoutContent(this.#graph.head(id)));
    const held = this.#held.get(id) ?? new Map<string, HeldAs | undefined>();
    this.#held.set(id, held);
    if (!held.has(version)) held.set(version, this.#graph.heldAs(id, version));
  }

  #keepEdge(id: string, edge: RelationshipVersion | undefined): void {
    if (edge && edge.propertiesJson.length > MAX_KEPT_PROPERTIES) return;
    this.#edges.set(id, edge);
    for (const end of edge ? [edge.fromEntityId, edge.toEntityId] : []) {
      const at = this.#edgesAt.get(end) ?? new Set<string>();
      this.#edgesAt.set(end, at.add(id));
    }
  }

  #forgetEdgesAt(entityId: string): void {
    for (const id of this.#edgesAt.get(entityId) ?? []) this.#edges.delete(id);
    this.#edgesAt.delete(entityId);
  }
}

/** Ten thousand contents would fill a small heap. */
function withoutContent(head: StoredVersion | undefined): StoredVersion | undefined {
  if (!head || head.entity.contentJson === null) return head;
  return { ...head, entity: { ...head.entity, contentJson: '{}' } };
}
