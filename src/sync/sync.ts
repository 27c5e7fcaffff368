import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/log.ts';
import type { Store } from '../base/store.ts';
import type { Permission, Principal } from '../access/types.ts';
import type { Graph } from '../graph/graph.ts';
import type { Cursor } from './cursor.ts';
import type { DeviceStatus, Outcome, SyncDevice, SyncRequest } from './types.ts';

import { errorText, HubError } from '../base/errors.ts';
import { applyChanges } from './apply.ts';
import { applyRelationshipChanges } from './apply-relationships.ts';
import { formatCursor, parseCursor, parseToken, toToken, viewOf, WHOLE_VIEW } from './cursor.ts';
import { DeviceQueue } from './device-queue.ts';
import { GraphDigest } from './digest.ts';
import { readPage } from './page.ts';
import { preparePush } from './prepare.ts';
import { ReadAhead } from './read-ahead.ts';
import { answerJson } from './response.ts';
import { MAX_CLOCK_ENTRIES, parseRequest } from './schema.ts';
import { SyncDevices } from './sync-devices.ts';
import { PROTOCOLS } from './types.ts';

export { syncRequestSchema } from './schema.ts';

export interface SyncOptions {
  store: Store;
  graph: Graph;
  clock: Clock;
  log: Logger;
  /** The policy: may this principal do that? */
  allows: (principal: Principal, permission: Permission) => boolean;
}

/**
 * The Inbetweenies engine (PROTOCOL.md sections 1 and 2): takes what clients push, and tells each what it has missed.
 * It knows no transport: a body comes in parsed, an answer goes out as text.
 */
export class Sync {
  /** The protocol versions that `exchange` speaks. */
  static readonly protocols: readonly string[] = PROTOCOLS;
  readonly #options: SyncOptions;
  readonly #graph: Graph;
  readonly #queue = new DeviceQueue();
  readonly #devices: SyncDevices;
  readonly #digest: GraphDigest;

  constructor(options: SyncOptions) {
    this.#options = options;
    this.#graph = options.graph;
    this.#devices = new SyncDevices(options.store, options.log);
    this.#digest = new GraphDigest(options.graph);
  }

  /**
   * One sync of a v1 or v1.1 client: applies its changes in one transaction, and answers with what became of them and
   * with what the client has missed. Resolves only when all that it tells is durable.
   * @returns the JSON text of the response.
   * @throws HubError `invalid` (VALIDATION_ERROR, PROTOCOL_VERSION_MISMATCH, INVALID_VECTOR_CLOCK: nothing is written),
   * `forbidden`, `rate_limited` (too many requests of this device at once), `storage`, `storage_full`.
   */
  async exchange(principal: Principal, body: unknown): Promise<string> {
    const request = parseRequest(body);
    this.#authorize(principal, request);
    return await this.#queue.run(request.deviceId, async () => {
      try {
        return await this.#exchange(principal, request);
      } catch (error) {
        this.#noteFailure(principal, request, error);
        throw error;
      }
    });
  }

  /** The cursor of somebody who has seen everything up to `seq`, by default all that is durable. */
  headCursor(seq = this.#graph.headSeq): string {
    return formatCursor({ epoch: this.#graph.epoch, view: WHOLE_VIEW, seq }, this.#options.clock.nowMs());
  }

  /**
   * Reads a cursor of any view. `epochMatches` is false when it belongs to another life of the graph: then its seq means
   * nothing here.
   * @throws HubError `invalid` (INVALID_VECTOR_CLOCK).
   */
  parse(since: string): { epochMatches: boolean; seq: number } {
    const cursor = parseCursor(since, 'since');
    return { epochMatches: this.#isOurs(cursor), seq: cursor.seq };
  }

  /** What is known of a client, or undefined when it never synced. */
  status(deviceId: string): DeviceStatus | undefined {
    const device = this.#devices.get(deviceId);
    if (!device) return undefined;
    return {
      deviceId,
      lastSyncMs: device.lastSyncMs,
      clockValue: device.clockValue,
      pendingChanges: this.#graph.countSince(device.cursorSeq, device.protocol !== 'inbetweenies-v1'),
      lastError: device.lastError,
    };
  }

  #authorize(principal: Principal, request: SyncRequest): void {
    if (request.userId !== principal.userId) {
      throw new HubError('forbidden', 'user_id is not the user that the token belongs to', {
        field: 'user_id',
      });
    }
    const pushes = request.changes.length + request.relationshipChanges.length > 0;
    if (pushes && !this.#options.allows(principal, 'sync:push')) {
      throw new HubError('forbidden', 'a guest may look and not change; send no changes');
    }
    if (!this.#options.allows(principal, 'sync:pull')) {
      throw new HubError('forbidden', 'this user may not sync');
    }
  }

  async #exchange(principal: Principal, request: SyncRequest): Promise<string> {
    const view = viewOf(request.protocol, request.filter);
    const start = this.#startOf(request, view);
    const pushes = request.changes.length + request.relationshipChanges.length > 0;
    const outcome = pushes ? await this.#push(principal, request) : noOutcome();

    const page = readPage(this.#graph, {
      afterSeq: start.seq,
      request,
      outcome,
    });
    // The rows that changes lost against may be younger than the barrier that was waited for.
    const newest = Math.max(page.entities.at(-1)?.seq ?? 0, page.relationships.at(-1)?.seq ?? 0);
    if (newest > this.#graph.headSeq) await this.#graph.settled();
    const nowMs = this.#options.clock.nowMs();
    const cursor = formatCursor({ epoch: this.#graph.epoch, view, seq: page.scannedSeq }, nowMs);
    const wantsDigest = !pushes && !page.hasMore && request.filter === null;
    const digest = wantsDigest ? await this.#digest.at(page.scannedSeq) : null;
    const device = {
      ...this.#deviceOf(principal, request, outcome),
      cursorSeq: page.scannedSeq,
      lastSyncMs: nowMs,
    };
    this.#devices.note(device, pushes);

    const vectorClock = answeredClock(request, this.#devices.clock());
    vectorClock.set('server', cursor);
    return answerJson({
      protocol: request.protocol,
      entities: page.entities,
      relationships: page.relationships,
      vectorClock,
      outcome,
      nextSyncToken: toToken(cursor),
      serverTimeMs: nowMs,
      hasMore: page.hasMore,
      resync: start.resync,
      digest,
    });
  }

  async #push(principal: Principal, request: SyncRequest): Promise<Outcome> {
    const { clock } = this.#options;
    const push = await preparePush(request, clock);
    const known = new ReadAhead(this.#graph);
    await known.load(push.changes, clock);
    const outcome = this.#graph.transaction((writer, tx) => {
      known.refresh(writer);
      const result: Outcome = {
        ...noOutcome(),
        rejected: push.rejected,
        rejectedRelationships: push.rejectedRelationships,
      };
      const context = { writer, known, userId: principal.userId, outcome: result };
      applyChanges(push.changes, context);
      applyRelationshipChanges(push.relationshipChanges, context);
      this.#devices.write(tx, this.#deviceOf(principal, request, result));
      return result;
    });
    await this.#graph.settled();
    return outcome;
  }

  /** Where this client goes on reading, and whether it must be told that this is the beginning. */
  #startOf(request: SyncRequest, view: string): { seq: number; resync: boolean } {
    const entry = request.vectorClock.get('server');
    let cursor: Cursor | undefined;
    if (entry !== undefined) cursor = parseCursor(entry, 'vector_clock.server');
    else if (request.syncToken !== null) cursor = parseToken(request.syncToken);
    if (!cursor) return { seq: 0, resync: false };
    const fits = this.#isOurs(cursor) && (cursor.view === view || cursor.view === WHOLE_VIEW);
    return fits ? { seq: cursor.seq, resync: false } : { seq: 0, resync: true };
  }

  #isOurs(cursor: Cursor): boolean {
    return cursor.epoch === this.#graph.epoch && cursor.seq <= this.#graph.headSeq;
  }

  #deviceOf(principal: Principal, request: SyncRequest, outcome: Outcome): SyncDevice {
    const before = this.#devices.get(request.deviceId);
    const held = outcome.rejected.length + outcome.rejectedRelationships.length;
    return {
      deviceId: request.deviceId,
      userId: principal.userId,
      protocol: request.protocol,
      lastSyncMs: this.#options.clock.nowMs(),
      clockValue: outcome.applied.at(-1) ?? before?.clockValue ?? null,
      cursorSeq: before?.cursorSeq ?? 0,
      lastError: held > 0 ? `${held} changes were refused: ${firstReason(outcome)}` : null,
    };
  }

  #noteFailure(principal: Principal, request: SyncRequest, error: unknown): void {
    const level = error instanceof HubError && error.kind === 'invalid' ? 'info' : 'warn';
    this.#options.log[level]({ err: error, device_id: request.deviceId }, 'a sync failed');
    const before = this.#devices.get(request.deviceId);
    // A device is remembered from its first sync that worked: a disk that refuses must not be written to here.
    if (before)
      this.#devices.note({ ...before, userId: principal.userId, lastError: errorText(error) }, true);
  }
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

function noOutcome(): Outcome {
  return {
    applied: [],
    conflicts: [],
    rejected: [],
    appliedRelationships: [],
    rejectedRelationships: [],
    lostRelationships: [],
    pushed: new Set(),
  };
}

function firstReason(outcome: Outcome): string {
  const first = outcome.rejected[0] ?? outcome.rejectedRelationships[0];
  return first ? `${first.id}: ${first.message}`.slice(0, 300) : '';
}
