import type { Clock } from '../base/clock.ts';
import type { EntityChange, RelationshipChange, Rejection, SyncRequest } from './types.ts';

import { HubError } from '../base/errors.ts';
import { checkId, checkVersion, encodeContent, toEntityType, toRelationshipType } from '../graph/graph.ts';
import { contentChecksum } from './canonical-json.ts';
import { inCausalOrder } from './rules.ts';
import { checkVersionsAreUnique, parseEntityChange, parseRelationshipChange } from './schema.ts';
import { inSlices } from './slices.ts';

/** A change whose words were checked, ready to be applied. */
export interface PreparedChange extends EntityChange {
  /** In its stored spelling; null where the change does not say. */
  readonly entityType: string | null;
  /** The content of a create as it will be stored; null for the others, which depend on what they change. */
  readonly createdJson: string | null;
}

/** A push, checked as far as it can be without looking at the graph; in the order in which it is applied. */
export interface PreparedPush {
  readonly changes: readonly PreparedChange[];
  readonly relationshipChanges: readonly RelationshipChange[];
  readonly rejected: Rejection[];
  readonly rejectedRelationships: Rejection[];
}

/**
 * Checks all changes of a request, a slice at a time.
 * @throws HubError `invalid` (VALIDATION_ERROR) when one of them is malformed: then nothing may be written.
 */
export async function preparePush(request: SyncRequest, clock: Clock): Promise<PreparedPush> {
  const changes: EntityChange[] = [];
  await inSlices(request.changes, clock, (change, index) => {
    changes.push(parseEntityChange(change, index, request.deviceId));
  });
  const edges: RelationshipChange[] = [];
  await inSlices(request.relationshipChanges, clock, (change, index) => {
    edges.push(parseRelationshipChange(change, index, request.deviceId));
  });
  checkVersionsAreUnique(changes, 'changes');
  checkVersionsAreUnique(edges, 'relationship_changes');

  const push = {
    changes: [] as PreparedChange[],
    relationshipChanges: [] as RelationshipChange[],
    rejected: [] as Rejection[],
    rejectedRelationships: [] as Rejection[],
  };
  await inSlices(inCausalOrder(changes), clock, (change) => {
    orReject(change, push.rejected, () => push.changes.push(prepareChange(change)));
  });
  await inSlices(inCausalOrder(edges), clock, (change) => {
    orReject(change, push.rejectedRelationships, () => push.relationshipChanges.push(prepareEdge(change)));
  });
  return push;
}

/** Runs `task`; when it finds the change unacceptable, the reason joins `rejected` and the others go on. */
export function orReject(
  change: { id: string; version: string },
  rejected: Rejection[],
  task: () => void,
): void {
  try {
    task();
  } catch (error) {
    if (!(error instanceof HubError) || !REJECTABLE.has(error.kind)) throw error;
    const code = error.code ?? (error.kind === 'too_large' ? 'TOO_LARGE' : 'VALIDATION_ERROR');
    rejected.push({ id: change.id, version: change.version, code, message: error.message });
  }
}

const REJECTABLE: ReadonlySet<string> = new Set(['invalid', 'too_large', 'not_found']);

function prepareChange(change: EntityChange): PreparedChange {
  checkId(change.id, 'entity_id');
  checkVersion(change.version, 'entity_version');
  const entityType = change.entityType === null ? null : toEntityType(change.entityType);
  if (change.checksum !== null && change.content && change.checksum !== contentChecksum(change.content)) {
    throw new HubError(
      'invalid',
      'checksum does not match the content: it was damaged on the way; send it again',
      {
        field: 'checksum',
        code: 'CHECKSUM_MISMATCH',
      },
    );
  }
  const createdJson =
    change.changeType === 'create' && entityType !== null && change.content
      ? encodeContent(entityType, change.content)
      : null;
  return { ...change, entityType, createdJson };
}

function prepareEdge(change: RelationshipChange): RelationshipChange {
  checkId(change.id, 'relationship_id');
  checkVersion(change.version, 'relationship_version');
  if (change.relationshipType === undefined) return change;
  return { ...change, relationshipType: toRelationshipType(change.relationshipType) };
}
