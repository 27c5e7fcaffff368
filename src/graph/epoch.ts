import type { Store } from '../base/store.ts';

import { newId } from '../base/ids.ts';
import { keepValue, replaceKeptValue } from '../base/kept-values.ts';

const EPOCH = 'graph_epoch';

/** Which life of the graph this is, as it stands in every cursor: twelve digits of lower-case hex. */
export function keepEpoch(store: Store): string {
  return keepValue(store, EPOCH, makeEpoch);
}

/** Begins another life, as a restore does: no cursor from before is good any more. Not while a Graph is open. */
export function renewEpoch(store: Store): string {
  const epoch = makeEpoch();
  replaceKeptValue(store, EPOCH, epoch);
  return epoch;
}

function makeEpoch(): string {
  return newId().replaceAll('-', '').slice(-12);
}
