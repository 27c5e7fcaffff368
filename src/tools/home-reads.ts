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
/** Rows that are read in one turn of the event loop: some milliseconds' work. */
const PAGE = 100;

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

  /** Open edges at an entity, of one type where that is given. */
  edges(id: string, direction: Direction, type?: string): RelationshipVersion[] {
    return this.graph
      .relationshipsOf(id, direction)
      .filter(({ relationshipType }) => type === undefined || relationshipType === type);
  }

  /** Entities at the other ends of edges, each once, of one type (in the words of v2) where that is given. */
  neighbours(edges: readonly RelationshipVersion[], id: string, type?: string): EntityVersion[] {
    const ids = new Set(edges.map((edge) => otherEnd(edge, id)));
    return [...ids]
      .map((other) => this.graph.entity(other))
      .filter((entity) => entity !== undefined)
      .filter((entity) => type === undefined || toV2EntityType(entity.entityType) === type);
  }

  /** What an entity is joined to within some steps, nearest first. @throws HubError `not_found`. */
  async connected(
    id: string,
    options: { direction: Direction; maxDepth: number; relationshipType?: string | undefined },
  ): Promise<Connected[]> {
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
    return around.entities.flatMap(({ entity, distance }) => {
      const by = reachedBy.get(entity.id);
      return by ? [{ entity, distance, ...by }] : [];
    });
  }

  /** The entities along a shortest path, or undefined when there is none, or no such ends. */
  async path(fromId: string, toId: string, maxDepth: number): Promise<readonly EntityVersion[] | undefined> {
    if (!this.graph.entity(fromId) || !this.graph.entity(toId)) return undefined;
    return (await this.graph.paths.path(fromId, toId, maxDepth))?.entities;
  }

  /** What holds the words, in names and contents, best first. */
  async search(
    query: string,
    types: readonly string[] | undefined,
    limit: number,
  ): Promise<readonly SearchHit[]> {
    const entityTypes = types?.flatMap(toStoredEntityTypes);
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
   * Open edges with these ends and of this type, each as `print` makes it, in the order in which the hub met them; at most
   * `limit`. Page by page, since there may be very many.
   */
  async relationships<T>(
    filter: { fromId?: string | undefined; toId?: string | undefined; type?: string | undefined },
    limit: number,
    print: (edge: RelationshipVersion) => T,
  ): Promise<T[]> {
    const { fromId, toId, type } = filter;
    if (fromId !== undefined || toId !== undefined) {
      const edges =
        fromId === undefined ? this.edges(toId ?? '', 'to', type) : this.edges(fromId, 'from', type);
      const between = edges.filter((edge) => toId === undefined || edge.toEntityId === toId);
      return between.slice(0, limit).map(print);
    }
    const found: T[] = [];
    let cursor: string | undefined;
    for (;;) {
      const page = this.graph.relationships(
        type === undefined ? {} : { relationshipType: type },
        Math.min(PAGE, limit - found.length),
        cursor,
      );
      for (const edge of page.items) found.push(print(edge));
      cursor = page.nextCursor ?? undefined;
      if (cursor === undefined || found.length >= limit) return found;
      await setImmediate();
    }
  }

  /**
   * Versions of an entity, oldest first, the losers of conflicts included: at most `limit`, and about MAX_VERSION_UNITS of
   * contents. @throws HubError `not_found`.
   */
  versions(id: string, limit: number): EntityVersion[] {
    const found: EntityVersion[] = [];
    for (let units = 0; units < MAX_VERSION_UNITS && found.length < limit;) {
      const left = Math.min(VERSIONS_AT_ONCE, limit - found.length);
      const page = this.graph.versions(id, found.at(-1)?.seq ?? 0, left);
      if (page.length === 0) break;
      found.push(...page);
      for (const { contentJson } of page) units += contentJson?.length ?? 0;
    }
    if (found.length === 0) throw notFound('Entity', id);
    return found;
  }

  statistics(): Statistics {
    const { entities, relationships, isolated } = this.graph.overview.counts();
    const totalEntities = sum([...entities.values()]);
    const totalRelationships = sum([...relationships.values()]);
    const entityTypes: Record<string, number> = {};
    for (const [stored, count] of entities) {
      const type = toV2EntityType(stored);
      entityTypes[type] = (entityTypes[type] ?? 0) + count;
    }
    return {
      totalEntities,
      totalRelationships,
      entityTypes,
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
