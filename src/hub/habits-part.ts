import type { Activity } from '../activity/activity.ts';
import type { Logger } from '../base/log.ts';
import type { HubConfig } from '../config/config.ts';
import type { Graph } from '../graph/graph.ts';
import type { HabitHome, HabitsOptions, Suggestions } from '../insights/insights.ts';
import type { JobDefinition } from '../jobs/types.ts';
import type { Shared } from './optional-parts.ts';

import { HomeZone } from '../base/home-zone.ts';
import { Sun } from '../base/sun.ts';
import { commandKinds } from '../devices/devices.ts';
import { nameInContent, parseContent } from '../graph/graph.ts';

const PAGE = 500;

/** What the part of the insights that looks at what happens is made of. */
export function habitOptions(
  { home: { timezone, latitude, longitude } }: Pick<HubConfig, 'home'>,
  graph: Graph,
  devices: Pick<Shared['devices'], 'list'>,
  activity: Activity,
  log: Logger,
): HabitsOptions {
  const zone = new HomeZone(timezone);
  return {
    activity,
    log: log.child({ part: 'insights' }),
    habits: habitHome(graph, devices),
    usage: {
      entityCounts: () => graph.overview.counts().entities,
      nameOf: (entityId) => nameInContent(graph.entity(entityId)?.contentJson ?? null) || null,
    },
    sun: latitude === null || longitude === null ? null : new Sun(latitude, longitude, zone),
  };
}

/** Looks for habits at night, so that nobody waits for it in the morning. */
export function suggestionsJob(suggestions: Suggestions): JobDefinition {
  return {
    name: 'suggestions',
    title: 'Looks for what people do day after day, to suggest automations',
    schedule: '40 4 * * *',
    run: async ({ signal }) => {
      await suggestions.refresh(signal);
      const { items, observed } = suggestions.list('proposed');
      const undone = suggestions.list('accepted').items.filter(({ isOftenUndone }) => isOftenUndone).length;
      const told = undone === 0 ? '' : ` People often undo what ${undone} of the accepted ones do.`;
      return {
        summary: `${items.length} automations are suggested, from ${observed.days} days.${told}`,
        suggested: items.length,
        often_undone: undone,
        days: observed.days,
      };
    },
  };
}

function habitHome(graph: Graph, devices: Pick<Shared['devices'], 'list'>): HabitHome {
  return {
    devices: () =>
      devices.list().map((view) => ({
        entityId: view.entityId,
        name: view.name,
        roomId:
          graph
            .relationshipsOf(view.entityId, 'from')
            .find(({ relationshipType }) => relationshipType === 'located_in')?.toEntityId ?? null,
        knownSinceMs: graph.entity(view.entityId)?.createdAtMs ?? null,
        capabilities: view.capabilities.map((capability) => ({
          ...capability,
          commandKinds: capability.writable ? commandKinds(view, [{ capability: capability.name }]) : [],
        })),
      })),
    automations: () =>
      ['automation', 'schedule'].flatMap((entityType) =>
        allOf(graph, entityType).map((entity) => ({ id: entity.id, content: { ...parseContent(entity) } })),
      ),
    hasAutomation: (id) => graph.entity(id)?.entityType === 'automation',
    createAutomation: async (content, userId) => {
      const author = { userId, deviceId: 'http' };
      const id = graph.transaction(
        (writer) =>
          writer.createEntity({ entityType: 'automation', content, author, sourceType: 'generated' }).id,
      );
      await graph.settled();
      return id;
    },
  };
}

function allOf(graph: Graph, entityType: string): ReturnType<Graph['list']>['items'] {
  const found: ReturnType<Graph['list']>['items'][number][] = [];
  for (let cursor: string | undefined, isMore = true; isMore;) {
    const page = graph.list({ entityType }, PAGE, cursor);
    found.push(...page.items);
    cursor = page.nextCursor ?? undefined;
    isMore = cursor !== undefined;
  }
  return found;
}
