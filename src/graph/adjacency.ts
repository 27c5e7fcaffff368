import type { Direction } from './types.ts';

/** What to follow. */
export interface Walk {
  /** `from` follows edges as they point, `to` against that, `both` either way. */
  readonly direction: Direction;
  /** Type numbers to follow; undefined = all. */
  readonly types: ReadonlySet<number> | undefined;
}

/** A step: the entity that is reached, over which edge. Internal keys. */
export interface Step {
  readonly entityKey: number;
  readonly edgeKey: number;
}

const NONE = -1;

/**
 * The open edges in flat arrays, to be walked thousands of steps in a millisecond. Each edge is two half-edges, one in
 * the list of either end; half-edge `2k` leaves the edge's origin, `2k + 1` its target. Internal keys are the indexes:
 * rows are never removed, so they are nearly dense.
 */
export class Adjacency {
  /** By entity: its first half-edge. */
  #first = new Int32Array(0);
  /** By half-edge: the next one of the same entity, and the entity at the other end; NONE in `#other` = not there. */
  #next = new Int32Array(0);
  #other = new Int32Array(0);
  /** By edge. */
  #type = new Uint8Array(0);
  /** By entity, in a search: the round in which it was seen (negative from the far end), and by which half-edge. */
  #seen = new Int32Array(0);
  #seenBy = new Int32Array(0);
  #round = 0;
  #edges = 0;

  /** Open edges held. */
  get size(): number {
    return this.#edges;
  }

  /** Puts an edge in, in place of what was known under its key. */
  set(edgeKey: number, fromKey: number, toKey: number, type: number): void {
    this.delete(edgeKey);
    this.#reserve(Math.max(fromKey, toKey) + 1, edgeKey + 1);
    this.#type[edgeKey] = type;
    this.#link(2 * edgeKey, fromKey, toKey);
    this.#link(2 * edgeKey + 1, toKey, fromKey);
    this.#edges += 1;
  }

  delete(edgeKey: number): void {
    const toKey = this.#other[2 * edgeKey] ?? NONE;
    const fromKey = this.#other[2 * edgeKey + 1] ?? NONE;
    if (toKey === NONE || fromKey === NONE) return;
    this.#unlink(2 * edgeKey, fromKey);
    this.#unlink(2 * edgeKey + 1, toKey);
    this.#edges -= 1;
  }

  /** The steps that lead away from an entity. */
  *steps(entityKey: number, walk: Walk): Generator<Step> {
    for (let half = this.#first[entityKey] ?? NONE; half !== NONE; half = this.#next[half] ?? NONE) {
      if (this.#follows(half, walk)) yield { entityKey: this.#other[half] ?? NONE, edgeKey: half >> 1 };
    }
  }

  /**
   * A shortest path, or undefined when there is none of at most `maxDepth` edges; the first step leaves `fromKey`.
   * Searches from both ends, a whole ring at a time from the smaller one, so the first meeting is a shortest path.
   */
  path(fromKey: number, toKey: number, maxDepth: number, walk: Walk): Step[] | undefined {
    if (fromKey === toKey) return [];
    this.#reserve(Math.max(fromKey, toKey) + 1, 0);
    // Marks of earlier searches are smaller in size: nothing has to be wiped out.
    this.#round += 1;
    if (this.#round === 0x7fffffff) {
      this.#seen.fill(0);
      this.#round = 1;
    }
    const near = { ring: [fromKey], mark: this.#round, walk };
    const far = { ring: [toKey], mark: -this.#round, walk: { ...walk, direction: OPPOSITE[walk.direction] } };
    this.#seen[fromKey] = near.mark;
    this.#seen[toKey] = far.mark;
    this.#seenBy[fromKey] = NONE;
    this.#seenBy[toKey] = NONE;
    for (let depth = 0; depth < maxDepth && near.ring.length > 0 && far.ring.length > 0; depth++) {
      const side = near.ring.length <= far.ring.length ? near : far;
      const meeting = this.#expand(side);
      if (meeting !== undefined) return this.#trace(meeting, side === near);
    }
    return undefined;
  }

  /** One ring further; returns the half-edge over which it meets the other side's. */
  #expand(side: { ring: number[]; readonly mark: number; readonly walk: Walk }): number | undefined {
    const next: number[] = [];
    for (const entityKey of side.ring) {
      for (let half = this.#first[entityKey] ?? NONE; half !== NONE; half = this.#next[half] ?? NONE) {
        if (!this.#follows(half, side.walk)) continue;
        const other = this.#other[half] ?? NONE;
        const seen = this.#seen[other];
        if (seen === side.mark) continue;
        if (seen === -side.mark) return half;
        this.#seen[other] = side.mark;
        this.#seenBy[other] = half;
        next.push(other);
      }
    }
    side.ring = next;
    return undefined;
  }

  /** The whole path out of the half-edge where the two searches met. */
  #trace(meeting: number, metFromNear: boolean): Step[] {
    const onward = metFromNear ? meeting : meeting ^ 1;
    const steps: Step[] = [{ entityKey: this.#other[onward] ?? NONE, edgeKey: onward >> 1 }];
    for (let key = this.#other[onward ^ 1] ?? NONE; ;) {
      const half = this.#seenBy[key] ?? NONE;
      if (half === NONE) break;
      steps.unshift({ entityKey: key, edgeKey: half >> 1 });
      key = this.#other[half ^ 1] ?? NONE;
    }
    for (let key = this.#other[onward] ?? NONE; ;) {
      const half = this.#seenBy[key] ?? NONE;
      if (half === NONE) return steps;
      key = this.#other[half ^ 1] ?? NONE;
      steps.push({ entityKey: key, edgeKey: half >> 1 });
    }
  }

  #follows(half: number, walk: Walk): boolean {
    const isOnward = (half & 1) === 0;
    if (isOnward ? walk.direction === 'to' : walk.direction === 'from') return false;
    return walk.types === undefined || walk.types.has(this.#type[half >> 1] ?? NONE);
  }

  #link(half: number, atKey: number, otherKey: number): void {
    this.#other[half] = otherKey;
    this.#next[half] = this.#first[atKey] ?? NONE;
    this.#first[atKey] = half;
  }

  #unlink(half: number, atKey: number): void {
    let before = NONE;
    for (let at = this.#first[atKey] ?? NONE; at !== half; at = this.#next[at] ?? NONE) before = at;
    const after = this.#next[half] ?? NONE;
    if (before === NONE) this.#first[atKey] = after;
    else this.#next[before] = after;
    this.#other[half] = NONE;
  }

  #reserve(entities: number, edges: number): void {
    if (entities > this.#first.length) {
      const size = roomFor(entities);
      this.#first = grown(this.#first, size);
      this.#seen = grown(this.#seen, size, 0);
      this.#seenBy = grown(this.#seenBy, size);
    }
    if (edges > this.#type.length) {
      const size = roomFor(edges);
      this.#next = grown(this.#next, 2 * size);
      this.#other = grown(this.#other, 2 * size);
      const type = new Uint8Array(size);
      type.set(this.#type);
      this.#type = type;
    }
  }
}

const OPPOSITE: Readonly<Record<Direction, Direction>> = { from: 'to', to: 'from', both: 'both' };

function roomFor(count: number): number {
  return Math.ceil(count * 1.25) + 64;
}

function grown(array: Int32Array, size: number, fill = NONE): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(size).fill(fill, array.length);
  larger.set(array);
  return larger;
}
