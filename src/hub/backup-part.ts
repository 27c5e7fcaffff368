import { dirname } from 'node:path';

import type { Audit } from '../access/access.ts';
import type { DataDir } from '../base/data-dir.ts';
import type { HubConfig, HubSecrets } from '../config/config.ts';
import type { JobDefinition, JobDirectory, JobQueue } from '../jobs/types.ts';
import type { Shared } from './optional-parts.ts';

import { occurrencesIn } from '../base/calendar.ts';
import { parseCron } from '../base/cron.ts';
import { HomeZone } from '../base/home-zone.ts';
import { readHubVersion } from '../base/version.ts';
import { COUNT_ENTITIES } from '../graph/tables.ts';
import { Backups, uploadBackup, type BackupHealth, type BackupSettings } from '../ops/ops.ts';

export const BACKUP_JOB = 'backup';
export const UPLOAD_JOB = 'backup-upload';
/** A large home on a slow stick; an upload goes by the line of the house. */
const LIMIT_MS = 3 * 3600_000;
const DAY_MS = 24 * 3600_000;
/** What the audit log calls the schedule. */
const HUB = { userId: 'hub', username: 'hub' };

export interface BackupPart {
  readonly backups: Backups;
  /** To be handed to the jobs. */
  readonly definitions: readonly JobDefinition[];
  /** Null where the hub makes none by itself. */
  readonly health: () => BackupHealth | null;
}

type BackupParts = Pick<Shared, 'store' | 'clock' | 'log'> & {
  /** They are there when the first backup is made: they make it. */
  readonly jobs: (() => JobDirectory & JobQueue) | null;
  readonly audit: Pick<Audit, 'record'>;
};

/** Joins what makes backups with the schedule and the queue of the hub. */
export async function startBackupPart(
  config: HubConfig,
  secrets: HubSecrets,
  dataDir: DataDir,
  { store, clock, log: hubLog, jobs, audit }: BackupParts,
): Promise<BackupPart> {
  const settings = toSettings(config, secrets, dataDir);
  const log = hubLog.child({ part: 'backup' });
  const backups = new Backups({
    source: {
      store,
      dataDir: dataDir.path,
      configFile: config.file,
      hubVersion: readHubVersion(),
      homeName: config.home.name,
      countSql: COUNT_ENTITIES,
    },
    settings,
    enabled: config.backup.enabled,
    clock,
    log,
    dueEveryMs: longestPauseMs(config, clock.nowMs()),
    nextMs: () =>
      jobs?.()
        .list()
        .find(({ name }) => name === BACKUP_JOB)?.nextMs ?? null,
    uploads: settings.s3 && jobs && { enqueue: async (name) => await enqueueUpload(jobs(), name) },
  });
  if (settings.s3 && settings.passphrase === null) {
    log.warn('backups go to S3 unencrypted, and they hold the keys of the home: set backup.passphrase');
  }
  await backups.tidy();
  const definitions = jobs
    ? [backupJob(config, backups, settings, jobs, audit), ...uploadJobs(backups, settings)]
    : [];
  return { backups, definitions, health: () => (config.backup.enabled ? backups.health() : null) };
}

function toSettings({ backup }: HubConfig, secrets: HubSecrets, dataDir: DataDir): BackupSettings {
  const { directory, keep, keepDays, requireMount, s3 } = backup;
  return {
    directory,
    isOwnFolder: dirname(directory) === dataDir.path,
    keep,
    keepDays,
    requireMount,
    passphrase: secrets.backupPassphrase,
    s3: s3 && { ...s3, secretKey: secrets.s3SecretKey ?? '' },
  };
}

function backupJob(
  config: HubConfig,
  backups: Backups,
  settings: BackupSettings,
  jobs: () => JobQueue,
  audit: Pick<Audit, 'record'>,
): JobDefinition {
  return {
    name: BACKUP_JOB,
    title: 'Makes a backup, reads it again in full, and removes old ones',
    schedule: config.backup.enabled ? config.backup.schedule : null,
    limitMs: LIMIT_MS,
    run: async ({ signal, believedMs }) => {
      const view = await backups.create({ origin: 'schedule', signal });
      audit.record({
        action: 'backup',
        by: HUB,
        from: { address: 'hub' },
        target: view.name,
        details: { path: view.path, size_bytes: view.sizeBytes, sha256: view.sha256 },
      });
      const removed = await backups.removeOld(believedMs);
      // Those that could not be brought there some night are tried again, too.
      for (const name of settings.s3 ? backups.notIn(settings.s3) : []) await enqueueUpload(jobs(), name);
      const { sizeBytes, entities } = view;
      return { summary: `${view.path} was made and read again.`, size_bytes: sizeBytes, entities, removed };
    },
  };
}

function uploadJobs(backups: Backups, { s3 }: BackupSettings): JobDefinition[] {
  if (!s3) return [];
  return [
    {
      name: UPLOAD_JOB,
      title: 'Brings a backup to S3',
      schedule: null,
      limitMs: LIMIT_MS,
      run: async ({ payload, signal }) => await uploadBackup(backups, s3, String(payload['name']), signal),
    },
  ];
}

async function enqueueUpload(queue: JobQueue, name: string): Promise<void> {
  await queue.enqueue(UPLOAD_JOB, { name }, { key: name });
}

/** The longest time between two backups of the schedule. */
function longestPauseMs({ backup, home }: HubConfig, nowMs: number): number {
  const moments = occurrencesIn(new HomeZone(home.timezone), parseCron(backup.schedule), {
    afterMs: nowMs,
    untilMs: nowMs + 400 * DAY_MS,
    limit: 400,
  });
  const pauses = moments.slice(1).map(({ atMs }, index) => atMs - (moments[index]?.atMs ?? atMs));
  return pauses.reduce((longest, pause) => Math.max(longest, pause), DAY_MS);
}
