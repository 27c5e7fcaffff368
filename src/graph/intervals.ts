import type { EdgeInterval, RelationshipVersion } from './types.ts';

/**
 * What edges said and when, oldest first. `versions` are state versions, edge by edge, in the order of their seq: each
 * says what holds from its own beginning on, and leaves alone what an earlier one said of the time before.
 */
export function toIntervals(versions: readonly RelationshipVersion[]): EdgeInterval[] {
  const all: EdgeInterval[] = [];
  let timeline: EdgeInterval[] = [];
  let edgeId: string | undefined;
  for (const relationship of versions) {
    if (relationship.id !== edgeId) {
      all.push(...timeline);
      timeline = [];
      edgeId = relationship.id;
    }
    const { validFromMicros: fromMicros, validToMicros: toMicros } = relationship;
    timeline = timeline
      .filter((interval) => interval.fromMicros < fromMicros)
      .map((interval) => ({ ...interval, toMicros: earlier(interval.toMicros, fromMicros) }));
    if (toMicros === null || toMicros > fromMicros) timeline.push({ relationship, fromMicros, toMicros });
  }
  all.push(...timeline);
  return all.sort((a, b) => a.fromMicros - b.fromMicros || a.relationship.seq - b.relationship.seq);
}

function earlier(end: number | null, limit: number): number {
  return end === null ? limit : Math.min(end, limit);
}
