import type { Ancestry, GraphWriter } from '../graph/graph.ts';
import type { Content, RelationshipVersion } from '../graph/types.ts';
import type { ApplyContext } from './apply.ts';
import type { RelationshipChange } from './types.ts';

import { toIso } from '../base/clock.ts';
import { HubError } from '../base/errors.ts';
import { microsToVersionTime } from '../base/ids.ts';
import { isJsonObject } from '../base/json.ts';
import { isTooLarge, MAX_CONTENT_BYTES, parseTimeMicros } from '../graph/graph.ts';
import { mergeContents } from './merge.ts';
import { orReject } from './prepare.ts';
import { decide } from './rules.ts';
import { refuseUnseenEnds, seesEnds, unseenEdge } from './scope.ts';

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
  if (isOwnAgain(change, latest, context)) {
    // Taken in before an end went out of sight, and the answer was lost.
    outcome.appliedRelationships.push(change.version);
    return;
  }
  if (latest) refuseUnseenEnds(latest, context.visible);
  else if (context.visible && (change.fromEntityId ?? change.toEntityId) === undefined) throw unseenEdge();
  const state = latest && { version: latest.version, deleted: latest.validToMicros !== null };
  const decision = decide(change, state, writer.relationshipHeldAs(change.id, change.version));
  switch (decision) {
    case 'held':
      if (!isPartOfState(change, latest, context)) throw lostEdge('VERSION_CONFLICT', change, context);
      break;
    case 'done':
      break;
    case 'fast_forward':
      store(change, changedEdge(change, latest), true, context);
      break;
    case 'diverged':
      // Only an update of something that is there diverges.
      merge(change, latest as RelationshipVersion, context);
      break;
    default:
      store(change, changedEdge(change, seenBy(change, writer) ?? latest), false, context);
      throw lostEdge(decision.toUpperCase(), change, context);
  }
  outcome.appliedRelationships.push(change.version);
  outcome.pushed.push(change);
}

function isOwnAgain(
  { id, version }: RelationshipChange,
  latest: RelationshipVersion | undefined,
  { userId, visible, writer }: ApplyContext,
): boolean {
  if (!visible || !latest || seesEnds(latest, visible)) return false;
  return writer.relationshipVersion(id, version)?.userId === userId;
}

/** Stores the client's version beside the state, and one of the hub's own that joins the two where they can be joined. */
function merge(change: RelationshipChange, latest: RelationshipVersion, context: ApplyContext): void {
  const { outcome, writer } = context;
  const seen = seenBy(change, writer);
  const theirs = changedEdge(change, seen ?? latest);
  const bases = seen
    ? ancestryOf(change.id, context)
        .common(latest.version, change.parentVersions)
        .map((version) => writer.relationshipVersion(change.id, version))
        .filter((version) => version !== undefined)
    : [];
  const { merged, conflicting } = mergeContents(
    bases.map((base) => toFields(edgeOf(base))),
    toFields(edgeOf(latest)),
    bases.length > 0 ? toFields(theirs) : saidFields(change),
  );
  store(change, theirs, false, context);
  if (conflicting.length > 0) throw lostEdge('VERSION_CONFLICT', change, context);
  const edge = fromFields(merged, edgeOf(latest));
  checkEnds(context, edge, edge.validTo === null);
  const parentVersions = [latest.version, change.version];
  const version = writer.nextVersion(parentVersions);
  writer.insertRelationshipVersion({
    ...edge,
    id: change.id,
    version,
    parentVersions,
    author: { userId: context.userId, deviceId: change.deviceId },
    current: true,
  });
  ancestryOf(change.id, context).add(version, parentVersions);
  outcome.owedRelationships.add(change.id);
  outcome.merges += 1;
}

/** Whether a version that is stored is or was the state, or went into it. */
function isPartOfState(
  { id, version }: RelationshipChange,
  latest: RelationshipVersion | undefined,
  context: ApplyContext,
): boolean {
  if (context.writer.relationshipHeldAs(id, version) === 'state') return true;
  return latest !== undefined && ancestryOf(id, context).descends(latest.version, version);
}

/** Read once for each edge of a push. */
function ancestryOf(id: string, context: ApplyContext): Ancestry {
  let ancestry = context.edgeAncestries.get(id);
  if (!ancestry) {
    ancestry = context.edgeAncestryOf(id);
    context.edgeAncestries.set(id, ancestry);
  }
  return ancestry;
}

function lostEdge(code: string, change: RelationshipChange, { outcome }: ApplyContext): HubError {
  outcome.owedRelationships.add(change.id);
  return new HubError(
    'invalid',
    'somebody else changed this relationship first; yours is kept in its history, the current one is sent along',
    { code },
  );
}

function store(change: RelationshipChange, edge: Edge, current: boolean, context: ApplyContext): void {
  checkEnds(context, edge, current && edge.validTo === null);
  const { outcome, writer } = context;
  const stored = writer.insertRelationshipVersion({
    ...edge,
    id: change.id,
    version: change.version,
    parentVersions: change.parentVersions,
    author: { userId: context.userId, deviceId: change.deviceId },
    current,
  });
  context.edgeAncestries.get(change.id)?.add(change.version, change.parentVersions);
  outcome.stored += 1;
  // An edge cannot begin or end later than now; and of what several versions make, the client may see something else.
  const asSent =
    toMs(edge.validFrom) === Math.floor(stored.validFromMicros / 1000) &&
    (edge.validTo === null || toMs(edge.validTo) === Math.floor((stored.validToMicros ?? Number.NaN) / 1000));
  if (current && (!asSent || change.parentVersions.length > 1)) outcome.owedRelationships.add(change.id);
}

/** The version that the client made its change from, where the hub holds it. */
function seenBy(change: RelationshipChange, writer: GraphWriter): RelationshipVersion | undefined {
  for (const version of change.parentVersions) {
    const parent = writer.relationshipVersion(change.id, version);
    if (parent) return parent;
  }
  return undefined;
}

function edgeOf(edge: RelationshipVersion): Edge {
  return {
    fromEntityId: edge.fromEntityId,
    toEntityId: edge.toEntityId,
    relationshipType: edge.relationshipType,
    propertiesJson: edge.propertiesJson,
    validFrom: microsToVersionTime(edge.validFromMicros),
    validTo: edge.validToMicros === null ? null : microsToVersionTime(edge.validToMicros),
  };
}

/** Properties are merged one by one, beside what the edge itself says. */
const PROPERTY = 'properties.';

/** Times as ms since the Unix epoch: clients spell them in different ways, and are sent ms. */
function toFields({ propertiesJson, validFrom, validTo, ...fields }: Edge): Content {
  return {
    ...fields,
    validFrom: toMs(validFrom),
    validTo: validTo === null ? null : toMs(validTo),
    ...propertyFields(JSON.parse(propertiesJson)),
  };
}

function toMs(time: string): number {
  return Math.floor((parseTimeMicros(time) ?? Number.NaN) / 1000);
}

/** What a change says, without what it leaves as it is. */
function saidFields(change: RelationshipChange): Content {
  const { fromEntityId, toEntityId, relationshipType } = change;
  const validFrom = change.validFrom === undefined ? undefined : toMs(change.validFrom);
  const validTo = typeof change.validTo === 'string' ? toMs(change.validTo) : change.validTo;
  const said = { fromEntityId, toEntityId, relationshipType, validFrom, validTo };
  return {
    ...Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined)),
    ...propertyFields(change.properties),
  };
}

function propertyFields(properties: unknown): Content {
  if (!isJsonObject(properties)) return {};
  return Object.fromEntries(Object.entries(properties).map(([key, value]) => [PROPERTY + key, value]));
}

function fromFields(fields: Content, latest: Edge): Edge {
  const said = { ...latest, ...fields } as Pick<Edge, 'fromEntityId' | 'toEntityId' | 'relationshipType'>;
  const timeOf = (ms: unknown, before: string | null): string | null => {
    if (typeof ms !== 'number') return null;
    return before !== null && toMs(before) === ms ? before : toIso(ms);
  };
  const properties = Object.entries(fields)
    .filter(([key]) => key.startsWith(PROPERTY))
    .map(([key, value]) => [key.slice(PROPERTY.length), value]);
  return {
    fromEntityId: said.fromEntityId,
    toEntityId: said.toEntityId,
    relationshipType: said.relationshipType,
    validFrom: timeOf(fields['validFrom'], latest.validFrom) ?? latest.validFrom,
    validTo: timeOf(fields['validTo'], latest.validTo),
    propertiesJson: JSON.stringify(Object.fromEntries(properties)),
  };
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
  const seenEdge = latest && edgeOf(latest);
  const validTo = change.changeType === 'delete' ? (change.validTo ?? change.timestamp) : change.validTo;
  return {
    fromEntityId,
    toEntityId,
    relationshipType,
    propertiesJson,
    validFrom: change.validFrom ?? seenEdge?.validFrom ?? change.timestamp,
    validTo: validTo === undefined ? (seenEdge?.validTo ?? null) : validTo,
  };
}

/** @throws HubError (UNKNOWN_ENDPOINT, ENDPOINT_DELETED) when an end is missing, or deleted while the edge is to hold. */
function checkEnds({ visible, writer }: ApplyContext, edge: Edge, mustLive: boolean): void {
  refuseUnseenEnds(edge, visible);
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
