import type { Clock } from '../base/clock.ts';
import type { Tx } from '../base/db.ts';
import type { Logger } from '../base/log.ts';
import type { Store } from '../base/store.ts';
import type {
  Changes,
  Content,
  EntityFilter,
  EntityVersion,
  HeldAs,
  Page,
  RelationshipVersion,
  StoredVersion,
} from './types.ts';

import { toIso } from '../base/clock.ts';
import { HubError } from '../base/errors.ts';
import { newId, VersionSource } from '../base/ids.ts';
import { isJsonObject } from '../base/json.ts';
import { keepValue } from '../base/kept-values.ts';
import {
  countChanges,
  hadRelationship,
  readCurrentVersions,
  readEntities,
  readEntityChanges,
  readHead,
  readHeadSeq,
  readHeldAs,
  readLatest,
  readOpenRelationships,
  readRelationship,
  readRelationshipChanges,
  readVersion,
  readVersions,
} from './reader.ts';
import { mergeBySeq } from './rules.ts';
import { GraphWriter } from './writer.ts';

export {
  checkId,
  checkTimestamp,
  checkVersion,
  encodeContent,
  MAX_CONTENT_BYTES,
  toEntityType,
  toRelationshipType,
} from './rules.ts';
export type { GraphWriter } from './writer.ts';

export interface GraphOptions {
  store: Store;
  clock: Clock;
  log: Logger;
}

/** How long to wait before the barrier is tried again after the disk refused. */
const SETTLE_RETRY_MS = 1000;

/**
 * The home graph: entities and edges with immutable versions, in the order of one `seq`. Writes are synchronous and
 * become visible to followers only once they are durable; `headSeq` never runs ahead of the disk.
 */
export class Graph implements Disposable {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #versions: VersionSource;
  readonly #followers = new Set<() => void>();
  #committedSeq: number;
  #durableSeq: number;
  #retry: NodeJS.Timeout | undefined;
  #disposed = false;
  /** Changes only when a backup is restored; part of every cursor. Lower-case hex. */
  readonly epoch: string;

  constructor(options: GraphOptions) {
    this.#store = options.store;
    this.#clock = options.clock;
    this.#log = options.log;
    this.epoch = keepValue(options.store, 'graph_epoch', () => newId().replaceAll('-', '').slice(-12));
    this.#versions = new VersionSource(options.clock, 'hub');
    this.#committedSeq = readHeadSeq(options.store.db);
    this.#durableSeq = this.#committedSeq;
  }

  /** The highest seq that a power cut cannot take back. */
  get headSeq(): number {
    return this.#durableSeq;
  }

  /** The highest seq that was written, durable or not: to notice that the graph has moved, never to be told. */
  get committedSeq(): number {
    return this.#committedSeq;
  }

  /** The current version of an entity that is not deleted. */
  entity(id: string): EntityVersion | undefined {
    const latest = readLatest(this.#store.db, id);
    return latest?.contentJson === null ? undefined : latest;
  }

  /** The current version, a tombstone included. */
  latest(id: string): EntityVersion | undefined {
    return readLatest(this.#store.db, id);
  }

  /** The current version with its keys, to be read ahead of a transaction (see `GraphWriter.insertVersion`). */
  head(id: string): StoredVersion | undefined {
    return readHead(this.#store.db, id);
  }

  /** Whether a version is stored already, and as what. */
  heldAs(id: string, version: string): HeldAs | undefined {
    return readHeldAs(this.#store.db, id, version);
  }

  version(id: string, version: string): EntityVersion | undefined {
    return readVersion(this.#store.db, id, version);
  }

  /** Versions of one entity above a seq, oldest first, the losers of conflicts included. */
  versions(id: string, afterSeq = 0, limit = 500): EntityVersion[] {
    return readVersions(this.#store.db, id, afterSeq, limit);
  }

  /**
   * Entities that are not deleted, in a stable order.
   * @throws HubError `invalid` when the cursor is not one of ours.
   */
  list(filter: EntityFilter, limit: number, cursor?: string): Page<EntityVersion> {
    const afterKey = cursor === undefined ? 0 : parseListCursor(cursor);
    const rows = readEntities(this.#store.db, filter, afterKey, limit + 1);
    const page = rows.slice(0, limit);
    const last = page.at(-1);
    return {
      items: page.map(({ entity }) => entity),
      nextCursor: rows.length > limit && last ? makeListCursor(last.key) : null,
    };
  }

  relationship(id: string): RelationshipVersion | undefined {
    return readRelationship(this.#store.db, id);
  }

  /** Open edges at one entity. */
  relationshipsOf(entityId: string, direction: 'from' | 'to' | 'both' = 'both'): RelationshipVersion[] {
    return readOpenRelationships(this.#store.db, entityId, direction);
  }

  /** Whether the entity ever had an edge of this type, open or ended. */
  hadRelationship(fromEntityId: string, relationshipType: string): boolean {
    return hadRelationship(this.#store.db, fromEntityId, relationshipType);
  }

  /**
   * The latest state of everything above `afterSeq`, oldest first: at most `limit` rows and about `maxBytes` of content,
   * and never beyond what is durable. `edges` false leaves relationships out.
   */
  changesSince(afterSeq: number, options: { limit: number; maxBytes: number; edges: boolean }): Changes {
    const until = this.#durableSeq;
    const fetch = options.limit + 1;
    const entities = readEntityChanges(this.#store.db, afterSeq, until, fetch);
    const relationships = options.edges
      ? readRelationshipChanges(this.#store.db, afterSeq, until, fetch)
      : [];
    return mergeBySeq(entities, relationships, { ...options, untilSeq: until });
  }

  /** Ids and versions of what is not deleted, in the byte order of the ids, after `afterId` ('' = from the first). */
  currentVersions(afterId: string, limit: number): { id: string; version: string }[] {
    return readCurrentVersions(this.#store.db, afterId, limit);
  }

  /** How many rows `changesSince` would still bring. */
  countSince(afterSeq: number, edges: boolean): number {
    return countChanges(this.#store.db, afterSeq, this.#durableSeq, edges);
  }

  /**
   * Writes in one transaction, which may span the tables of other owners through `tx`. It is committed, not yet
   * durable, when this returns: await `settled()` before telling anybody. Followers are woken by itself.
   */
  transaction<T>(body: (graph: GraphWriter, tx: Tx) => T): T {
    let lastSeq = this.#committedSeq;
    const result = this.#store.write((tx) => {
      const writer = new GraphWriter(tx, {
        clock: this.#clock,
        versions: this.#versions,
        firstSeq: this.#committedSeq + 1,
      });
      const value = body(writer, tx);
      lastSeq = writer.lastSeq;
      return value;
    });
    if (lastSeq > this.#committedSeq) {
      this.#committedSeq = lastSeq;
      this.#settleInBackground();
    }
    return result;
  }

  /**
   * Resolves when everything written before the call is durable; then `headSeq` covers it.
   * @throws HubError `storage` when the disk did not confirm.
   */
  async settled(): Promise<void> {
    const target = this.#committedSeq;
    await this.#store.durable();
    this.#advance(target);
  }

  /**
   * Calls `wake`, without a payload, whenever `headSeq` has grown; the follower reads from its own cursor. It must not
   * throw, and should put off longer work.
   */
  follow(wake: () => void): Disposable {
    this.#followers.add(wake);
    return { [Symbol.dispose]: () => void this.#followers.delete(wake) };
  }

  [Symbol.dispose](): void {
    this.#disposed = true;
    clearTimeout(this.#retry);
    this.#followers.clear();
  }

  #settleInBackground(): void {
    this.settled().catch((error: unknown) => {
      if (this.#disposed || this.#retry) return;
      this.#log.warn({ err: error }, 'a change is not durable yet; followers are told when it is');
      this.#retry = setTimeout(() => {
        this.#retry = undefined;
        this.#settleInBackground();
      }, SETTLE_RETRY_MS);
    });
  }

  #advance(seq: number): void {
    if (seq <= this.#durableSeq || this.#disposed) return;
    this.#durableSeq = seq;
    for (const wake of this.#followers) wake();
  }
}

/** The content of a version as an object; `{}` for a tombstone. */
export function parseContent(entity: EntityVersion): Content {
  if (entity.contentJson === null) return {};
  const content: unknown = JSON.parse(entity.contentJson);
  return isJsonObject(content) ? content : {};
}

/** The entity as it goes over the wire (the seed's HomeEntity); the stored content is spliced in as it is. */
export function homeEntityJson(entity: EntityVersion): string {
  const modified = toIso(entity.modifiedAtMs);
  const head = JSON.stringify({
    id: entity.id,
    version: entity.version,
    entity_type: entity.entityType,
    parent_versions: entity.parentVersions,
    user_id: entity.userId,
    source_type: entity.sourceType,
    created_at: toIso(entity.createdAtMs),
    last_modified: modified,
    deleted_at: entity.contentJson === null ? modified : null,
  });
  return `${head.slice(0, -1)},"content":${entity.contentJson ?? '{}'}}`;
}

/** The edge as it goes over the wire (the seed's EntityRelationship with its interval). */
export function relationshipJson(edge: RelationshipVersion): string {
  const head = JSON.stringify({
    id: edge.id,
    version: edge.version,
    parent_versions: edge.parentVersions,
    from_entity_id: edge.fromEntityId,
    to_entity_id: edge.toEntityId,
    relationship_type: edge.relationshipType,
    user_id: edge.userId,
    created_at: toIso(edge.createdAtMs),
    valid_from: toIso(edge.validFromMs),
    valid_to: edge.validToMs === null ? null : toIso(edge.validToMs),
  });
  return `${head.slice(0, -1)},"properties":${edge.propertiesJson}}`;
}

function makeListCursor(key: number): string {
  return Buffer.from(`k${key}`).toString('base64url');
}

function parseListCursor(cursor: string): number {
  const match = /^k(\d{1,15})$/.exec(Buffer.from(cursor, 'base64url').toString('latin1'));
  if (!match) {
    throw new HubError('invalid', 'cursor is not one that this hub gave; start again without it', {
      field: 'cursor',
    });
  }
  return Number(match[1]);
}
