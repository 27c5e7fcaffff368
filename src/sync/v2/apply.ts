import type { Clock } from '../../base/clock.ts';
import type { GraphWriter } from '../../graph/graph.ts';
import type { Author, StoredVersion } from '../../graph/types.ts';
import type { Known } from './known.ts';
import type { Verdict } from './rules.ts';
import type { OutcomeV2, PushedEdge, PushedEntity, PushV2 } from './types.ts';

import { toIso } from '../../base/clock.ts';
import { jsonEqual } from '../../base/json.ts';
import { lostBefore, resolve, toStoredSourceType, versionTime } from './rules.ts';

export interface ApplyContextV2 {
  readonly writer: GraphWriter;
  readonly known: Known;
  readonly clock: Clock;
  /** Who a version is by, going by the user that the client names. */
  readonly authorOf: (userId: string) => Author;
  /** Who the request is by: edges name nobody. */
  readonly edgeAuthor: Author;
}

/** Applies a push inside one transaction: all entities, then all edges (INBETWEENIES-V2.md 4.3 to 4.6). */
export function applyPush(push: PushV2, context: ApplyContextV2): OutcomeV2 {
  const outcome = noOutcome();
  for (const pushed of push.entities) {
    if (pushed.changeType === 'delete') applyDelete(pushed, context, outcome);
    else applyEdit(pushed, context, outcome);
    outcome.applied.add(pushed.id);
    outcome.lastVersion = pushed.version;
  }
  for (const edge of push.edges) {
    if (applyEdge(edge, context)) outcome.appliedRelationships.add(edge.id);
  }
  return outcome;
}

export function noOutcome(): OutcomeV2 {
  return { applied: new Set(), appliedRelationships: new Set(), conflicts: [], lastVersion: null };
}

function applyEdit(pushed: PushedEntity, context: ApplyContextV2, outcome: OutcomeV2): void {
  const { known, writer } = context;
  const head = known.head(writer, pushed.id);
  const heldAs = known.heldAs(writer, pushed.id, pushed.version);
  if (!head) {
    // Something may be held without a current version: what lost against an entity that was never there.
    if (heldAs === undefined) store(pushed, undefined, pushed.parentVersions, true, context);
    return;
  }
  if (pushed.version === head.entity.version) return;
  const descends = pushed.parentVersions.includes(head.entity.version);
  if (heldAs !== undefined) {
    if (!descends)
      outcome.conflicts.push(recordOf(pushed, head, verdictOn(lostBefore, pushed, head, context)));
    return;
  }
  if (descends) {
    store(pushed, head, pushed.parentVersions, true, context);
    return;
  }
  decideConflict(pushed, head, context, outcome);
}

function applyDelete(pushed: PushedEntity, context: ApplyContextV2, outcome: OutcomeV2): void {
  const { known, writer } = context;
  const head = known.head(writer, pushed.id);
  if (!head || head.entity.contentJson === null) return;
  const descends = pushed.parentVersions.includes(head.entity.version);
  const isHeld = known.heldAs(writer, pushed.id, pushed.version) !== undefined;
  if (pushed.version === head.entity.version || (isHeld && descends)) {
    // The client names what it wants gone, and has no name for the tombstone.
    writer.deleteEntity(pushed.id, context.authorOf(pushed.userId));
    known.forget(pushed.id);
  } else if (isHeld) {
    outcome.conflicts.push(recordOf(pushed, head, verdictOn(lostBefore, pushed, head, context)));
  } else if (descends) {
    store(pushed, head, pushed.parentVersions, true, context);
  } else {
    decideConflict(pushed, head, context, outcome);
  }
}

/** Neither knew of the other: the later one is current, both are kept, and the client is told. */
function decideConflict(
  pushed: PushedEntity,
  head: StoredVersion,
  context: ApplyContextV2,
  outcome: OutcomeV2,
): void {
  const verdict = verdictOn(resolve, pushed, head, context);
  const wins = verdict.winner === 'remote';
  const orphan = pushed.parentVersions.length === 0 || (wins && pushed.changeType === 'delete');
  store(pushed, head, orphan ? [head.entity.version] : pushed.parentVersions, wins, context);
  outcome.conflicts.push(recordOf(pushed, head, verdict));
}

function verdictOn(
  rule: typeof resolve,
  pushed: PushedEntity,
  head: StoredVersion,
  { clock, writer }: ApplyContextV2,
): Verdict {
  // A hub that starts without a clock of its own lives in the past; the rows that it has stored know better.
  return rule(pushed.version, head.entity, Math.max(clock.nowMs() * 1000, writer.lastStoredMicros));
}

function recordOf(
  pushed: PushedEntity,
  head: StoredVersion,
  { winner, strategy }: Verdict,
): OutcomeV2['conflicts'][number] {
  return {
    entity_id: pushed.id,
    local_version: head.entity.version,
    remote_version: pushed.version,
    resolution_strategy: strategy,
    resolved_version: winner === 'remote' ? pushed.version : head.entity.version,
  };
}

function store(
  pushed: PushedEntity,
  head: StoredVersion | undefined,
  parentVersions: readonly string[],
  current: boolean,
  { writer, known, clock, authorOf }: ApplyContextV2,
): void {
  const existing = head?.entity;
  const stored = writer.insertVersion(
    {
      id: pushed.id,
      version: pushed.version,
      entityType: existing?.entityType ?? pushed.entityType,
      // Clients call creations updates.
      changeType: pushed.changeType === 'delete' ? 'delete' : existing ? 'update' : 'create',
      parentVersions,
      contentJson: pushed.contentJson,
      author: authorOf(pushed.userId),
      sourceType: toStoredSourceType(pushed.sourceType, existing?.sourceType),
      timestamp: versionTime(pushed.version) ?? toIso(clock.nowMs()),
      current,
    },
    head ?? null,
  );
  known.written(stored);
}

/**
 * The edge holds from now on, whatever it said before. False where it cannot be stored yet: an end is not here in the
 * version that the client pinned, or is deleted; sending it again may work then. Nor is one stored that joins a thing with
 * itself: that helps nobody, and to refuse the request for it would hold up all that its client has to say.
 */
function applyEdge(pushed: PushedEdge, context: ApplyContextV2): boolean {
  const { writer, known, clock, edgeAuthor } = context;
  if (pushed.fromEntityId === pushed.toEntityId) return false;
  const ends = [
    { id: pushed.fromEntityId, version: pushed.fromVersion },
    { id: pushed.toEntityId, version: pushed.toVersion },
  ];
  for (const { id, version } of ends) {
    if (known.heldAs(writer, id, version) === undefined) return false;
    if ((known.head(writer, id)?.entity.contentJson ?? null) === null) return false;
  }
  const before = known.edge(writer, pushed.id);
  const isSame =
    before !== undefined &&
    before.validToMicros === null &&
    before.fromEntityId === pushed.fromEntityId &&
    before.toEntityId === pushed.toEntityId &&
    before.relationshipType === pushed.relationshipType &&
    sameJson(before.propertiesJson, pushed.propertiesJson);
  if (isSame) return true;
  const parentVersions = before ? [before.version] : [];
  writer.insertRelationshipVersion({
    id: pushed.id,
    // v2 gives edges no versions.
    version: writer.nextVersion(parentVersions),
    parentVersions,
    fromEntityId: pushed.fromEntityId,
    toEntityId: pushed.toEntityId,
    relationshipType: pushed.relationshipType,
    propertiesJson: pushed.propertiesJson,
    author: edgeAuthor,
    validFrom: toIso(clock.nowMs()),
    validTo: null,
    current: true,
  });
  known.edgeWritten(pushed.id, pushed.fromEntityId);
  return true;
}

function sameJson(a: string, b: string): boolean {
  return a === b || jsonEqual(JSON.parse(a), JSON.parse(b));
}
