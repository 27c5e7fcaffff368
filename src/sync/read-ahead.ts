import type { Clock } from '../base/clock.ts';
import type { Graph, GraphWriter } from '../graph/graph.ts';
import type { HeldAs, StoredVersion } from '../graph/types.ts';
import type { PreparedChange } from './prepare.ts';

import { toStoredContent } from './content.ts';
import { inSlices } from './slices.ts';

/**
 * What a push needs to know of the graph, read a slice at a time before its transaction: reading 1000 entities inside
 * would stop the event loop for longer than writing them. What others wrote meanwhile is forgotten by `refresh`, and
 * read again where it is needed.
 */
export class ReadAhead {
  readonly #graph: Graph;
  readonly #seq: number;
  readonly #heads = new Map<string, StoredVersion | undefined>();
  readonly #held = new Map<string, Map<string, HeldAs | undefined>>();
  /** Contents that updates lead to, with the version that they were computed from. */
  readonly #contents = new Map<PreparedChange, { base: string; json: string }>();

  constructor(graph: Graph) {
    this.#graph = graph;
    this.#seq = graph.committedSeq;
  }

  async load(changes: readonly PreparedChange[], clock: Clock): Promise<void> {
    await inSlices(changes, clock, (change) => {
      if (!this.#heads.has(change.id)) this.#heads.set(change.id, this.#graph.head(change.id));
      const head = this.#heads.get(change.id);
      this.#noteHeld(change.id, change.version, this.#graph.heldAs(change.id, change.version));
      if (head && change.changeType === 'update' && change.parentVersions.includes(head.entity.version)) {
        const json = toStoredContent(change, head.entity);
        if (json !== null) this.#contents.set(change, { base: head.entity.version, json });
      }
    });
  }

  /** To be called first in the transaction. */
  refresh(writer: GraphWriter): void {
    if (this.#graph.committedSeq === this.#seq) return;
    for (const id of writer.touchedSince(this.#seq)) {
      this.#heads.delete(id);
      this.#held.delete(id);
    }
  }

  head(writer: GraphWriter, id: string): StoredVersion | undefined {
    if (!this.#heads.has(id)) this.#heads.set(id, writer.head(id));
    return this.#heads.get(id);
  }

  heldAs(writer: GraphWriter, id: string, version: string): HeldAs | undefined {
    const held = this.#held.get(id);
    return held?.has(version) ? held.get(version) : writer.heldAs(id, version);
  }

  /** The content that an update leads to, if it was computed from the version that is still the latest. */
  content(change: PreparedChange, base: string): string | undefined {
    const computed = this.#contents.get(change);
    return computed?.base === base ? computed.json : undefined;
  }

  /** To be called for each version that the transaction writes. */
  written(stored: StoredVersion, heldAs: HeldAs): void {
    const { id, version } = stored.entity;
    if (heldAs === 'state') this.#heads.set(id, stored);
    this.#noteHeld(id, version, heldAs);
  }

  #noteHeld(id: string, version: string, heldAs: HeldAs | undefined): void {
    const held = this.#held.get(id) ?? new Map<string, HeldAs | undefined>();
    this.#held.set(id, held.set(version, heldAs));
  }
}
