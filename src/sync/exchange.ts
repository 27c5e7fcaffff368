import type { Clock } from '../base/clock.ts';
import type { Db } from '../base/db.ts';
import type { Principal } from '../access/types.ts';
import type { Graph } from '../graph/graph.ts';
import type { ConflictView } from './describe-conflict.ts';
import type { DeviceBook } from './sync-devices.ts';
import type { Cursor } from './cursor.ts';
import type { Conflict, Outcome, SyncDevice, SyncRequest } from './types.ts';

import { toIso } from '../base/clock.ts';
import { applyChanges } from './apply.ts';
import { applyRelationshipChanges } from './apply-relationships.ts';
import { OpenConflicts } from './conflicts.ts';
import { belongsTo, formatCursor, parseCursor, parseToken, toToken, viewOf, wholeViewOf } from './cursor.ts';
import { ConflictDescriber } from './describe-conflict.ts';
import { GraphDigest } from './digest.ts';
import { readPage } from './page.ts';
import { preparePush } from './prepare.ts';
import { ReadAhead } from './read-ahead.ts';
import { readTogether } from '../base/db.ts';
import { answerJson } from './response.ts';
import { MAX_CLOCK_ENTRIES } from './schema.ts';
import { inSlices } from './slices.ts';

export interface ExchangeOptions {
  readonly graph: Graph;
  /** Of the graph's file. */
  readonly db: Db;
  readonly clock: Clock;
}

/** What a sync did, for whoever asked for it. */
export interface ExchangeReport {
  /** Rows that went either way. */
  readonly changes: number;
  /** Edits that were joined with what others had done meanwhile. */
  readonly merges: number;
  readonly hasMore: boolean;
}

/** One sync of v1 and v1.1 (PROTOCOL.md section 2): the push in one transaction, then what the client has missed. */
export class Exchange {
  readonly #graph: Graph;
  readonly #db: Db;
  readonly #clock: Clock;
  readonly #digest: GraphDigest;
  /** Changes that met another of the same thing, since the hub was started. */
  conflicts = 0;

  constructor({ graph, db, clock }: ExchangeOptions) {
    this.#graph = graph;
    this.#db = db;
    this.#clock = clock;
    this.#digest = new GraphDigest(graph);
  }

  /**
   * Resolves when all that it tells is durable.
   * @returns the JSON text of the answer.
   * @throws HubError; nothing is written then.
   */
  async run(
    principal: Principal,
    request: SyncRequest,
    devices: DeviceBook,
  ): Promise<{ answer: string; report: ExchangeReport }> {
    const cursor = this.#cursorOf(request);
    // Before the push, which moves the head on.
    const belongs = cursor !== undefined && belongsTo(cursor, this.#graph);
    const pushes = request.changes.length + request.relationshipChanges.length > 0;
    const outcome = pushes ? await this.#push(principal, request, devices) : noOutcome();

    // What somebody sees who is limited to rooms is judged after the push, which may have moved things.
    const visible = principal.rooms && this.#graph.visibility.of(principal.rooms);
    const view = viewOf(request.protocol, request.filter, visible?.hash);
    const views = [view, wholeViewOf(visible?.hash)];
    const start = this.#startOf(cursor, { fits: belongs && views.includes(cursor.view), request, devices });
    const page = readPage(this.#graph, this.#db, { afterSeq: start.seq, request, outcome, visible });
    const described = await this.#describe(request.protocol === 'inbetweenies-v1' ? [] : outcome.conflicts);
    // The rows that changes lost against may be younger than the barrier that was waited for.
    const newest = Math.max(
      page.entities.at(-1)?.seq ?? 0,
      page.relationships.at(-1)?.seq ?? 0,
      described.newestSeq,
    );
    if (newest > this.#graph.headSeq) await this.#graph.settled();
    const nowMs = this.#clock.nowMs();
    const next = formatCursor({ epoch: this.#graph.epoch, view, seq: page.scannedSeq }, nowMs);
    const wantsDigest = !pushes && !page.hasMore && request.filter === null && !visible;
    const digest = wantsDigest ? await this.#digest.at(page.scannedSeq) : null;
    const device = {
      ...deviceOf({ principal, request, outcome, devices, nowMs }),
      cursorSeq: page.scannedSeq,
    };
    devices.note(device, pushes);
    this.conflicts += outcome.conflicts.length;

    const vectorClock = answeredClock(request, visible ? ownEntry(request, devices) : devices.clock());
    vectorClock.set('server', next);
    const answer = answerJson({
      protocol: request.protocol,
      entities: page.entities,
      relationships: page.relationships,
      vectorClock,
      outcome,
      conflicts: described.views,
      nextSyncToken: toToken(next),
      serverTimeMs: nowMs,
      hasMore: page.hasMore,
      resync: start.resync,
      digest,
    });
    const report = {
      changes:
        outcome.applied.length +
        outcome.appliedRelationships.length +
        page.entities.length +
        page.relationships.length,
      merges: outcome.merges,
      hasMore: page.hasMore,
    };
    return { answer, report };
  }

  async #push(principal: Principal, request: SyncRequest, devices: DeviceBook): Promise<Outcome> {
    const push = await preparePush(request, this.#clock);
    const known = new ReadAhead(this.#graph, this.#db);
    await known.load(push.changes, this.#clock);
    const visible = principal.rooms && this.#graph.visibility.of(principal.rooms);
    const outcome = this.#graph.transaction((writer, tx) => {
      known.refresh(writer);
      const firstSeq = writer.lastSeq + 1;
      const result: Outcome = {
        ...noOutcome(),
        rejected: push.rejected,
        rejectedRelationships: push.rejectedRelationships,
      };
      const nowMs = this.#clock.nowMs();
      const { userId } = principal;
      const conflicts = new OpenConflicts(tx, userId, nowMs);
      const context = {
        writer,
        known,
        conflicts,
        edgeAncestries: new Map(),
        edgeAncestryOf: (id: string) => this.#graph.edgeAncestryOf(id),
        userId,
        nowIso: toIso(nowMs),
        outcome: result,
        visible,
      };
      applyChanges(push.changes, context);
      conflicts.flush();
      applyRelationshipChanges(push.relationshipChanges, context);
      devices.write(tx, deviceOf({ principal, request, outcome: result, devices, nowMs }));
      const { lastSeq } = writer;
      if (lastSeq - firstSeq + 1 === result.stored) result.ownRows = { firstSeq, lastSeq };
      return result;
    });
    await this.#graph.settled();
    return outcome;
  }

  async #describe(conflicts: readonly Conflict[]): Promise<{ views: ConflictView[]; newestSeq: number }> {
    const describer = new ConflictDescriber(this.#graph);
    // As they stand at the end of the push: several changes may have lost in one.
    const last = new Map(conflicts.map((conflict) => [conflict.conflictId, conflict]));
    const views: ConflictView[] = [];
    await inSlices(
      conflicts,
      this.#clock,
      ({ conflictId }) => views.push(describer.describe(last.get(conflictId) as Conflict)),
      (slice) => readTogether(this.#db, slice),
    );
    return { views, newestSeq: describer.newestSeq };
  }

  /** How far the client says that it has come. @throws HubError `invalid` (INVALID_VECTOR_CLOCK). */
  #cursorOf({ vectorClock, syncToken }: SyncRequest): Cursor | undefined {
    const entry = vectorClock.get('server');
    if (entry !== undefined) return parseCursor(entry, 'vector_clock.server');
    return syncToken === null ? undefined : parseToken(syncToken);
  }

  /** Where this client goes on reading, and whether it must be told that this is the beginning. */
  #startOf(
    cursor: Cursor | undefined,
    { devices, fits, request }: { fits: boolean; request: SyncRequest; devices: DeviceBook },
  ): { seq: number; resync: boolean } {
    if (!cursor) return { seq: 0, resync: false };
    // The answer that began from zero may have been lost: only a cursor from after it shows that it was read.
    const startsOverMs = devices.get(request.deviceId)?.startsOverMs ?? 0;
    const isOld = cursor.issuedMs < startsOverMs && startsOverMs <= this.#clock.nowMs();
    return fits && !isOld ? { seq: cursor.seq, resync: false } : { seq: 0, resync: true };
  }
}

/** What there is to note about a client after a sync. */
function deviceOf(about: {
  principal: Principal;
  request: SyncRequest;
  outcome: Outcome;
  devices: DeviceBook;
  nowMs: number;
}): SyncDevice {
  const { devices, outcome, request } = about;
  const before = devices.get(request.deviceId);
  const held = outcome.rejected.length + outcome.rejectedRelationships.length;
  return {
    deviceId: request.deviceId,
    userId: about.principal.userId,
    protocol: request.protocol,
    lastSyncMs: about.nowMs,
    clockValue: outcome.newest ?? before?.clockValue ?? null,
    cursorSeq: before?.cursorSeq ?? 0,
    lastError: held > 0 ? `${held} changes were refused: ${firstReason(outcome)}` : null,
    startsOverMs: before?.startsOverMs ?? null,
  };
}

/**
 * The clock that the client is to carry: its own entries and the hub's, merged key by key. Where that grows beyond what
 * a client may send back, only the client's own device and what the hub knows stay.
 */
function answeredClock(request: SyncRequest, hub: ReadonlyMap<string, string>): Map<string, string> {
  const merged = new Map([...request.vectorClock, ...hub]);
  if (merged.size < MAX_CLOCK_ENTRIES) return merged;
  const own = request.vectorClock.get(request.deviceId);
  return own === undefined ? new Map(hub) : new Map([[request.deviceId, own], ...hub]);
}

/** What the hub knows of the client itself: when others changed something is not told to whoever does not see it. */
function ownEntry({ deviceId }: SyncRequest, devices: DeviceBook): Map<string, string> {
  const own = devices.clock().get(deviceId);
  return new Map(own === undefined ? [] : [[deviceId, own]]);
}

function noOutcome(): Outcome {
  return {
    applied: [],
    conflicts: [],
    rejected: [],
    appliedRelationships: [],
    rejectedRelationships: [],
    owedEntities: new Set(),
    owedRelationships: new Set(),
    pushed: [],
    stored: 0,
    ownRows: null,
    merges: 0,
    newest: null,
  };
}

function firstReason(outcome: Outcome): string {
  const first = outcome.rejected[0] ?? outcome.rejectedRelationships[0];
  return first ? `${first.id}: ${first.message}`.slice(0, 300) : '';
}
