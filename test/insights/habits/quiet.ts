import type { HabitsOptions } from '../../../src/insights/insights.ts';

/** A home in which nothing ever happened. */
export const QUIET: HabitsOptions = {
  activity: { *scan() {}, spans: () => [] },
  habits: {
    devices: () => [],
    automations: () => [],
    createAutomation: async () => await Promise.resolve(''),
  },
  usage: { entityCounts: () => new Map([['device', 1]]), nameOf: () => null },
  sun: null,
};
