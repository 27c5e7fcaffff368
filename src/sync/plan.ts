import type { Content, EntityVersion, HeldAs } from '../graph/types.ts';
import type { PreparedChange } from './prepare.ts';
import type { ConflictType } from './types.ts';

import { HubError } from '../base/errors.ts';
import { jsonEqual } from '../base/json.ts';
import { encodeContent, parseContent } from '../graph/graph.ts';
import { checkSameType, losersContent, patchedContent } from './content.ts';
import { mergeContents } from './merge.ts';
import { decide } from './rules.ts';

/** What is to be written for a change, worked out ahead of the transaction where that is possible. */
export type Plan =
  /** Nothing: it is stored already. */
  | { readonly kind: 'held' }
  /** Nothing: what it wants is the case. */
  | { readonly kind: 'done' }
  | {
      readonly kind: 'fast_forward';
      readonly contentJson: string | null;
      /** The sender may hold another content under this version: a version of the hub's own says what is stored. */
      readonly restates: boolean;
    }
  /** It comes late: what is the state descends from it. */
  | (Beside & { readonly kind: 'superseded' })
  /** The client's version beside the state, and a version of the hub's own that joins the two. */
  | (Beside & { readonly kind: 'merge'; readonly mergedJson: string })
  | (Beside & { readonly kind: 'conflict'; readonly conflict: ConflictType });

/** A version that is stored beside the state. */
interface Beside {
  readonly contentJson: string | null;
  /** Made from a version that lost or was merged: it may belong to an open conflict. */
  readonly fromLoser: boolean;
  /** Made from a version that was the state, too: somebody has decided between the two. */
  readonly fromState: boolean;
}

/** What planning reads of the graph, about the entity that a change is about. */
export interface VersionSource {
  version(version: string): EntityVersion | undefined;
  heldAs(version: string): HeldAs | undefined;
  /** See `Ancestry.common`. */
  commonAncestors(ours: string, theirs: readonly string[]): EntityVersion[];
  /** See `Ancestry.descends`. */
  descends(ours: string, version: string): boolean;
  /** See `Ancestry.childrenOf`. */
  childrenOf(version: string): EntityVersion[];
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
  if (decision === 'held' || decision === 'done') return { kind: decision };
  if (decision === 'fast_forward') return planFastForward(change, latest, source);
  const seen = seenBy(change, source);
  const under = change.changeType === 'update' ? seen : undefined;
  const beside = { contentJson: losersContent(change, under), ...originOf(change, source) };
  const isLate =
    latest !== undefined && !isBeside(change, latest) && source.descends(latest.version, change.version);
  if (isLate && (latest.contentJson === null || change.content === null)) {
    return { kind: 'superseded', ...beside };
  }
  // A create that names what it was made from says the whole content, as after a restore, and means that thing.
  const isEdit = decision === 'diverged' || (decision === 'already_exists' && seen !== undefined);
  if (!latest || latest.contentJson === null || !(isEdit || isLate)) {
    return { kind: 'conflict', conflict: decision === 'diverged' ? 'version_conflict' : decision, ...beside };
  }
  const plan = planMerge(change, { latest, seen, beside, isLate }, source);
  const saysNothing = plan.kind === 'merge' && jsonEqual(JSON.parse(plan.mergedJson), parseContent(latest));
  return isLate && saysNothing ? { kind: 'superseded', ...beside } : plan;
}

/** Whether the two were made from the same: then neither descends from the other. Most edits that miss one are so. */
function isBeside(change: PreparedChange, latest: EntityVersion): boolean {
  const { parentVersions } = latest;
  return (
    parentVersions.length > 0 && parentVersions.every((version) => change.parentVersions.includes(version))
  );
}

function planFastForward(
  change: PreparedChange,
  latest: EntityVersion | undefined,
  source: VersionSource,
): Plan {
  if (change.changeType === 'delete') return { kind: 'fast_forward', contentJson: null, restates: false };
  if (latest) checkSameType(change, latest);
  if (!latest || change.changeType === 'create') {
    return { kind: 'fast_forward', contentJson: change.createdJson, restates: false };
  }
  const contentJson = patchedContent(change, latest);
  const seen = change.parentVersions.length > 1 ? seenBy(change, source) : undefined;
  // Made of several versions: which of them the client laid its patch over is not said.
  const restates =
    seen !== undefined &&
    seen.version !== latest.version &&
    !jsonEqual({ ...parseContent(seen), ...change.content }, JSON.parse(contentJson));
  return { kind: 'fast_forward', contentJson, restates };
}

function planMerge(
  change: PreparedChange,
  about: { latest: EntityVersion; seen: EntityVersion | undefined; beside: Beside; isLate: boolean },
  source: VersionSource,
): Plan {
  const { beside, latest, seen } = about;
  checkSameType(change, latest);
  // Patches that were made on top of it, and came before it, could not be laid over it then.
  const later = about.isLate ? source.childrenOf(change.version) : [];
  const patch = later.reduce<Content>(
    (under, child) => ({ ...under, ...parseContent(child) }),
    change.content ?? {},
  );
  const isWhole = change.changeType === 'create';
  const theirs = seen && !isWhole ? { ...parseContent(seen), ...patch } : patch;
  const bases = seen ? basesOf(change, latest, seen, source) : [];
  const { merged, conflicting } = mergeContents(
    bases.map(parseContent),
    parseContent(latest),
    bases.length > 0 ? theirs : patch,
  );
  const conflict = { kind: 'conflict', conflict: 'version_conflict', ...beside } as const;
  if (conflicting.length > 0) return conflict;
  try {
    return { kind: 'merge', mergedJson: encodeContent(latest.entityType, merged), ...beside };
  } catch (error) {
    if (!(error instanceof HubError)) throw error;
    // Where each of the two is acceptable and both together are not, somebody has to decide.
    encodeContent(latest.entityType, bases.length > 0 ? theirs : merged);
    return conflict;
  }
}

function basesOf(
  change: PreparedChange,
  latest: EntityVersion,
  seen: EntityVersion,
  source: VersionSource,
): EntityVersion[] {
  // One edit behind, as most are: the way up through the history would lead here.
  if (change.parentVersions.length === 1 && latest.parentVersions.includes(seen.version)) return [seen];
  return source.commonAncestors(latest.version, change.parentVersions);
}

function originOf(
  { parentVersions }: PreparedChange,
  source: VersionSource,
): Pick<Beside, 'fromLoser' | 'fromState'> {
  const held = new Set(parentVersions.map((version) => source.heldAs(version)));
  return { fromLoser: held.has('loser'), fromState: held.has('state') };
}

/** The version that the client made its change from, where the hub holds it. */
function seenBy(change: PreparedChange, source: VersionSource): EntityVersion | undefined {
  if (change.changeType === 'delete') return undefined;
  for (const version of change.parentVersions) {
    const parent = source.version(version);
    if (parent) return parent;
  }
  return undefined;
}
