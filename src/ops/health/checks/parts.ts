import type { Clock } from '../../../base/clock.ts';
import type { JsonObject } from '../../../base/json.ts';
import type { BackupHealth, CertificateHealth, Check, Finding } from '../types.ts';

import { toIso } from '../../../base/clock.ts';
import { counted } from '../../io.ts';

const HOUR_MS = 3600_000;
const DAY_MS = 24 * HOUR_MS;
const CERTIFICATE_WARN_MS = 14 * DAY_MS;
const SHOWN = 20;

/** A client that syncs, as far as health looks at it. */
export interface ClientStanding {
  readonly deviceId: string;
  /** ms since the Unix epoch; null for one that never came to the end of a sync. */
  readonly lastSyncMs: number | null;
  readonly lastError: string | null;
  readonly isOnline: boolean;
}

/** When each client has synced last, and whether one cannot. A phone that is away is none of the hub's problems. */
export function clientsCheck(list: () => readonly ClientStanding[]): Check {
  return {
    name: 'clients',
    freshMs: 30_000,
    look: () => {
      const all = list();
      const failing = all.filter(({ lastError }) => lastError !== null);
      const details = {
        clients: all.length,
        items: [...failing, ...all.filter(({ lastError }) => lastError === null)]
          .slice(0, SHOWN)
          .map(clientBody),
      };
      if (all.length === 0) return { status: 'ok', summary: 'No client has synced yet.', details };
      const [first] = failing;
      if (!first)
        return { status: 'ok', summary: `${counted(all.length, 'client')} sync without trouble.`, details };
      return {
        status: 'warn',
        summary: `${counted(failing.length, 'client')} could not sync the last time: ${first.deviceId}: ${first.lastError}`,
        whatToDo:
          'GET /api/sync/devices tells of each. Open the app on that client; where it fails again, have it start over: POST /api/sync/force/{device_id}.',
        details,
      };
    },
  };
}

function clientBody({ deviceId, lastSyncMs, lastError, isOnline }: ClientStanding): JsonObject {
  return {
    device_id: deviceId,
    last_sync: lastSyncMs === null ? null : toIso(lastSyncMs),
    is_online: isOnline,
    last_error: lastError,
  };
}

/** Something about the jobs that a person has to see to. */
export interface JobProblem {
  readonly kind: string;
  /** Null where it is about all of them. */
  readonly job: string | null;
  readonly message: string;
  readonly action: string;
  readonly sinceMs: number;
}

export function jobsCheck(problems: () => readonly JobProblem[]): Check {
  return {
    name: 'jobs',
    look: () => {
      const all = problems();
      const details = {
        problems: all.map(({ kind, job, message, action, sinceMs }) => ({
          kind,
          job,
          message,
          action,
          since: toIso(sinceMs),
        })),
      };
      const [first] = all;
      if (!first) return { status: 'ok', summary: 'All went well the last time.', details };
      const more = all.length > 1 ? ` And ${counted(all.length - 1, 'problem')} more.` : '';
      const of = first.job === null ? '' : `${first.job}: `;
      return { status: 'warn', summary: `${of}${first.message}${more}`, whatToDo: first.action, details };
    },
  };
}

/** @param standing null where the hub makes none */
export function backupsCheck(clock: Clock, standing: () => BackupHealth | null): Check {
  return {
    name: 'backups',
    look: () => {
      const known = standing();
      if (known === null) return { status: 'off', summary: 'This hub makes no backups by itself.' };
      const { lastGoodMs, lastError, dueEveryMs } = known;
      const details = { last_good: lastGoodMs === null ? null : toIso(lastGoodMs), last_error: lastError };
      const finding = backupFinding(known, clock.nowMs());
      return { ...finding, details: { ...details, due_every_hours: Math.round(dueEveryMs / HOUR_MS) } };
    },
  };
}

function backupFinding({ lastGoodMs, lastError, dueEveryMs }: BackupHealth, nowMs: number): Finding {
  const last = lastGoodMs === null ? 'there is none yet' : `the last good one is of ${toIso(lastGoodMs)}`;
  if (lastError !== null) {
    return {
      status: 'fail',
      summary: `The last backup failed: ${lastError} (${last}).`,
      whatToDo: 'See to what it says, then make one by hand to see whether it works.',
    };
  }
  if (lastGoodMs === null) return { status: 'ok', summary: 'The first backup is still to come.' };
  // Twice, so that a machine which was off for a night is no alarm.
  if (nowMs - lastGoodMs > 2 * dueEveryMs) {
    return {
      status: 'warn',
      summary: `No backup was made for long: ${last}.`,
      whatToDo: '`funkygibbon jobs` shows whether its job runs; make one by hand.',
    };
  }
  return { status: 'ok', summary: `It is well: ${last}.` };
}

/** Whether a certificate that the hub shows ends soon. */
export function certificatesCheck(clock: Clock, list: () => readonly CertificateHealth[]): Check {
  return {
    name: 'certificates',
    freshMs: 60_000,
    look: () => {
      const all = list();
      if (all.length === 0) return { status: 'off', summary: 'TLS is switched off.' };
      const details = {
        items: all.map(({ name, notAfterMs, isOwn }) => ({
          name,
          valid_until: toIso(notAfterMs),
          is_own: isOwn,
        })),
      };
      const [next] = all.toSorted((a, b) => a.notAfterMs - b.notAfterMs);
      const leftMs = (next?.notAfterMs ?? 0) - clock.nowMs();
      if (next && leftMs < CERTIFICATE_WARN_MS) {
        const when = toIso(next.notAfterMs);
        return {
          status: leftMs > 0 ? 'warn' : 'fail',
          summary: `The certificate of ${next.name} ${leftMs > 0 ? `ends on ${when}` : `ended on ${when}: clients refuse it`}.`,
          whatToDo: next.isOwn
            ? 'The hub should have renewed it: look at its log, and restart it.'
            : 'Renew the files; the hub takes them over by itself.',
          details,
        };
      }
      return {
        status: 'ok',
        summary: `${counted(all.length, 'certificate')} in use, good for more than two weeks.`,
        details,
      };
    },
  };
}
