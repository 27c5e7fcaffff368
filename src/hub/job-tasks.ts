import * as z from 'zod';

import type { Access } from '../access/access.ts';
import type { ControlTasks } from '../cli/cli.ts';
import type { Jobs } from '../jobs/jobs.ts';

import { TERMINAL } from '../access/types.ts';
import { jobJson, jobRunJson } from '../http/http.ts';

const runArgs = z.object({ name: z.string() });
const historyArgs = z.object({ name: z.string().nullable(), limit: z.int().min(1).max(500) });

/** What the command line asks about jobs, see `job-commands.ts`. */
export function jobTasks(jobs: Jobs, audit: Access['audit']): ControlTasks {
  return {
    jobs: async () => await Promise.resolve(jobs.list().map(jobJson)),
    jobs_history: async (args) => {
      const { name, limit } = historyArgs.parse(args);
      const runs = jobs.history(name === null ? {} : { name }, 0, limit);
      // A job that is gone may still have a history; a name that never was is a mistake.
      if (name !== null && runs.length === 0) jobs.require(name);
      return await Promise.resolve(runs.map(jobRunJson));
    },
    jobs_run: async (args, { signal }) => {
      const { id, name } = await jobs.run(runArgs.parse(args).name);
      audit.record({ action: 'job.run', by: TERMINAL.principal, from: TERMINAL, target: name });
      return jobRunJson(await jobs.tried(id, signal));
    },
  };
}
