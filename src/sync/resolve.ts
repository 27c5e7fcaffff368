import type { Clock } from '../base/clock.ts';
import type { Tx } from '../base/db.ts';
import type { JsonObject } from '../base/json.ts';
import type { Graph } from '../graph/graph.ts';
import type { Author, EntityVersion } from '../graph/types.ts';
import type { Conflict, Resolution } from './types.ts';

import { toIso } from '../base/clock.ts';
import { HubError } from '../base/errors.ts';
import { encodeContent, homeEntityJson, parseContent } from '../graph/graph.ts';
import { OpenConflicts } from './conflicts.ts';
import { ConflictDescriber } from './describe-conflict.ts';
import { readConflict } from './reader.ts';

/** What somebody has decided about a conflict. */
export interface Decided {
  readonly resolution: Resolution;
  /** For `merge`: the content that is to hold; by default what the hub suggests. */
  readonly content?: JsonObject | undefined;
  /** The version that was the entity's latest when they looked. */
  readonly localVersion?: string | undefined;
  /** Called with the new row in the transaction that makes it, for whoever keeps a log of decisions. */
  readonly record?: ((made: EntityVersion, tx: Tx) => void) | undefined;
}

/**
 * Closes a conflict with a version of both parents, which all clients are then sent.
 * @returns the new row, durable.
 * @throws HubError `not_found`; `conflict` (with the current row) when it was decided already or `localVersion` is not the
 * latest any more; `invalid` or `too_large` when the content cannot be accepted.
 */
export async function resolveConflict(
  options: { graph: Graph; clock: Clock; author: Author },
  conflictId: string,
  decided: Decided,
): Promise<EntityVersion> {
  const { graph, clock, author } = options;
  // A refusal tells what is there now, which has to be durable by then.
  if (graph.committedSeq > graph.headSeq) await graph.settled();
  const made = graph.transaction((writer, tx) => {
    const conflict = readConflict(tx, conflictId);
    if (!conflict) throw new HubError('not_found', `there is no conflict ${conflictId}`);
    const latest = writer.latest(conflict.entityId);
    if (conflict.resolved) {
      const { resolution, userId } = conflict.resolved;
      throw moved(`it was decided already: ${resolution}, by ${userId}`, conflict, latest);
    }
    if (decided.localVersion !== undefined && decided.localVersion !== latest?.version) {
      throw moved('somebody has changed it since you looked; look again', conflict, latest);
    }
    const remote = writer.version(conflict.entityId, conflict.remoteVersion);
    if (!remote) throw new Error(`the version that lost in conflict ${conflictId} is not there`);
    const contentJson = decidedContent(graph, { conflict, latest, remote, decided });
    const parentVersions = [...(latest ? [latest.version] : []), remote.version];
    const { entity } = writer.insertVersion({
      id: conflict.entityId,
      version: writer.nextVersion(parentVersions),
      entityType: latest?.entityType ?? remote.entityType,
      changeType: contentJson === null ? 'delete' : latest ? 'update' : 'create',
      parentVersions,
      contentJson,
      author,
      sourceType: latest?.sourceType ?? remote.sourceType,
      timestamp: toIso(clock.nowMs()),
      current: true,
    });
    const { resolution } = decided;
    new OpenConflicts(tx, author.userId, clock.nowMs()).close(conflict, {
      resolution,
      version: entity.version,
    });
    decided.record?.(entity, tx);
    return entity;
  });
  await graph.settled();
  return made;
}

function decidedContent(
  graph: Graph,
  about: {
    conflict: Conflict;
    latest: EntityVersion | undefined;
    remote: EntityVersion;
    decided: Decided;
  },
): string | null {
  const { conflict, latest, remote, decided } = about;
  const entityType = latest?.entityType ?? remote.entityType;
  if (decided.resolution === 'keep_local') return latest?.contentJson ?? null;
  if (decided.resolution === 'accept_remote') {
    if (remote.contentJson === null) return null;
    // What was sent as a patch of something that the hub never held is laid over what it holds.
    const isPatch =
      latest !== undefined &&
      remote.changeType === 'update' &&
      graph.ancestryOf(remote.id).common(latest.version, remote.parentVersions).length === 0;
    const under = isPatch ? parseContent(latest) : {};
    return encodeContent(entityType, { ...under, ...parseContent(remote) });
  }
  const content = decided.content ?? new ConflictDescriber(graph).describe(conflict).suggestedMerge;
  if (content === null) {
    throw new HubError('invalid', 'content: one side deleted it, so say what is to be there', {
      field: 'content',
    });
  }
  return encodeContent(entityType, content);
}

function moved(message: string, conflict: Conflict, latest: EntityVersion | undefined): HubError {
  return new HubError('conflict', message, {
    details: {
      conflict_id: conflict.conflictId,
      current: latest ? (JSON.parse(homeEntityJson(latest)) as unknown) : null,
    },
  });
}
