import { setImmediate } from 'node:timers/promises';

import type { Clock } from '../base/clock.ts';

/** Longer than this nobody else should wait for the event loop because of a large batch. */
const SLICE_MS = 5;

/** Runs `step` over all items in order, and lets the event loop turn whenever a slice has taken its time. */
export async function inSlices<T>(
  items: readonly T[],
  clock: Clock,
  step: (item: T, index: number) => void,
): Promise<void> {
  let startedMs = clock.monotonicMs();
  for (const [index, item] of items.entries()) {
    step(item, index);
    if (clock.monotonicMs() - startedMs < SLICE_MS) continue;
    await setImmediate();
    startedMs = clock.monotonicMs();
  }
}
