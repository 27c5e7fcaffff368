import { Worker } from 'node:worker_threads';

import type { CheckpointResult } from './checkpoint-worker.ts';

/** A worker is started by file name, which the compiler does not rewrite: `.ts` from sources, `.js` once built. */
const WORKER = new URL(
  import.meta.url.endsWith('.ts') ? './checkpoint-worker.ts' : './checkpoint-worker.js',
  import.meta.url,
);

/** More passes than this do not help: the main thread then writes faster than the disk takes. */
const PASSES = 5;

/** Checkpoints the database at `file` in a short-lived thread. Rejects when SQLite or the disk refuses. */
export async function runCheckpoint(file: string, mode: 'PASSIVE' | 'TRUNCATE'): Promise<CheckpointResult> {
  const worker = new Worker(WORKER, {
    workerData: { file, mode, passes: PASSES },
    // Flags of the parent (a test runner's loaders among them) are neither needed nor always allowed in a worker.
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 2 },
  });
  const { promise, resolve, reject } = Promise.withResolvers<CheckpointResult>();
  let result: CheckpointResult | undefined;
  worker.on('message', (message: CheckpointResult) => {
    result = message;
  });
  worker.on('error', reject);
  worker.on('exit', () => {
    if (result) resolve(result);
    else reject(new Error('the checkpoint thread ended without a result'));
  });
  return await promise;
}
