import type { JsonObject } from '../../src/base/json.ts';
import type { Store } from '../../src/base/store.ts';
import type { JobContext, JobDefinition, JobOutcome } from '../../src/jobs/types.ts';

import { ManualClock } from '../../src/base/clock.ts';
import { HomeZone } from '../../src/base/home-zone.ts';
import { silentLogger } from '../../src/base/log.ts';
import { startJobs, type Jobs } from '../../src/jobs/jobs.ts';
import { jobTables } from '../../src/jobs/tables.ts';
import { openTestStore, temporaryFolder } from '../support/store.ts';

/** A job that notes each run. */
export interface Probe {
  readonly definition: JobDefinition;
  readonly runs: { readonly atMs: number; readonly payload: JsonObject; readonly attempt: number }[];
  /** Replaces what it does. */
  does: (context: JobContext) => Promise<JobOutcome>;
}

export function probe(clock: ManualClock, name: string, schedule: string | null = null): Probe {
  const made: Probe = {
    runs: [],
    does: async () => await Promise.resolve({ summary: 'Done.' }),
    definition: {
      name,
      title: `The job ${name}`,
      schedule,
      run: async (context) => {
        made.runs.push({ atMs: clock.nowMs(), payload: context.payload, attempt: context.attempt });
        return await made.does(context);
      },
    },
  };
  return made;
}

/** Jobs on a real file, with a clock that stands still. Only `wake` and `idle` have anything happen. */
export interface JobsHome extends AsyncDisposable {
  readonly clock: ManualClock;
  readonly store: Store;
  readonly jobs: Jobs;
  /** Ends the jobs and starts them again on the same file, as a restart does. */
  restart(definitions?: readonly JobDefinition[], zone?: string): Promise<Jobs>;
  /** Lets time pass in steps, and what is due run. */
  pass(ms: number, stepMs?: number): Promise<void>;
}

export async function openJobs(
  make: (clock: ManualClock) => readonly JobDefinition[],
  { at = '2026-01-10T12:00:00Z', zone = 'Europe/Berlin' } = {},
): Promise<JobsHome> {
  const folder = temporaryFolder();
  const clock = new ManualClock(Date.parse(at));
  const store = await openTestStore(folder.path, [jobTables], clock);
  const first = make(clock);
  const start = (definitions: readonly JobDefinition[], id: string): Jobs =>
    startJobs({ store, clock, log: silentLogger, zone: new HomeZone(id), definitions });
  let jobs = start(first, zone);
  return {
    clock,
    store,
    get jobs() {
      return jobs;
    },
    async restart(definitions = first, id = zone) {
      await jobs[Symbol.asyncDispose]();
      jobs = start(definitions, id);
      return jobs;
    },
    async pass(ms, stepMs = 60_000) {
      for (let left = ms; left > 0; left -= stepMs) {
        clock.advance(Math.min(stepMs, left));
        await jobs.idle();
      }
    },
    async [Symbol.asyncDispose]() {
      await jobs[Symbol.asyncDispose]();
      await store[Symbol.asyncDispose]();
      folder[Symbol.dispose]();
    },
  };
}

/** Two jobs that are only queued, `send` and `other`. */
export async function openTwo(): Promise<{ home: JobsHome; job: Probe; other: Probe }> {
  const probes: Probe[] = [];
  const home = await openJobs((clock) => {
    probes.push(probe(clock, 'send'), probe(clock, 'other'));
    return probes.map(({ definition }) => definition);
  });
  const [job, other] = probes;
  if (!job || !other) throw new Error('no jobs were made');
  return { home, job, other };
}
