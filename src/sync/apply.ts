import type { GraphWriter } from '../graph/graph.ts';
import type { EntityVersion, StoredVersion } from '../graph/types.ts';
import type { JsonObject } from '../base/json.ts';
import type { PreparedChange } from './prepare.ts';
import type { ReadAhead } from './read-ahead.ts';
import type { Conflict, ConflictType, Outcome } from './types.ts';

import { shortHash } from '../base/ids.ts';
import { jsonEqual } from '../base/json.ts';
import { parseContent } from '../graph/graph.ts';
import { losersContent, patchedContent } from './content.ts';
import { orReject } from './prepare.ts';
import { decide, versionKey } from './rules.ts';

/** What a person's client adds to the graph without saying where it comes from. */
const SOURCE_TYPE = 'manual';

export interface ApplyContext {
  readonly writer: GraphWriter;
  readonly known: ReadAhead;
  /** Who pushes. The versions are theirs, whatever the changes say. */
  readonly userId: string;
  readonly outcome: Outcome;
}

/** Applies entity changes, in the order given, inside one transaction (PROTOCOL.md 2.1). */
export function applyChanges(changes: readonly PreparedChange[], context: ApplyContext): void {
  for (const change of changes) {
    orReject(change, context.outcome.rejected, () => applyChange(change, context));
  }
}

function applyChange(change: PreparedChange, context: ApplyContext): void {
  const { known, outcome, writer } = context;
  const head = known.head(writer, change.id);
  const latest = head && { version: head.entity.version, deleted: head.entity.contentJson === null };
  const decision = decide(change, latest, known.heldAs(writer, change.id, change.version));
  if (decision === 'fast_forward') store(change, head, context);
  if (decision === 'done' || decision === 'fast_forward') {
    outcome.applied.push(change.version);
    outcome.pushed.add(versionKey(change.id, change.version));
    return;
  }
  const lost = decision.stored
    ? writer.version(change.id, change.version)
    : storeLoser(change, head, context).entity;
  outcome.conflicts.push(toConflict(decision.conflict, change, head, lost));
}

function store(change: PreparedChange, head: StoredVersion | undefined, context: ApplyContext): void {
  const { known, writer } = context;
  const stored = writer.insertVersion(
    {
      id: change.id,
      version: change.version,
      entityType: head?.entity.entityType ?? change.entityType ?? 'unknown',
      changeType: change.changeType,
      parentVersions: change.parentVersions,
      contentJson: newContent(change, head, known),
      author: { userId: context.userId, deviceId: change.deviceId },
      sourceType: head?.entity.sourceType ?? SOURCE_TYPE,
      timestamp: change.timestamp,
      current: true,
    },
    head ?? null,
  );
  known.written(stored, 'state');
}

function newContent(
  change: PreparedChange,
  head: StoredVersion | undefined,
  known: ReadAhead,
): string | null {
  if (change.changeType === 'delete') return null;
  if (!head) return change.createdJson;
  return known.content(change, head.entity.version) ?? patchedContent(change, head.entity);
}

function storeLoser(
  change: PreparedChange,
  head: StoredVersion | undefined,
  context: ApplyContext,
): StoredVersion {
  const { known, writer } = context;
  const parent = change.parentVersions
    .map((version) => writer.version(change.id, version))
    .find((version) => version !== undefined);
  const stored = writer.insertVersion(
    {
      id: change.id,
      version: change.version,
      entityType: head?.entity.entityType ?? change.entityType ?? 'unknown',
      changeType: change.changeType,
      parentVersions: change.parentVersions,
      contentJson: losersContent(change, change.changeType === 'update' ? parent : undefined),
      author: { userId: context.userId, deviceId: change.deviceId },
      sourceType: head?.entity.sourceType ?? SOURCE_TYPE,
      timestamp: change.timestamp,
      current: false,
    },
    head ?? null,
  );
  known.written(stored, 'loser');
  return stored;
}

function toConflict(
  type: ConflictType,
  change: PreparedChange,
  head: StoredVersion | undefined,
  lost: EntityVersion | undefined,
): Conflict {
  const client: JsonObject = lost ? parseContent(lost) : {};
  const hub: JsonObject = head ? parseContent(head.entity) : {};
  const fields = [...new Set([...Object.keys(client), ...Object.keys(hub)])].filter(
    (key) => !jsonEqual(client[key], hub[key]),
  );
  const pick = (content: JsonObject): JsonObject =>
    Object.fromEntries(fields.filter((key) => Object.hasOwn(content, key)).map((key) => [key, content[key]]));
  const newer = lost !== undefined && head !== undefined && lost.modifiedAtMs > head.entity.modifiedAtMs;
  return {
    // Made from what it is about, so that a retry of the same change names the same conflict.
    conflictId: shortHash(`${change.id}\n${change.version}`, 16),
    type,
    entityId: change.id,
    local: head?.entity ?? null,
    remoteVersion: change.version,
    resolutionHint: newer ? 'accept_remote' : 'keep_local',
    conflictingFields: fields,
    clientValues: pick(client),
    hubValues: pick(hub),
  };
}
