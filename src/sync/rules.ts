import type { ChangeType, HeldAs } from '../graph/types.ts';
import type { ConflictType } from './types.ts';

/** The current version of an entity or an edge, as far as deciding needs it. */
export interface Latest {
  readonly version: string;
  /** A tombstone, or an edge that has ended. */
  readonly deleted: boolean;
}

/** What is to be done with a change. */
export type Decision =
  /** Nothing: it is stored already. */
  | 'held'
  /** Nothing: what it wants is the case. */
  | 'done'
  /** It becomes the current version. */
  | 'fast_forward'
  /** It changes what somebody else has changed meanwhile: the two are to be merged, or conflict. */
  | 'diverged'
  | ConflictType;

/** The rules of PROTOCOL.md 2.1 for one change: pure, the same for entities and edges. */
export function decide(
  change: { changeType: ChangeType; parentVersions: readonly string[] },
  latest: Latest | undefined,
  heldAs: HeldAs | undefined,
): Decision {
  if (heldAs !== undefined) return 'held';
  const { changeType, parentVersions } = change;
  if (changeType === 'delete' && (!latest || latest.deleted)) return 'done';
  if (!latest) return changeType === 'create' ? 'fast_forward' : 'not_found';
  // Whoever names what is there as the parent of a create knows it: two phones have brought back what a hub had lost.
  if (parentVersions.includes(latest.version)) return 'fast_forward';
  if (changeType === 'create') return 'already_exists';
  if (changeType === 'delete') return 'version_conflict';
  return latest.deleted ? 'delete_update' : 'diverged';
}

/** Names one version of one thing: versions alone are unique within a request only. */
export function versionKey(id: string, version: string): string {
  return `${id}\n${version}`;
}

/** The changes in list order, except that one whose parent is in the same batch comes after it. */
export function inCausalOrder<T extends { id: string; version: string; parentVersions: readonly string[] }>(
  changes: readonly T[],
): T[] {
  const versions = new Set(changes.map(({ version }) => version));
  // Most batches have one edit of each thing.
  if (!changes.some(({ parentVersions }) => parentVersions.some((parent) => versions.has(parent)))) {
    return [...changes];
  }
  const inBatch = new Map(changes.map((change) => [versionKey(change.id, change.version), change]));
  const seen = new Set<T>();
  const ordered: T[] = [];
  for (const first of changes) {
    if (seen.has(first)) continue;
    seen.add(first);
    // A stack of our own: a chain may be as long as the batch. What is met again while it waits for its parents is
    // part of a ring; a ring has no right order, so it is left as it came.
    const stack = [{ change: first, parent: 0 }];
    for (let top = stack.at(-1); top; top = stack.at(-1)) {
      const version = top.change.parentVersions[top.parent];
      if (version === undefined) {
        ordered.push(top.change);
        stack.pop();
        continue;
      }
      top.parent += 1;
      const parent = inBatch.get(versionKey(top.change.id, version));
      if (!parent || seen.has(parent)) continue;
      seen.add(parent);
      stack.push({ change: parent, parent: 0 });
    }
  }
  return ordered;
}
