import * as z from 'zod';

import type { Access } from '../access/access.ts';
import type { ControlTasks } from '../cli/cli.ts';
import type { Reports } from '../insights/insights.ts';

import { TERMINAL } from '../access/types.ts';
import { HubError } from '../base/errors.ts';
import { reportEntryJson } from '../http/http.ts';
import { REPORT_KINDS, reportPage, reportText } from '../insights/insights.ts';

const listArgs = z.object({ kind: z.enum(REPORT_KINDS).nullable(), limit: z.int().min(1).max(500) });
const idArgs = z.object({ id: z.string() });
const makeArgs = z.object({ kind: z.enum(REPORT_KINDS), date: z.string().nullable() });

/** What the command line asks about reports, see `report-command.ts`. Whoever is at the terminal may all. */
export function reportTasks(reports: Reports, audit: Access['audit']): ControlTasks {
  const reader = { isAdmin: true, maySeeSuggestions: true };
  const { principal } = TERMINAL;
  const named = (id: string): string => {
    if (id !== 'latest') return id;
    const [latest] = reports.list(null, 0, 1);
    if (latest) return latest.id;
    throw new HubError('not_found', 'There is no report yet. `funkygibbon reports make daily` makes one.');
  };
  return {
    reports: async (args) => {
      const { kind, limit } = listArgs.parse(args);
      return await Promise.resolve(reports.list(kind, 0, limit).map(reportEntryJson));
    },
    reports_show: async (args) => {
      const report = reports.report(named(idArgs.parse(args).id), reader);
      return await Promise.resolve({ report, text: reportText(report), html: reportPage(report) });
    },
    reports_make: async (args) => {
      const { kind, date } = makeArgs.parse(args);
      const entry = await reports.make(kind, date);
      audit.record({ action: 'report.make', by: principal, from: TERMINAL, target: entry.id });
      return reportEntryJson(entry);
    },
    reports_send: async (args) => {
      const entry = await reports.send(named(idArgs.parse(args).id));
      audit.record({ action: 'report.send', by: principal, from: TERMINAL, target: entry.id });
      return reportEntryJson(entry);
    },
  };
}
