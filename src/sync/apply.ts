import type { Ancestry, GraphWriter, Visible } from '../graph/graph.ts';
import type { StoredVersion } from '../graph/types.ts';
import type { OpenConflicts } from './conflicts.ts';
import type { PreparedChange } from './prepare.ts';
import type { ReadAhead } from './read-ahead.ts';
import type { Conflict, ConflictType, Outcome } from './types.ts';

import { orReject } from './prepare.ts';
import { refuseUnseenEntity } from './scope.ts';

/** What a person's client adds to the graph without saying where it comes from. */
const SOURCE_TYPE = 'manual';

export interface ApplyContext {
  readonly writer: GraphWriter;
  readonly known: ReadAhead;
  readonly conflicts: OpenConflicts;
  /** Of edges, read once for each. */
  readonly edgeAncestries: Map<string, Ancestry>;
  readonly edgeAncestryOf: (id: string) => Ancestry;
  /** Who pushes. The versions are theirs, whatever the changes say. */
  readonly userId: string;
  /** RFC 3339: when the hub makes its own versions of this push. */
  readonly nowIso: string;
  readonly outcome: Outcome;
  /** What whoever pushes sees of the home, where that is not all. */
  readonly visible?: Visible | undefined;
}

/** Applies entity changes, in the order given, inside one transaction (PROTOCOL.md 2.1). */
export function applyChanges(changes: readonly PreparedChange[], context: ApplyContext): void {
  for (const change of changes) {
    orReject(change, context.outcome.rejected, () => applyChange(change, context));
  }
}

function applyChange(change: PreparedChange, context: ApplyContext): void {
  if (isOwnAgain(change, context)) {
    // Taken in before the thing went out of sight, and the answer was lost.
    context.outcome.applied.push(change.version);
    return;
  }
  refuseUnseenEntity(change, context.visible);
  const { conflicts, known, writer } = context;
  const plan = known.plan(writer, change);
  switch (plan.kind) {
    case 'held': {
      const [open] = conflicts.lostBy(change.id, [change.version]);
      if (open) noteConflict(open, context);
      else noteApplied(change, context);
      return;
    }
    case 'done':
      noteApplied(change, context);
      // The hub's tombstone is another one than the client's.
      context.outcome.owedEntities.add(change.id);
      return;
    case 'fast_forward':
      store(change, plan.contentJson, true, context);
      if (plan.restates) storeOwn(change, [change.version], plan.contentJson ?? '{}', context);
      decide(change, context);
      noteStored(change, context);
      return;
    case 'superseded':
      store(change, plan.contentJson, false, context);
      noteStored(change, context);
      context.outcome.owedEntities.add(change.id);
      return;
    case 'merge': {
      if (plan.fromLoser && !plan.fromState && joinOpen(change, plan.contentJson, context)) return;
      const state = known.head(writer, change.id) as StoredVersion;
      store(change, plan.contentJson, false, context);
      storeOwn(change, [state.entity.version, change.version], plan.mergedJson, context);
      if (plan.fromLoser) decide(change, context);
      noteStored(change, context);
      context.outcome.merges += 1;
      return;
    }
    case 'conflict':
      if (plan.fromLoser && joinOpen(change, plan.contentJson, context)) return;
      store(change, plan.contentJson, false, context);
      noteConflict(conflicts.open(change, plan.conflict satisfies ConflictType), context);
  }
}

function isOwnAgain({ id, version }: PreparedChange, { userId, visible, writer }: ApplyContext): boolean {
  return visible?.ids.has(id) === false && writer.version(id, version)?.userId === userId;
}

/** A change that was made from what lost before has lost with it: somebody decides about the two together. */
function joinOpen(change: PreparedChange, contentJson: string | null, context: ApplyContext): boolean {
  const open = context.conflicts
    .lostBy(change.id, change.parentVersions)
    .find(({ remoteVersion }) => change.parentVersions.includes(remoteVersion));
  if (!open) return false;
  store(change, contentJson, false, context);
  noteConflict(context.conflicts.join(open, change), context);
  return true;
}

/** A client that has made a version out of what lost, and of the state where there is one, has decided. */
function decide(change: PreparedChange, { conflicts }: ApplyContext): void {
  const made = change.changeType === 'create' ? 1 : 2;
  if (change.parentVersions.length < made) return;
  for (const open of conflicts.lostBy(change.id, change.parentVersions)) {
    conflicts.close(open, { resolution: 'merge', version: change.version });
  }
}

function store(
  change: PreparedChange,
  contentJson: string | null,
  current: boolean,
  context: ApplyContext,
): void {
  const { known, writer } = context;
  const head = known.head(writer, change.id);
  const stored = writer.insertVersion(
    {
      id: change.id,
      version: change.version,
      entityType: head?.entity.entityType ?? change.entityType ?? 'unknown',
      changeType: change.changeType,
      parentVersions: change.parentVersions,
      contentJson,
      author: { userId: context.userId, deviceId: change.deviceId },
      sourceType: head?.entity.sourceType ?? SOURCE_TYPE,
      timestamp: change.timestamp,
      current,
    },
    head ?? null,
  );
  known.written(stored);
  context.outcome.stored += 1;
}

/** A version of the hub's own that becomes the state, made because of a change; the client is sent it. */
function storeOwn(
  change: PreparedChange,
  parentVersions: readonly string[],
  contentJson: string,
  context: ApplyContext,
): void {
  const { known, writer } = context;
  const head = known.head(writer, change.id) as StoredVersion;
  const stored = writer.insertVersion(
    {
      id: change.id,
      version: writer.nextVersion(parentVersions),
      entityType: head.entity.entityType,
      changeType: 'update',
      parentVersions,
      contentJson,
      author: { userId: context.userId, deviceId: change.deviceId },
      sourceType: head.entity.sourceType,
      timestamp: context.nowIso,
      current: true,
    },
    head,
  );
  known.written(stored);
  context.outcome.owedEntities.add(change.id);
}

function noteStored(change: PreparedChange, context: ApplyContext): void {
  noteApplied(change, context);
  context.outcome.newest = change.version;
}

function noteApplied(change: PreparedChange, { outcome }: ApplyContext): void {
  outcome.applied.push(change.version);
  outcome.pushed.push(change);
}

function noteConflict(conflict: Conflict, { outcome }: ApplyContext): void {
  outcome.conflicts.push(conflict);
  outcome.owedEntities.add(conflict.entityId);
}
