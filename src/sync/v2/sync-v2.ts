import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import type { Store } from '../../base/store.ts';
import type { Permission, Principal } from '../../access/types.ts';
import type { Graph } from '../../graph/graph.ts';
import type { Author } from '../../graph/types.ts';
import type { DeviceQueue } from '../device-queue.ts';
import type { DeviceBook } from '../sync-devices.ts';
import type { SyncDevice } from '../types.ts';
import type { AnswerPlan, OutcomeV2, PushedEdge, PushedEntity, RequestV2 } from './types.ts';

import { refuseOtherDevice } from '../../access/errors.ts';
import { errorText, HubError } from '../../base/errors.ts';
import { toV2Time } from '../../graph/graph.ts';
import { HUB_AUTHOR } from '../../graph/types.ts';
import { inSlices } from '../slices.ts';
import { answerText } from './answer.ts';
import { applyPush, noOutcome } from './apply.ts';
import { DigestV2 } from './digest.ts';
import { Known } from './known.ts';
import { checkEdgeCount, parseChange, parseRequest } from './schema.ts';
import { Turns } from './turns.ts';
import { PROTOCOL_V2 } from './types.ts';

/** An answer with more rows than this takes its turn: making it takes long enough for others to notice. */
const LARGE_ROWS = 1000;

export interface SyncV2Options {
  /** Of the graph. */
  readonly store: Store;
  readonly graph: Graph;
  readonly clock: Clock;
  readonly log: Logger;
  readonly allows: (principal: Principal, permission: Permission) => boolean;
  /** See SyncOptions. */
  readonly isAccount?: (userId: string) => boolean;
  /** Shared with the other protocols: what a device sends is taken in the order in which it was sent. */
  readonly queue: DeviceQueue;
  /** What is noted about the clients of somebody. */
  readonly bookOf: (principal: Principal) => DeviceBook;
}

/** What `GET /api/v1/sync/status` tells. */
export interface StatusV2 {
  readonly device_id: string;
  readonly server_time: string;
  readonly protocol_version: string;
}

/**
 * Inbetweenies v2 (PROTOCOL.md section 4, INBETWEENIES-V2.md): another codec in front of the same graph, for clients
 * that exist. It never merges and never holds a change for somebody to decide: the later edit wins, the other is kept.
 */
export class SyncV2 {
  readonly #options: SyncV2Options;
  readonly #graph: Graph;
  readonly #digest = new DigestV2();
  readonly #turns: Turns;

  constructor(options: SyncV2Options) {
    this.#options = options;
    this.#graph = options.graph;
    this.#turns = new Turns(options.clock);
  }

  /**
   * One sync: applies the changes in one transaction, and answers with what became of them and with what the client has
   * missed, or with everything. Resolves only when all that the answer tells is durable.
   * @returns the JSON text of the answer in chunks, read from the graph while they are asked for.
   * @throws MalformedRequest; HubError `invalid` (PROTOCOL_VERSION_MISMATCH, VALIDATION_ERROR), `forbidden`, `too_large`,
   * `rate_limited`, `storage`, `storage_full`. Nothing is written then.
   */
  async exchange(principal: Principal, body: unknown): Promise<AsyncIterable<string>> {
    const startedMs = this.#options.clock.monotonicMs();
    const request = parseRequest(body);
    this.#authorize(principal, request);
    return await this.#options.queue.run(request.deviceId, async () => {
      try {
        return await this.#exchange(principal, request, startedMs);
      } catch (error) {
        this.#noteFailure(principal, request, error);
        throw error;
      }
    });
  }

  /** What a client may ask about itself; it is told the same whether the hub has met it or not. */
  status(deviceId: string): StatusV2 {
    const micros = this.#graph.storedMicrosAt(this.#graph.headSeq);
    return { device_id: deviceId, server_time: toV2Time(micros), protocol_version: PROTOCOL_V2 };
  }

  #authorize(principal: Principal, request: RequestV2): void {
    const { allows } = this.#options;
    refuseOtherDevice(principal, request.deviceId);
    if (!allows(principal, 'sync:pull')) throw new HubError('forbidden', 'this user may not sync');
    if (request.changes.length > 0 && !allows(principal, 'sync:push')) {
      throw new HubError('forbidden', 'a guest may look and not change; send no changes');
    }
  }

  async #exchange(
    principal: Principal,
    request: RequestV2,
    startedMs: number,
  ): Promise<AsyncIterable<string>> {
    const { clock } = this.#options;
    const devices = this.#options.bookOf(principal);
    const pushes = request.changes.length > 0;
    const startsOver = devices.get(request.deviceId)?.startsOverMs != null;
    const outcome = pushes ? await this.#push(principal, request) : noOutcome();
    const snapshot = this.#graph.snapshot();
    const { untilSeq } = snapshot;
    devices.note(this.#deviceOf(principal, request, outcome, untilSeq), pushes);
    const plan = {
      request,
      outcome,
      snapshot,
      afterSeq: request.cursor ?? (startsOver ? 0 : this.#seqSince(request.sinceMicros)),
      serverMicros: this.#graph.storedMicrosAt(untilSeq),
      startedMs,
    };
    const turn = this.#isLarge(plan) ? this.#turns.join() : undefined;
    return answerText(plan, { clock, db: this.#options.store.db, digest: this.#digest, turn });
  }

  async #push(principal: Principal, request: RequestV2): Promise<OutcomeV2> {
    const { clock } = this.#options;
    const devices = this.#options.bookOf(principal);
    const entities: PushedEntity[] = [];
    const edges: PushedEdge[] = [];
    await inSlices(request.changes, clock, (change, index) => {
      const parsed = parseChange(change, index);
      if (parsed.entity) entities.push(parsed.entity);
      edges.push(...parsed.edges);
      checkEdgeCount(edges.length);
    });
    const known = new Known(this.#graph, this.#options.store.db);
    await known.load({ entities, edges }, clock);
    const { isAccount = () => false } = this.#options;
    // A version is by whom the client says, as long as nobody passes for the hub or for somebody else of the home.
    const authorOf = (userId: string): Author => ({
      userId: userId === HUB_AUTHOR.userId || isAccount(userId) ? principal.userId : userId,
      deviceId: request.deviceId,
    });
    const outcome = this.#graph.transaction((writer, tx) => {
      known.refresh(writer);
      const edgeAuthor = authorOf(request.userId);
      const result = applyPush({ entities, edges }, { writer, known, clock, authorOf, edgeAuthor });
      const before = devices.get(request.deviceId)?.cursorSeq ?? 0;
      devices.write(tx, this.#deviceOf(principal, request, result, before));
      return result;
    });
    await this.#graph.settled();
    return outcome;
  }

  /** Seqs count every version that there ever was: rows are counted where that may make the difference. */
  #isLarge({ afterSeq, snapshot }: AnswerPlan): boolean {
    if (snapshot.untilSeq - afterSeq <= LARGE_ROWS) return false;
    return this.#graph.countSince(afterSeq, true) > LARGE_ROWS;
  }

  #seqSince(sinceMicros: number | null): number {
    return sinceMicros === null ? 0 : this.#graph.seqStoredBy(sinceMicros);
  }

  #deviceOf(principal: Principal, request: RequestV2, outcome: OutcomeV2, cursorSeq: number): SyncDevice {
    const before = this.#options.bookOf(principal).get(request.deviceId);
    return {
      deviceId: request.deviceId,
      userId: principal.userId,
      protocol: PROTOCOL_V2,
      lastSyncMs: this.#options.clock.nowMs(),
      clockValue: outcome.lastVersion ?? before?.clockValue ?? null,
      cursorSeq,
      lastError: null,
      startsOverMs: null,
    };
  }

  #noteFailure(principal: Principal, request: RequestV2, error: unknown): void {
    const { log } = this.#options;
    const devices = this.#options.bookOf(principal);
    const level = error instanceof HubError && error.kind === 'invalid' ? 'info' : 'warn';
    log[level]({ err: error, device_id: request.deviceId }, 'a v2 sync failed');
    const before = devices.get(request.deviceId);
    // A device is remembered from its first sync that worked: a disk that refuses must not be written to here.
    if (before) devices.note({ ...before, userId: principal.userId, lastError: errorText(error) }, true);
  }
}
