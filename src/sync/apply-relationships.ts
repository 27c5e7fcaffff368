import type { GraphWriter } from '../graph/graph.ts';
import type { RelationshipVersion } from '../graph/types.ts';
import type { ApplyContext } from './apply.ts';
import type { RelationshipChange } from './types.ts';

import { HubError } from '../base/errors.ts';
import { isJsonObject } from '../base/json.ts';
import { isTooLarge, MAX_CONTENT_BYTES } from '../graph/graph.ts';
import { orReject } from './prepare.ts';
import { decide, versionKey } from './rules.ts';

/** An edge as a change leaves it. */
interface Edge {
  readonly fromEntityId: string;
  readonly toEntityId: string;
  readonly relationshipType: string;
  readonly propertiesJson: string;
  readonly validFrom: string;
  readonly validTo: string | null;
}

/** Applies the edges of a batch, after its entities and in the same transaction. */
export function applyRelationshipChanges(
  changes: readonly RelationshipChange[],
  context: ApplyContext,
): void {
  for (const change of changes) {
    orReject(change, context.outcome.rejectedRelationships, () => applyRelationshipChange(change, context));
  }
}

function applyRelationshipChange(change: RelationshipChange, context: ApplyContext): void {
  const { outcome, writer } = context;
  const latest = writer.relationship(change.id);
  const decision = decide(
    change,
    latest && { version: latest.version, deleted: latest.validToMs !== null },
    writer.relationshipHeldAs(change.id, change.version),
  );
  if (decision !== 'done') {
    const lost = decision !== 'fast_forward';
    if (!lost || !decision.stored) store(change, latest, !lost, context);
    if (lost) {
      outcome.lostRelationships.push(change.id);
      throw new HubError(
        'invalid',
        'somebody else changed this relationship first; yours is kept in its history, the current one is sent along',
        { code: decision.conflict.toUpperCase() },
      );
    }
  }
  outcome.appliedRelationships.push(change.version);
  outcome.pushed.add(versionKey(change.id, change.version));
}

function store(
  change: RelationshipChange,
  latest: RelationshipVersion | undefined,
  current: boolean,
  context: ApplyContext,
): void {
  const edge = changedEdge(change, latest);
  checkEnds(context.writer, edge, current && edge.validTo === null);
  context.writer.insertRelationshipVersion({
    ...edge,
    id: change.id,
    version: change.version,
    parentVersions: change.parentVersions,
    author: { userId: context.userId, deviceId: change.deviceId },
    current,
  });
}

/** What the change leaves out stays as it is in the version that the client saw. */
function changedEdge(change: RelationshipChange, latest: RelationshipVersion | undefined): Edge {
  const fromEntityId = change.fromEntityId ?? latest?.fromEntityId;
  const toEntityId = change.toEntityId ?? latest?.toEntityId;
  const relationshipType = change.relationshipType ?? latest?.relationshipType;
  if (fromEntityId === undefined || toEntityId === undefined || relationshipType === undefined) {
    throw new HubError('not_found', `there is no relationship ${change.id}; create it first`, {
      code: 'NOT_FOUND',
    });
  }
  const before: unknown = latest ? JSON.parse(latest.propertiesJson) : {};
  const propertiesJson = JSON.stringify({ ...(isJsonObject(before) ? before : {}), ...change.properties });
  if (isTooLarge(propertiesJson)) {
    throw new HubError('too_large', `properties are larger than ${MAX_CONTENT_BYTES / 1024} KiB`, {
      field: 'properties',
    });
  }
  const isoOf = (ms: number): string => new Date(ms).toISOString();
  const validTo = change.changeType === 'delete' ? (change.validTo ?? change.timestamp) : change.validTo;
  return {
    fromEntityId,
    toEntityId,
    relationshipType,
    propertiesJson,
    validFrom: change.validFrom ?? (latest ? isoOf(latest.validFromMs) : change.timestamp),
    validTo: validTo === undefined ? (latest?.validToMs != null ? isoOf(latest.validToMs) : null) : validTo,
  };
}

/** @throws HubError (UNKNOWN_ENDPOINT, ENDPOINT_DELETED) when an end is missing, or deleted while the edge is to hold. */
function checkEnds(writer: GraphWriter, edge: Edge, mustLive: boolean): void {
  if (edge.fromEntityId === edge.toEntityId) {
    throw new HubError('invalid', 'an entity cannot have a relationship with itself', {
      field: 'to_entity_id',
    });
  }
  for (const id of [edge.fromEntityId, edge.toEntityId]) {
    const end = writer.latest(id);
    if (!end) {
      throw new HubError('not_found', `there is no entity ${id}`, { code: 'UNKNOWN_ENDPOINT' });
    }
    if (mustLive && end.contentJson === null) {
      throw new HubError('not_found', `the entity ${id} is deleted`, { code: 'ENDPOINT_DELETED' });
    }
  }
}
