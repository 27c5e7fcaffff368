import { setImmediate } from 'node:timers/promises';

import type { Clock } from '../base/clock.ts';

/** Longer than this nobody else should wait for the event loop because of a large batch. */
const SLICE_MS = 5;

/**
 * Runs `step` over all items in order, and lets the event loop turn whenever a slice has taken its time.
 * @param asOne runs the steps of one slice, for what they share
 */
export async function inSlices<T>(
  items: readonly T[],
  clock: Clock,
  step: (item: T, index: number) => void,
  asOne: (slice: () => void) => void = (slice) => slice(),
): Promise<void> {
  let next = 0;
  const slice = (): void => {
    const startedMs = clock.monotonicMs();
    do {
      step(items[next] as T, next);
      next += 1;
    } while (next < items.length && clock.monotonicMs() - startedMs < SLICE_MS);
  };
  while (next < items.length) {
    asOne(slice);
    if (next < items.length) await setImmediate();
  }
}
