import type { Ancestry, Graph } from '../graph/graph.ts';
import type { Content, EntityVersion } from '../graph/types.ts';
import type { Conflict } from './types.ts';

import { parseContent } from '../graph/graph.ts';
import { mergeContents } from './merge.ts';

/** A conflict as a person or a program looks at it, from what the graph says now. */
export interface ConflictView {
  readonly conflict: Conflict;
  /** The hub's current version; null while it has none. */
  readonly local: EntityVersion | null;
  readonly remote: EntityVersion | null;
  /** What a clock would decide: the later of the two edits. */
  readonly resolutionHint: 'accept_remote' | 'keep_local';
  readonly conflictingFields: readonly string[];
  /** The conflicting fields as the client has them. */
  readonly clientValues: Content;
  /** The conflicting fields as the hub has them. */
  readonly hubValues: Content;
  /** Both sides' changes, and of the conflicting fields what the hint says; null where that is a deletion. */
  readonly suggestedMerge: Content | null;
}

/**
 * Describes conflicts one after the other. Of many that are about one thing, what they have in common is read once.
 */
export class ConflictDescriber {
  readonly #graph: Graph;
  readonly #views = new Map<string, ConflictView>();
  readonly #entities = new Map<string, { local: EntityVersion | undefined; ancestry: Ancestry }>();
  #newestSeq = 0;

  constructor(graph: Graph) {
    this.#graph = graph;
  }

  /** The highest seq of what was looked at: not to be told before it is durable. */
  get newestSeq(): number {
    return this.#newestSeq;
  }

  describe(conflict: Conflict): ConflictView {
    const known = this.#views.get(conflict.conflictId);
    if (known?.conflict.remoteVersion === conflict.remoteVersion) return known;
    const about = this.#about(conflict.entityId);
    const local = about.local ?? null;
    const remote = this.#graph.version(conflict.entityId, conflict.remoteVersion) ?? null;
    this.#newestSeq = Math.max(this.#newestSeq, local?.seq ?? 0, remote?.seq ?? 0);
    const bases =
      local && remote
        ? about.ancestry
            .common(local.version, remote.parentVersions)
            .map((version) => this.#graph.version(conflict.entityId, version))
            .filter((version) => version !== undefined)
        : [];
    const view = viewOf(conflict, { local, remote, bases });
    this.#views.set(conflict.conflictId, view);
    return view;
  }

  #about(entityId: string): { local: EntityVersion | undefined; ancestry: Ancestry } {
    let about = this.#entities.get(entityId);
    if (!about) {
      about = { local: this.#graph.latest(entityId), ancestry: this.#graph.ancestryOf(entityId) };
      this.#entities.set(entityId, about);
    }
    return about;
  }
}

function viewOf(
  conflict: Conflict,
  about: {
    local: EntityVersion | null;
    remote: EntityVersion | null;
    bases: readonly EntityVersion[];
  },
): ConflictView {
  const { local, remote } = about;
  const newer = remote !== null && (local === null || remote.validMicros > local.validMicros);
  const ours = local === null ? {} : parseContent(local);
  const theirs = remote === null ? {} : parseContent(remote);
  const oneIsGone = local?.contentJson == null || remote?.contentJson == null;
  const { merged, conflicting } = oneIsGone
    ? { merged: {}, conflicting: [...new Set([...Object.keys(ours), ...Object.keys(theirs)])] }
    : mergeContents(about.bases.map(parseContent), ours, theirs);
  const pick = (content: Content): Content =>
    Object.fromEntries(
      conflicting.filter((key) => Object.hasOwn(content, key)).map((key) => [key, content[key]]),
    );
  const hinted = newer ? remote : local;
  return {
    conflict,
    local,
    remote,
    resolutionHint: newer ? 'accept_remote' : 'keep_local',
    conflictingFields: conflicting,
    clientValues: pick(theirs),
    hubValues: pick(ours),
    suggestedMerge:
      hinted?.contentJson == null
        ? null
        : oneIsGone
          ? parseContent(hinted)
          : { ...merged, ...(newer ? pick(theirs) : {}) },
  };
}
