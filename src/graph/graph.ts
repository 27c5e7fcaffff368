import type { Clock } from '../base/clock.ts';
import type { Tx } from '../base/db.ts';
import type { Logger } from '../base/log.ts';
import type { Store } from '../base/store.ts';
import type {
  Changes,
  Direction,
  EntityFilter,
  EntityVersion,
  HeldAs,
  Page,
  RelationshipFilter,
  RelationshipVersion,
  StoredVersion,
} from './types.ts';

import { VersionSource } from '../base/ids.ts';
import { Ancestry, readEdgeRelatives, readRelatives } from './ancestry.ts';
import {
  countRelationshipChanges,
  hadRelationship,
  readAllRelationshipVersions,
  readOpenRelationships,
  readRelationship,
  readRelationshipChanges,
  readRelationships,
  readRelationshipVersions,
} from './edge-reader.ts';
import {
  countEntityChanges,
  readAllVersions,
  readCurrentVersions,
  readEntities,
  readEntityChanges,
  readEntityKey,
  readHead,
  readHeadSeq,
  readHeldAs,
  readLatest,
  readVersion,
  readVersions,
} from './entity-reader.ts';
import { keepEpoch } from './epoch.ts';
import { GraphHead } from './head.ts';
import { GraphHistory } from './history.ts';
import { cutPage, keyAfter } from './list-cursor.ts';
import { GraphOverview } from './overview.ts';
import { GraphPaths } from './paths.ts';
import { RecentRows } from './recent-rows.ts';
import { withRoom } from './room-filter.ts';
import { mergeBySeq } from './rules.ts';
import { GraphSearch } from './search/search.ts';
import { GraphSnapshot } from './snapshot.ts';
import { readSeqStoredBy, readStoredMicros } from './stamps.ts';
import { Visibility } from './visibility.ts';
import { GraphWriter } from './writer.ts';

export { compactHistory } from './compaction.ts';
export {
  contentIssue,
  encodeAnyContent,
  encodeContent,
  isTooLarge,
  MAX_CONTENT_BYTES,
} from './content-rules.ts';
export { endpointWarning } from './endpoint-rules.ts';
export { renewEpoch } from './epoch.ts';
export type { Ancestry } from './ancestry.ts';
export type { Difference, GraphHistory, HistoryPage } from './history.ts';
export type { GraphOverview, SimilarEntity } from './overview.ts';
export { MAX_DEPTH, type GraphPaths, type WalkOptions } from './paths.ts';
export {
  checkId,
  checkTimestamp,
  checkVersion,
  parseTimeMicros,
  toEntityType,
  toRelationshipType,
  wholeTime,
} from './rules.ts';
export { MAX_MICROS } from './version-codec.ts';
export { homeEntityJson, parseContent, relationshipJson } from './wire.ts';
export {
  entityJsonV2,
  isV2EntityType,
  isV2RelationshipType,
  nameInContent,
  relationshipJsonV2,
  toStoredEntityTypes,
  toV2EntityType,
  toV2SourceType,
  toV2Time,
} from './wire-v2.ts';
export type { GraphSearch } from './search/search.ts';
export type { GraphSnapshot, StateBrief } from './snapshot.ts';
export type { SearchHit, SearchOptions } from './search/types.ts';
export { HOME_IS_KEPT, ROOT_IS_KEPT, type Visible } from './visibility.ts';
export type { GraphWriter } from './writer.ts';

export interface GraphOptions {
  store: Store;
  clock: Clock;
  log: Logger;
}

/**
 * The home graph: entities and edges with immutable versions, in the order of one `seq`. Writes are synchronous and
 * become visible to followers only once they are durable; `headSeq` never runs ahead of the disk.
 */
export class Graph implements Disposable {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #versions: VersionSource;
  readonly #head: GraphHead;
  #lastStoredMicros: number;
  /** What was written last, durable or not. */
  readonly recent: RecentRows;
  /** The graph as it was. */
  readonly history: GraphHistory;
  /** The graph by numbers and by likeness. */
  readonly overview: GraphOverview;
  /** How things are joined. */
  readonly paths: GraphPaths;
  /** What is in some rooms, for people who see no others. */
  readonly visibility: Visibility;
  /** Full-text search, of the present and the past. */
  readonly search: GraphSearch;
  /** Changes only when a backup is restored; part of every cursor. Lower-case hex. */
  readonly epoch: string;

  constructor(options: GraphOptions) {
    this.#store = options.store;
    this.#clock = options.clock;
    this.epoch = keepEpoch(options.store);
    this.#versions = new VersionSource(options.clock, 'hub');
    const [{ log, store }, { db }] = [options, options.store];
    const head = new GraphHead({ store, log, seq: readHeadSeq(db) });
    const committedSeq = (): number => head.committedSeq;
    this.#head = head;
    this.recent = new RecentRows(head.committedSeq + 1);
    this.#lastStoredMicros = readStoredMicros(db, head.committedSeq);
    this.history = new GraphHistory({ db, clock: options.clock, headSeq: () => head.durableSeq });
    this.overview = new GraphOverview({ db, committedSeq });
    this.paths = new GraphPaths({ db, committedSeq });
    this.visibility = new Visibility({ db, committedSeq });
    this.search = new GraphSearch({ store, log, committedSeq });
    // The last commits before a crash may not be in the index yet.
    this.search.noteCommit();
  }

  /** The highest seq that a power cut cannot take back. */
  get headSeq(): number {
    return this.#head.durableSeq;
  }

  /** The highest seq that was written, durable or not: to notice that the graph has moved, never to be told. */
  get committedSeq(): number {
    return this.#head.committedSeq;
  }

  /** When the last row up to `seq` was stored, us since the Unix epoch, strictly increasing with seq; 0 for none. */
  storedMicrosAt(seq: number): number {
    return readStoredMicros(this.#store.db, seq);
  }

  /** The highest durable seq of a row that was stored at `micros` or before; 0 for none. */
  seqStoredBy(micros: number): number {
    return readSeqStoredBy(this.#store.db, micros, this.#head.durableSeq);
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

  /** How the versions of an entity descend from each other; what is written afterwards is to be told to it. */
  ancestryOf(id: string): Ancestry {
    return new Ancestry((limit) => readRelatives(this.#store.db, id, limit));
  }

  /** The same for an edge. */
  edgeAncestryOf(id: string): Ancestry {
    return new Ancestry((limit) => readEdgeRelatives(this.#store.db, id, limit));
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
    const afterKey = keyAfter('k', cursor);
    const rows = readEntities(this.#store.db, withRoom(this.#store.db, filter), afterKey, limit + 1);
    return cutPage('k', rows, limit, ({ entity }) => entity);
  }

  /** The key under which the file knows an id, to be used in filters; undefined when the id was never used. */
  keyOf(id: string): number | undefined {
    return readEntityKey(this.#store.db, id);
  }

  /**
   * Edges that hold now, in a stable order.
   * @throws HubError `invalid` when the cursor is not one of ours.
   */
  relationships(filter: RelationshipFilter, limit: number, cursor?: string): Page<RelationshipVersion> {
    const rows = readRelationships(this.#store.db, filter, keyAfter('r', cursor), limit + 1);
    return cutPage('r', rows, limit, ({ relationship }) => relationship);
  }

  relationship(id: string): RelationshipVersion | undefined {
    return readRelationship(this.#store.db, id);
  }

  /** Versions of one edge above a seq, oldest first, the losers of conflicts included. */
  relationshipVersions(id: string, afterSeq = 0, limit = 500): RelationshipVersion[] {
    return readRelationshipVersions(this.#store.db, id, afterSeq, limit);
  }

  /** Open edges at one entity. */
  relationshipsOf(entityId: string, direction: Direction = 'both'): RelationshipVersion[] {
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
    const until = this.#head.durableSeq;
    const fetch = options.limit + 1;
    const recent = this.recent.between(afterSeq, until);
    const entities = recent?.entities ?? readEntityChanges(this.#store.db, afterSeq, until, fetch);
    const relationships =
      options.edges && (recent?.hasEdges ?? true)
        ? readRelationshipChanges(this.#store.db, afterSeq, until, fetch)
        : [];
    return mergeBySeq(entities, relationships, { ...options, untilSeq: until });
  }

  /** Ids and versions of what is not deleted, in the byte order of the ids, after `afterId` ('' = from the first). */
  currentVersions(afterId: string, limit: number): { id: string; version: string }[] {
    return readCurrentVersions(this.#store.db, afterId, limit);
  }

  /**
   * Every version above `afterSeq`, superseded ones and losers included, oldest first: what an export writes. At most
   * `limit` rows and about `maxBytes` of content, never beyond what is durable.
   */
  versionsSince(afterSeq: number, options: { limit: number; maxBytes: number }): Changes {
    const until = this.#head.durableSeq;
    const fetch = options.limit + 1;
    return mergeBySeq(
      readAllVersions(this.#store.db, afterSeq, until, fetch),
      readAllRelationshipVersions(this.#store.db, afterSeq, until, fetch),
      { ...options, untilSeq: until },
    );
  }

  /** The graph as it is durable now, to be read at leisure. */
  snapshot(): GraphSnapshot {
    return new GraphSnapshot(this.#store.db, this.#head.durableSeq, () => this.#head.committedSeq);
  }

  /** How many rows `changesSince` would still bring. */
  countSince(afterSeq: number, edges: boolean): number {
    const { db } = this.#store;
    const entities = countEntityChanges(db, afterSeq, this.#head.durableSeq);
    return edges ? entities + countRelationshipChanges(db, afterSeq, this.#head.durableSeq) : entities;
  }

  /**
   * Writes in one transaction, which may span the tables of other owners through `tx`. It is committed, not yet
   * durable, when this returns: await `settled()` before telling anybody. Followers are woken by itself.
   */
  transaction<T>(body: (graph: GraphWriter, tx: Tx) => T): T {
    let lastSeq = this.#head.committedSeq;
    let lastStoredMicros = this.#lastStoredMicros;
    let written: GraphWriter['written'] = [];
    const result = this.#store.write((tx) => {
      const writer = new GraphWriter(tx, {
        clock: this.#clock,
        versions: this.#versions,
        firstSeq: this.#head.committedSeq + 1,
        lastStoredMicros,
      });
      const value = body(writer, tx);
      lastSeq = writer.lastSeq;
      lastStoredMicros = writer.lastStoredMicros;
      written = writer.written;
      return value;
    });
    if (lastSeq > this.#head.committedSeq) {
      this.#lastStoredMicros = lastStoredMicros;
      this.recent.add(written);
      this.#head.wrote(lastSeq);
      this.search.noteCommit();
    }
    return result;
  }

  /**
   * Resolves when everything written before the call is durable; then `headSeq` covers it.
   * @throws HubError `storage` when the disk did not confirm.
   */
  async settled(): Promise<void> {
    await this.#head.settled();
  }

  /**
   * Calls `wake`, without a payload, whenever `headSeq` has grown; the follower reads from its own cursor. It must not
   * throw, and should put off longer work.
   */
  follow(wake: () => void): Disposable {
    return this.#head.follow(wake);
  }

  [Symbol.dispose](): void {
    this.search[Symbol.dispose]();
    this.#head[Symbol.dispose]();
  }
}
