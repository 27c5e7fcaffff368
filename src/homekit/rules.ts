/** hap-nodejs, and Apple, take 150 accessories on one bridge, the bridge itself being the first. */
export const MAX_ACCESSORIES = 149;

/**
 * Which devices stand on the bridge. One that has a place keeps it, even while it has nothing to show: giving it away
 * and back would cost the person rooms and automations. The places left go to the oldest newcomers (ids sort by age).
 */
export function choosePlaces(candidates: readonly string[], assigned: ReadonlySet<string>): Set<string> {
  const newcomers = candidates.filter((entityId) => !assigned.has(entityId)).sort();
  const free = Math.max(0, MAX_ACCESSORIES - assigned.size);
  return new Set([...candidates.filter((entityId) => assigned.has(entityId)), ...newcomers.slice(0, free)]);
}
