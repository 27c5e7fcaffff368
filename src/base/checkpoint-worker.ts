/**
 * Runs as a short-lived worker thread: copies the WAL into the database on a connection of its own, so that neither
 * the copying nor its two fsyncs stop the event loop. It ends by itself; a thread that waits would cost about 10 MB.
 */
import { DatabaseSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';

interface CheckpointRequest {
  file: string;
  mode: 'PASSIVE' | 'TRUNCATE';
  /** How often a PASSIVE pass is repeated while the main thread goes on appending. */
  passes: number;
}

export interface CheckpointResult {
  /** True when every frame of the WAL is in the database, so that the next commit starts the WAL anew. */
  complete: boolean;
  walFrames: number;
}

const request = workerData as CheckpointRequest;
const db = new DatabaseSync(request.file, { timeout: 5000 });
try {
  db.exec('PRAGMA synchronous = FULL');
  const pragma = db.prepare(`PRAGMA wal_checkpoint(${request.mode === 'TRUNCATE' ? 'TRUNCATE' : 'PASSIVE'})`);
  let result: CheckpointResult = { complete: false, walFrames: 0 };
  for (let pass = 0; pass < request.passes && !result.complete; pass++) {
    const row = pragma.get() as { busy: number; log: number; checkpointed: number };
    result = { complete: row.busy === 0 && row.log === row.checkpointed, walFrames: row.log };
  }
  parentPort?.postMessage(result);
} finally {
  db.close();
}
