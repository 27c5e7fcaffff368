/**
 * Runs as a short-lived worker thread: reads the whole database on a read-only connection of its own and says what is
 * wrong with it. On a large file and a slow card that takes minutes, which nothing else waits for.
 */
import { DatabaseSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';

/** What is wrong is told in so many lines at most; one is enough to act on. */
const MAX_PROBLEMS = 20;
const SQLITE_CORRUPT = 11;

const { file } = workerData as { file: string };
const db = new DatabaseSync(file, { readOnly: true, timeout: 5000 });
try {
  const rows = db.prepare(`PRAGMA quick_check(${MAX_PROBLEMS})`).all() as { quick_check: string }[];
  const problems = rows.map((row) => row.quick_check).filter((text) => text !== 'ok');
  parentPort?.postMessage(problems);
} catch (error) {
  // Some damage keeps the check itself from going on.
  if (!(error instanceof Error && 'errcode' in error && error.errcode === SQLITE_CORRUPT)) throw error;
  parentPort?.postMessage([error.message]);
} finally {
  db.close();
}
