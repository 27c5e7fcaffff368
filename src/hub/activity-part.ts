import type { Shared } from './optional-parts.ts';

import { Activity } from '../activity/activity.ts';

/** Starts what writes down what happens. */
export function startActivityPart({
  store,
  devices,
  clock,
  log,
  opening,
}: Pick<Shared, 'store' | 'devices' | 'clock' | 'log' | 'opening'>): Activity {
  return opening.add(
    'activity',
    Activity.start({ store, source: devices, clock, log: log.child({ part: 'activity' }) }),
  );
}
