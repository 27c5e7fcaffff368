import type { Activity } from '../activity/activity.ts';
import type { HubConfig } from '../config/config.ts';
import type { Graph } from '../graph/graph.ts';
import type { EnergyDevice, EnergyHome } from '../insights/insights.ts';
import type { Readings } from '../readings/readings.ts';
import type { Shared } from './optional-parts.ts';

import { HomeZone } from '../base/home-zone.ts';
import { nameInContent, parseContent } from '../graph/graph.ts';
import { Insights } from '../insights/insights.ts';
import { habitOptions } from './habits-part.ts';

/** Joins what draws conclusions from the history of the home. */
export function startInsightsPart(
  config: HubConfig,
  shared: Pick<Shared, 'store' | 'devices' | 'clock' | 'log' | 'opening'> & {
    readonly graph: Graph;
    readonly readings: Readings;
    readonly activity: Activity;
  },
): Insights {
  const { store, devices, graph, readings, activity, clock, log, opening } = shared;
  const insights = new Insights({
    store,
    history: readings,
    home: energyHome(graph, devices),
    zone: new HomeZone(config.home.timezone),
    clock,
    ...habitOptions(config, graph, devices, activity, log),
  });
  // It may be in the middle of a search.
  opening.add('suggestions', insights.suggestions);
  return insights;
}

/** The devices as they stand in the graph: where they are, and what people say about their energy. */
function energyHome(graph: Graph, devices: Pick<Shared['devices'], 'list'>): EnergyHome {
  return {
    devices: () =>
      devices.list().map(({ entityId, name, capabilities }): EnergyDevice => ({
        entityId,
        name,
        capabilities,
        roomId: roomOf(graph, entityId),
        settings: settingsOf(graph, entityId),
      })),
    roomName: (roomId) => {
      const room = graph.entity(roomId);
      return room ? nameInContent(room.contentJson) || roomId : null;
    },
  };
}

/** The first room that it is located in. */
function roomOf(graph: Graph, entityId: string): string | null {
  const edges = graph.relationshipsOf(entityId, 'from');
  return edges.find(({ relationshipType }) => relationshipType === 'located_in')?.toEntityId ?? null;
}

function settingsOf(graph: Graph, entityId: string): EnergyDevice['settings'] {
  const entity = graph.entity(entityId);
  return entity ? parseContent(entity) : {};
}
