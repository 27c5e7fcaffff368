import type { Clock } from '../../base/clock.ts';
import type { Graph, GraphWriter } from '../../graph/graph.ts';
import type { HeldAs, StoredVersion } from '../../graph/types.ts';
import type { PushedEntity } from './types.ts';

import { inSlices } from '../slices.ts';

/**
 * What a push needs to know of its entities, read a slice at a time before the transaction, so that the transaction only
 * has to write. What anybody wrote since is read again where it is needed.
 */
export class KnownEntities {
  readonly #graph: Graph;
  readonly #seq: number;
  readonly #heads = new Map<string, StoredVersion | undefined>();
  readonly #held = new Map<string, Map<string, HeldAs | undefined>>();

  constructor(graph: Graph) {
    this.#graph = graph;
    this.#seq = graph.committedSeq;
  }

  async load(entities: readonly PushedEntity[], clock: Clock): Promise<void> {
    await inSlices(entities, clock, ({ id, version }) => {
      if (!this.#heads.has(id)) this.#heads.set(id, withoutContent(this.#graph.head(id)));
      const held = this.#held.get(id) ?? new Map<string, HeldAs | undefined>();
      this.#held.set(id, held.set(version, this.#graph.heldAs(id, version)));
    });
  }

  /** To be called first in the transaction. */
  refresh(writer: GraphWriter): void {
    if (this.#graph.committedSeq === this.#seq) return;
    for (const id of writer.touchedSince(this.#seq)) this.forget(id);
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

  /** To be called for an entity that the transaction has written. */
  forget(id: string): void {
    this.#heads.delete(id);
    this.#held.delete(id);
  }
}

/** Ten thousand contents would fill a small heap. */
function withoutContent(head: StoredVersion | undefined): StoredVersion | undefined {
  if (!head || head.entity.contentJson === null) return head;
  return { ...head, entity: { ...head.entity, contentJson: '{}' } };
}
