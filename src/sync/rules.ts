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
  /** Nothing to write: it is stored already, or what it wants is the case. */
  | 'done'
  /** It becomes the current version. */
  | 'fast_forward'
  /** It is stored as a loser already: told again, not stored again. */
  | { conflict: ConflictType; stored: boolean };

/** The rules of PROTOCOL.md 2.1 for one change: pure, the same for entities and edges. */
export function decide(
  change: { changeType: ChangeType; parentVersions: readonly string[] },
  latest: Latest | undefined,
  heldAs: HeldAs | undefined,
): Decision {
  if (heldAs === 'state') return 'done';
  const descends = latest !== undefined && change.parentVersions.includes(latest.version);
  if (heldAs === undefined) {
    if (change.changeType === 'delete' && (!latest || latest.deleted)) return 'done';
    if (change.changeType === 'create' ? !latest : descends) return 'fast_forward';
  }
  return { conflict: conflictType(change.changeType, latest), stored: heldAs === 'loser' };
}

function conflictType(changeType: ChangeType, latest: Latest | undefined): ConflictType {
  if (!latest) return 'not_found';
  if (changeType === 'create') return 'already_exists';
  if (changeType === 'update' && latest.deleted) return 'delete_update';
  return 'version_conflict';
}

/** Names one version of one thing: versions alone are unique within a request only. */
export function versionKey(id: string, version: string): string {
  return `${id}\n${version}`;
}

/** The changes in list order, except that one whose parent is in the same batch comes after it. */
export function inCausalOrder<T extends { id: string; version: string; parentVersions: readonly string[] }>(
  changes: readonly T[],
): T[] {
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
