import type { Db } from '../base/db.ts';

import { unpackParents, unpackVersion } from './version-codec.ts';

/** One version as far as kinship needs it. */
interface Relative {
  readonly seq: number;
  readonly version: string;
  readonly parents: readonly string[];
}

/** How many of the newest versions are looked at first, and at most: a base older than that counts as not held. */
const FIRST_LOOK = 16;
const LAST_LOOK = 4096;

/**
 * The nearest version that `ours` and one of `theirs` both are or descend from, or undefined when none is held.
 * @param theirs versions, held or not
 */
export function readCommonAncestor(
  db: Db,
  entityId: string,
  ours: string,
  theirs: readonly string[],
): string | undefined {
  return widening((limit) => readRelatives(db, entityId, limit), ours, theirs);
}

/** The same for the versions of an edge. */
export function readCommonEdgeAncestor(
  db: Db,
  relationshipId: string,
  ours: string,
  theirs: readonly string[],
): string | undefined {
  return widening((limit) => readEdgeRelatives(db, relationshipId, limit), ours, theirs);
}

/** Looks at more and more of the newest versions: the base of most edits is among the last few. */
function widening(
  read: (limit: number) => Relative[],
  ours: string,
  theirs: readonly string[],
): string | undefined {
  for (let limit = FIRST_LOOK; ; limit *= 16) {
    const relatives = read(limit);
    const found = nearestCommon(relatives, ours, theirs);
    if (found !== undefined || relatives.length < limit || limit >= LAST_LOOK) return found;
  }
}

function nearestCommon(
  relatives: readonly Relative[],
  ours: string,
  theirs: readonly string[],
): string | undefined {
  const byVersion = new Map(relatives.map((relative) => [relative.version, relative]));
  const ourLine = lineOf(byVersion, [ours]);
  let nearest: Relative | undefined;
  for (const relative of lineOf(byVersion, theirs)) {
    if (ourLine.has(relative) && (!nearest || relative.seq > nearest.seq)) nearest = relative;
  }
  return nearest?.version;
}

/** The versions and everything that they descend from, as far as it is known. */
function lineOf(byVersion: ReadonlyMap<string, Relative>, versions: readonly string[]): Set<Relative> {
  const line = new Set<Relative>();
  const waiting = [...versions];
  for (let version = waiting.pop(); version !== undefined; version = waiting.pop()) {
    const relative = byVersion.get(version);
    if (!relative || line.has(relative)) continue;
    line.add(relative);
    waiting.push(...relative.parents);
  }
  return line;
}

function readRelatives(db: Db, entityId: string, limit: number): Relative[] {
  return db
    .all<{ seq: number; version: string; parents: string }>(
      `SELECT v.seq, v.version, v.parents FROM entity e JOIN entity_version v ON v.entity_key = e.key
       WHERE e.id = ? ORDER BY v.moment DESC LIMIT ?`,
      entityId,
      limit,
    )
    .map(({ seq, version, parents }) => ({
      seq,
      version: unpackVersion(version),
      parents: unpackParents(parents),
    }));
}

function readEdgeRelatives(db: Db, relationshipId: string, limit: number): Relative[] {
  return db
    .all<{ seq: number; version: string; parents: string }>(
      `SELECT v.seq, v.version, v.parents FROM relationship r
       JOIN relationship_version v ON v.relationship_key = r.key WHERE r.id = ? ORDER BY v.seq DESC LIMIT ?`,
      relationshipId,
      limit,
    )
    .map(({ seq, version, parents }) => ({ seq, version, parents: JSON.parse(parents) as string[] }));
}
