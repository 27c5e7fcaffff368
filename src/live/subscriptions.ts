import type { RelationshipVersion } from '../graph/types.ts';
import type { Placements } from './placements.ts';

/** What one `subscribe` asks for. */
export interface Subscription {
  readonly kind: 'entity_id' | 'entity_type' | 'room_id';
  /** The id or type; `*` as entity_id is everything. */
  readonly of: string;
}

/** Subscriptions of one connection; further ones are refused. */
export const MAX_SUBSCRIPTIONS = 1000;

export function matchesEntity(wanted: Subscription, entityId: string, placements: Placements): boolean {
  if (wanted.kind === 'entity_type') return placements.of(entityId).entityType === wanted.of;
  if (wanted.of === entityId) return true;
  return wanted.kind === 'entity_id' ? wanted.of === '*' : placements.of(entityId).rooms.includes(wanted.of);
}

/** An edge concerns whoever follows one of its ends. */
export function matchesEdge(
  wanted: Subscription,
  edge: RelationshipVersion,
  placements: Placements,
): boolean {
  return (
    matchesEntity(wanted, edge.fromEntityId, placements) || matchesEntity(wanted, edge.toEntityId, placements)
  );
}

/** The subscriptions of a connection, arranged for the question "does this concern it?". */
export class Subscriptions {
  readonly #ids = new Set<string>();
  readonly #types = new Set<string>();
  readonly #rooms = new Set<string>();
  /** Kept apart from the sets: for each change and connection it is asked first, and a thousand sets are far to go. */
  #size = 0;
  #everything = false;

  get size(): number {
    return this.#size;
  }

  /** False when there are too many. */
  add(subscription: Subscription): boolean {
    const set = this.#setOf(subscription);
    if (this.#size >= MAX_SUBSCRIPTIONS && !set.has(subscription.of)) return false;
    set.add(subscription.of);
    this.#count();
    return true;
  }

  delete(subscription: Subscription): void {
    this.#setOf(subscription).delete(subscription.of);
    this.#count();
  }

  wantsEntity(entityId: string, placements: Placements): boolean {
    if (this.#size === 0) return false;
    if (this.#everything || this.#ids.has(entityId) || this.#rooms.has(entityId)) return true;
    // The graph is asked only by those who need it: everybody else is on the way of a state change to the phones.
    if (this.#types.size > 0 && this.#types.has(placements.of(entityId).entityType)) return true;
    return this.#rooms.size > 0 && placements.of(entityId).rooms.some((room) => this.#rooms.has(room));
  }

  wantsRoom(roomId: string): boolean {
    return this.#rooms.has(roomId);
  }

  wantsEdge(edge: RelationshipVersion, placements: Placements): boolean {
    return this.wantsEntity(edge.fromEntityId, placements) || this.wantsEntity(edge.toEntityId, placements);
  }

  #count(): void {
    this.#size = this.#ids.size + this.#types.size + this.#rooms.size;
    this.#everything = this.#ids.has('*');
  }

  #setOf(subscription: Subscription): Set<string> {
    return { entity_id: this.#ids, entity_type: this.#types, room_id: this.#rooms }[subscription.kind];
  }
}
