import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import type { Tx } from '../../src/base/db.ts';

import { systemClock, type Clock } from '../../src/base/clock.ts';
import { HomeZone } from '../../src/base/home-zone.ts';
import { silentLogger } from '../../src/base/log.ts';
import { Store } from '../../src/base/store.ts';
import { startJobs } from '../../src/jobs/jobs.ts';
import { jobTables } from '../../src/jobs/tables.ts';

/** More than the longest delay of a next try. */
const DELAY_MS = 121_000;

export interface WorkReport {
  readonly runs: number;
  readonly state: string | undefined;
  readonly attempts: number | undefined;
}

/**
 * A process that queues one piece of work under a key and runs it, with all its tries. Each beginning and end of the work
 * is a line of a file beside the database, written as the work of a real job would be.
 * @param at called at every step at which the process may end: before, inside of and after each transaction, in the work
 *   and once the client is told.
 */
export async function runWork(folder: string, at: (step: string) => void): Promise<WorkReport> {
  let aheadMs = 0;
  const clock: Clock = {
    nowMs: () => systemClock.nowMs() + aheadMs,
    monotonicMs: () => systemClock.monotonicMs() + aheadMs,
  };
  const note = (line: string): void => appendFileSync(join(folder, 'work.log'), `${line}\n`);
  await using store = await Store.open({
    file: join(folder, 'hub.db'),
    clock,
    log: silentLogger,
    migrations: [jobTables],
  });
  tellWrites(store, at);
  await using jobs = startJobs({
    store,
    clock,
    log: silentLogger,
    zone: new HomeZone('UTC'),
    definitions: [
      {
        name: 'work',
        title: 'The work',
        schedule: null,
        run: async () => {
          note('begin');
          at('work begun');
          await Promise.resolve();
          note('end');
          at('work ended');
          return { summary: 'Done.' };
        },
      },
    ],
  });
  await jobs.enqueue('work', {}, { key: 'one' });
  note('told');
  at('told');
  await jobs.idle();
  // What was cut off waits for its next try: nobody knows whether the work itself took the hub down.
  aheadMs += DELAY_MS;
  await jobs.idle();
  const runs = jobs.history({}, 0, 10);
  return { runs: runs.length, state: runs[0]?.state, attempts: runs[0]?.attempts };
}

/** The lines of the work. */
export function worked(folder: string): string[] {
  const file = join(folder, 'work.log');
  return existsSync(file) ? readFileSync(file, 'utf8').trimEnd().split('\n') : [];
}

function tellWrites(store: Store, at: (step: string) => void): void {
  const write = store.write.bind(store);
  let writes = 0;
  store.write = <T>(body: (tx: Tx) => T): T => {
    const nth = (writes += 1);
    at(`before write ${nth}`);
    const result = write((tx) => {
      const value = body(tx);
      at(`inside write ${nth}`);
      return value;
    });
    at(`after write ${nth}`);
    return result;
  };
}
