import type { Db } from '../base/db.ts';

import { unpackParents, unpackVersion } from './version-codec.ts';

/** One version as far as kinship needs it. */
interface Relative {
  readonly version: string;
  readonly parents: readonly string[];
  /** True where its content was removed (compaction.ts), so that it can be no base. */
  readonly isBare?: boolean;
}

/** How many of the newest versions are looked at first, and at most: a base older than that counts as not held. */
const FIRST_LOOK = 16;
const WIDER = 16;
const LAST_LOOK = 4096;

/**
 * How the versions of one entity, or of one edge, descend from each other. They are read when they are first asked for,
 * the newest first; what is written afterwards is to be told with `add`.
 */
export class Ancestry {
  readonly #read: (limit: number) => Relative[];
  readonly #parents = new Map<string, readonly string[]>();
  readonly #bare = new Set<string>();
  /** How many of the newest are known; 0 before the first look. */
  #looked = 0;
  #complete = false;
  /** What one version, the state as a rule, is and descends from. */
  #line = { of: '', versions: new Set<string>() };

  constructor(read: (limit: number) => Relative[]) {
    this.#read = read;
  }

  /** A version that was written since the first look. */
  add(version: string, parents: readonly string[]): void {
    if (this.#looked === 0) return;
    this.#parents.set(version, parents);
    if (!parents.includes(this.#line.of)) return;
    this.#line.of = version;
    this.#extend(this.#line.versions, [version]);
  }

  /**
   * The nearest versions that `ours` and one of `theirs` both are or descend from: none of them descends from another.
   * One, as a rule; several where the two sides have merged each other before; none where one of them is not held, or is
   * so no more. What lies further back is no base: what was changed and changed back since would look untouched, and the
   * value in between would win.
   * @param theirs versions, held or not
   */
  common(ours: string, theirs: readonly string[]): string[] {
    for (;;) {
      this.#lookFor(ours);
      const found = this.#commonOf(ours, theirs);
      if (found.some((version) => this.#bare.has(version))) return [];
      if (found.length > 0 || !this.#lookFurther()) return found;
    }
  }

  /**
   * Whether `ours` is `version`, or descends from it, held or not; as far as that shows among the versions that were
   * looked at so far, the newest few at least.
   */
  descends(ours: string, version: string): boolean {
    this.#lookFor(ours);
    const line = this.#lineOf(ours);
    if (line.has(version)) return true;
    for (const known of line) if (this.#parents.get(known)?.includes(version) === true) return true;
    return false;
  }

  /** The versions that name `version` as a parent, among those that were looked at so far, the newest few at least. */
  childrenOf(version: string): string[] {
    if (this.#looked === 0) this.#lookFurther();
    return [...this.#parents].filter(([, parents]) => parents.includes(version)).map(([child]) => child);
  }

  #commonOf(ours: string, theirs: readonly string[]): string[] {
    const line = this.#lineOf(ours);
    const met = new Set<string>();
    const candidates = new Set<string>();
    const waiting = [...theirs];
    for (let version = waiting.pop(); version !== undefined; version = waiting.pop()) {
      if (met.has(version)) continue;
      met.add(version);
      // What lies behind a version of both sides is further away than it.
      if (line.has(version)) candidates.add(version);
      else waiting.push(...(this.#parents.get(version) ?? []));
    }
    if (candidates.size < 2) return [...candidates];
    const behind = new Set<string>();
    for (const version of candidates) this.#extend(behind, this.#parents.get(version) ?? []);
    return [...candidates].filter((version) => !behind.has(version));
  }

  #lineOf(version: string): ReadonlySet<string> {
    if (this.#line.of !== version) {
      this.#line = { of: version, versions: new Set() };
      this.#extend(this.#line.versions, [version]);
    }
    return this.#line.versions;
  }

  /** Adds versions and everything that they descend from to a line, as far as it is known. */
  #extend(line: Set<string>, versions: readonly string[]): void {
    const waiting = [...versions];
    for (let version = waiting.pop(); version !== undefined; version = waiting.pop()) {
      const parents = this.#parents.get(version);
      if (!parents || line.has(version)) continue;
      line.add(version);
      waiting.push(...parents);
    }
  }

  #lookFor(version: string): void {
    while (!this.#parents.has(version) && this.#lookFurther());
  }

  /** Reads more of the versions. @returns false when there are no more, or too many. */
  #lookFurther(): boolean {
    if (this.#complete) return false;
    const limit = this.#looked === 0 ? FIRST_LOOK : this.#looked * WIDER;
    const relatives = this.#read(limit);
    for (const { version, parents, isBare } of relatives) {
      this.#parents.set(version, parents);
      if (isBare === true) this.#bare.add(version);
    }
    this.#looked = limit;
    this.#complete = relatives.length < limit || limit >= LAST_LOOK;
    this.#line = { of: '', versions: new Set() };
    return true;
  }
}

/** The newest versions of an entity, in no particular order. */
export function readRelatives(db: Db, entityId: string, limit: number): Relative[] {
  return db
    .all<{ version: string; parents: string; bare: number }>(
      `SELECT version, parents, bare FROM (
         SELECT v.version, v.parents, 0 AS bare, v.moment FROM entity e JOIN entity_version v ON v.entity_key = e.key
         WHERE e.id = ?1
         UNION ALL SELECT c.version, c.parents, 1, c.moment FROM entity e JOIN compacted_version c ON c.entity_key = e.key
         WHERE e.id = ?1 ORDER BY moment DESC LIMIT ?2)`,
      entityId,
      limit,
    )
    .map(({ version, parents, bare }) => ({
      version: unpackVersion(version),
      parents: unpackParents(parents),
      isBare: bare === 1,
    }));
}

/** The newest versions of an edge, in no particular order. */
export function readEdgeRelatives(db: Db, relationshipId: string, limit: number): Relative[] {
  return db
    .all<{ version: string; parents: string }>(
      `SELECT v.version, v.parents FROM relationship r
       JOIN relationship_version v ON v.relationship_key = r.key WHERE r.id = ? ORDER BY v.seq DESC LIMIT ?`,
      relationshipId,
      limit,
    )
    .map(({ version, parents }) => ({ version, parents: JSON.parse(parents) as string[] }));
}
