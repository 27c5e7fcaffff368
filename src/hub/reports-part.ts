import { setImmediate } from 'node:timers/promises';

import type { Activity } from '../activity/activity.ts';
import type { AutomationDirectory } from '../automations/types.ts';
import type { HubConfig, HubSecrets } from '../config/config.ts';
import type { Insights, ReportHome } from '../insights/insights.ts';
import type { JobDefinition, JobDirectory } from '../jobs/types.ts';
import type { Sync } from '../sync/sync.ts';
import type { Shared } from './optional-parts.ts';

import * as z from 'zod';

import { HomeZone } from '../base/home-zone.ts';
import { DELIVERY_JOBS, DELIVERY_TARGETS, Reports } from '../insights/insights.ts';

export interface ReportParts {
  readonly insights: Insights;
  readonly activity: Activity;
  readonly automations: AutomationDirectory;
  readonly sync: Pick<Sync, 'devices'>;
  /** The jobs are there when the first report is made: they make it. */
  readonly jobs: () => JobDirectory;
}

const PAGE = 200;
/** Of one automation, or of failed jobs, in one report. */
const MAX_RUNS = 5000;
const FAILURES: readonly string[] = ['partly', 'failed', 'refused', 'missed', 'interrupted'];

/** Joins what makes reports with what they tell of, and with where they are sent. */
export function startReportsPart(
  config: HubConfig,
  secrets: HubSecrets,
  shared: Pick<Shared, 'store' | 'devices' | 'clock' | 'log'> & ReportParts,
): Reports {
  const { store, clock, log, insights, activity } = shared;
  const { keepDays, mail, webhookKinds } = config.reports;
  const { reportMailPassword: password, reportWebhookUrl: url, reportWebhookSecret: secret } = secrets;
  return new Reports({
    store,
    clock,
    log: log.child({ part: 'reports' }),
    zone: new HomeZone(config.home.timezone),
    energy: insights.energy,
    usage: insights.usage,
    suggestions: insights.suggestions,
    home: reportHome(shared),
    homeName: config.home.name,
    activityDays: config.activity.keepDays,
    recordedSinceMs: () => activity.spans()[0]?.startMs ?? null,
    keepDays,
    mail: mail && { ...mail, password },
    webhook: url === null ? null : { url, secret, kinds: webhookKinds },
  });
}

const orderSchema = z.object({ report: z.string(), order: z.int(), round: z.int() });

/** What the hub does for reports by itself: it makes them after the clean-up of the night, and sends them. */
export function reportJobs(reports: Reports): JobDefinition[] {
  return [
    {
      name: 'report-cleanup',
      title: 'Removes reports that are too old',
      schedule: '45 3 * * *',
      run: async ({ believedMs, signal }) => {
        let removed = 0;
        for (let slice = -1; slice !== 0; removed += slice) {
          signal.throwIfAborted();
          slice = reports.tidy(believedMs);
          await setImmediate();
        }
        return { summary: `${removed} old reports were removed.`, removed };
      },
    },
    {
      name: 'reports',
      title: 'Makes the reports of the days, weeks and months that are over',
      schedule: '10 5 * * *',
      run: async ({ believedMs, signal }) => {
        const made = await reports.makeMissing(believedMs, signal);
        const summary = made.length === 0 ? 'No report was lacking.' : `Made: ${made.join(', ')}.`;
        return { summary, made: made.length };
      },
    },
    ...DELIVERY_TARGETS.map((to): JobDefinition => ({
      name: DELIVERY_JOBS[to],
      title: to === 'mail' ? 'Sends a report by mail' : 'Posts a report to the webhook',
      schedule: null,
      limitMs: 2 * 60_000,
      run: async ({ payload, attempt, signal }) => {
        const order = orderSchema.safeParse(payload);
        if (!order.success)
          return { summary: '`funkygibbon reports send ID` says which report is to be sent.' };
        return { summary: await reports.deliveries.deliver(to, order.data, { attempt, signal }) };
      },
    })),
  ];
}

function reportHome({ devices, automations, sync, jobs }: Pick<Shared, 'devices'> & ReportParts): ReportHome {
  return {
    devices: () =>
      devices.list().map(({ entityId, name, available, values, capabilities }) => {
        const valueOf = (kind: string): unknown =>
          values.get(capabilities.find((one) => one.kind === kind)?.name ?? '')?.value;
        const percent = valueOf('battery');
        return {
          entityId,
          name,
          isAvailable: available,
          batteryPercent: typeof percent === 'number' ? percent : null,
          isBatteryLow: valueOf('battery_low') === true,
        };
      }),
    phones: () =>
      sync.devices().map(({ deviceId, userId, lastSyncMs }) => ({ client: deviceId, userId, lastSyncMs })),
    automationRuns: async (fromMs, toMs) => await runsOf(automations, fromMs, toMs),
    failedJobs: (fromMs, toMs) => failedJobs(jobs(), fromMs, toMs),
  };
}

async function runsOf(
  automations: AutomationDirectory,
  fromMs: number,
  toMs: number,
): Promise<NonNullable<Awaited<ReturnType<ReportHome['automationRuns']>>>> {
  const found: NonNullable<Awaited<ReturnType<ReportHome['automationRuns']>>>[number][] = [];
  for (const { definition } of automations.list()) {
    const { entityId, name } = definition;
    for (let beforeId = 0, seen = 0; seen < MAX_RUNS;) {
      const page = automations.runs(entityId, PAGE, beforeId);
      found.push(
        ...page
          .filter(({ startedMs }) => startedMs >= fromMs && startedMs < toMs)
          .map(({ startedMs, outcome }) => ({
            automationId: entityId,
            name,
            startedMs,
            outcome,
            isFailure: FAILURES.includes(outcome),
          })),
      );
      await setImmediate();
      const last = page.at(-1);
      if (page.length < PAGE || !last || last.startedMs < fromMs) break;
      beforeId = last.id;
      seen += page.length;
    }
  }
  return found;
}

function failedJobs(
  jobs: JobDirectory,
  fromMs: number,
  toMs: number,
): NonNullable<ReturnType<ReportHome['failedJobs']>> {
  const titles = new Map(jobs.list().map(({ name, title }) => [name, title]));
  const isIn = (ms: number | null): ms is number => ms !== null && ms >= fromMs && ms < toMs;
  return jobs
    .history({ state: 'failed' }, 0, MAX_RUNS)
    .flatMap(({ name, endedMs, error }) =>
      isIn(endedMs) ? [{ name, title: titles.get(name) ?? name, endedMs, error: error ?? 'unknown' }] : [],
    );
}
