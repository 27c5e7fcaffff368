import * as z from 'zod';

import type { Principal } from '../../access/types.ts';
import type { UsageReport } from '../../insights/insights.ts';
import type { Route } from '../route.ts';
import type { HttpOptions } from '../types.ts';

import { toIso } from '../../base/clock.ts';
import { HubError } from '../../base/errors.ts';
import { MAX_USAGE_DAYS, USAGE_CAUSES } from '../../insights/insights.ts';
import { json } from '../reply.ts';
import { route } from '../route.ts';

const MAX_CLIENTS = 500;

const daysError = `must be a whole number from 1 to ${MAX_USAGE_DAYS}`;
const usageQuery = z.strictObject({
  days: z.coerce
    .number(daysError)
    .int(daysError)
    .min(1, daysError)
    .max(MAX_USAGE_DAYS, daysError)
    .default(30)
    .describe('Days of the calendar of the home, today included'),
});

const time = z.string().meta({ format: 'date-time' });
const count = z.int().min(0);
const daySchema = z.object({
  date: z.string(),
  events: count.describe('Values that changed, and presses'),
  commands: count,
  by_cause: z.object(Object.fromEntries(USAGE_CAUSES.map((cause) => [cause, count]))),
  covered: z.number().nullable().describe('For which share of the day the hub ran'),
});
const deviceSchema = z.object({
  entity_id: z.string(),
  name: z.string().nullable(),
  events: count,
  commands: count,
  by_people: count,
  last_at: time,
});
const clientSchema = z.object({
  client: z.string(),
  protocol: z.string(),
  user_id: z.string().nullable(),
  last_sync_at: time.nullable(),
  last_error: z.string().nullable(),
  pending_changes: count.nullable(),
  online: z.boolean().nullable(),
  syncs: count.nullable().describe('That ended, as the client says; null where nobody counts'),
  failures: count.nullable().describe('In a row, as the client says'),
  open_conflicts: count.nullable().describe('Changes of it that wait for somebody to decide'),
});
const usageSchema = z
  .object({
    from: time,
    to: time,
    timezone: z.string(),
    recorded_since: time.nullable().describe('Null: nothing was recorded yet'),
    gaps: z.array(z.object({ from: time, to: time })).describe('When the hub did not run'),
    entities: z.object({ total: count, by_type: z.record(z.string(), count) }),
    daily: z.array(daySchema),
    most_active: z.array(deviceSchema),
    sync: z
      .object({
        total: count,
        online: count,
        failing: count.describe('Whose last sync did not work wholly'),
        clients: z.array(clientSchema),
      })
      .describe('Those of the caller; of everybody for admins'),
  })
  .meta({ id: 'Usage' });

/** How the home is used. Whoever is limited to rooms is not told: it is about the whole of it. */
export function usageRoutes(context: Pick<HttpOptions, 'access' | 'clients' | 'insights' | 'sync'>): Route[] {
  return [
    route({
      method: 'GET',
      path: '/api/analytics/usage',
      authority: 'home:read',
      summary: 'What there is at home, how much happens day by day, with which devices, and who syncs',
      query: usageQuery,
      answer: { status: 200, schema: usageSchema },
      handle: async ({ query, principal }) => {
        const usage = context.insights?.usage;
        if (!usage) throw new HubError('conflict', 'Nothing is recorded here.');
        const report = await usage.report(query.days);
        return json({ ...reportJson(report), sync: syncJson(clientsOf(context, principal)) });
      },
    }),
  ];
}

function reportJson(report: UsageReport): object {
  const { entities, recordedSinceMs } = report;
  return {
    from: toIso(report.fromMs),
    to: toIso(report.toMs),
    timezone: report.zone,
    recorded_since: isoOrNull(recordedSinceMs),
    gaps: report.gaps.map(({ fromMs, toMs }) => ({ from: toIso(fromMs), to: toIso(toMs) })),
    entities: {
      total: [...entities.values()].reduce((sum, one) => sum + one, 0),
      by_type: Object.fromEntries(entities),
    },
    daily: report.days.map(({ date, events, commands, byCause, coveredMs, lengthMs }) => ({
      date,
      events,
      commands,
      by_cause: byCause,
      covered: lengthMs > 0 ? Math.round((coveredMs / lengthMs) * 1000) / 1000 : null,
    })),
    most_active: report.devices.map(({ entityId, name, events, commands, byPeople, lastMs }) => ({
      entity_id: entityId,
      name,
      events,
      commands,
      by_people: byPeople,
      last_at: toIso(lastMs),
    })),
  };
}

type Client = z.output<typeof clientSchema>;

function syncJson(clients: readonly Client[]): object {
  return {
    total: clients.length,
    online: clients.filter(({ online }) => online === true).length,
    failing: clients.filter(({ last_error: error }) => error !== null).length,
    clients,
  };
}

function clientsOf(
  { access, clients, sync }: Pick<HttpOptions, 'access' | 'clients' | 'sync'>,
  principal: Principal,
): Client[] {
  const isAdmin = access.allows(principal, 'system:admin');
  // What clients note about themselves names no user.
  const noted = Map.groupBy(isAdmin ? clients.list(MAX_CLIENTS) : [], ({ clientId }) => clientId);
  const known = sync.devices().filter(({ userId }) => isAdmin || userId === principal.userId);
  const own = known.map(
    ({
      deviceId,
      protocol,
      userId,
      lastSyncMs,
      lastError,
      pendingChanges,
      isOnline,
      openConflicts,
    }): Client => ({
      client: deviceId,
      protocol,
      user_id: userId,
      last_sync_at: isoOrNull(lastSyncMs),
      last_error: lastError,
      pending_changes: pendingChanges,
      online: isOnline,
      ...countsOf(noted.get(deviceId) ?? []),
      open_conflicts: openConflicts,
    }),
  );
  for (const { deviceId } of known) noted.delete(deviceId);
  const others = [...noted].map(([client, records]): Client => {
    const last = records.reduce((a, b) => ((b.lastSyncMs ?? 0) > (a.lastSyncMs ?? 0) ? b : a));
    return {
      client,
      protocol: 'inbetweenies-v2',
      user_id: null,
      last_sync_at: isoOrNull(last.lastSyncMs),
      last_error: last.lastError,
      pending_changes: null,
      online: records.some(({ inProgress }) => inProgress) ? true : null,
      ...countsOf(records),
      open_conflicts: null,
    };
  });
  return [...own, ...others];
}

/** A client that syncs with several servers notes a record for each. */
function countsOf(
  records: readonly { readonly syncs: number; readonly failures: number }[],
): Pick<Client, 'syncs' | 'failures'> {
  if (records.length === 0) return { syncs: null, failures: null };
  return {
    syncs: records.reduce((sum, { syncs }) => sum + syncs, 0),
    failures: Math.max(...records.map(({ failures }) => failures)),
  };
}

function isoOrNull(ms: number | null): string | null {
  return ms === null ? null : toIso(ms);
}
