import type { Graph } from '../graph/graph.ts';
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

export function describeConflict(graph: Graph, conflict: Conflict): ConflictView {
  const local = graph.latest(conflict.entityId) ?? null;
  const remote = graph.version(conflict.entityId, conflict.remoteVersion) ?? null;
  const newer = remote !== null && (local === null || remote.validMicros > local.validMicros);
  const resolutionHint = newer ? 'accept_remote' : 'keep_local';
  const ours = local === null ? {} : parseContent(local);
  const theirs = remote === null ? {} : parseContent(remote);
  const oneIsGone = local?.contentJson == null || remote?.contentJson == null;
  const { merged, conflicting } = oneIsGone
    ? { merged: {}, conflicting: [...new Set([...Object.keys(ours), ...Object.keys(theirs)])] }
    : mergeContents(baseOf(graph, local, remote), ours, theirs);
  const pick = (content: Content): Content =>
    Object.fromEntries(
      conflicting.filter((key) => Object.hasOwn(content, key)).map((key) => [key, content[key]]),
    );
  const hinted = newer ? remote : local;
  return {
    conflict,
    local,
    remote,
    resolutionHint,
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

function baseOf(graph: Graph, local: EntityVersion, remote: EntityVersion): Content | undefined {
  const base = graph.commonAncestor(local.id, local.version, remote.parentVersions);
  return base && parseContent(base);
}
