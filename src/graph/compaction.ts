import { setImmediate } from 'node:timers/promises';

import type { Store } from '../base/store.ts';

import { readCompactionRows, readEntitiesBefore, type CompactionRow } from './compaction-reader.ts';
import { compactVersion } from './compaction-writer.ts';

const DAY_MICROS = 24 * 3600 * 1_000_000;
/** Entities that are looked at in one turn, */
const ENTITIES_AT_ONCE = 50;
/** versions of one entity that are looked at in one night, */
const ROWS_AT_ONCE = 2000;
/** and versions that one transaction removes. */
const REMOVED_AT_ONCE = 100;

/**
 * Thins the change log beyond `keepDays`: of what the hub itself wrote about a thing on one day (UTC), a device whose
 * description came again and again as a rule, the content of the last version stays and those before it go.
 *
 * What stays, whatever its age: the latest version of everything and so what an old cursor is owed; every version that a
 * person or a client made (they were told that it is kept), merges, losers of conflicts, tombstones and what they ended;
 * every edge. A read of the past is exact for what people did, and to the day for what the hub noted by itself. The name
 * of a removed version and its parents are kept, so that a retry of it is known and later edits find their common past.
 * @returns how many versions were removed.
 * @throws HubError `storage`, `storage_full`; the reason of the signal. What was done stays.
 */
export async function compactHistory(
  store: Store,
  options: { readonly nowMs: number; readonly keepDays: number; readonly signal: AbortSignal },
): Promise<number> {
  const day = Math.floor((options.nowMs * 1000) / DAY_MICROS) - options.keepDays;
  // Whole days: what the last version of a day is must not change any more.
  const horizonMicros = Math.max(day, 0) * DAY_MICROS;
  let removed = 0;
  for (let afterKey = 0; ;) {
    options.signal.throwIfAborted();
    const entities = readEntitiesBefore(store.db, afterKey, horizonMicros, ENTITIES_AT_ONCE);
    const last = entities.at(-1);
    if (!last) return removed;
    afterKey = last.key;
    for (const { key } of entities.filter(({ old }) => old > 2)) {
      const surplus = surplusOf(readCompactionRows(store.db, key, horizonMicros, ROWS_AT_ONCE));
      for (let at = 0; at < surplus.length; at += REMOVED_AT_ONCE) {
        options.signal.throwIfAborted();
        store.write((tx) => {
          for (const seq of surplus.slice(at, at + REMOVED_AT_ONCE)) compactVersion(tx, seq);
        });
        await setImmediate();
      }
      removed += surplus.length;
    }
    await setImmediate();
  }
}

/**
 * The versions, by seq, that only lead from one note of the hub to the next one of the same day.
 * @param rows of one entity, in the order of time.
 */
export function surplusOf(rows: readonly CompactionRow[]): number[] {
  const children = new Map<string, CompactionRow[]>();
  for (const row of rows) children.set(row.parents, [...(children.get(row.parents) ?? []), row]);
  return rows.flatMap((row, index) => {
    const next = rows[index + 1];
    if (!next || row.plain !== 1 || next.plain !== 1 || row.day !== next.day) return [];
    // Equal as stored: one parent and no other, for several are a JSON array, as a parent of an unusual name is.
    const isOnlyChild = next.parents === row.version && children.get(row.version)?.length === 1;
    return isOnlyChild && row.parents !== '' && !row.parents.startsWith('[') ? [row.seq] : [];
  });
}
