/**
 * Runs as a short-lived worker thread: copies the WAL into the database on a connection of its own, so that neither
 * the copying nor its fsyncs stop the event loop. It ends by itself; a thread that waits would cost about 10 MB.
 *
 * It says `ready` and waits for `true` (go on) or `false` (leave it): see `runCheckpoint`.
 */
import { DatabaseSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';

interface CheckpointRequest {
  file: string;
  /** How often a pass is repeated while the main thread goes on appending. */
  passes: number;
}

export interface CheckpointResult {
  /** True when every frame of the WAL was in the database, and the WAL was begun anew. */
  complete: boolean;
  walFrames: number;
}

const request = workerData as CheckpointRequest;
const db = new DatabaseSync(request.file, { timeout: 5000 });
db.exec('PRAGMA synchronous = FULL');
// The first read opens the WAL; from here on this connection learns of every failed write-back of it.
db.prepare('PRAGMA schema_version').get();
parentPort?.once('message', (mayBegin: boolean) => {
  try {
    if (mayBegin) parentPort?.postMessage(checkpoint());
  } finally {
    db.close();
  }
});
parentPort?.postMessage('ready');

function checkpoint(): CheckpointResult {
  const pragma = db.prepare('PRAGMA wal_checkpoint(PASSIVE)');
  let result: CheckpointResult = { complete: false, walFrames: 0 };
  for (let pass = 0; pass < request.passes && !result.complete; pass++) {
    const row = pragma.get() as { busy: number; log: number; checkpointed: number };
    result = { complete: row.busy === 0 && row.log === row.checkpointed, walFrames: row.log };
  }
  if (result.complete) beginWalAnew();
  return result;
}

/**
 * Whoever writes first after a complete checkpoint begins the WAL anew and syncs its header: otherwise new frames could
 * reach the disk below the old header, and a power cut would replay the old frames before them over newer pages.
 * Written here, that sync is off the event loop unless the main thread wants to write at this very moment.
 */
function beginWalAnew(): void {
  db.exec('PRAGMA synchronous = NORMAL; BEGIN IMMEDIATE; PRAGMA user_version = 1; COMMIT');
}
