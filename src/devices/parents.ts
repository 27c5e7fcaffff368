import type { Graph, GraphWriter } from '../graph/graph.ts';
import type { Inventory } from './inventory.ts';
import type { ComponentDescription } from './types.ts';

import { HUB_AUTHOR } from '../graph/types.ts';

/**
 * Joins a device to the bridge by which it is reached, and a bridge that was found now to the devices that named it
 * before. Said once, as with rooms: where the device ever depended on something, people know better.
 */
export function joinParents(
  { device: { identifiers, viaDevice } }: ComponentDescription,
  about: { readonly entityId: string; readonly isNew: boolean; readonly inventory: Inventory },
  { graph, writer }: { readonly graph: Graph; readonly writer: GraphWriter },
): void {
  const { entityId, isNew, inventory } = about;
  const join = (child: string, parent: string): void => {
    if (child === parent || graph.hadRelationship(child, 'depends_on')) return;
    writer.putRelationship({
      fromEntityId: child,
      toEntityId: parent,
      relationshipType: 'depends_on',
      properties: {},
      author: HUB_AUTHOR,
    });
  };
  const parent = viaDevice == null ? undefined : inventory.byIdentifier.get(viaDevice);
  if (parent && writer.latest(parent.row.entityId)?.contentJson != null) join(entityId, parent.row.entityId);
  if (!isNew) return;
  const children = new Set<string>();
  for (const { description, device } of inventory.byComponentId.values()) {
    const via = description.device.viaDevice;
    if (via != null && identifiers.includes(via)) children.add(device.row.entityId);
  }
  for (const child of children) if (writer.latest(child)?.contentJson != null) join(child, entityId);
}
