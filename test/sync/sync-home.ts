import type { Principal, Role } from '../../src/access/types.ts';
import type { Store } from '../../src/base/store.ts';
import type { LiveDevices } from '../../src/sync/types.ts';

import { ManualClock } from '../../src/base/clock.ts';
import { silentLogger } from '../../src/base/log.ts';
import { Graph } from '../../src/graph/graph.ts';
import { graphTables } from '../../src/graph/tables.ts';
import { Sync } from '../../src/sync/sync.ts';
import { syncTables } from '../../src/sync/tables.ts';
import { openTestStore } from '../support/store.ts';

/** A change of an entity as it goes over the wire. */
export interface Change {
  change_type: string;
  entity_id: string;
  entity_version: string;
  entity_type: string;
  content: Record<string, unknown> | null;
  timestamp: string;
  parent_versions: string[];
  user_id: string;
  device_id: string;
  checksum?: string;
}

/** An edge as it goes over the wire. */
export interface EdgeChange {
  change_type: string;
  relationship_id: string;
  relationship_version: string;
  parent_versions: string[];
  from_entity_id: string;
  to_entity_id: string;
  relationship_type: string;
  properties: Record<string, unknown>;
  valid_from: string;
  valid_to: string | null;
  timestamp: string;
  user_id: string;
  device_id: string;
}

export interface Answer {
  changes: Change[];
  relationship_changes: EdgeChange[];
  vector_clock: Record<string, string>;
  conflicts: unknown[];
  next_sync_token: string;
  server_time: string;
  protocol_version: string;
  applied: string[];
  rejected: { entity_id: string; entity_version: string; code: string; message: string }[];
  applied_relationships: string[];
  rejected_relationships: { relationship_id: string; code: string }[];
  has_more: boolean;
  sync_status: string;
  resync: boolean;
  digest: string | null;
}

export interface SyncHome extends AsyncDisposable {
  readonly store: Store;
  readonly graph: Graph;
  readonly sync: Sync;
  readonly clock: ManualClock;
}

/** Nobody is online. */
export const NOBODY_LIVE: LiveDevices = { isOnline: () => false, requestSync: () => 0 };

export async function openSyncHome(
  folder: string,
  clock = new ManualClock(),
  live: LiveDevices = NOBODY_LIVE,
): Promise<SyncHome> {
  const store = await openTestStore(folder, [graphTables, syncTables], clock);
  const graph = new Graph({ store, clock, log: silentLogger });
  const sync = new Sync({
    store,
    graph,
    clock,
    log: silentLogger,
    isAccount: (userId) => userId === 'carl',
    allows: ({ role }, permission) => role !== 'guest' || permission === 'sync:pull',
    live,
    forceWaitMs: 200,
  });
  return {
    store,
    graph,
    sync,
    clock,
    async [Symbol.asyncDispose]() {
      sync[Symbol.dispose]();
      graph[Symbol.dispose]();
      await store[Symbol.asyncDispose]();
    },
  };
}

export function principal(userId = 'anna', role: Role = 'member'): Principal {
  return { userId, username: userId, role, tokenId: `token-${userId}`, expiresAtMs: Number.MAX_SAFE_INTEGER };
}

/** A phone as the protocol sees one: it keeps its clock, and no opinion. */
export class TestPhone {
  readonly deviceId: string;
  readonly userId: string;
  readonly protocol: string;
  clock: Record<string, string> = {};
  #home: SyncHome;
  #count = 0;

  constructor(home: SyncHome, deviceId: string, options: { userId?: string; protocol?: string } = {}) {
    this.#home = home;
    this.deviceId = deviceId;
    this.userId = options.userId ?? 'anna';
    this.protocol = options.protocol ?? 'inbetweenies-v1';
  }

  /** The hub was restarted. */
  moveTo(home: SyncHome): void {
    this.#home = home;
  }

  body(changes: readonly unknown[] = [], extra: object = {}): Record<string, unknown> {
    return {
      protocol_version: this.protocol,
      device_id: this.deviceId,
      user_id: this.userId,
      vector_clock: this.clock,
      changes,
      compression: null,
      ...extra,
    };
  }

  async sync(changes: readonly unknown[] = [], extra: object = {}): Promise<Answer> {
    const answer = JSON.parse(
      await this.#home.sync.exchange(principal(this.userId), this.body(changes, extra)),
    ) as Answer;
    this.clock = answer.vector_clock;
    return answer;
  }

  /** Syncs until the hub has no more. */
  async pullAll(): Promise<Answer[]> {
    const answers = [await this.sync()];
    while (answers.at(-1)?.has_more) answers.push(await this.sync());
    return answers;
  }

  create(id: string, content: Record<string, unknown>, entityType = 'room'): Change {
    return this.#change('create', id, entityType, content, []);
  }

  update(seen: Change, content: Record<string, unknown>, parents = [seen.entity_version]): Change {
    return this.#change('update', seen.entity_id, seen.entity_type, content, parents);
  }

  delete(seen: Change): Change {
    return this.#change('delete', seen.entity_id, seen.entity_type, null, [seen.entity_version]);
  }

  edge(id: string, from: string, to: string, extra: Partial<EdgeChange> = {}): EdgeChange {
    this.#count += 1;
    const timestamp = new Date(this.#home.clock.nowMs()).toISOString();
    return {
      change_type: 'create',
      relationship_id: id,
      relationship_version: `e${this.#count}-${this.deviceId}`,
      parent_versions: [],
      from_entity_id: from,
      to_entity_id: to,
      relationship_type: 'located_in',
      properties: {},
      valid_from: timestamp,
      valid_to: null,
      timestamp,
      user_id: this.userId,
      device_id: this.deviceId,
      ...extra,
    };
  }

  #change(
    changeType: string,
    id: string,
    entityType: string,
    content: Record<string, unknown> | null,
    parents: string[],
  ): Change {
    this.#count += 1;
    return {
      change_type: changeType,
      entity_id: id,
      entity_version: `v${this.#count}-${this.deviceId}`,
      entity_type: entityType,
      content,
      timestamp: new Date(this.#home.clock.nowMs()).toISOString(),
      parent_versions: parents,
      user_id: this.userId,
      device_id: this.deviceId,
    };
  }
}
