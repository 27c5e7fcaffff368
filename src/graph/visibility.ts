import { createHash } from 'node:crypto';

import type { Db } from '../base/db.ts';

import {
  PLACING_TYPES,
  readEndsTouchedSince,
  readFormerEnds,
  readRoots,
  readWithin,
  rootsTouchedSince,
} from './visibility-reader.ts';

/** Sets of rooms that are remembered: a household has a few guests, each with a set of their own. */
const MAX_KNOWN = 50;
/** With more edges than this to look at, looking anew is as quick. */
const MAX_TOUCHED = 1000;

/** Why what the rooms are seen by is not deleted by whoever is limited to them. */
export const ROOT_IS_KEPT =
  'your account is limited to some rooms: it deletes what is in them, and neither the rooms nor the home';

/** Why neither the home nor what joins it to the rooms is changed by whoever is limited to them. */
export const HOME_IS_KEPT =
  'your account is limited to some rooms: it changes what is in them, and not the home or how it is divided';

/** What somebody who is limited to rooms sees of the home. */
export interface Visible {
  /** Ids of the entities. An edge is seen by whoever sees both of its ends. */
  readonly ids: ReadonlySet<string>;
  /** The same by internal key, for filters. */
  readonly keys: readonly number[];
  /** The rooms themselves, and the homes: what all the rest is seen by. */
  readonly roots: ReadonlySet<string>;
  /** The homes among them, which belong to everybody. */
  readonly homes: ReadonlySet<string>;
  /** Another one where anything has come into sight or gone out of it. */
  readonly hash: string;
}

/**
 * What is in some rooms: the rooms, the homes, and everything from which open `located_in` and `part_of` edges lead to
 * one of the rooms. Found by keys and indexes alone, so that no content is read, and kept until an edge changes.
 */
export class Visibility {
  readonly #db: Db;
  readonly #committedSeq: () => number;
  /** By the rooms, the one asked for last at the end. */
  readonly #known = new Map<string, { seq: number; visible: Visible }>();

  constructor(options: { db: Db; committedSeq: () => number }) {
    this.#db = options.db;
    this.#committedSeq = options.committedSeq;
  }

  /** The same object as long as nothing comes into sight or goes out of it. Agrees with what is written, durable or not. */
  of(rooms: readonly string[]): Visible {
    const name = JSON.stringify(rooms);
    const seq = this.#committedSeq();
    const known = this.#known.get(name);
    if (known?.seq === seq) return known.visible;
    const visible = known && !this.#hasMoved(rooms, known) ? known.visible : this.#find(rooms);
    const same = known?.visible.hash === visible.hash ? known.visible : visible;
    this.#known.delete(name);
    this.#known.set(name, { seq, visible: same });
    const [oldest] = this.#known.keys();
    if (this.#known.size > MAX_KNOWN && oldest !== undefined) this.#known.delete(oldest);
    return same;
  }

  /**
   * A thing that is deleted or revived takes its edges along, so that entities are looked at only where they are seen
   * without any. Edges elsewhere, and those that place nothing, are most of what changes.
   */
  #hasMoved(rooms: readonly string[], { seq, visible }: { seq: number; visible: Visible }): boolean {
    if (rootsTouchedSince(this.#db, rooms, seq)) return true;
    const touched = readEndsTouchedSince(this.#db, seq, MAX_TOUCHED);
    if (touched.length === 0) return false;
    if (touched.length === MAX_TOUCHED) return true;
    const seen = new Set(visible.keys);
    const counts = new Map<number, number>();
    for (const { edgeKey } of touched) counts.set(edgeKey, (counts.get(edgeKey) ?? 0) + 1);
    return touched.some(
      ({ edgeKey, fromKey, toKey, type }) =>
        // One that says several things was led elsewhere, perhaps.
        (PLACING_TYPES.includes(type) || counts.get(edgeKey) !== 1) && (seen.has(fromKey) || seen.has(toKey)),
    );
  }

  #find(rooms: readonly string[]): Visible {
    const roots = readRoots(this.#db, rooms);
    const all = readWithin(this.#db, rooms);
    for (const { key, id } of roots) all.set(key, id);
    const keys = [...all.keys()].sort((a, b) => a - b);
    // An edge that is led elsewhere goes out of sight while both of its old ends stay.
    const goneEdges = readFormerEnds(this.#db, keys)
      .filter(({ fromKey, toKey }) => !all.has(fromKey) || !all.has(toKey))
      .map(({ edgeKey }) => edgeKey);
    const text = JSON.stringify([keys, goneEdges]);
    return {
      ids: new Set(all.values()),
      keys,
      roots: new Set(roots.map(({ id }) => id)),
      homes: new Set(roots.flatMap(({ id }) => (rooms.includes(id) ? [] : [id]))),
      hash: createHash('sha256').update(text).digest('hex').slice(0, 16),
    };
  }
}
