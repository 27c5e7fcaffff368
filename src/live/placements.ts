import type { Graph } from '../graph/graph.ts';

export interface Placement {
  /** '' when there is no such entity. */
  readonly entityType: string;
  /** The entities that it is located in. */
  readonly rooms: readonly string[];
}

/** What entities are and where, looked up once until the graph changes. */
export class Placements {
  readonly #graph: Graph;
  readonly #known = new Map<string, Placement>();

  constructor(graph: Graph) {
    this.#graph = graph;
  }

  of(entityId: string): Placement {
    let placement = this.#known.get(entityId);
    if (!placement) {
      placement = {
        entityType: this.#graph.latest(entityId)?.entityType ?? '',
        rooms: this.#graph
          .relationshipsOf(entityId, 'from')
          .filter(({ relationshipType }) => relationshipType === 'located_in')
          .map(({ toEntityId }) => toEntityId),
      };
      this.#known.set(entityId, placement);
    }
    return placement;
  }

  /** To be called when the graph has changed. */
  forget(): void {
    this.#known.clear();
  }
}
