/**
 * Runs as a short-lived worker thread: reads the whole database on a read-only connection of its own and says what is
 * wrong with it. On a large file and a slow card that takes minutes, which nothing else waits for.
 */
import { DatabaseSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';

/** What is wrong is told in so many lines at most; one is enough to act on. */
const MAX_PROBLEMS = 20;
/** SQLITE_CORRUPT and SQLITE_NOTADB: in the lowest byte, whatever kind of it. */
const DAMAGED = [11, 26];

const { file } = workerData as { file: string };
parentPort?.postMessage(check());

function check(): string[] {
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(file, { readOnly: true, timeout: 5000 });
    const rows = db.prepare(`PRAGMA quick_check(${MAX_PROBLEMS})`).all() as { quick_check: string }[];
    return rows.map((row) => row.quick_check).filter((text) => text !== 'ok');
  } catch (error) {
    // Some damage keeps the check itself from going on.
    if (!(error instanceof Error && 'errcode' in error)) throw error;
    if (!DAMAGED.includes(Number(error.errcode) & 0xff)) throw error;
    return [error.message];
  } finally {
    db?.close();
  }
}
