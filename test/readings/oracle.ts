import type { Aggregate, Reading } from '../../src/readings/types.ts';

const SECOND = 1000;

/**
 * What a bucket holds by looking at every second of it. Readings must be at whole seconds. Sums of what does not rise
 * are not its business.
 */
export function slowBucket(
  readings: readonly Reading[],
  startMs: number,
  bucketMs: number,
  holdMs: number,
): Omit<Aggregate, 'rise'> | undefined {
  const known: number[] = [];
  const seen: { timeMs: number; value: number }[] = [];
  let samples = 0;
  for (const { timeMs, value } of readings) {
    if (value === null || timeMs < startMs || timeMs >= startMs + bucketMs) continue;
    samples += 1;
    seen.push({ timeMs, value });
  }
  let index = -1;
  for (let atMs = startMs; atMs < startMs + bucketMs; atMs += SECOND) {
    while ((readings[index + 1]?.timeMs ?? Infinity) <= atMs) index += 1;
    const last = readings[index];
    if (!last || last.value === null || atMs - last.timeMs >= holdMs) continue;
    known.push(last.value);
    seen.push({ timeMs: atMs, value: last.value });
  }
  if (seen.length === 0) return undefined;
  const inOrder = seen.toSorted((a, b) => a.timeMs - b.timeMs);
  const all = seen.map(({ value }) => value);
  return {
    startMs,
    mean: known.reduce((sum, value) => sum + value, 0) / known.length,
    min: Math.min(...all),
    max: Math.max(...all),
    first: inOrder[0]?.value ?? Number.NaN,
    last: inOrder.at(-1)?.value ?? Number.NaN,
    coveredMs: known.length * SECOND,
    samples,
  };
}
