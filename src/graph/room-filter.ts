import type { Db } from '../base/db.ts';
import type { EntityFilter } from './types.ts';

import { readRelationships } from './edge-reader.ts';
import { readEntityKey } from './entity-reader.ts';

/** The filter with the things in its room named by their internal keys. */
export function withRoom(db: Db, filter: EntityFilter): EntityFilter {
  const { roomId, ...rest } = filter;
  if (roomId === undefined) return filter;
  const entityKey = readEntityKey(db, roomId);
  if (entityKey === undefined) return { ...rest, keys: [] };
  const edges = readRelationships(
    db,
    { entityKey, direction: 'to', relationshipType: 'located_in' },
    0,
    Number.MAX_SAFE_INTEGER,
  );
  const inRoom = new Set(edges.map(({ relationship }) => readEntityKey(db, relationship.fromEntityId) ?? 0));
  return { ...rest, keys: rest.keys?.filter((key) => inRoom.has(key)) ?? [...inRoom] };
}
