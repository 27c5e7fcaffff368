import type { EntityVersion } from './types.ts';

/** One version among its relatives. */
export interface LineageNode {
  readonly entity: EntityVersion;
  /** Versions that name this one as a parent. */
  readonly children: readonly string[];
  readonly isCurrent: boolean;
}

/** The DAG of an entity's versions, in the order in which the hub got them. */
export interface Lineage {
  readonly nodes: readonly LineageNode[];
  /** Versions without a parent among these. */
  readonly roots: readonly string[];
  /** Versions that nothing descends from: the current one, and what lost a conflict. */
  readonly heads: readonly string[];
  /** Parents that are named and not held here. */
  readonly missingParents: readonly string[];
}

/** @param current the version that is the state; undefined when only losers are held. */
export function toLineage(versions: readonly EntityVersion[], current: string | undefined): Lineage {
  const children = new Map<string, string[]>(versions.map(({ version }) => [version, []]));
  const missing = new Set<string>();
  for (const { version, parentVersions } of versions) {
    for (const parent of parentVersions) {
      const siblings = children.get(parent);
      if (siblings) siblings.push(version);
      else missing.add(parent);
    }
  }
  return {
    nodes: versions.map((entity) => ({
      entity,
      children: children.get(entity.version) ?? [],
      isCurrent: entity.version === current,
    })),
    roots: versions
      .filter(({ parentVersions }) => !parentVersions.some((parent) => children.has(parent)))
      .map(({ version }) => version),
    heads: versions
      .filter(({ version }) => children.get(version)?.length === 0)
      .map(({ version }) => version),
    missingParents: [...missing],
  };
}
