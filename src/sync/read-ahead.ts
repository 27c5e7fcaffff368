import type { Clock } from '../base/clock.ts';
import type { Db } from '../base/db.ts';
import type { Ancestry, Graph, GraphWriter } from '../graph/graph.ts';
import type { EntityVersion, HeldAs, StoredVersion } from '../graph/types.ts';
import type { Plan, VersionSource } from './plan.ts';
import type { PreparedChange } from './prepare.ts';

import { HubError } from '../base/errors.ts';
import { planChange } from './plan.ts';
import { readTogether } from '../base/db.ts';
import { inSlices } from './slices.ts';

/** The graph, ahead of the transaction or inside it. */
interface VersionReader {
  version(id: string, version: string): EntityVersion | undefined;
  heldAs(id: string, version: string): HeldAs | undefined;
}

/** What is known of one entity. */
interface Known {
  head: StoredVersion | undefined;
  /** The first change of it in this push, and what is to be done about that as long as nobody touches the entity. */
  readonly first: PreparedChange | undefined;
  plan: Plan | undefined;
  /** Whether the versions of further changes are stored; undefined where there are none. */
  later: Map<string, HeldAs | undefined> | undefined;
  /** Made when it is first asked for: many edits of one thing would read its history again for each. */
  ancestry: Ancestry | undefined;
}

/**
 * What a push needs to know of the graph, read a slice at a time before its transaction: reading 1000 entities inside
 * would stop the event loop for longer than writing them. What was written meanwhile, by others or by an earlier change
 * of the same push, is read again where it is needed.
 */
export class ReadAhead {
  readonly #db: Db;
  readonly #graph: Graph;
  readonly #seq: number;
  readonly #known = new Map<string, Known>();

  /** @param db of the graph's file */
  constructor(graph: Graph, db: Db) {
    this.#db = db;
    this.#graph = graph;
    this.#seq = graph.committedSeq;
  }

  async load(changes: readonly PreparedChange[], clock: Clock): Promise<void> {
    await inSlices(
      changes,
      clock,
      (change) => this.#look(change),
      // For one change the lock alone would cost what it spares.
      (slice) => (changes.length > 1 ? readTogether(this.#db, slice) : slice()),
    );
  }

  /** To be called first in the transaction. */
  refresh(writer: GraphWriter): void {
    if (this.#graph.committedSeq === this.#seq) return;
    for (const id of writer.touchedSince(this.#seq)) this.#known.delete(id);
  }

  head(writer: GraphWriter, id: string): StoredVersion | undefined {
    return this.#of(writer, id).head;
  }

  /** @throws HubError when the change cannot be accepted. */
  plan(writer: GraphWriter, change: PreparedChange): Plan {
    const known = this.#of(writer, change.id);
    if (known.plan && known.first === change) return known.plan;
    const heldAs = known.later?.has(change.version)
      ? known.later.get(change.version)
      : writer.heldAs(change.id, change.version);
    return planChange(change, known.head?.entity, heldAs, this.#sourceOf(writer, change.id, known));
  }

  /** To be called for each version that the transaction writes. */
  written(stored: StoredVersion): void {
    const { id, version, heldAs } = stored.entity;
    const known = this.#known.get(id);
    if (!known) return;
    if (heldAs === 'state') known.head = stored;
    known.plan = undefined;
    known.later?.set(version, heldAs);
    known.ancestry?.add(version, stored.entity.parentVersions);
  }

  #look(change: PreparedChange): void {
    const heldAs = this.#graph.heldAs(change.id, change.version);
    const known = this.#known.get(change.id);
    if (known) {
      // What is to be done about it depends on what becomes of the first.
      known.later ??= new Map();
      known.later.set(change.version, heldAs);
      return;
    }
    const head = this.#graph.head(change.id);
    const fresh: Known = { head, first: change, plan: undefined, later: undefined, ancestry: undefined };
    fresh.plan = this.#planAhead(change, fresh, heldAs);
    this.#known.set(change.id, fresh);
  }

  #planAhead(change: PreparedChange, known: Known, heldAs: HeldAs | undefined): Plan | undefined {
    try {
      const source = this.#sourceOf(this.#graph, change.id, known);
      return planChange(change, known.head?.entity, heldAs, source);
    } catch (error) {
      // Not acceptable: whoever applies the change finds out why, and says so.
      if (!(error instanceof HubError)) throw error;
      return undefined;
    }
  }

  #sourceOf(graph: VersionReader, id: string, known: Known): VersionSource {
    const ancestry = (): Ancestry => (known.ancestry ??= this.#graph.ancestryOf(id));
    return {
      version: (version) =>
        version === known.head?.entity.version ? known.head.entity : graph.version(id, version),
      heldAs: (version) => (version === known.head?.entity.version ? 'state' : graph.heldAs(id, version)),
      commonAncestors: (ours, theirs) =>
        ancestry()
          .common(ours, theirs)
          .map((version) => graph.version(id, version))
          .filter((version) => version !== undefined),
      descends: (ours, version) => ancestry().descends(ours, version),
      childrenOf: (of) =>
        ancestry()
          .childrenOf(of)
          .map((version) => graph.version(id, version))
          .filter((version) => version !== undefined),
    };
  }

  #of(writer: GraphWriter, id: string): Known {
    let known = this.#known.get(id);
    if (!known) {
      const head = writer.head(id);
      known = { head, first: undefined, plan: undefined, later: undefined, ancestry: undefined };
      this.#known.set(id, known);
    }
    return known;
  }
}
