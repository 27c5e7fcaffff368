import { setImmediate } from 'node:timers/promises';

import type { Clock } from '../base/clock.ts';
import type { Db } from '../base/db.ts';
import type { Lineage } from './lineage.ts';
import type {
  Direction,
  EdgeInterval,
  EntityFilter,
  EntityVersion,
  Moment,
  Page,
  RelationshipFilter,
  RelationshipVersion,
} from './types.ts';

import { HubError } from '../base/errors.ts';
import { readEdgeHistory, readRelationshipAt, readRelationships } from './edge-reader.ts';
import { readEntities, readEntityKey, readLatest, readVersions } from './entity-reader.ts';
import { readEntityPairs, readMaxKeys, readRelationshipPairs, type Pair } from './history-reader.ts';
import { toIntervals } from './intervals.ts';
import { toLineage } from './lineage.ts';
import { cutPage, keyAfter, makeListCursor, parseListCursor } from './list-cursor.ts';
import { parseTimeMicros } from './rules.ts';
import { MAX_MICROS } from './version-codec.ts';

/** Keys that are looked at in one turn of the event loop: some milliseconds' work. */
const WINDOW_KEYS = 500;
/** A phone's clock may be a little ahead of the hub's. */
const AHEAD_MICROS = 5 * 60 * 1_000_000;
/** Versions around one thing that are read at once; more than a person ever looks at. */
const MAX_VERSIONS = 20_000;

/** What one page of a snapshot or a diff holds: entities first, then edges. */
export interface HistoryPage<E, R> {
  readonly entities: readonly E[];
  readonly relationships: readonly R[];
  readonly nextCursor: string | null;
}

/** One difference; `before` undefined = it appeared, `after` undefined = it is gone. */
export type Difference<T> = Omit<Pair<T>, 'key'>;

/** Reads of the past: the graph as it was at a moment, and what changed between two. */
export class GraphHistory {
  readonly #db: Db;
  readonly #clock: Clock;
  readonly #headSeq: () => number;

  constructor(options: { db: Db; clock: Clock; headSeq: () => number }) {
    this.#db = options.db;
    this.#clock = options.clock;
    this.#headSeq = options.headSeq;
  }

  /**
   * The moment that a text names, as far as what is durable now tells of it.
   * @throws HubError `invalid` unless it is an RFC 3339 time that is not in the future.
   */
  moment(text: string, field = 'at'): Moment {
    const micros = parseTimeMicros(text);
    if (micros === undefined) {
      throw new HubError('invalid', `${field} must be an RFC 3339 time such as 2026-03-01T12:00:00Z`, {
        field,
      });
    }
    const nowMicros = this.#clock.nowMs() * 1000;
    if (micros > nowMicros + AHEAD_MICROS) {
      throw new HubError('invalid', `${field} is in the future; the hub knows the past and the present`, {
        field,
      });
    }
    // Times go out in milliseconds: who asks with one means all that happened within it.
    const inMillisecond = micros % 1000 === 0 ? 999 : 0;
    return { micros: Math.min(micros + inMillisecond, MAX_MICROS), seq: this.#headSeq() };
  }

  /** The present, as far as it is durable, whatever the clock says: a Pi may have been set back. */
  present(): Moment {
    return { micros: MAX_MICROS, seq: this.#headSeq() };
  }

  /** The entity as it was, or undefined where it was not there or deleted. */
  entity(id: string, moment: Moment): EntityVersion | undefined {
    const entity = readLatest(this.#db, id, moment);
    return entity?.contentJson === null ? undefined : entity;
  }

  /** The edge as it was, or undefined where it did not hold. */
  relationship(id: string, moment: Moment): RelationshipVersion | undefined {
    return readRelationshipAt(this.#db, id, moment);
  }

  /** Entities as they were, in a stable order. @throws HubError `invalid` when the cursor is not one of ours. */
  async list(
    filter: EntityFilter,
    limit: number,
    cursor: string | undefined,
    moment: Moment,
  ): Promise<Page<EntityVersion>> {
    const found = await this.#entities(filter, keyAfter('k', cursor), limit + 1, moment);
    return cutPage('k', found, limit, ({ entity }) => entity);
  }

  /** Edges as they were. @throws HubError `invalid` when the cursor is not one of ours. */
  async relationships(
    filter: RelationshipFilter,
    limit: number,
    cursor: string | undefined,
    moment: Moment,
  ): Promise<Page<RelationshipVersion>> {
    const found = await this.#relationships(filter, keyAfter('r', cursor), limit + 1, moment);
    return cutPage('r', found, limit, ({ relationship }) => relationship);
  }

  /**
   * What an entity's edges said and when, oldest first: "where was this lamp in March?". Only stretches that touch
   * [fromMicros, toMicros).
   * @throws HubError `too_large` where its edges have more than MAX_VERSIONS versions.
   */
  intervals(
    entityId: string,
    options: {
      direction: Direction;
      relationshipType?: string | undefined;
      fromMicros?: number | undefined;
      toMicros?: number | undefined;
    },
  ): EdgeInterval[] {
    const key = readEntityKey(this.#db, entityId);
    if (key === undefined) return [];
    const { direction, relationshipType, fromMicros = 0, toMicros = Number.MAX_SAFE_INTEGER } = options;
    return toIntervals(whole(readEdgeHistory(this.#db, key, MAX_VERSIONS + 1), 'relationship')).filter(
      ({ relationship, ...stretch }) =>
        ((direction !== 'to' && relationship.fromEntityId === entityId) ||
          (direction !== 'from' && relationship.toEntityId === entityId)) &&
        (relationshipType === undefined || relationship.relationshipType === relationshipType) &&
        stretch.fromMicros < toMicros &&
        (stretch.toMicros === null || stretch.toMicros > fromMicros),
    );
  }

  /** How the versions of an entity descend from each other, or undefined when the id was never used. */
  lineage(id: string): Lineage | undefined {
    const versions = whole(readVersions(this.#db, id, 0, MAX_VERSIONS + 1), 'entity').filter(
      ({ seq }) => seq <= this.#headSeq(),
    );
    if (versions.length === 0) return undefined;
    return toLineage(versions, readLatest(this.#db, id)?.version);
  }

  /**
   * The whole graph as it was, a page at a time. The cursor carries the moment, so that all pages are of one.
   * @throws HubError `invalid` when the cursor is not one of ours.
   */
  async snapshot(
    moment: Moment,
    limit: number,
    cursor?: string,
  ): Promise<HistoryPage<EntityVersion, RelationshipVersion> & { moment: Moment }> {
    const at = cursor === undefined ? undefined : parseListCursor('s', cursor, 4);
    const [micros = moment.micros, seq = moment.seq, entityKey = 0, edgeKey = 0] = at ?? [];
    const pinned = { micros, seq: Math.min(seq, this.#headSeq()) };
    const keys = readMaxKeys(this.#db);
    const entities = entityKey >= keys.entity ? [] : await this.#entities({}, entityKey, limit, pinned);
    const lastEntity = entities.length === limit ? (entities.at(-1)?.key ?? keys.entity) : keys.entity;
    const room = limit - entities.length;
    const edges = room === 0 ? [] : await this.#relationships({}, edgeKey, room, pinned);
    const lastEdge = edges.length === room ? (edges.at(-1)?.key ?? edgeKey) : keys.relationship;
    const done = lastEntity >= keys.entity && lastEdge >= keys.relationship;
    return {
      moment: pinned,
      entities: entities.map(({ entity }) => entity),
      relationships: edges.map(({ relationship }) => relationship),
      nextCursor: done ? null : makeListCursor('s', micros, seq, lastEntity, lastEdge),
    };
  }

  /**
   * What has to be done to the graph of one moment to get that of another, a page at a time: about `limit` differences
   * or a good look at the keys, whichever comes first, so a page may be short or empty before the end.
   * @throws HubError `invalid` when the cursor is not one of ours.
   */
  async diff(
    from: Moment,
    to: Moment,
    limit: number,
    cursor?: string,
  ): Promise<
    HistoryPage<Difference<EntityVersion>, Difference<RelationshipVersion>> & { from: Moment; to: Moment }
  > {
    const at = cursor === undefined ? undefined : parseListCursor('d', cursor, 5);
    const [fromMicros = from.micros, toMicros = to.micros, seq = to.seq, entityAfter = 0, edgeAfter = 0] =
      at ?? [];
    const known = Math.min(seq, this.#headSeq());
    const [a, b] = [
      { micros: fromMicros, seq: known },
      { micros: toMicros, seq: known },
    ];
    const keys = readMaxKeys(this.#db);
    const entities: Pair<EntityVersion>[] = [];
    let entityKey = entityAfter;
    while (entityKey < keys.entity && entities.length < limit) {
      const until = Math.min(entityKey + WINDOW_KEYS, keys.entity);
      entities.push(...readEntityPairs(this.#db, entityKey, until, a, b));
      entityKey = until;
      await setImmediate();
    }
    const edges: Pair<RelationshipVersion>[] = [];
    let edgeKey = edgeAfter;
    while (edgeKey < keys.relationship && entities.length + edges.length < limit) {
      const until = Math.min(edgeKey + WINDOW_KEYS, keys.relationship);
      edges.push(...readRelationshipPairs(this.#db, edgeKey, until, a, b));
      edgeKey = until;
      await setImmediate();
    }
    const done = entityKey >= keys.entity && edgeKey >= keys.relationship;
    return {
      from: a,
      to: b,
      entities,
      relationships: edges,
      nextCursor: done ? null : makeListCursor('d', fromMicros, toMicros, seq, entityKey, edgeKey),
    };
  }

  /** Entities that are in a room at a moment, by internal key. */
  async keysInRoom(roomId: string, moment: Moment): Promise<number[]> {
    const roomKey = readEntityKey(this.#db, roomId);
    if (roomKey === undefined) return [];
    const inRoom = { entityKey: roomKey, direction: 'to', relationshipType: 'located_in' } as const;
    const edges = await this.#relationships(inRoom, 0, Number.MAX_SAFE_INTEGER, moment);
    return edges.flatMap(({ relationship }) => readEntityKey(this.#db, relationship.fromEntityId) ?? []);
  }

  async #entities(
    filter: EntityFilter,
    afterKey: number,
    limit: number,
    moment: Moment,
  ): Promise<{ key: number; entity: EntityVersion }[]> {
    const { roomId, ...rest } = filter;
    const inRoom = roomId === undefined ? undefined : new Set(await this.keysInRoom(roomId, moment));
    const keys =
      inRoom && rest.keys ? rest.keys.filter((key) => inRoom.has(key)) : inRoom ? [...inRoom] : rest.keys;
    if (keys) return readEntities(this.#db, { ...rest, keys }, afterKey, limit, moment);
    return await this.#inWindows(readMaxKeys(this.#db).entity, afterKey, limit, (after, untilKey, left) =>
      readEntities(this.#db, { ...rest, untilKey }, after, left, moment),
    );
  }

  async #relationships(
    filter: RelationshipFilter,
    afterKey: number,
    limit: number,
    moment: Moment,
  ): Promise<{ key: number; relationship: RelationshipVersion }[]> {
    if (filter.entityKey !== undefined) return readRelationships(this.#db, filter, afterKey, limit, moment);
    return await this.#inWindows(
      readMaxKeys(this.#db).relationship,
      afterKey,
      limit,
      (after, untilKey, left) => readRelationships(this.#db, { ...filter, untilKey }, after, left, moment),
    );
  }

  /** Reads key by key until `limit` rows are found: where few rows match, the search for them must not stop the loop. */
  async #inWindows<T>(
    maxKey: number,
    afterKey: number,
    limit: number,
    read: (afterKey: number, untilKey: number, limit: number) => T[],
  ): Promise<T[]> {
    const found: T[] = [];
    for (let key = afterKey; key < maxKey && found.length < limit; key += WINDOW_KEYS) {
      found.push(...read(key, key + WINDOW_KEYS, limit - found.length));
      await setImmediate();
    }
    return found;
  }
}

/** @throws HubError `too_large` where there are more: a history with a hole in it would be a lie. */
function whole<T>(versions: T[], of: 'entity' | 'relationship'): T[] {
  if (versions.length <= MAX_VERSIONS) return versions;
  throw new HubError(
    'too_large',
    `This has more than ${MAX_VERSIONS} ${of} versions; read them page by page at /versions instead.`,
  );
}
