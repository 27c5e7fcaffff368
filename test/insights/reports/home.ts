import type { LoggedEvent } from '../../../src/insights/types.ts';
import type { Suggestion } from '../../../src/insights/insights.ts';
import type {
  AutomationRun,
  FailedJob,
  MailTarget,
  ReportHome,
  WebhookTarget,
} from '../../../src/insights/reports/types.ts';
import type { Jobs } from '../../../src/jobs/jobs.ts';

import { silentLogger } from '../../../src/base/log.ts';
import { reportJobs } from '../../../src/hub/reports-part.ts';
import { Reports } from '../../../src/insights/reports/reports.ts';
import { reportTables } from '../../../src/insights/reports/tables.ts';
import { Usage } from '../../../src/insights/usage/usage.ts';
import { startJobs } from '../../../src/jobs/jobs.ts';
import { jobTables } from '../../../src/jobs/tables.ts';
import { openEnergyHome, type EnergyTestHome } from '../energy/home.ts';

export const HOUR = 3_600_000;
export const DAY = 24 * HOUR;
export const ADMIN = { isAdmin: true, maySeeSuggestions: true };

type Device = ReturnType<ReportHome['devices']>[number];
type Phone = ReturnType<ReportHome['phones']>[number];

/** A home with energy on a real file, and a past besides that a test writes. */
export interface ReportsHome extends AsyncDisposable {
  readonly energy: EnergyTestHome;
  readonly reports: Reports;
  readonly jobs: Jobs;
  readonly events: { entityId: string; capability: string; event: LoggedEvent }[];
  spans: { startMs: number; endMs: number }[];
  readonly devices: Device[];
  readonly phones: Phone[];
  readonly runs: AutomationRun[];
  readonly failed: FailedJob[];
  readonly suggestions: Suggestion[];
  /** Below 0 the search for suggestions fails. */
  observedDays: number;
  /** As after a restart of the hub on the same file, with other places to send to. */
  restart(targets?: Targets): Promise<void>;
  /** Lets time pass in steps, and the jobs with it. */
  pass(ms: number, stepMs?: number): Promise<void>;
}

export interface Targets {
  readonly mail?: MailTarget | null;
  readonly webhook?: WebhookTarget | null;
  readonly keepDays?: number;
  readonly activityDays?: number;
}

export async function openReportsHome({
  zone = 'Europe/Berlin',
  begin = '2026-03-02T00:00',
  name = 'Home',
  ...first
}: { zone?: string; begin?: string; name?: string } & Targets = {}): Promise<ReportsHome> {
  const energy = await openEnergyHome(zone, begin, [jobTables, reportTables]);
  const { store, clock } = energy;
  const past: Pick<
    ReportsHome,
    'events' | 'spans' | 'devices' | 'phones' | 'runs' | 'failed' | 'suggestions' | 'observedDays'
  > = {
    events: [],
    spans: [{ startMs: clock.nowMs(), endMs: Infinity }],
    devices: [],
    phones: [],
    runs: [],
    failed: [],
    suggestions: [],
    observedDays: 20,
  };
  const isIn = (fromMs: number, toMs: number, ms: number): boolean => ms >= fromMs && ms < toMs;
  const open = ({
    mail = null,
    webhook = null,
    keepDays = 90,
  }: Targets): { reports: Reports; jobs: Jobs } => {
    const reports = new Reports({
      store,
      clock,
      log: silentLogger,
      zone: energy.zone,
      energy: energy.energy,
      usage: new Usage({
        zone: energy.zone,
        clock,
        home: { entityCounts: () => new Map([['device', 3]]), nameOf: nameOf(past.devices) },
        log: {
          spans: () => past.spans.map((span) => ({ ...span, endMs: Math.min(span.endMs, clock.nowMs()) })),
          *scan(fromMs, toMs) {
            for (const { entityId, capability, event } of past.events) {
              if (isIn(fromMs, toMs, event.timeMs)) yield [{ entityId, capability, events: [event] }];
            }
          },
        },
      }),
      suggestions: {
        upToDate: async () => {
          if (past.observedDays < 0) throw new Error('the disk');
          await Promise.resolve();
        },
        list: () => ({
          items: past.suggestions,
          observed: { days: past.observedDays, sinceMs: null, computedMs: 0, tried: 0, isComputing: false },
        }),
      },
      home: {
        devices: () => past.devices,
        phones: () => past.phones,
        automationRuns: async (fromMs, toMs) =>
          await Promise.resolve(past.runs.filter(({ startedMs }) => isIn(fromMs, toMs, startedMs))),
        failedJobs: (fromMs, toMs) => past.failed.filter(({ endedMs }) => isIn(fromMs, toMs, endedMs)),
      },
      homeName: name,
      activityDays: first.activityDays ?? 400,
      recordedSinceMs: () => past.spans[0]?.startMs ?? null,
      keepDays,
      mail,
      webhook,
    });
    const jobs = startJobs({
      store,
      clock,
      log: silentLogger,
      zone: energy.zone,
      definitions: reportJobs(reports),
    });
    return { reports, jobs };
  };
  let opened = open(first);
  await opened.reports.deliveries.connect(opened.jobs);
  // With accessors: `Object.assign` would take over what they give just now.
  return Object.defineProperties(
    past,
    Object.getOwnPropertyDescriptors({
      energy,
      get reports() {
        return opened.reports;
      },
      get jobs() {
        return opened.jobs;
      },
      async restart(targets: Targets = first) {
        await opened.jobs[Symbol.asyncDispose]();
        opened = open(targets);
        await opened.reports.deliveries.connect(opened.jobs);
      },
      async pass(ms: number, stepMs = HOUR) {
        for (let left = ms; left > 0; left -= stepMs) {
          clock.advance(Math.min(stepMs, left));
          await opened.jobs.idle();
        }
      },
      async [Symbol.asyncDispose]() {
        await opened.jobs[Symbol.asyncDispose]();
        await energy[Symbol.asyncDispose]();
      },
    }),
  ) as ReportsHome;
}

function nameOf(devices: readonly Device[]): (id: string) => string | null {
  return (id) => devices.find(({ entityId }) => entityId === id)?.name ?? null;
}

export function mailTo(port: number, more: Partial<MailTarget> = {}): MailTarget {
  return {
    kinds: ['daily', 'weekly', 'monthly'],
    host: '127.0.0.1',
    port,
    tls: 'none',
    username: null,
    password: null,
    from: 'Hub <hub@example.org>',
    to: ['ana@example.org'],
    ...more,
  };
}
