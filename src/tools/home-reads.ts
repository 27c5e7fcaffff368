import { setImmediate } from 'node:timers/promises';

import type { Graph, SearchHit, SimilarEntity } from '../graph/graph.ts';
import type { Direction, EntityVersion, RelationshipVersion } from '../graph/types.ts';

import { HubError } from '../base/errors.ts';
import {
  entityJsonV2,
  nameInContent,
  parseContent,
  relationshipJsonV2,
  toStoredEntityTypes,
  toV2EntityType,
} from '../graph/graph.ts';
import { JsonText } from './json-text.ts';
import { SLICE, slicesOf } from './slices.ts';

export type { SearchHit, SimilarEntity };

/** An entity that is joined to another, and by what. */
export interface Connected {
  readonly entity: EntityVersion;
  readonly relationship: RelationshipVersion;
  /** As seen from where the walk began. */
  readonly direction: 'outgoing' | 'incoming';
  /** In relationships; 1 is next to it. */
  readonly distance: number;
}

export interface Statistics {
  readonly totalEntities: number;
  readonly totalRelationships: number;
  /** In the words of v2. */
  readonly entityTypes: Readonly<Record<string, number>>;
  readonly relationshipTypes: Readonly<Record<string, number>>;
  /** Ends of relationships for each entity. */
  readonly averageDegree: number;
  readonly isolatedEntities: number;
}

/** How many entities a walk brings at most. */
const MAX_CONNECTED = 1000;
/** A thousand versions of a large content would not fit into a small machine. */
const MAX_VERSION_UNITS = 8 * 1024 * 1024;
const VERSIONS_AT_ONCE = 20;

/**
 * The home as the clients of Inbetweenies v2 look at it, for tools and for their REST API alike: what is asked is what
 * holds now, and types have the words that they know.
 */
export class HomeReads {
  readonly graph: Graph;

  constructor(graph: Graph) {
    this.graph = graph;
  }

  /** An entity that is not deleted. @throws HubError `not_found`; `what` is its kind in the message. */
  entity(id: string, what = 'Entity'): EntityVersion {
    const entity = this.graph.entity(id);
    if (!entity) throw notFound(what, id);
    return entity;
  }

  /** The entity as a tombstone goes out: with its last content. */
  toJson(entity: EntityVersion): JsonText {
    const last = entity.contentJson === null ? this.graph.overview.lastContentJson(entity.id) : null;
    return new JsonText(entityJsonV2(entity, last));
  }

  edgeToJson(edge: RelationshipVersion): JsonText {
    return this.edgePrinter()(edge);
  }

  /** `edgeToJson` for many edges of one answer, which have many ends in common. */
  edgePrinter(): (edge: RelationshipVersion) => JsonText {
    const versions = new Map<string, string>();
    const versionOf = (id: string): string => {
      const version = versions.get(id) ?? this.graph.overview.brief(id)?.version ?? '';
      versions.set(id, version);
      return version;
    };
    return (edge) =>
      new JsonText(
        relationshipJsonV2(edge, { from: versionOf(edge.fromEntityId), to: versionOf(edge.toEntityId) }),
      );
  }

  /**
   * Open edges at an entity, of these types where any are given, those from it first. Read a slice at a time: a room may
   * have thousands.
   */
  async edges(id: string, direction: Direction, types?: readonly string[]): Promise<RelationshipVersion[]> {
    const found: RelationshipVersion[] = [];
    const { overview } = this.graph;
    for await (const keys of slicesOf(overview.openEdgeKeys(id, direction, types))) {
      found.push(...overview.openEdges(keys));
    }
    return found;
  }

  /** Entities at the other ends of edges, each once, of one type (in the words of v2) where that is given. */
  async neighbours(
    edges: readonly RelationshipVersion[],
    id: string,
    type?: string,
  ): Promise<EntityVersion[]> {
    const found: EntityVersion[] = [];
    const others = new Set(edges.map((edge) => otherEnd(edge, id)));
    for await (const ids of slicesOf([...others])) found.push(...this.graph.overview.entities(ids));
    return found.filter(({ entityType }) => type === undefined || toV2EntityType(entityType) === type);
  }

  /**
   * What an entity is joined to within some steps, nearest first, and whether there is more than is told.
   * @throws HubError `not_found`.
   */
  async connected(
    id: string,
    options: { direction: Direction; maxDepth: number; relationshipType?: string | undefined },
  ): Promise<{ items: Connected[]; truncated: boolean }> {
    this.entity(id);
    const { direction, maxDepth, relationshipType } = options;
    const around = await this.graph.paths.subgraph(id, maxDepth, MAX_CONNECTED, {
      direction,
      ...(relationshipType === undefined ? {} : { relationshipTypes: [relationshipType] }),
    });
    const distances = new Map(around.entities.map(({ entity, distance }) => [entity.id, distance]));
    const reachedBy = new Map<string, Pick<Connected, 'relationship' | 'direction'>>();
    for (const edge of around.relationships) {
      const from = distances.get(edge.fromEntityId);
      const to = distances.get(edge.toEntityId);
      if (from === undefined || to === undefined) continue;
      // An edge along which the walk went one step further; one that joins equals was not needed.
      if (to === from + 1 && direction !== 'to' && !reachedBy.has(edge.toEntityId)) {
        reachedBy.set(edge.toEntityId, { relationship: edge, direction: 'outgoing' });
      } else if (from === to + 1 && direction !== 'from' && !reachedBy.has(edge.fromEntityId)) {
        reachedBy.set(edge.fromEntityId, { relationship: edge, direction: 'incoming' });
      }
    }
    const items = around.entities.flatMap(({ entity, distance }) => {
      const by = reachedBy.get(entity.id);
      return by ? [{ entity, distance, ...by }] : [];
    });
    return { items, truncated: around.truncated };
  }

  /** The entities along a shortest path, or undefined when there is none, or no such ends. */
  async path(fromId: string, toId: string, maxDepth: number): Promise<readonly EntityVersion[] | undefined> {
    if (!this.graph.entity(fromId) || !this.graph.entity(toId)) return undefined;
    return (await this.graph.paths.path(fromId, toId, maxDepth))?.entities;
  }

  /** What holds the words, in names and contents, best first; no types are all types. */
  async search(
    query: string,
    types: readonly string[] | undefined,
    limit: number,
  ): Promise<readonly SearchHit[]> {
    const entityTypes = types && types.length > 0 ? types.flatMap(toStoredEntityTypes) : undefined;
    const page = await this.graph.search.search({ q: query, limit, entityTypes });
    return page.items;
  }

  /** Entities of the same type, the most alike first. @throws HubError `not_found`. */
  async similar(id: string, threshold: number, limit: number): Promise<readonly SimilarEntity[]> {
    const types = toStoredEntityTypes(toV2EntityType(this.entity(id).entityType));
    const found = await this.graph.overview.similar(id, { types, threshold, limit });
    if (!found) throw notFound('Entity', id);
    return found;
  }

  /** A page of the entities of one type (in the words of v2), or of all. */
  list(
    type: string | undefined,
    limit: number,
    offset: number,
  ): { entities: EntityVersion[]; total: number } {
    const stored = type === undefined ? undefined : toStoredEntityTypes(type);
    const { entities: counts } = this.graph.overview.counts();
    const counted = stored ? stored.map((name) => counts.get(name) ?? 0) : [...counts.values()];
    return { entities: this.graph.overview.page(stored, limit, offset), total: sum(counted) };
  }

  /**
   * Open edges with these ends and of this type, each as `print` makes it, at most `limit`. Page by page, since there may
   * be very many.
   */
  async relationships<T>(
    filter: { fromId?: string | undefined; toId?: string | undefined; type?: string | undefined },
    limit: number,
    print: (edge: RelationshipVersion) => T,
  ): Promise<T[]> {
    const { fromId, toId, type } = filter;
    const found: T[] = [];
    const end = fromId ?? toId;
    if (end !== undefined) {
      const { overview } = this.graph;
      const keys = overview.openEdgeKeys(
        end,
        fromId === undefined ? 'to' : 'from',
        type === undefined ? undefined : [type],
      );
      for await (const slice of slicesOf(keys)) {
        for (const edge of overview.openEdges(slice)) {
          if (found.length === limit) return found;
          if (toId === undefined || edge.toEntityId === toId) found.push(print(edge));
        }
      }
      return found;
    }
    let cursor: string | undefined;
    for (;;) {
      const page = this.graph.relationships(
        type === undefined ? {} : { relationshipType: type },
        Math.min(SLICE, limit - found.length),
        cursor,
      );
      for (const edge of page.items) found.push(print(edge));
      cursor = page.nextCursor ?? undefined;
      if (cursor === undefined || found.length >= limit) return found;
      await setImmediate();
    }
  }

  /**
   * Versions of an entity, the losers of conflicts included, each as `print` makes it: a page of them from either end, cut
   * short after about MAX_VERSION_UNITS of contents; and how many there are in all. @throws HubError `not_found`.
   */
  async versions<T>(
    id: string,
    page: { newestFirst: boolean; limit: number; offset: number },
    print: (version: EntityVersion) => T,
  ): Promise<{ versions: T[]; total: number }> {
    const { overview } = this.graph;
    const total = overview.versionCount(id);
    if (total === 0) throw notFound('Entity', id);
    const versions: T[] = [];
    let units = 0;
    for await (const seqs of slicesOf(overview.versionSeqs(id, page), VERSIONS_AT_ONCE)) {
      for (const version of overview.versions(seqs)) {
        versions.push(print(version));
        units += version.contentJson?.length ?? 0;
      }
      if (units >= MAX_VERSION_UNITS) break;
    }
    return { versions, total };
  }

  statistics(): Statistics {
    const { entities, relationships, isolated } = this.graph.overview.counts();
    const totalEntities = sum([...entities.values()]);
    const totalRelationships = sum([...relationships.values()]);
    // Types may be any word that a client made up: `constructor` is one that every plain object knows already.
    const entityTypes = new Map<string, number>();
    for (const [stored, count] of entities) {
      const type = toV2EntityType(stored);
      entityTypes.set(type, (entityTypes.get(type) ?? 0) + count);
    }
    return {
      totalEntities,
      totalRelationships,
      entityTypes: Object.fromEntries(entityTypes),
      relationshipTypes: Object.fromEntries(relationships),
      averageDegree: totalEntities === 0 ? 0 : (2 * totalRelationships) / totalEntities,
      isolatedEntities: isolated,
    };
  }
}

export function nameOf(entity: EntityVersion): string {
  return nameInContent(entity.contentJson);
}

/** A member of the content, if it is a list. */
export function listIn(entity: EntityVersion, key: string): readonly unknown[] {
  const value = parseContent(entity)[key];
  return Array.isArray(value) ? value : [];
}

/** The content as a JSON text. */
export function contentOf(entity: EntityVersion): JsonText {
  return new JsonText(entity.contentJson ?? '{}');
}

export function otherEnd(edge: RelationshipVersion, id: string): string {
  return edge.fromEntityId === id ? edge.toEntityId : edge.fromEntityId;
}

export function notFound(what: string, id: string): HubError {
  return new HubError('not_found', `${what} ${id.slice(0, 128)} not found`);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
