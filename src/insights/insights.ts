import type { Logger } from '../base/log.ts';
import type { Sun } from '../base/sun.ts';
import type { EnergyOptions } from './energy/energy.ts';
import type { HabitHome } from './habits/types.ts';
import type { ActivityLog } from './types.ts';
import type { UsageHome } from './usage/types.ts';

import { Energy } from './energy/energy.ts';
import { Suggestions } from './habits/suggestions.ts';
import { Usage } from './usage/usage.ts';

export { MAX_DAYS, MAX_PRICES, type Energy } from './energy/energy.ts';
export {
  RESOLUTIONS,
  WEEKDAYS,
  type Correction,
  type DeviceEnergy,
  type EnergyBucket,
  type EnergyDevice,
  type EnergyHome,
  type EnergyReport,
  type NewTariff,
  type Tariff,
} from './energy/types.ts';

export { MIN_OBSERVED_DAYS } from './habits/gates.ts';
export type { Suggestions } from './habits/suggestions.ts';
export { SUGGESTION_STATUSES, type HabitHome, type Observed, type Suggestion } from './habits/types.ts';
export { MAX_USAGE_DAYS } from './usage/usage.ts';
export { USAGE_CAUSES, type UsageReport } from './usage/types.ts';

export { reportPage, PAGE_POLICY } from './reports/page.ts';
export { placeOf, Reports } from './reports/reports.ts';
export { REPORT_KINDS, reportSchema } from './reports/schema.ts';
export { reportText } from './reports/text.ts';
export {
  DELIVERY_JOBS,
  DELIVERY_STATES,
  DELIVERY_TARGETS,
  type HomeReport,
  type ReportEntry,
  type ReportHome,
  type ReportKind,
  type ReportReader,
} from './reports/types.ts';

/** What is concluded from what happens, besides numbers. */
export interface HabitsOptions {
  readonly activity: ActivityLog;
  readonly log: Logger;
  readonly habits: HabitHome;
  readonly usage: UsageHome;
  /** Null where nobody said where the home is. */
  readonly sun: Sun | null;
}

export type InsightsOptions = EnergyOptions & HabitsOptions;

/** What can be concluded from the history of the home, an area to a property. */
export class Insights {
  readonly energy: Energy;
  readonly usage: Usage;
  readonly suggestions: Suggestions;

  constructor(options: InsightsOptions) {
    this.energy = new Energy(options);
    const { activity, habits, usage, ...shared } = options;
    this.usage = new Usage({ ...shared, log: activity, home: usage });
    this.suggestions = new Suggestions({ ...shared, activity, home: habits });
  }
}
