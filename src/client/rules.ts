import type { Draft } from './draft.ts';
import type { PendingChange, Report, Row } from './types.ts';
import type { SyncAnswer } from './wire.ts';

import { hubRowOf } from './draft.ts';

/** What became of a change: final in each case. */
export type Outcome =
  | { readonly kind: 'applied' }
  | (Pick<Report, 'code' | 'message' | 'conflictId'> & { readonly kind: 'conflict' | 'rejected' });

/** What the answer says of a change that was sent; undefined when it says nothing, against the protocol. */
export function outcomeOf(change: PendingChange, answer: SyncAnswer): Outcome | undefined {
  const { id, version } = change;
  const applied = change.kind === 'entity' ? answer.applied : answer.appliedRelationships;
  if (applied.has(version)) return { kind: 'applied' };
  const rejections = change.kind === 'entity' ? answer.rejected : answer.rejectedRelationships;
  const rejection = rejections.find((told) => told.id === id && told.version === version);
  if (rejection) return { kind: 'rejected', conflictId: null, ...reasonOf(rejection) };
  if (change.kind !== 'entity') return undefined;
  const conflicts = answer.conflicts.filter(({ entityId }) => entityId === id);
  // An edit on top of one that lost joins its conflict, which then names the later of the two.
  const conflict = conflicts.find(({ remoteVersion }) => remoteVersion === version) ?? conflicts[0];
  if (!conflict) return undefined;
  return {
    kind: 'conflict',
    code: conflict.conflictType,
    message: MESSAGES.get(conflict.conflictType) ?? 'Somebody else changed this too.',
    conflictId: conflict.conflictId,
  };
}

const MESSAGES: ReadonlyMap<string, string> = new Map([
  ['already_exists', 'There is another thing with this id already.'],
  ['not_found', 'The hub does not know this thing.'],
  ['delete_update', 'Somebody deleted this meanwhile.'],
  ['version_conflict', 'Somebody else changed the same fields meanwhile.'],
]);

function reasonOf({ code, message }: { code: string; message: string }): { code: string; message: string } {
  return { code, message };
}

/** Takes an answered change out of the queue. What the hub has now is told by the rows of the same answer. */
export async function settleChange(draft: Draft, change: PendingChange, outcome: Outcome): Promise<void> {
  const held = await draft.held(change.kind, change.id);
  const base = hubRowOf(held);
  draft.settle(change);
  if (outcome.kind === 'applied') {
    // Where the hub is known to have something that the change was not made from, it has merged the change (and sends
    // the merge), or had it all along and something later by now: what is known stays.
    const advances = base === null || change.row.parentVersions.includes(base.version);
    draft.put(
      advances ? { ...held, base: change.row, generation: draft.meta.generation } : { ...held, base },
    );
    return;
  }
  // Without a touch, a thing that has no more pending changes would go on showing what was not accepted.
  draft.put({ ...held, base });
  const { code, message, conflictId } = outcome;
  draft.report({
    kind: change.kind,
    id: change.id,
    version: change.version,
    outcome: outcome.kind,
    code,
    message,
    conflictId,
    change: change.change,
    row: change.row,
  });
}

/** Takes over a row of the hub: it is what the hub has, and is shown unless there are pending edits. */
export async function acceptRow(draft: Draft, row: Row): Promise<void> {
  const held = await draft.held(row.kind, row.id);
  const { generation, resyncing } = draft.meta;
  const known = hubRowOf(held);
  const supersedes =
    known === null || known.version === row.version || row.parentVersions.includes(known.version);
  if (resyncing && !supersedes && held.generation < generation) {
    // Either the hub went on from what is known here, then pushing it again changes nothing; or it has lost it.
    draft.requeue({ ...held, generation }, known, row);
    return;
  }
  const waiting = draft.isWaiting(row.kind, row.id);
  draft.put(waiting ? { ...held, base: row, generation } : { kind: row.kind, id: row.id, row, generation });
}

/** Before a push that meets a hub of another epoch is settled: what the edits were made from may be lost there. */
export async function keepBases(draft: Draft, sent: readonly PendingChange[]): Promise<void> {
  for (const { kind, id } of sent) {
    const held = await draft.held(kind, id);
    const base = hubRowOf(held);
    if (base !== null && !isTombstone(base)) draft.requeue(held, base, base);
  }
}

/** Everything was pulled from zero: what the hub has not sent, it has lost, and gets again. */
export async function finishResync(draft: Draft): Promise<void> {
  const { generation } = draft.meta;
  for (const kind of ['entity', 'relationship'] as const) {
    for (const held of await draft.list(kind)) {
      const known = hubRowOf(held);
      if (known === null || held.generation >= generation) continue;
      // A tombstone of something that the hub does not know says nothing to it.
      if (isTombstone(known)) draft.put({ ...held, generation });
      else draft.requeue({ ...held, generation }, known, null);
    }
  }
  draft.meta = { ...draft.meta, resyncing: false };
}

function isTombstone(row: Row): boolean {
  return row.kind === 'entity' && row.deleted;
}
