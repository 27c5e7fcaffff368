import type { Visible } from '../graph/graph.ts';
import type { RelationshipVersion } from '../graph/types.ts';
import type { EntityChange } from './types.ts';

import { HubError } from '../base/errors.ts';
import { HOME_IS_KEPT, ROOT_IS_KEPT } from '../graph/graph.ts';

/**
 * Whoever is limited to rooms changes what is in them. The answer is the same for what is elsewhere and for what there
 * never was, and nothing can be added: it would be nowhere, and so out of sight, until it is put into a room.
 * @throws HubError (FORBIDDEN), to be told of this change alone.
 */
export function refuseUnseenEntity(change: EntityChange, visible: Visible | undefined): void {
  if (!visible) return;
  if (!visible.ids.has(change.id)) {
    throw forbidden('your account is limited to some rooms: it changes what is in them, and adds nothing');
  }
  if (visible.homes.has(change.id)) throw forbidden(HOME_IS_KEPT);
  if (change.changeType === 'delete' && visible.roots.has(change.id)) throw forbidden(ROOT_IS_KEPT);
}

/** The same for an edge: both of its ends must be in sight. @throws HubError (FORBIDDEN). */
export function refuseUnseenEnds(
  edge: Pick<RelationshipVersion, 'fromEntityId' | 'toEntityId'>,
  visible: Visible | undefined,
): void {
  if (!visible) return;
  if (!seesEnds(edge, visible)) throw unseenEdge();
  const { roots, homes } = visible;
  const { fromEntityId, toEntityId } = edge;
  if (homes.has(fromEntityId) || (roots.has(fromEntityId) && roots.has(toEntityId))) {
    throw forbidden(HOME_IS_KEPT);
  }
}

export function seesEnds(
  edge: Pick<RelationshipVersion, 'fromEntityId' | 'toEntityId'>,
  { ids }: Visible,
): boolean {
  return ids.has(edge.fromEntityId) && ids.has(edge.toEntityId);
}

/** Why an edge is refused, whether it is elsewhere or nowhere. */
export function unseenEdge(): HubError {
  return forbidden('your account is limited to some rooms: it joins only what is in them');
}

function forbidden(message: string): HubError {
  return new HubError('invalid', message, { code: 'FORBIDDEN' });
}
