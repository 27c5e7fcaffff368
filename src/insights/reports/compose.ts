import type { HomeZone } from '../../base/home-zone.ts';
import type { Energy } from '../energy/energy.ts';
import type { EnergyReport } from '../energy/types.ts';
import type { Suggestions } from '../habits/suggestions.ts';
import type { Usage } from '../usage/usage.ts';
import type { HomeReport } from './schema.ts';
import type { ReportHome, ReportPeriod, ReportReader } from './types.ts';

import { toIso } from '../../base/clock.ts';
import { errorText } from '../../base/errors.ts';
import { compared, energySection, rounded } from './energy-section.ts';
import {
  automationSection,
  deviceSection,
  hubSection,
  jobSection,
  phoneSection,
  suggestionSection,
  usageSection,
} from './home-sections.ts';
import { referenceOf } from './periods.ts';
import { REPORT_VERSION } from './schema.ts';

export interface ComposeContext {
  readonly energy: Pick<Energy, 'report'>;
  readonly usage: Pick<Usage, 'between'>;
  readonly suggestions: Pick<Suggestions, 'list' | 'upToDate'>;
  readonly home: ReportHome;
  readonly homeName: string;
  /** For how many days what happens is kept. */
  readonly activityDays: number;
  readonly zone: HomeZone;
}

/** The search for habits of a night is over by then; what it finds belongs to the day before. */
const MORNING_MINUTES = 5 * 60;
const DAY_MS = 86_400_000;

/**
 * Makes the report of a period that is over. The parts that it asks give way to others as they go.
 * @throws HubError `unavailable` where too many look at the energy just now; the reason of the signal.
 */
export async function composeReport(
  period: ReportPeriod,
  context: ComposeContext,
  { nowMs, signal }: { readonly nowMs: number; readonly signal: AbortSignal },
): Promise<HomeReport> {
  const { home, zone } = context;
  const made = await energyOf(period, context, 'hour');
  signal.throwIfAborted();
  const energy = await energySection(made, period, zone);
  const reference = referenceOf(period, zone);
  const before = await energyOf(reference, context, 'day');
  signal.throwIfAborted();
  const usage = await context.usage.between(period.startMs, period.endMs);
  signal.throwIfAborted();
  const suggestions = await newSuggestions(period, context);
  signal.throwIfAborted();
  const automations = await automationSection(home, period);
  return {
    report_version: REPORT_VERSION,
    id: period.id,
    kind: period.kind,
    home: context.homeName,
    made_at: toIso(nowMs),
    period: {
      from: toIso(period.startMs),
      to: toIso(period.endMs),
      first_date: period.firstDate,
      last_date: period.lastDate,
      days: period.days,
      hours: rounded((period.endMs - period.startMs) / 3_600_000),
      timezone: zone.id,
    },
    hub: hubSection(usage, period),
    energy: { ...energy, ...compared({ report: made, period }, { report: before, period: reference }) },
    usage: keptUsage(usageSection(usage, period), period, { nowMs, days: context.activityDays }),
    devices: deviceSection(home, nowMs),
    phones: phoneSection(home, nowMs),
    automations,
    suggestions,
    jobs: jobSection(home, period),
  };
}

/** The report without what this reader is not told elsewhere either. */
export function shownTo(report: HomeReport, { isAdmin, maySeeSuggestions }: ReportReader): HomeReport {
  if (isAdmin) return report;
  const { phones, suggestions } = report;
  const hidden = 'Shown to admins only.';
  return {
    ...report,
    phones: { ...phones, no_data: hidden, total: 0, silent: [] },
    jobs: { no_data: hidden, failed: [] },
    suggestions: maySeeSuggestions
      ? suggestions
      : { no_data: 'Shown to those who may change the home.', items: [] },
  };
}

/** What was removed already would look as if nothing had happened. */
function keptUsage(
  usage: HomeReport['usage'],
  { startMs }: ReportPeriod,
  { nowMs, days }: { readonly nowMs: number; readonly days: number },
): HomeReport['usage'] {
  if (startMs >= nowMs - days * DAY_MS) return usage;
  const why = `What happens is kept for ${days} days only (activity.keep_days), and this began before.`;
  return { ...usage, no_data: usage.no_data ?? why };
}

/** A search that failed is told, and keeps nobody from the rest of the report. */
async function newSuggestions(
  { firstDate, endDate }: ReportPeriod,
  { suggestions, zone }: ComposeContext,
): Promise<HomeReport['suggestions']> {
  try {
    await suggestions.upToDate();
  } catch (error) {
    return { no_data: `They could not be looked for: ${errorText(error)}`, items: [] };
  }
  return suggestionSection(suggestions.list('proposed'), {
    fromMs: zone.msOf(zone.day(firstDate), MORNING_MINUTES),
    toMs: zone.msOf(zone.day(endDate), MORNING_MINUTES),
  });
}

async function energyOf(
  { firstDate, endDate }: ReportPeriod,
  { energy }: ComposeContext,
  resolution: 'hour' | 'day',
): Promise<EnergyReport> {
  const span = { fromDate: firstDate, toDate: endDate };
  return await energy.report({ span, resolution, visible: null });
}
