/**
 * A process that queues and runs one job, and kills itself with SIGKILL at the step that it is told. Each beginning and
 * end of the work is a line of a file beside the database, written as the work of a real job would be.
 *
 * Arguments: folder, step (or "none").
 */
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';

import type { Tx } from '../../src/base/db.ts';

import { systemClock, type Clock } from '../../src/base/clock.ts';
import { HomeZone } from '../../src/base/home-zone.ts';
import { silentLogger } from '../../src/base/log.ts';
import { Store } from '../../src/base/store.ts';
import { startJobs } from '../../src/jobs/jobs.ts';
import { jobTables } from '../../src/jobs/tables.ts';

const [folder = '', step = 'none'] = process.argv.slice(2);
/** More than the longest delay of a next try. */
const DELAY_MS = 121_000;
let aheadMs = 0;

const clock: Clock = {
  nowMs: () => systemClock.nowMs() + aheadMs,
  monotonicMs: () => systemClock.monotonicMs() + aheadMs,
};

function dieAt(here: string): void {
  if (step === here) process.kill(process.pid, 'SIGKILL');
}

function note(line: string): void {
  appendFileSync(join(folder, 'work.log'), `${line}\n`);
}

const store = await Store.open({
  file: join(folder, 'hub.db'),
  clock,
  log: silentLogger,
  migrations: [jobTables],
});
/** Every transaction is a step before, inside of and after which the power may go. */
let writes = 0;
const write = store.write.bind(store);
store.write = <T>(body: (tx: Tx) => T): T => {
  writes += 1;
  const nth = writes;
  dieAt(`before write ${nth}`);
  const result = write((tx) => {
    const value = body(tx);
    dieAt(`inside write ${nth}`);
    return value;
  });
  dieAt(`after write ${nth}`);
  return result;
};

const jobs = startJobs({
  store,
  clock,
  log: silentLogger,
  zone: new HomeZone('UTC'),
  definitions: [
    {
      name: 'work',
      title: 'The work',
      schedule: null,
      run: async ({ payload }) => {
        note(`begin ${String(payload['n'])}`);
        dieAt('work begun');
        await Promise.resolve();
        note(`end ${String(payload['n'])}`);
        dieAt('work ended');
        return { summary: 'Done.' };
      },
    },
  ],
});
await jobs.enqueue('work', { n: 1 }, { key: 'one' });
note('told');
dieAt('told');
await jobs.idle();
// What was cut off waits for its next try: nobody knows whether the work itself took the hub down.
aheadMs += DELAY_MS;
await jobs.idle();
const [run] = jobs.history({}, 0, 10);
process.stdout.write(
  JSON.stringify({
    writes,
    runs: jobs.history({}, 0, 10).length,
    state: run?.state,
    attempts: run?.attempts,
  }),
);
await jobs[Symbol.asyncDispose]();
await store[Symbol.asyncDispose]();
