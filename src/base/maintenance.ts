import { setImmediate } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';

import type { Store } from './store.ts';

/** A worker is started by file name, which the compiler does not rewrite: `.ts` from sources, `.js` once built. */
const WORKER = new URL(
  import.meta.url.endsWith('.ts') ? './maintenance-worker.ts' : './maintenance-worker.js',
  import.meta.url,
);

/** Pages that one transaction gives back: few enough that the event loop does not stop. */
const PAGES_AT_ONCE = 32;
/** After so many of them the log is written back: it could not begin anew under writes that never pause. */
const CHECKPOINT_AFTER = 64;
/** Free pages are used again by the next writes. To give back fewer than these would only wear the card. */
const KEEP_FREE_BYTES = 4 * 1024 * 1024;
const KEEP_FREE_SHARE = 0.1;
/** How many rows of each index are looked at for the statistics of the query planner. */
const ANALYSIS_ROWS = 200;
/**
 * Of smaller tables nothing is noted. A table of one row is rather read through than searched, and a plan that was made so
 * would be slow from the day on which the table grows.
 */
const SMALL_TABLE_ROWS = 1000;

/** The size of the database file. */
export interface FileSize {
  readonly bytes: number;
  /** Of that, what no row uses at present. */
  readonly freeBytes: number;
  /** False for a file of an earlier version, whose free pages are used again but never given back to the disk. */
  readonly canShrink: boolean;
}

export function readFileSize(store: Store): FileSize {
  const row = store.db.get<{ size: number; pages: number; free: number; mode: number }>(
    `SELECT s.page_size AS size, c.page_count AS pages, f.freelist_count AS free, v.auto_vacuum AS mode
     FROM pragma_page_size s, pragma_page_count c, pragma_freelist_count f, pragma_auto_vacuum v`,
  );
  const { size = 0, pages = 0, free = 0, mode = 0 } = row ?? {};
  return { bytes: size * pages, freeBytes: size * free, canShrink: mode === 2 };
}

/**
 * Gives free pages of the file back to the disk, in short transactions, down to a tenth of the file or 4 MiB, whichever
 * is more.
 * @returns bytes given back.
 * @throws HubError `storage` or `storage_full`; the reason of the signal.
 */
export async function shrinkFile(store: Store, signal: AbortSignal): Promise<number> {
  const before = readFileSize(store);
  if (!before.canShrink) return 0;
  const keep = Math.max(KEEP_FREE_BYTES, before.bytes * KEEP_FREE_SHARE);
  for (let left = before.freeBytes, writes = 1; left > keep; writes++) {
    signal.throwIfAborted();
    // In a transaction of its own, with everything that the store does after a commit.
    store.write((tx) => tx.exec(`PRAGMA incremental_vacuum(${PAGES_AT_ONCE})`));
    const { freeBytes } = readFileSize(store);
    if (freeBytes >= left) break;
    left = freeBytes;
    if (writes % CHECKPOINT_AFTER === 0) await store.checkpoint();
    else await setImmediate();
  }
  return before.bytes - readFileSize(store).bytes;
}

/**
 * Brings the statistics by which SQLite plans queries up to date, where tables have changed enough. Of each index only
 * some rows are looked at, one table at a time, so it takes milliseconds on a file of any size.
 * @returns how many indexes there are statistics of.
 * @throws HubError `storage` or `storage_full`; the reason of the signal.
 */
export async function refreshStatistics(store: Store, signal: AbortSignal): Promise<number> {
  // Tells what it would do (1), to all tables (0x10000) that want it (2).
  const orders = store.db.all<Record<string, string>>('PRAGMA optimize(0x10003)');
  for (const order of orders.flatMap((row) => Object.values(row)).filter((sql) => /^ANALYZE /i.test(sql))) {
    signal.throwIfAborted();
    store.write((tx) => tx.exec(`PRAGMA analysis_limit = ${ANALYSIS_ROWS}; ${order}`));
    await setImmediate();
  }
  return store.write((tx) => {
    if (!tx.get('SELECT 1 FROM sqlite_schema WHERE name = ?', 'sqlite_stat1')) return 0;
    tx.run('DELETE FROM sqlite_stat1 WHERE CAST(stat AS INTEGER) < ?', SMALL_TABLE_ROWS);
    // Has SQLite read the statistics again.
    tx.exec('ANALYZE sqlite_schema');
    return tx.get<{ n: number }>('SELECT count(*) AS n FROM sqlite_stat1')?.n ?? 0;
  });
}

/**
 * Reads the whole file and tells what is wrong with its structure, off the event loop.
 * @returns sentences of SQLite's; none where all is well.
 * @throws Error of SQLite where the file cannot be read at all; the reason of the signal.
 */
export async function findDamage(file: string, signal: AbortSignal): Promise<readonly string[]> {
  signal.throwIfAborted();
  const worker = new Worker(WORKER, {
    workerData: { file },
    // Flags of the parent (a test runner's loaders among them) are neither needed nor always allowed in a worker.
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 2 },
  });
  const { promise, resolve, reject } = Promise.withResolvers<readonly string[]>();
  let problems: readonly string[] | undefined;
  worker.on('message', (message: readonly string[]) => (problems = message));
  worker.on('error', reject);
  worker.on('exit', () => {
    if (problems) resolve(problems);
    else reject(signal.aborted ? signal.reason : new Error('the check of the file ended without a result'));
  });
  const onAbort = (): void => void worker.terminate();
  signal.addEventListener('abort', onAbort);
  try {
    return await promise;
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
