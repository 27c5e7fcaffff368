/**
 * Runs as a short-lived worker thread: copies a database that is in use, or reads a copy in full. Both take minutes on a
 * large file and a slow card, which nothing else waits for.
 *
 * The copy is made on a connection of its own that holds one read transaction all the time. Without that every write of
 * the hub would have SQLite begin the copy anew, and in a busy home it would never end.
 */
import { closeSync, fsyncSync, openSync } from 'node:fs';
import { backup, DatabaseSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';

import { readDatabaseFacts, type DatabaseFacts } from './reader.ts';

export interface DatabaseWork {
  /** The database to copy; null where `file` is a copy that is only to be read. */
  readonly source: string | null;
  readonly file: string;
  readonly countSql: string;
  /** One shared number, 1 once the work is to end. */
  readonly stop: Int32Array;
}

export type DatabaseWord =
  | { readonly kind: 'progress'; readonly done: number; readonly total: number }
  | { readonly kind: 'facts'; readonly facts: DatabaseFacts }
  | { readonly kind: 'failed'; readonly message: string; readonly errcode: number | null };

/** Pages at a time: some hundred kilobytes, after which the stop is looked at. */
const PAGES_AT_ONCE = 256;
const SQLITE_CORRUPT = 11;
const SQLITE_NOTADB = 26;

const work = workerData as DatabaseWork;

try {
  if (work.source !== null) await copy(work.source, work.file);
  tell({ kind: 'facts', facts: read(work.file) });
} catch (error) {
  const errcode = error instanceof Error && 'errcode' in error ? Number(error.errcode) & 0xff : null;
  tell({ kind: 'failed', message: error instanceof Error ? error.message : String(error), errcode });
}

async function copy(source: string, file: string): Promise<void> {
  const from = new DatabaseSync(source, { readOnly: true, timeout: 5000 });
  try {
    from.exec('BEGIN');
    // The transaction begins with the first read, not before.
    from.prepare('SELECT count(*) FROM sqlite_schema').get();
    await backup(from, file, {
      rate: PAGES_AT_ONCE,
      progress: ({ totalPages, remainingPages }) => {
        if (Atomics.load(work.stop, 0) === 1) throw new Error('stopped');
        tell({ kind: 'progress', done: totalPages - remainingPages, total: totalPages });
      },
    });
  } finally {
    from.close();
  }
  // A copy says of itself that it has a WAL. Without one it is one file, and can be read where nothing can be written.
  const copied = new DatabaseSync(file);
  try {
    copied.exec('PRAGMA journal_mode = DELETE');
  } finally {
    copied.close();
  }
  const fd = openSync(file, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function read(file: string): DatabaseFacts {
  const db = new DatabaseSync(file, { readOnly: true });
  try {
    return readDatabaseFacts(db, work.countSql);
  } catch (error) {
    // Some damage keeps the check itself from going on.
    const errcode = error instanceof Error && 'errcode' in error ? Number(error.errcode) & 0xff : 0;
    if (!(error instanceof Error) || ![SQLITE_CORRUPT, SQLITE_NOTADB].includes(errcode)) throw error;
    return { problems: [error.message], schemaVersions: {}, entities: 0 };
  } finally {
    db.close();
  }
}

function tell(word: DatabaseWord): void {
  parentPort?.postMessage(word);
}
