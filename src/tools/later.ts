import * as z from 'zod';

import type { Difference, Graph } from '../graph/graph.ts';
import type { EntityVersion, Moment, RelationshipVersion } from '../graph/types.ts';
import type { HomeReads } from './home-reads.ts';
import type { JsonParts } from './json-text.ts';
import type { Tool } from './types.ts';

import { HubError } from '../base/errors.ts';
import { toV2EntityType, toV2Time, wholeTime } from '../graph/graph.ts';
import { nameOf } from './home-reads.ts';
import { JsonText } from './json-text.ts';
import { mapInSlices } from './slices.ts';
import { tool } from './tool.ts';
import { countArgument, entityTypeWord, idArgument, relationshipTypeWord } from './vocabulary.ts';

const MAX_VERSIONS = 1000;
const MAX_EDGES = 5000;
const MAX_DIFFERENCES = 5000;
const MAX_PAGE = 500;

const DIRECTIONS = { outgoing: 'from', incoming: 'to', both: 'both' } as const;

const timeArgument = z.string().max(64).describe('A time such as 2026-03-01T12:00:00Z');

/** The tools that v3-era clients know besides the first twelve. */
export const LATER_TOOLS: readonly Tool[] = [
  tool({
    name: 'get_statistics',
    description: 'Counts entities and relationships by type',
    args: {},
    run: ({ reads }) => statisticsJson(reads),
  }),
  tool({
    name: 'list_entities',
    description: 'Lists entities, of one type or of all',
    args: {
      entity_type: entityTypeWord.optional(),
      limit: countArgument(1, MAX_PAGE, 100),
      offset: countArgument(0, Number.MAX_SAFE_INTEGER, 0),
    },
    run: ({ reads }, { entity_type: type, limit, offset }) => {
      const { entities, total } = reads.list(type, limit, offset);
      return { entities: entities.map((entity) => reads.toJson(entity)), count: entities.length, total };
    },
  }),
  tool({
    name: 'get_entity_versions',
    description: 'Lists the versions of an entity, newest first',
    args: { entity_id: idArgument },
    run: async ({ reads }, { entity_id: id }) => {
      const page = { newestFirst: true, limit: MAX_VERSIONS, offset: 0 };
      const { versions, total } = await reads.versions(id, page, (version) => ({
        version: version.version,
        name: nameOf(version),
        parent_versions: version.parentVersions,
        user_id: version.userId,
        deleted: version.contentJson === null,
      }));
      return {
        entity_id: id,
        version_count: total,
        versions,
        truncated: versions.length < total ? true : undefined,
      };
    },
  }),
  tool({
    name: 'get_connected',
    description: 'Lists what an entity is joined to directly, and how',
    args: {
      entity_id: idArgument,
      relationship_type: relationshipTypeWord.optional(),
      direction: z.enum(['outgoing', 'incoming', 'both']).default('both'),
    },
    run: async ({ reads }, { entity_id: id, relationship_type: type, direction }) => {
      const { items, truncated } = await reads.connected(id, {
        direction: DIRECTIONS[direction],
        maxDepth: 1,
        relationshipType: type,
      });
      return {
        entity_id: id,
        connected: items.map((neighbour) => ({
          entity: reads.toJson(neighbour.entity),
          relationship_type: neighbour.relationship.relationshipType,
          relationship_id: neighbour.relationship.id,
          direction: neighbour.direction,
        })),
        count: items.length,
        truncated: truncated ? true : undefined,
      };
    },
  }),
  tool({
    name: 'list_relationships',
    description: 'Lists relationships, as they hold now, or with their history, or as they held at a time',
    args: {
      from_entity_id: idArgument.optional(),
      to_entity_id: idArgument.optional(),
      relationship_type: relationshipTypeWord.optional(),
      include_history: z
        .boolean()
        .default(false)
        .describe('Tells of ended ones too; wants one of the two ends'),
      at: timeArgument.optional(),
    },
    run: async ({ reads }, args) => {
      const filter = {
        fromId: args.from_entity_id,
        toId: args.to_entity_id,
        type: args.relationship_type,
      };
      const found = args.include_history
        ? await historyOf(reads, filter)
        : args.at !== undefined
          ? await heldAt(reads, filter, args.at)
          : await heldNow(reads, filter);
      // A history is told as a whole or not at all.
      const relationships = args.include_history ? found : found.slice(0, MAX_EDGES);
      return {
        relationships,
        count: relationships.length,
        truncated: relationships.length < found.length ? true : undefined,
      };
    },
  }),
  tool({
    name: 'end_relationship',
    description: 'Ends a relationship now; that it held stays known',
    mutates: true,
    args: {
      relationship_id: idArgument,
      reason: z.string().max(4000).optional().describe('Is kept as `ended_reason` among its properties'),
    },
    run: async ({ edits, author }, { relationship_id: id, reason }) => {
      const { relationship, alreadyEnded } = await edits.endRelationship(id, reason, author);
      return {
        relationship_id: id,
        ended_at: toV2Time(relationship.validToMicros ?? 0),
        already_ended: alreadyEnded ? true : undefined,
      };
    },
  }),
  tool({
    name: 'tombstone_entity',
    description: 'Retracts an entity and ends its relationships; its history stays readable',
    mutates: true,
    args: {
      entity_id: idArgument,
      reason: z.string().min(1).max(4000),
      is_error: z.boolean().default(false).describe('Whether it was never true, rather than being over'),
    },
    run: async ({ reads, edits, author }, { entity_id: id, reason, is_error: isError }) => {
      const done = await edits.retract(id, { text: reason, isError }, author);
      if (!done) {
        const version = reads.graph.overview.brief(id)?.version ?? '';
        return { entity_id: id, already_tombstoned: true, version };
      }
      return {
        entity_id: id,
        tombstone_version: done.tombstone.version,
        reason,
        marked_as_error: isError,
        previous_version: done.previousVersion,
        ended_relationships: done.endedRelationships,
      };
    },
  }),
  tool({
    name: 'get_graph_diff',
    description: 'Tells what changed between two times',
    args: { since: timeArgument, until: timeArgument.optional() },
    run: async ({ reads }, { since, until }) => {
      const { history } = reads.graph;
      const from = history.moment(wholeTime(since), 'since');
      const to = until === undefined ? history.present() : history.moment(wholeTime(until), 'until');
      if (from.micros > to.micros) {
        throw new HubError('invalid', 'since must not be later than until', { field: 'since' });
      }
      const { entities, relationships, truncated } = await differences(history, from, to);
      const print = edgePrinter(reads);
      const edges = async (
        keep: (pair: Difference<RelationshipVersion>) => RelationshipVersion | undefined,
      ): Promise<JsonText[]> =>
        await mapInSlices(
          relationships.map(keep).filter((edge) => edge !== undefined),
          print,
        );
      return {
        since,
        until: until ?? null,
        entities_created: entities.created,
        entities_changed: entities.changed,
        entities_deleted: entities.deleted,
        edges_started: await edges(({ before, after }) => (before ? undefined : after)),
        edges_changed: await edges(({ before, after }) => (before ? after : undefined)),
        edges_ended: await edges(({ before, after }) => (after ? undefined : before)),
        truncated,
      };
    },
  }),
];

/** The numbers of the graph, as tools and the REST API tell them. */
export function statisticsJson(reads: HomeReads): JsonParts {
  const statistics = reads.statistics();
  return {
    total_entities: statistics.totalEntities,
    total_relationships: statistics.totalRelationships,
    entity_types: statistics.entityTypes,
    relationship_types: statistics.relationshipTypes,
    average_degree: statistics.averageDegree,
    isolated_entities: statistics.isolatedEntities,
  };
}

interface EdgeFilter {
  readonly fromId: string | undefined;
  readonly toId: string | undefined;
  readonly type: string | undefined;
}

type EdgePrinter = (
  edge: RelationshipVersion,
  stretch?: { readonly fromMicros: number; readonly toMicros: number | null },
) => JsonText;

/** Prints edges with the time over which they hold. */
function edgePrinter(reads: HomeReads): EdgePrinter {
  const print = reads.edgePrinter();
  return (edge, stretch = { fromMicros: edge.validFromMicros, toMicros: edge.validToMicros }) => {
    const times = JSON.stringify({
      valid_from: toV2Time(stretch.fromMicros),
      valid_to: stretch.toMicros === null ? null : toV2Time(stretch.toMicros),
    });
    return new JsonText(`${print(edge).text.slice(0, -1)},${times.slice(1)}`);
  };
}

/** One more than are told, as the others do, so that it shows when there are more. */
async function heldNow(reads: HomeReads, filter: EdgeFilter): Promise<JsonText[]> {
  const print = edgePrinter(reads);
  return await reads.relationships(filter, MAX_EDGES + 1, (edge) => print(edge));
}

async function historyOf(reads: HomeReads, { fromId, toId, type }: EdgeFilter): Promise<JsonText[]> {
  const id = fromId ?? toId;
  if (id === undefined) {
    throw new HubError('invalid', 'include_history needs from_entity_id or to_entity_id', {
      field: 'include_history',
    });
  }
  const told = reads.graph.history
    .intervals(id, { direction: fromId === undefined ? 'to' : 'from', relationshipType: type })
    .filter(({ relationship }) => toId === undefined || relationship.toEntityId === toId);
  const print = edgePrinter(reads);
  return await mapInSlices(told, ({ relationship, ...stretch }) => print(relationship, stretch));
}

async function heldAt(reads: HomeReads, { fromId, toId, type }: EdgeFilter, at: string): Promise<JsonText[]> {
  const { graph } = reads;
  const moment = graph.history.moment(wholeTime(at));
  const keyOf = (id: string): number => graph.keyOf(id) ?? 0;
  const filter = {
    ...(fromId !== undefined
      ? { entityKey: keyOf(fromId), direction: 'from' as const }
      : toId !== undefined
        ? { entityKey: keyOf(toId), direction: 'to' as const }
        : {}),
    ...(fromId !== undefined && toId !== undefined ? { otherKey: keyOf(toId) } : {}),
    ...(type === undefined ? {} : { relationshipType: type }),
  };
  const page = await graph.history.relationships(filter, MAX_EDGES + 1, undefined, moment);
  const print = edgePrinter(reads);
  return await mapInSlices(page.items, (edge) => print(edge));
}

/** What changed; of entities no more is kept than is told, since a diff may be of all of them. */
async function differences(
  history: Graph['history'],
  from: Moment,
  to: Moment,
): Promise<{
  entities: { created: JsonParts[]; changed: JsonParts[]; deleted: JsonParts[] };
  relationships: Difference<RelationshipVersion>[];
  truncated: boolean;
}> {
  const entities = { created: [] as JsonParts[], changed: [] as JsonParts[], deleted: [] as JsonParts[] };
  const relationships: Difference<RelationshipVersion>[] = [];
  let found = 0;
  let cursor: string | undefined;
  do {
    const page = await history.diff(from, to, MAX_PAGE, cursor);
    for (const { before, after } of page.entities) {
      if (after) (before ? entities.changed : entities.created).push(brief(after));
      else if (before) entities.deleted.push(brief(before));
    }
    relationships.push(...page.relationships);
    found += page.entities.length + page.relationships.length;
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined && found < MAX_DIFFERENCES);
  return { entities, relationships, truncated: cursor !== undefined };
}

function brief(entity: EntityVersion): JsonParts {
  const { id, version, entityType } = entity;
  return { id, version, entity_type: toV2EntityType(entityType), name: nameOf(entity) };
}
