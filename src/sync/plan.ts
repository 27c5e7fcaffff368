import type { EntityVersion, HeldAs } from '../graph/types.ts';
import type { PreparedChange } from './prepare.ts';
import type { ConflictType } from './types.ts';

import { encodeAnyContent, encodeContent, parseContent } from '../graph/graph.ts';
import { checkSameType, losersContent, patchedContent } from './content.ts';
import { mergeContents } from './merge.ts';
import { decide } from './rules.ts';

/** What is to be written for a change, worked out ahead of the transaction where that is possible. */
export type Plan =
  /** Nothing: it is stored already. */
  | { readonly kind: 'held' }
  /** Nothing: what it wants is the case. */
  | { readonly kind: 'done' }
  | { readonly kind: 'fast_forward'; readonly contentJson: string | null }
  /** The client's version beside the state, and a version of the hub's own that joins the two. */
  | (Beside & { readonly kind: 'merge'; readonly mergedJson: string })
  | (Beside & { readonly kind: 'conflict'; readonly conflict: ConflictType });

/** A version that is stored beside the state. */
interface Beside {
  readonly contentJson: string | null;
  /** It was made from a version that lost or was merged: it may belong to an open conflict. */
  readonly fromLoser: boolean;
}

/** What planning reads of the graph: inside a transaction or ahead of one. */
export interface VersionSource {
  version(id: string, version: string): EntityVersion | undefined;
  heldAs(id: string, version: string): HeldAs | undefined;
  commonAncestor(id: string, ours: string, theirs: readonly string[]): EntityVersion | undefined;
}

/**
 * Applies the rules of PROTOCOL.md 2.1 to one change.
 * @param latest the entity's current version, a tombstone included
 * @throws HubError `invalid` or `too_large` when what would become of it cannot be accepted.
 */
export function planChange(
  change: PreparedChange,
  latest: EntityVersion | undefined,
  heldAs: HeldAs | undefined,
  source: VersionSource,
): Plan {
  const state = latest && { version: latest.version, deleted: latest.contentJson === null };
  const decision = decide(change, state, heldAs);
  switch (decision) {
    case 'held':
    case 'done':
      return { kind: decision };
    case 'fast_forward':
      return { kind: 'fast_forward', contentJson: newContent(change, latest) };
    case 'diverged':
      // Only an update of something that is there diverges.
      return planMerge(change, latest as EntityVersion, source);
    default: {
      const seen = seenBy(change, source);
      const contentJson = losersContent(change, seen);
      return {
        kind: 'conflict',
        conflict: decision,
        contentJson,
        fromLoser: isFromLoser(change, seen, source),
      };
    }
  }
}

function newContent(change: PreparedChange, latest: EntityVersion | undefined): string | null {
  if (change.changeType === 'delete') return null;
  return latest ? patchedContent(change, latest) : change.createdJson;
}

function planMerge(change: PreparedChange, latest: EntityVersion, source: VersionSource): Plan {
  checkSameType(change, latest);
  const seen = seenBy(change, source);
  const seenContent = seen && parseContent(seen);
  const patch = change.content ?? {};
  const theirs = seenContent ? { ...seenContent, ...patch } : patch;
  const contentJson = encodeAnyContent(theirs);
  const ours = parseContent(latest);
  const base = seen && baseOf(change, latest, seen, source);
  const { merged, conflicting } =
    base && seenContent
      ? mergeContents(base === seen ? seenContent : parseContent(base), ours, theirs)
      : mergeContents(undefined, ours, patch);
  const fromLoser = isFromLoser(change, seen, source);
  if (conflicting.length > 0) {
    return { kind: 'conflict', conflict: 'version_conflict', contentJson, fromLoser };
  }
  return { kind: 'merge', contentJson, mergedJson: encodeContent(latest.entityType, merged), fromLoser };
}

function baseOf(
  change: PreparedChange,
  latest: EntityVersion,
  seen: EntityVersion,
  source: VersionSource,
): EntityVersion | undefined {
  // One edit behind, as most are: the way up through the history would lead here.
  if (change.parentVersions.length === 1 && latest.parentVersions.includes(seen.version)) return seen;
  return source.commonAncestor(change.id, latest.version, change.parentVersions);
}

function isFromLoser(
  { id, parentVersions }: PreparedChange,
  seen: EntityVersion | undefined,
  source: VersionSource,
): boolean {
  return parentVersions.some(
    (version) => (version === seen?.version ? seen.heldAs : source.heldAs(id, version)) === 'loser',
  );
}

/** The version that the client made its change from, where the hub holds it. */
function seenBy(change: PreparedChange, source: VersionSource): EntityVersion | undefined {
  if (change.changeType !== 'update') return undefined;
  for (const version of change.parentVersions) {
    const parent = source.version(change.id, version);
    if (parent) return parent;
  }
  return undefined;
}
