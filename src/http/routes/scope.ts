import type { Principal } from '../../access/types.ts';
import type { Visible } from '../../graph/graph.ts';
import type { HttpOptions } from '../types.ts';

import { HubError } from '../../base/errors.ts';
import { HOME_IS_KEPT, ROOT_IS_KEPT } from '../../graph/graph.ts';
import { noEntity } from './graph-reads.ts';

/** What somebody who is limited to rooms sees; undefined for whoever sees everything. */
export function visibleTo(
  graph: HttpOptions['graph'],
  { rooms }: Pick<Principal, 'rooms'>,
): Visible | undefined {
  return rooms && graph.visibility.of(rooms);
}

/** @throws HubError `not_found`, as for what was never there: that it exists is not told either. */
export function refuseUnseen(visible: Visible | undefined, id: string): void {
  if (visible && !visible.ids.has(id)) throw noEntity(id);
}

/**
 * What was once in a room may have been elsewhere before.
 * @throws HubError `forbidden` where somebody who is limited to rooms asks for lists of the past.
 */
export function refusePast(
  { rooms }: Pick<Principal, 'rooms'>,
  { at, from, to }: { at?: string | undefined; from?: string | undefined; to?: string | undefined },
): void {
  if (!rooms || [at, from, to].every((time) => time === undefined)) return;
  throw new HubError(
    'forbidden',
    'your account is limited to some rooms, as they are now: leave out the time',
  );
}

/** Whoever is limited to rooms must not take away what the rest of the home hangs on. @throws HubError `forbidden`. */
export function refuseRoot(visible: Visible | undefined, id: string): void {
  if (!visible?.roots.has(id)) return;
  throw new HubError('forbidden', ROOT_IS_KEPT);
}

/** Whoever is limited to rooms must not change what belongs to everybody. @throws HubError `forbidden`. */
export function refuseHome(visible: Visible | undefined, id: string): void {
  if (visible?.homes.has(id)) throw new HubError('forbidden', HOME_IS_KEPT);
}

/** The keys of what is seen of what is asked for. */
export function seenKeys(
  visible: Visible,
  asked: { readonly keys?: readonly number[]; readonly roomId?: string },
): readonly number[] {
  // What is seen may lie in an unseen room too, which is not to be told.
  if (asked.roomId !== undefined && !visible.ids.has(asked.roomId)) return [];
  if (!asked.keys) return visible.keys;
  const seen = new Set(visible.keys);
  return asked.keys.filter((key) => seen.has(key));
}
