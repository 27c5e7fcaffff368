/** hap-nodejs, and Apple, take 150 accessories on one bridge, the bridge itself being the first. */
export const MAX_ACCESSORIES = 149;
/** Newcomers go to another bridge from here on. What is left is for devices that come back, and for a person's choice. */
export const FULL_ACCESSORIES = 140;

/** Where a device stands, or stood until it was removed. */
export interface Place {
  /** 1, 2 … */
  readonly bridge: number;
  /** Its device was removed, so that others may have the place. */
  readonly isFreed: boolean;
}

/**
 * On which bridge each device stands. One that has a place keeps it, even while it has nothing to show or is kept out:
 * giving it away and back would cost the person rooms and automations. One that comes back gets its old bridge where
 * that has room, for its ids are known there. Newcomers, the oldest first (ids sort by age), go to the first bridge that
 * is not full, and to a new one where all of them are.
 * @param reserved bridges that a person gave to one device alone
 */
export function choosePlaces(
  candidates: readonly string[],
  places: ReadonlyMap<string, Place>,
  reserved: ReadonlySet<number> = new Set(),
): Map<string, number> {
  const held = heldPlaces(places);
  const chosen = new Map<string, number>();
  const hasRoom = (bridge: number, mark: number): boolean =>
    (held.get(bridge) ?? 0) < (reserved.has(bridge) ? 1 : mark);
  const take = (entityId: string, bridge: number): void => {
    chosen.set(entityId, bridge);
    held.set(bridge, (held.get(bridge) ?? 0) + 1);
  };
  const newcomers: string[] = [];
  for (const entityId of candidates.toSorted()) {
    const place = places.get(entityId);
    if (!place) newcomers.push(entityId);
    else if (!place.isFreed) chosen.set(entityId, place.bridge);
    else if (hasRoom(place.bridge, MAX_ACCESSORIES)) take(entityId, place.bridge);
    else newcomers.push(entityId);
  }
  let bridge = 1;
  for (const entityId of newcomers.sort()) {
    while (reserved.has(bridge) || !hasRoom(bridge, FULL_ACCESSORIES)) bridge += 1;
    take(entityId, bridge);
  }
  return chosen;
}

/** How many places of each bridge are taken. */
export function heldPlaces(places: ReadonlyMap<string, Place>): Map<number, number> {
  const held = new Map<number, number>();
  for (const { bridge, isFreed } of places.values()) {
    if (!isFreed) held.set(bridge, (held.get(bridge) ?? 0) + 1);
  }
  return held;
}
