/**
 * The process whose power is cut: writes transactions through the store, acknowledges each as soon as it may, migrates
 * half-way, and ends cleanly. Acknowledgements go to a file `acks`, where the recorder sees them in order.
 */
import { closeSync, openSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';

import { systemClock } from '../../src/base/clock.ts';
import { errorText, HubError } from '../../src/base/errors.ts';
import { silentLogger } from '../../src/base/log.ts';
import { Store } from '../../src/base/store.ts';
import { ALL_STEPS, countTransactions, householdTables, writeTransaction } from './household.ts';
import { Random } from './random.ts';

/** What the process prints at its end, as JSON. */
export interface WorkloadReport {
  commits: number;
  acks: number;
  syncs: number;
  /** How often, and how, `durable()` or `write()` reported a disk that refused: `durable:storage`. */
  refusals: string[];
  /** The longest time for which the event loop stood still while transactions ran, and the 99th percentile. */
  longestStopMs: number;
  p99StopMs: number;
  /** How often the event loop's own sampler (every 1 to 10 ms while it is free) had its turn. */
  loopSamples: number;
  maxWalBytes: number;
}

const { values } = parseArgs({
  options: {
    folder: { type: 'string' },
    acks: { type: 'string' },
    commits: { type: 'string', default: '600' },
    'wal-limit': { type: 'string', default: '262144' },
    /** `after-durable`, or the control `at-once`. */
    ack: { type: 'string', default: 'after-durable' },
    /** What the commits run with once the store is open: NORMAL is what the store sets. */
    synchronous: { type: 'string', default: 'NORMAL' },
    /** A checkpoint is asked for after so many transactions, beside those that the size of the WAL asks for; 0 for none. */
    'checkpoint-every': { type: 'string', default: '12' },
    /** Pause between two transactions; 0 lets only the event loop turn now and then. */
    'pause-ms': { type: 'string', default: '0' },
  },
});
if (values.folder === undefined || values.acks === undefined)
  throw new Error('--folder and --acks are needed');
const { folder, ack: ackMode, synchronous } = values;
const acks = openSync(values.acks, 'w');
const commits = Number(values.commits);
const pauseMs = Number(values['pause-ms']);
const checkpointEvery = Number(values['checkpoint-every']);
const MAX_UNACKNOWLEDGED = 64;

const random = new Random(1);
const report: WorkloadReport = {
  commits: 0,
  acks: 0,
  syncs: 0,
  refusals: [],
  longestStopMs: 0,
  p99StopMs: 0,
  loopSamples: 0,
  maxWalBytes: 0,
};

await run(1, Math.floor(commits / 2));
await run(ALL_STEPS, commits);
closeSync(acks);
process.stdout.write(`${JSON.stringify(report)}\n`);

/** Opens the store with the first `steps` migrations and writes until `last` transactions are in it. */
async function run(steps: number, last: number): Promise<void> {
  acknowledge(`opening ${steps}`);
  await using store = await Store.open({
    file: join(folder ?? '', 'hub.db'),
    clock: systemClock,
    log: silentLogger,
    migrations: [householdTables(steps)],
    walLimitBytes: Number(values['wal-limit']),
  });
  acknowledge(`opened ${steps}`);
  store.db.get(`PRAGMA synchronous = ${synchronous}`);
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const unacknowledged = new Set<Promise<void>>();
  for (let n = countTransactions(store.db) + 1; n <= last; n++) {
    await write(store, n, steps);
    if (ackMode === 'at-once') acknowledge(`commit ${n}`);
    else {
      const acknowledged = acknowledgeWhenDurable(store, n).finally(() =>
        unacknowledged.delete(acknowledged),
      );
      unacknowledged.add(acknowledged);
    }
    report.maxWalBytes = Math.max(report.maxWalBytes, statSync(join(folder ?? '', 'hub.db-wal')).size);
    if (unacknowledged.size >= MAX_UNACKNOWLEDGED) await Promise.race(unacknowledged);
    if (pauseMs > 0) await sleep(pauseMs);
    else if (random.chance(0.3)) await nextTurn();
    // A quiet moment now and then, so that checkpoints complete and the WAL begins anew; half of them with writes going
    // on meanwhile.
    if (checkpointEvery > 0 && n % checkpointEvery === 0) {
      const done = store.checkpoint().catch((error: unknown) => noteRefusal('checkpoint', error));
      if (random.chance(0.5)) await done;
    }
  }
  await Promise.all(unacknowledged);
  delay.disable();
  report.longestStopMs = Math.max(report.longestStopMs, delay.max / 1e6);
  report.loopSamples += delay.count;
  report.p99StopMs = Math.max(report.p99StopMs, delay.percentile(99) / 1e6);
  report.commits += store.counters.commits;
  report.syncs += store.counters.syncs;
}

/** A refused transaction is rolled back, so it is simply tried again. */
async function write(store: Store, n: number, steps: number): Promise<void> {
  for (;;) {
    try {
      store.write((tx) => writeTransaction(tx, n, steps));
      return;
    } catch (error) {
      noteRefusal('write', error);
      await nextTurn();
    }
  }
}

async function acknowledgeWhenDurable(store: Store, n: number): Promise<void> {
  for (;;) {
    try {
      await store.durable();
      return acknowledge(`commit ${n}`);
    } catch (error) {
      noteRefusal('durable', error);
    }
  }
}

function noteRefusal(what: string, error: unknown): void {
  report.refusals.push(`${what}:${error instanceof HubError ? error.kind : errorText(error)}`);
  if (report.refusals.length > 1000) throw error;
}

function acknowledge(text: string): void {
  if (text.startsWith('commit')) report.acks += 1;
  writeSync(acks, `${text}\n`);
}
