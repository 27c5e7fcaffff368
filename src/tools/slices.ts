import { setImmediate } from 'node:timers/promises';

/** Rows that are read or printed in one turn of the event loop: some milliseconds' work. */
export const SLICE = 100;

/** The items in slices, the event loop turning between them. */
export async function* slicesOf<T>(items: readonly T[], size = SLICE): AsyncGenerator<readonly T[]> {
  for (let at = 0; at < items.length; at += size) {
    if (at > 0) await setImmediate();
    yield items.slice(at, at + size);
  }
}

/** `items.map(map)`, a slice at a time. */
export async function mapInSlices<T, R>(items: readonly T[], map: (item: T) => R): Promise<R[]> {
  const mapped: R[] = [];
  for await (const slice of slicesOf(items)) for (const item of slice) mapped.push(map(item));
  return mapped;
}
