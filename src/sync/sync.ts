import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/log.ts';
import type { Store } from '../base/store.ts';
import type { Permission, Principal } from '../access/types.ts';
import type { Graph } from '../graph/graph.ts';
import type { Author, EntityVersion } from '../graph/types.ts';
import type { ConflictView } from './describe-conflict.ts';
import type { ForcedSync } from './force.ts';
import type { Decided } from './resolve.ts';
import type { DeviceStatus, LiveDevices, SyncDevice, SyncDirection, SyncRequest } from './types.ts';

import { refuseOtherDevice } from '../access/errors.ts';
import { errorText, HubError } from '../base/errors.ts';
import { belongsTo, formatCursor, parseCursor, viewOf, wholeViewOf } from './cursor.ts';
import { ConflictDescriber } from './describe-conflict.ts';
import { DeviceQueue } from './device-queue.ts';
import { Exchange } from './exchange.ts';
import { ForcedSyncs } from './force.ts';
import { countOpenConflicts, readOpenConflicts } from './reader.ts';
import { resolveConflict } from './resolve.ts';
import { parseRequest } from './schema.ts';
import { inSlices } from './slices.ts';
import { SyncDevices, type DeviceBook } from './sync-devices.ts';
import { PROTOCOLS } from './types.ts';
import { SyncV2 } from './v2/sync-v2.ts';
import { PROTOCOL_V2 } from './v2/types.ts';

export type { ConflictView } from './describe-conflict.ts';
export type { ForcedSync } from './force.ts';
export type { Decided } from './resolve.ts';
export { conflictRecords } from './response.ts';
export { syncRequestSchema } from './schema.ts';
export { MalformedRequest } from './v2/errors.ts';
export { syncRequestV2Schema } from './v2/schema.ts';
export type { StatusV2, SyncV2 } from './v2/sync-v2.ts';

export interface SyncOptions {
  store: Store;
  graph: Graph;
  clock: Clock;
  log: Logger;
  /** The policy: may this principal do that? */
  allows: (principal: Principal, permission: Permission) => boolean;
  /** Whether somebody in this home has the id: then nobody else passes for them. Default: nobody has. */
  isAccount?: (userId: string) => boolean;
  live: LiveDevices;
  /** How long a forced sync is waited for; default 10 s. */
  forceWaitMs?: number;
}

/**
 * The Inbetweenies engine (PROTOCOL.md sections 1 and 2): takes what clients push, and tells each what it has missed.
 * It knows no transport: a body comes in parsed, an answer goes out as text.
 */
export class Sync implements Disposable {
  /** The protocol versions that clients may speak. */
  static readonly protocols: readonly string[] = [...PROTOCOLS, PROTOCOL_V2];
  readonly #options: SyncOptions;
  readonly #graph: Graph;
  readonly #queue = new DeviceQueue();
  readonly #devices: SyncDevices;
  readonly #exchange: Exchange;
  /** The same engine for clients of Inbetweenies v2. */
  readonly v2: SyncV2;
  readonly #forced: ForcedSyncs;

  constructor(options: SyncOptions) {
    const { graph, clock, live } = options;
    this.#options = options;
    this.#graph = graph;
    this.#devices = new SyncDevices(options.store, options.log);
    this.#exchange = new Exchange({ graph, db: options.store.db, clock });
    this.v2 = new SyncV2({
      ...options,
      queue: this.#queue,
      bookOf: (principal) => this.#bookOf(principal),
    });
    this.#forced = new ForcedSyncs({ live, waitMs: options.forceWaitMs });
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
    const ticket = this.#forced.begin();
    return await this.#queue.run(request.deviceId, async () => {
      try {
        const { answer, report } = await this.#exchange.run(principal, request, this.#bookOf(principal));
        this.#forced.synced(request.deviceId, ticket, report);
        return answer;
      } catch (error) {
        this.#noteFailure(principal, request, error);
        throw error;
      }
    });
  }

  /**
   * The cursor of somebody who has seen everything up to `seq`, by default all that is durable; `scope` is the hash of
   * what they see where that is not all.
   */
  headCursor(seq = this.#graph.headSeq, scope?: string): string {
    const { epoch } = this.#graph;
    return formatCursor({ epoch, view: wholeViewOf(scope), seq }, this.#options.clock.nowMs());
  }

  /**
   * Reads a cursor of any view. `epochMatches` is false when it belongs to another life of the graph: then its seq means
   * nothing here. For somebody who does not see all it is false too when what they saw was something else than now.
   * @throws HubError `invalid` (INVALID_VECTOR_CLOCK).
   */
  parse(since: string, scope?: string): { epochMatches: boolean; seq: number } {
    const cursor = parseCursor(since, 'since');
    const isOfScope =
      scope === undefined || PROTOCOLS.some((protocol) => cursor.view === viewOf(protocol, null, scope));
    return { epochMatches: isOfScope && belongsTo(cursor, this.#graph), seq: cursor.seq };
  }

  /**
   * Since the hub was started, of all clients together: syncs that are over, those that failed, how long they took, and
   * changes that met another of the same thing (v2 knows no conflicts).
   */
  get counters(): { exchanges: number; failed: number; ms: number; conflicts: number } {
    return { ...this.#queue.counters, conflicts: this.#exchange.conflicts };
  }

  /** What is known of a client, or undefined when it never synced. */
  status(deviceId: string): DeviceStatus | undefined {
    const device = this.#devices.get(deviceId);
    return device && this.#statusOf(device, countOpenConflicts(this.#options.store.db));
  }

  /** Every client that is remembered, the one that synced last first. */
  devices(): DeviceStatus[] {
    const openConflicts = countOpenConflicts(this.#options.store.db);
    return this.#devices
      .list()
      .map((device) => this.#statusOf(device, openConflicts))
      .reverse();
  }

  /**
   * Asks a client to sync now, and waits up to 10 s for it. `down` also makes it begin from zero.
   * @throws HubError `not_found` when it never synced.
   */
  async force(deviceId: string, direction: SyncDirection): Promise<ForcedSync> {
    const device = this.#devices.get(deviceId);
    if (!device) throw new HubError('not_found', `no device ${deviceId} has ever synced`);
    if (direction === 'down') {
      // After the last cursor that the device was given, whatever the clock has done since.
      const startsOverMs = Math.max(this.#options.clock.nowMs(), (device.lastSyncMs ?? 0) + 1);
      this.#devices.note({ ...device, startsOverMs }, false);
      await this.#options.store.durable();
    }
    return await this.#forced.ask(deviceId, direction);
  }

  /**
   * Conflicts that somebody has to decide, oldest first, after the internal key `afterKey`: at most `limit`, and only
   * what is durable, and about what they see where they are limited to rooms.
   */
  async conflicts(
    afterKey: number,
    limit: number,
    { rooms }: Pick<Principal, 'rooms'> = {},
  ): Promise<{ key: number; view: ConflictView }[]> {
    const describer = new ConflictDescriber(this.#graph);
    const found: { key: number; view: ConflictView }[] = [];
    if (this.#graph.committedSeq > this.#graph.headSeq) await this.#graph.settled();
    const visible = rooms && this.#graph.visibility.of(rooms);
    const open = visible
      ? readOpenConflicts(this.#options.store.db, afterKey, Number.MAX_SAFE_INTEGER)
          .filter(({ conflict }) => visible.ids.has(conflict.entityId))
          .slice(0, limit)
      : readOpenConflicts(this.#options.store.db, afterKey, limit);
    await inSlices(open, this.#options.clock, ({ key, conflict }) => {
      found.push({ key, view: describer.describe(conflict) });
    });
    if (describer.newestSeq > this.#graph.headSeq) await this.#graph.settled();
    return found;
  }

  /** See `resolveConflict`. */
  async resolve(author: Author, conflictId: string, decided: Decided): Promise<EntityVersion> {
    const { clock } = this.#options;
    return await resolveConflict({ graph: this.#graph, clock, author }, conflictId, decided);
  }

  /** Nobody is waited for any more. */
  [Symbol.dispose](): void {
    this.#forced[Symbol.dispose]();
  }

  #statusOf(device: SyncDevice, openConflicts: ReadonlyMap<string, number>): DeviceStatus {
    return {
      ...device,
      pendingChanges: this.#graph.countSince(device.cursorSeq, device.protocol !== 'inbetweenies-v1'),
      isOnline: this.#options.live.isOnline(device.deviceId),
      openConflicts: openConflicts.get(device.deviceId) ?? 0,
    };
  }

  #bookOf(principal: Principal): DeviceBook {
    return this.#devices.bookOf(this.#options.allows(principal, 'sync:push'));
  }

  #authorize(principal: Principal, request: SyncRequest): void {
    if (request.userId !== principal.userId) {
      throw new HubError('forbidden', 'user_id is not the user that the token belongs to', {
        field: 'user_id',
      });
    }
    refuseOtherDevice(principal, request.deviceId);
    const pushes = request.changes.length + request.relationshipChanges.length > 0;
    if (pushes && !this.#options.allows(principal, 'sync:push')) {
      throw new HubError('forbidden', 'a guest may look and not change; send no changes', {
        field: 'changes',
      });
    }
    if (!this.#options.allows(principal, 'sync:pull')) {
      throw new HubError('forbidden', 'this user may not sync');
    }
  }

  #noteFailure(principal: Principal, request: SyncRequest, error: unknown): void {
    const level = error instanceof HubError && error.kind === 'invalid' ? 'info' : 'warn';
    this.#options.log[level]({ err: error, device_id: request.deviceId }, 'a sync failed');
    this.#bookOf(principal).noteFailure(
      { deviceId: request.deviceId, userId: principal.userId, protocol: request.protocol },
      errorText(error),
    );
  }
}
