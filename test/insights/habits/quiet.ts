import { silentLogger } from '../../../src/base/log.ts';
import type { HabitsOptions } from '../../../src/insights/insights.ts';

/** A home in which nothing ever happened. */
export const QUIET: HabitsOptions = {
  log: silentLogger,
  activity: { *scan() {}, spans: () => [] },
  habits: {
    devices: () => [],
    automations: () => [],
    hasAutomation: () => false,
    createAutomation: async () => await Promise.resolve(''),
  },
  usage: { entityCounts: () => new Map([['device', 1]]), nameOf: () => null },
  sun: null,
};
