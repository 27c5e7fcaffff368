import { setImmediate } from 'node:timers/promises';

import type { Db } from '../base/db.ts';
import type { Direction, EntityVersion, Moment, RelationshipVersion } from './types.ts';

import { HubError } from '../base/errors.ts';
import { Adjacency, type Step, type Walk } from './adjacency.ts';
import { readRelationship, readRelationshipAt } from './edge-reader.ts';
import { readByKeyAt, readByKeys, readEntityKey, readLatest } from './entity-reader.ts';
import { readMaxKeys } from './history-reader.ts';
import { readEdgeIds, readEdgesByKey, readEdgesSince, readLivingKeys, readStretches } from './path-reader.ts';
import { RELATIONSHIP_TYPES } from './types.ts';

/** Rows that are read in one turn of the event loop: some milliseconds' work. */
const SLICE_ROWS = 2000;
/** Graphs of the past that are kept: whoever asks one question about March asks another. */
const MAX_PAST = 2;
export const MAX_DEPTH = 20;

export interface WalkOptions {
  /** Default `both`: a house is walked either way. */
  readonly direction?: Direction | undefined;
  /** Types of edges to follow; default all. */
  readonly relationshipTypes?: readonly string[] | undefined;
  readonly moment?: Moment | undefined;
}

export interface GraphPath {
  /** From the first entity to the last. */
  readonly entities: readonly EntityVersion[];
  /** One less than the entities. */
  readonly relationships: readonly RelationshipVersion[];
}

export interface Neighbour {
  readonly entity: EntityVersion;
  readonly relationship: RelationshipVersion;
}

export interface Subgraph {
  readonly entities: readonly { readonly entity: EntityVersion; readonly distance: number }[];
  /** Every edge among them that was followed or joins two of them. */
  readonly relationships: readonly RelationshipVersion[];
  /** True where there was more than `limit` entities. */
  readonly truncated: boolean;
}

/**
 * How things are joined: shortest paths, neighbours and surroundings, from arrays in memory that are brought up to the
 * file before each answer. Ends that are unknown or deleted are refused with `not_found`.
 */
export class GraphPaths {
  readonly #db: Db;
  readonly #committedSeq: () => number;
  #present: { readonly adjacency: Adjacency; seq: number } | undefined;
  #building: Promise<{ readonly adjacency: Adjacency; seq: number }> | undefined;
  readonly #past = new Map<string, Promise<Adjacency>>();

  constructor(options: { db: Db; committedSeq: () => number }) {
    this.#db = options.db;
    this.#committedSeq = options.committedSeq;
  }

  /**
   * A shortest path of at most `maxDepth` edges, or undefined when there is none.
   * @throws HubError `not_found` naming the end.
   */
  async path(
    fromId: string,
    toId: string,
    maxDepth: number,
    options: WalkOptions = {},
  ): Promise<GraphPath | undefined> {
    const { adjacency, from, to } = await this.#open(options, { from: fromId, to: toId });
    if (from === undefined || to === undefined) throw new Error('both ends were looked up');
    const steps = adjacency.path(from, to, maxDepth, toWalk(options));
    if (!steps) return undefined;
    return {
      entities: this.#entities([from, ...steps.map(({ entityKey }) => entityKey)], options.moment),
      relationships: this.#edges(steps, options.moment),
    };
  }

  /** What an entity is joined to, with the edges; at most `limit`, and whether there was more. */
  async neighbours(
    id: string,
    limit: number,
    options: WalkOptions = {},
  ): Promise<{ items: Neighbour[]; truncated: boolean }> {
    const { adjacency, from = 0 } = await this.#open(options, { from: id });
    const steps = adjacency
      .steps(from, toWalk(options))
      .take(limit + 1)
      .toArray();
    const page = steps.slice(0, limit);
    const entities = this.#entities(
      page.map(({ entityKey }) => entityKey),
      options.moment,
    );
    const edges = this.#edges(page, options.moment);
    const items = edges.flatMap((relationship, index) => {
      const entity = entities[index];
      return entity ? [{ entity, relationship }] : [];
    });
    return { items, truncated: steps.length > limit };
  }

  /** Everything within `depth` edges of an entity, nearest first, and how it is joined. */
  async subgraph(id: string, depth: number, limit: number, options: WalkOptions = {}): Promise<Subgraph> {
    const { adjacency, from = 0 } = await this.#open(options, { from: id });
    const walk = toWalk(options);
    const distances = new Map([[from, 0]]);
    let truncated = false;
    let ring = [from];
    for (let distance = 1; distance <= depth && ring.length > 0; distance++) {
      const next: number[] = [];
      for (const key of ring) {
        for (const step of adjacency.steps(key, walk)) {
          if (distances.has(step.entityKey)) continue;
          if (distances.size >= limit) {
            truncated = true;
            continue;
          }
          distances.set(step.entityKey, distance);
          next.push(step.entityKey);
        }
      }
      ring = next;
    }
    const edges = new Map<number, Step>();
    for (const key of distances.keys()) {
      for (const step of adjacency.steps(key, { ...walk, direction: 'from' })) {
        if (distances.has(step.entityKey)) edges.set(step.edgeKey, step);
      }
    }
    const keys = [...distances.keys()];
    return {
      entities: this.#entities(keys, options.moment).map((entity, index) => ({
        entity,
        distance: distances.get(keys[index] ?? 0) ?? 0,
      })),
      relationships: this.#edges([...edges.values()], options.moment),
      truncated,
    };
  }

  /** The arrays that a question needs, and the internal keys of its ends. The present ones agree with the file on return. */
  async #open(
    options: WalkOptions,
    ends: { from: string; to?: string },
  ): Promise<{ adjacency: Adjacency; from: number | undefined; to: number | undefined }> {
    const { moment } = options;
    // Awaited before anything is looked up: from here on there is one turn of the event loop.
    const adjacency = moment ? await this.#at(moment) : await this.#now();
    const keyOf = (id: string | undefined): number | undefined => {
      if (id === undefined) return undefined;
      const entity = readLatest(this.#db, id, moment);
      const key = readEntityKey(this.#db, id);
      if (!entity || entity.contentJson === null || key === undefined) {
        throw new HubError('not_found', `There is no entity ${id.slice(0, 128)}.`);
      }
      return key;
    };
    return { adjacency, from: keyOf(ends.from), to: keyOf(ends.to) };
  }

  async #now(): Promise<Adjacency> {
    if (!this.#present) {
      this.#building ??= this.#build().finally(() => {
        this.#building = undefined;
      });
      this.#present = await this.#building;
    }
    this.#catchUp(this.#present);
    return this.#present.adjacency;
  }

  /** Reads all edges, a slice at a time; what changes meanwhile is caught up with at the end. */
  async #build(): Promise<{ adjacency: Adjacency; seq: number }> {
    const adjacency = new Adjacency();
    const seq = this.#committedSeq();
    for (let afterKey = 0; ;) {
      const edges = readEdgesByKey(this.#db, afterKey, SLICE_ROWS);
      for (const { key, fromKey, toKey, type, open } of edges) {
        if (open) adjacency.set(key, fromKey, toKey, typeNumber(type));
      }
      const last = edges.at(-1);
      if (!last || edges.length < SLICE_ROWS) return { adjacency, seq };
      afterKey = last.key;
      await setImmediate();
    }
  }

  #catchUp(present: { readonly adjacency: Adjacency; seq: number }): void {
    const head = this.#committedSeq();
    if (present.seq === head) return;
    for (const { key, fromKey, toKey, type, open } of readEdgesSince(this.#db, present.seq)) {
      if (open) present.adjacency.set(key, fromKey, toKey, typeNumber(type));
      else present.adjacency.delete(key);
    }
    present.seq = head;
  }

  async #at(moment: Moment): Promise<Adjacency> {
    const name = `${moment.micros} ${moment.seq}`;
    const known = this.#past.get(name) ?? this.#buildAt(moment);
    this.#past.delete(name);
    this.#past.set(name, known);
    const [oldest] = this.#past.keys();
    if (this.#past.size > MAX_PAST && oldest !== undefined) this.#past.delete(oldest);
    try {
      return await known;
    } catch (error) {
      this.#past.delete(name);
      throw error;
    }
  }

  async #buildAt(moment: Moment): Promise<Adjacency> {
    const adjacency = new Adjacency();
    const living = new Set<number>();
    const { entity: maxKey } = readMaxKeys(this.#db);
    for (let key = 0; key < maxKey; key += SLICE_ROWS) {
      for (const found of readLivingKeys(this.#db, key, key + SLICE_ROWS, moment)) living.add(found);
      await setImmediate();
    }
    for (let afterSeq = 0; ;) {
      const stretches = readStretches(this.#db, afterSeq, moment, SLICE_ROWS);
      for (const { key, fromKey, toKey, type, toMicros } of stretches) {
        const holds = toMicros === null || toMicros > moment.micros;
        if (holds && living.has(fromKey) && living.has(toKey))
          adjacency.set(key, fromKey, toKey, typeNumber(type));
        else adjacency.delete(key);
      }
      const last = stretches.at(-1);
      if (!last || stretches.length < SLICE_ROWS) return adjacency;
      afterSeq = last.seq;
      await setImmediate();
    }
  }

  #entities(keys: readonly number[], moment: Moment | undefined): EntityVersion[] {
    if (moment)
      return keys.map((key) => readByKeyAt(this.#db, key, moment)).filter((entity) => entity !== undefined);
    const found = readByKeys(this.#db, keys);
    return keys.map((key) => found.get(key)).filter((entity) => entity !== undefined);
  }

  #edges(steps: readonly Step[], moment: Moment | undefined): RelationshipVersion[] {
    const ids = readEdgeIds(
      this.#db,
      steps.map(({ edgeKey }) => edgeKey),
    );
    return ids
      .map((id) => (moment ? readRelationshipAt(this.#db, id, moment) : readRelationship(this.#db, id)))
      .filter((edge) => edge !== undefined);
  }
}

/** Types have numbers in the order of their table; one that the table does not know has the one after. */
function typeNumber(type: string): number {
  const index = (RELATIONSHIP_TYPES as readonly string[]).indexOf(type);
  return index < 0 ? RELATIONSHIP_TYPES.length : index;
}

function toWalk({ direction = 'both', relationshipTypes }: WalkOptions): Walk {
  return { direction, types: relationshipTypes && new Set(relationshipTypes.map(typeNumber)) };
}
