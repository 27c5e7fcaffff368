import { setImmediate } from 'node:timers/promises';

import type { Store } from '../base/store.ts';

import { readCompactionRows, readEntityKeysAfter, type CompactionRow } from './compaction-reader.ts';
import { compactVersion } from './compaction-writer.ts';
import { packVersion } from './version-codec.ts';

const DAY_MICROS = 24 * 3600 * 1_000_000;
/** Other work gets its turn, and a transaction ends, after this long. */
const SLICE_MS = 5;
const ENTITIES_AT_ONCE = 200;
const ROWS_AT_ONCE = 250;
/** Versions of one entity that go in one night: they are kept in memory on the way. */
const REMOVED_A_NIGHT = 20_000;
/** At least so many go in one transaction, however slow the machine is at the moment; */
const MIN_REMOVED = 10;
/** between so many the signal is asked, */
const REMOVED_AT_ONCE = 100;
/** and after so many the log is written back: it could not begin anew under writes that never pause. */
const CHECKPOINT_AFTER = 4000;

export interface CompactionOptions {
  readonly store: Store;
  /** Ages are reckoned from here, ms since the Unix epoch. */
  readonly nowMs: number;
  readonly keepDays: number;
  readonly signal: AbortSignal;
}

/**
 * Thins the change log beyond `keepDays`: of what the hub itself wrote about a thing on one day (UTC), a device whose
 * description came again and again as a rule, the content of the last version stays and those before it go.
 *
 * What stays, whatever its age: the latest version of everything and so what an old cursor is owed; the first version of
 * everything; every version that a person or a client made (they were told that it is kept) and every one that such a
 * version, a merge or the loser of a conflict was made from; tombstones and what they ended; every edge. A read of the past
 * is exact for what people did, and to the day for what the hub noted by itself. The name of a removed version and its
 * parents are kept, so that a retry of it is known.
 * @returns how many versions were removed.
 * @throws HubError `storage`, `storage_full`; the reason of the signal. What was done stays.
 */
export async function compactHistory(options: CompactionOptions): Promise<number> {
  const { store, nowMs, keepDays } = options;
  // Whole days: what the last version of a day is must not change any more.
  const horizonDay = Math.max(Math.floor((nowMs * 1000) / DAY_MICROS) - keepDays, 0);
  const pause = pauses(options.signal);
  let removed = 0;
  for (let afterKey: number | undefined = 0; afterKey !== undefined;) {
    const keys = readEntityKeysAfter(store.db, afterKey, ENTITIES_AT_ONCE);
    afterKey = keys.at(-1);
    for (const key of keys) {
      await pause();
      for (const seqs of slicesOf(await findSurplus(store, key, horizonDay, pause))) {
        options.signal.throwIfAborted();
        removed += await remove(store, seqs);
        if (removed % CHECKPOINT_AFTER < seqs.length) await store.checkpoint();
      }
    }
  }
  return removed;
}

/** The versions of one entity, by seq, that only lead from one note of the hub to the next one of the same day. */
async function findSurplus(store: Store, key: number, horizonDay: number, pause: Pause): Promise<number[]> {
  const seqOf = new Map<string, number>();
  await eachRow(store, key, horizonDay, pause, (row, before) => {
    if (before && isStep(before, row)) seqOf.set(before.version, before.seq);
    return row.day < horizonDay && seqOf.size < REMOVED_A_NIGHT;
  });
  // Whatever else was made from a version needs it as the base of a merge, however much later it came.
  if (seqOf.size > 0) {
    await eachRow(store, key, horizonDay, pause, (row, before) => {
      if (row.parents !== before?.version) for (const parent of parentsOf(row)) seqOf.delete(parent);
      return seqOf.size > 0;
    });
  }
  return [...seqOf.values()];
}

/** Whether a version says no more than that the next one, of the same day, was not there yet. */
function isStep(row: CompactionRow, next: CompactionRow): boolean {
  const isPlain = row.plain === 1 && next.plain === 1 && row.day === next.day;
  // Equal as stored: one parent and no other, for several are a JSON array, as a parent of an unusual name is.
  return isPlain && next.parents === row.version && row.parents !== '' && !row.parents.startsWith('[');
}

/** The parents of a version, packed. */
function parentsOf({ parents }: CompactionRow): string[] {
  if (parents === '') return [];
  return parents.startsWith('[') ? (JSON.parse(parents) as string[]).map(packVersion) : [parents];
}

/** Shows the versions of an entity in the order of time, each with the one before it, until `take` says false. */
async function eachRow(
  store: Store,
  key: number,
  horizonDay: number,
  pause: Pause,
  take: (row: CompactionRow, before: CompactionRow | undefined) => boolean,
): Promise<void> {
  let before: CompactionRow | undefined;
  for (;;) {
    const rows = readCompactionRows(store.db, key, horizonDay * DAY_MICROS, before, ROWS_AT_ONCE);
    for (const row of rows) {
      if (!take(row, before)) return;
      before = row;
    }
    if (rows.length < ROWS_AT_ONCE) return;
    await pause();
  }
}

/** Removes versions in short transactions. @returns how many. */
async function remove(store: Store, seqs: readonly number[]): Promise<number> {
  for (let at = 0; at < seqs.length;) {
    const [first, untilMs] = [at, performance.now() + SLICE_MS];
    store.write((tx) => {
      for (; at < seqs.length && (at - first < MIN_REMOVED || performance.now() < untilMs); at++) {
        compactVersion(tx, seqs[at] ?? 0);
      }
    });
    await setImmediate();
  }
  return seqs.length;
}

function* slicesOf(seqs: readonly number[]): Generator<readonly number[]> {
  for (let at = 0; at < seqs.length; at += REMOVED_AT_ONCE) yield seqs.slice(at, at + REMOVED_AT_ONCE);
}

type Pause = () => Promise<void>;

/** Lets other work go on where this went on for too long. Throws the reason of the signal. */
function pauses(signal: AbortSignal): Pause {
  let untilMs = performance.now() + SLICE_MS;
  return async () => {
    if (performance.now() < untilMs) return;
    await setImmediate();
    signal.throwIfAborted();
    untilMs = performance.now() + SLICE_MS;
  };
}
