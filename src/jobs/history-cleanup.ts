import { setImmediate } from 'node:timers/promises';

import type { Store } from '../base/store.ts';
import type { JobDefinition } from './types.ts';

import { deleteOldRuns } from './writer.ts';

const DAY_MS = 24 * 3600_000;
const KEEP_DAYS = 90;
/** Of a job that runs every minute nobody needs 90 days. */
const KEEP_RUNS = 200;
const KEEP_ALL_DAYS = 7;
const SLICE = 200;

/** Removes the history of jobs beyond 90 days, and of busy ones beyond their 200 last runs after a week. */
export function historyCleanup(store: Store): JobDefinition {
  return {
    name: 'job-history-cleanup',
    title: 'Removes old entries of the history of jobs',
    schedule: '40 3 * * *',
    run: async ({ believedMs, signal }) => {
      const limits = {
        beforeMs: believedMs - KEEP_DAYS * DAY_MS,
        surplusBeforeMs: believedMs - KEEP_ALL_DAYS * DAY_MS,
        keep: KEEP_RUNS,
        limit: SLICE,
      };
      let removed = 0;
      for (;;) {
        signal.throwIfAborted();
        const slice = store.write((tx) => deleteOldRuns(tx, limits));
        removed += slice;
        if (slice < SLICE) break;
        await setImmediate();
      }
      return { summary: `${removed} old runs were removed from the history of jobs.`, removed };
    },
  };
}
