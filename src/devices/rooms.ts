import type { Graph, GraphWriter } from '../graph/graph.ts';

import { parseContent } from '../graph/graph.ts';
import { HUB_AUTHOR } from '../graph/types.ts';

/** Discovery proposes a room once; where a person has ever placed the device, the proposal is moot. */
export function suggestRoom(
  entityId: string,
  area: string,
  { graph, writer }: { readonly graph: Graph; readonly writer: GraphWriter },
): void {
  if (graph.hadRelationship(entityId, 'located_in')) return;
  const room =
    findRoom(graph, area) ??
    writer.createEntity({
      entityType: 'room',
      content: { name: area },
      author: HUB_AUTHOR,
      sourceType: 'mqtt',
    }).id;
  writer.putRelationship({
    fromEntityId: entityId,
    toEntityId: room,
    relationshipType: 'located_in',
    properties: {},
    author: HUB_AUTHOR,
  });
}

function findRoom(graph: Graph, area: string): string | undefined {
  const wanted = area.trim().toLocaleLowerCase();
  let cursor: string | undefined;
  do {
    const page = graph.list({ entityType: 'room' }, 500, cursor);
    for (const room of page.items) {
      const { name } = parseContent(room);
      if (typeof name === 'string' && name.trim().toLocaleLowerCase() === wanted) return room.id;
    }
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined);
  return undefined;
}
