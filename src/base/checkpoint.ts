import { Worker } from 'node:worker_threads';

import type { CheckpointResult } from './checkpoint-worker.ts';

/** A worker is started by file name, which the compiler does not rewrite: `.ts` from sources, `.js` once built. */
const WORKER = new URL(
  import.meta.url.endsWith('.ts') ? './checkpoint-worker.ts' : './checkpoint-worker.js',
  import.meta.url,
);

/** More passes than this do not help: the main thread then writes faster than the disk takes. */
const PASSES = 5;

/**
 * Checkpoints the database at `file` in a short-lived thread. Rejects when SQLite or the disk refuses.
 *
 * @param settle makes sure that the WAL is on the disk, or rejects. It is called when the thread has opened the WAL: a
 *   failed write-back is told only to descriptors that were open then, so a thread that opens it later would find its
 *   own sync fine, and change the database while the WAL on the disk has holes.
 */
export async function runCheckpoint(file: string, settle: () => Promise<void>): Promise<CheckpointResult> {
  const worker = new Worker(WORKER, {
    workerData: { file, passes: PASSES },
    // Flags of the parent (a test runner's loaders among them) are neither needed nor always allowed in a worker.
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 2 },
  });
  const { promise, resolve, reject } = Promise.withResolvers<CheckpointResult>();
  let result: CheckpointResult | undefined;
  let refusal: unknown;
  worker.on('message', (message: CheckpointResult | 'ready') => {
    if (message !== 'ready') {
      result = message;
      return;
    }
    settle().then(
      () => worker.postMessage(true),
      (error: unknown) => {
        refusal = error;
        worker.postMessage(false);
      },
    );
  });
  worker.on('error', reject);
  worker.on('exit', () => {
    if (result) resolve(result);
    else reject(refusal ?? new Error('the checkpoint thread ended without a result'));
  });
  return await promise;
}
