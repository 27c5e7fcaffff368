import type { EntityVersion, RelationshipVersion } from '../graph/types.ts';
import type { ConflictView } from './describe-conflict.ts';
import type { Outcome, Protocol } from './types.ts';

import { toIso } from '../base/clock.ts';

/** Everything that an answer says. */
export interface SyncAnswer {
  readonly protocol: Protocol;
  readonly entities: readonly EntityVersion[];
  readonly relationships: readonly RelationshipVersion[];
  readonly vectorClock: ReadonlyMap<string, string>;
  readonly outcome: Outcome;
  /** v1.1: the conflicts of `outcome` in detail. */
  readonly conflicts: readonly ConflictView[];
  readonly nextSyncToken: string;
  readonly serverTimeMs: number;
  readonly hasMore: boolean;
  readonly resync: boolean;
  readonly digest: string | null;
}

/** Beyond this the values of further conflicts are left out: each may quote 256 KiB from both sides, twice. */
const MAX_DETAIL_BYTES = 4 * 1024 * 1024;

/** The answer's JSON text. Stored contents are spliced in as they are: parsing and printing them costs three times more. */
export function answerJson(answer: SyncAnswer): string {
  const { outcome, protocol } = answer;
  const withEdges = protocol === 'inbetweenies-v1.1';
  const partial =
    outcome.conflicts.length + outcome.rejected.length + outcome.rejectedRelationships.length > 0;
  const rest = JSON.stringify({
    vector_clock: Object.fromEntries(answer.vectorClock),
    conflicts: withEdges
      ? conflictRecords(answer.conflicts)
      : [...new Set(outcome.conflicts.map(({ entityId }) => entityId))],
    next_sync_token: answer.nextSyncToken,
    server_time: toIso(answer.serverTimeMs),
    protocol_version: protocol,
    applied: outcome.applied,
    rejected: outcome.rejected.map(({ id, version, code, message }) => ({
      entity_id: id,
      entity_version: version,
      code,
      message,
    })),
    ...(withEdges && {
      applied_relationships: outcome.appliedRelationships,
      rejected_relationships: outcome.rejectedRelationships.map(({ id, version, code, message }) => ({
        relationship_id: id,
        relationship_version: version,
        code,
        message,
      })),
    }),
    has_more: answer.hasMore,
    sync_status: partial ? 'partial' : 'success',
    resync: answer.resync,
    digest: answer.digest,
  });
  const changes = answer.entities.map(entityChangeJson).join(',');
  const edges = withEdges
    ? `"relationship_changes":[${answer.relationships.map(relationshipChangeJson).join(',')}],`
    : '';
  return `{"changes":[${changes}],${edges}${rest.slice(1)}`;
}

function entityChangeJson(entity: EntityVersion): string {
  const head = JSON.stringify({
    change_type: entity.changeType,
    entity_id: entity.id,
    entity_version: entity.version,
    entity_type: entity.entityType,
    timestamp: entity.timestamp,
    parent_versions: entity.parentVersions,
    user_id: entity.userId,
    device_id: entity.deviceId,
  });
  return `${head.slice(0, -1)},"content":${entity.contentJson ?? 'null'}}`;
}

function relationshipChangeJson(edge: RelationshipVersion): string {
  const ended = edge.validToMs !== null;
  const head = JSON.stringify({
    change_type: ended ? 'delete' : edge.parentVersions.length === 0 ? 'create' : 'update',
    relationship_id: edge.id,
    relationship_version: edge.version,
    parent_versions: edge.parentVersions,
    from_entity_id: edge.fromEntityId,
    to_entity_id: edge.toEntityId,
    relationship_type: edge.relationshipType,
    valid_from: toIso(edge.validFromMs),
    valid_to: edge.validToMs === null ? null : toIso(edge.validToMs),
    timestamp: toIso(edge.validToMs ?? edge.validFromMs),
    user_id: edge.userId,
    device_id: edge.deviceId,
  });
  return `${head.slice(0, -1)},"properties":${edge.propertiesJson}}`;
}

/** Conflicts as v1.1 and the API tell them. */
export function conflictRecords(views: readonly ConflictView[]): object[] {
  const details = { bytesLeft: MAX_DETAIL_BYTES };
  return views.map((view) => conflictRecord(view, details));
}

const NOT_QUOTED = {
  conflicting_fields: [],
  local_values: null,
  server_values: null,
  suggested_merge: null,
};

function conflictRecord(view: ConflictView, details: { bytesLeft: number }): object {
  const quote = {
    conflicting_fields: view.conflictingFields,
    local_values: view.clientValues,
    server_values: view.hubValues,
    suggested_merge: view.suggestedMerge,
  };
  if (details.bytesLeft > 0) details.bytesLeft -= JSON.stringify(quote).length;
  return {
    conflict_id: view.conflict.conflictId,
    entity_id: view.conflict.entityId,
    conflict_type: view.conflict.type,
    local_version: view.local?.version ?? null,
    remote_version: view.conflict.remoteVersion,
    resolution_hint: view.resolutionHint,
    conflict_details: details.bytesLeft > 0 ? quote : NOT_QUOTED,
  };
}
