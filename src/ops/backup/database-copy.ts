import { Worker } from 'node:worker_threads';

import type { DatabaseWord, DatabaseWork } from './database-worker.ts';
import type { DatabaseFacts } from './reader.ts';

import { HubError } from '../../base/errors.ts';

/** A worker is started by file name, which the compiler does not rewrite: `.ts` from sources, `.js` once built. */
const WORKER = new URL(
  import.meta.url.endsWith('.ts') ? './database-worker.ts' : './database-worker.js',
  import.meta.url,
);

export interface DatabaseTask {
  /** Counts the entities of the graph, in a column `n`. */
  readonly countSql: string;
  readonly signal?: AbortSignal | undefined;
  /** @param share of 1. */
  readonly progress?: ((share: number) => void) | undefined;
}

const SQLITE_IOERR = 10;
const SQLITE_FULL = 13;

/**
 * Copies a database as it is at this moment, while it is written to, and reads the copy in full. The copy is one file
 * without a WAL.
 * @throws HubError `storage_full`, `storage` where the disk refuses or the copy is damaged; the reason of the signal.
 */
export async function copyDatabase(source: string, file: string, task: DatabaseTask): Promise<DatabaseFacts> {
  const facts = await run({ source, file }, task);
  const [problem] = facts.problems;
  if (problem === undefined) return facts;
  throw new HubError(
    'storage',
    `The copy of the database is damaged (${problem}), and so no backup was made. Run the job database-check: it tells whether the database itself is.`,
  );
}

/** Reads a copy in full. @throws HubError `storage`; the reason of the signal. */
export async function inspectDatabase(file: string, task: DatabaseTask): Promise<DatabaseFacts> {
  return await run({ source: null, file }, task);
}

async function run(
  { source, file }: Pick<DatabaseWork, 'source' | 'file'>,
  { countSql, signal, progress }: DatabaseTask,
): Promise<DatabaseFacts> {
  signal?.throwIfAborted();
  const stop = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(WORKER, {
    workerData: { source, file, countSql, stop } satisfies DatabaseWork,
    // Flags of the parent (a test runner's loaders among them) are neither needed nor always allowed in a worker.
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 2 },
  });
  const { promise, resolve, reject } = Promise.withResolvers<DatabaseFacts>();
  let facts: DatabaseFacts | undefined;
  let failure: unknown;
  worker.on('message', (word: DatabaseWord) => {
    if (word.kind === 'progress') progress?.(word.total === 0 ? 1 : word.done / word.total);
    else if (word.kind === 'facts') facts = word.facts;
    else failure = toError(word.message, word.errcode);
  });
  worker.on('error', (error) => (failure = error));
  worker.on('exit', () => {
    if (signal?.aborted) reject(signal.reason);
    else if (facts) resolve(facts);
    else reject(failure ?? new Error('the copying of the database ended without a result'));
  });
  // It ends by itself at its next step: a thread that is cut off in the middle of a copy would leave the copying behind.
  const onAbort = (): void => {
    Atomics.store(stop, 0, 1);
    if (source === null) void worker.terminate();
  };
  signal?.addEventListener('abort', onAbort);
  try {
    return await promise;
  } finally {
    signal?.removeEventListener('abort', onAbort);
  }
}

function toError(message: string, errcode: number | null): Error {
  if (errcode === SQLITE_FULL) {
    return new HubError(
      'storage_full',
      'The disk for the backup is full. Free some space there, or keep fewer (backup.keep).',
    );
  }
  if (errcode === SQLITE_IOERR) return new HubError('storage', `The disk did not take the copy: ${message}.`);
  return new Error(`the database could not be copied: ${message}`);
}
