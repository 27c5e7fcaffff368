import type { HubConfig } from '../config/config.ts';
import type { JobDefinition } from '../jobs/types.ts';
import type { Shared } from './optional-parts.ts';

import { Activity } from '../activity/activity.ts';

/** Starts what writes down what happens. */
export function startActivityPart(
  { activity: { keepDays } }: Pick<HubConfig, 'activity'>,
  { store, devices, clock, log, opening }: Pick<Shared, 'store' | 'devices' | 'clock' | 'log' | 'opening'>,
): Activity {
  return opening.add(
    'activity',
    Activity.start({ store, source: devices, clock, log: log.child({ part: 'activity' }), keepDays }),
  );
}

/** The activity's share of the clean-up at night. */
export function activityCleanup(activity: Activity): JobDefinition {
  return {
    name: 'activity-cleanup',
    title: 'Sorts what happened at home by device and day, and removes what is older than activity.keep_days',
    schedule: '25 3 * * *',
    run: async ({ believedMs, signal }) => {
      const removed = await activity.cleanUp(believedMs, signal);
      return { summary: `What happened is sorted; ${removed} old rows were removed.`, removed };
    },
  };
}
