import { setImmediate } from 'node:timers/promises';

import type { Access } from '../access/access.ts';
import type { Store } from '../base/store.ts';
import type { HubConfig } from '../config/config.ts';
import type { JobDefinition } from '../jobs/types.ts';
import type { Readings } from '../readings/readings.ts';
import type { Shared } from './optional-parts.ts';

import { removeExpired } from '../access/access.ts';
import { HomeZone } from '../base/home-zone.ts';
import { findDamage, readFileSize, refreshStatistics, shrinkFile } from '../base/maintenance.ts';
import { compactHistory } from '../graph/graph.ts';
import { FoundProblem } from '../jobs/errors.ts';
import { historyCleanup, startJobs, type Jobs } from '../jobs/jobs.ts';

/** What clean-up works on. */
export interface CleanupParts {
  readonly store: Store;
  readonly access: Access;
  readonly readings: Readings;
}

/** Starts the jobs: the clean-up of every part, and what else is given. */
export function startJobsPart(
  config: HubConfig,
  shared: Pick<Shared, 'store' | 'clock' | 'log' | 'opening'> & CleanupParts,
  definitions: readonly JobDefinition[] = [],
): Jobs {
  const { store, clock, log, opening } = shared;
  return opening.add(
    'jobs',
    startJobs({
      store,
      clock,
      log: log.child({ part: 'jobs' }),
      zone: new HomeZone(config.home.timezone),
      definitions: [...jobDefinitions(shared, config.graph.changeLogDays), ...definitions],
    }),
  );
}

/**
 * The clean-up that the hub does by itself, at night and one after the other. There are no blobs in the hub, so nothing
 * looks for orphans among them.
 * @param changeLogDays 0: the change log is kept as it is.
 */
export function jobDefinitions(parts: CleanupParts, changeLogDays: number): JobDefinition[] {
  const { store, access, readings } = parts;
  return [
    changeLogCleanup(store, changeLogDays),
    readingsCleanup(readings),
    auditCleanup(access),
    accessCleanup(store),
    historyCleanup(store),
    databaseUpkeep(store),
    databaseCheck(store),
  ];
}

function changeLogCleanup(store: Store, keepDays: number): JobDefinition {
  return {
    name: 'change-log-cleanup',
    title: 'Thins what the hub noted by itself long ago',
    schedule: '10 3 * * *',
    run: async ({ believedMs, signal }) => {
      if (keepDays === 0) return { summary: 'Nothing is removed: graph.change_log_days is 0.', removed: 0 };
      const removed = await compactHistory({ store, nowMs: believedMs, keepDays, signal });
      return { summary: `${removed} versions from before ${keepDays} days were removed.`, removed };
    },
  };
}

function readingsCleanup(readings: Readings): JobDefinition {
  return {
    name: 'readings-cleanup',
    title: 'Rolls numeric history up and removes what is too old',
    schedule: '20 3 * * *',
    run: async ({ believedMs, signal }) => {
      await readings.compact();
      let removed = 0;
      for (;;) {
        signal.throwIfAborted();
        const { deletedRows, isDone } = readings.expire(believedMs);
        removed += deletedRows;
        if (isDone) break;
        await setImmediate();
      }
      const summary = `Readings are rolled up; ${removed} old rows were removed, besides what goes every hour.`;
      return { summary, removed };
    },
  };
}

function auditCleanup(access: Access): JobDefinition {
  return {
    name: 'audit-cleanup',
    title: 'Removes lines of the audit log older than a year',
    schedule: '30 3 * * *',
    run: async ({ believedMs }) => {
      const removed = access.audit.tidy(undefined, believedMs);
      return await Promise.resolve({ summary: `${removed} lines of the audit log were removed.`, removed });
    },
  };
}

function accessCleanup(store: Store): JobDefinition {
  return {
    name: 'access-cleanup',
    title: 'Removes tokens, sessions and codes that have expired',
    schedule: '35 3 * * *',
    run: async ({ believedMs }) => {
      const { refreshTokens, sessions, guests, pairingCodes, keySecrets } = removeExpired(store, believedMs);
      return await Promise.resolve({
        summary:
          `${refreshTokens} refresh tokens, ${sessions} sessions, ${guests} guests, ${pairingCodes} pairing codes and ` +
          `${keySecrets} replaced keys had expired and were removed.`,
        refresh_tokens: refreshTokens,
        sessions,
        guests,
        pairing_codes: pairingCodes,
        key_secrets: keySecrets,
      });
    },
  };
}

function databaseUpkeep(store: Store): JobDefinition {
  return {
    name: 'database-upkeep',
    title: 'Gives free space back and renews the statistics',
    schedule: '0 4 * * *',
    run: async ({ signal }) => {
      const statistics = await refreshStatistics(store, signal);
      const returned = await shrinkFile(store, signal);
      const { complete, walFrames } = await store.checkpoint();
      const { bytes, freeBytes, canShrink } = readFileSize(store);
      const shrunk = canShrink
        ? `${toMb(returned)} given back to the disk`
        : 'made by an earlier version, it keeps its free space for itself';
      return {
        summary:
          `The database has ${toMb(bytes)}, ${toMb(freeBytes)} of it free; ${shrunk}. ` +
          `${walFrames} pages of its log ${complete ? 'were' : 'were in part'} written back.`,
        bytes,
        free_bytes: freeBytes,
        returned_bytes: returned,
        wal_pages: walFrames,
        statistics,
      };
    },
  };
}

function databaseCheck(store: Store): JobDefinition {
  return {
    name: 'database-check',
    title: 'Reads the whole database and looks for damage',
    schedule: '20 4 * * *',
    limitMs: 3 * 3600_000,
    run: async ({ signal }) => {
      const startedMs = performance.now();
      const problems = await findDamage(store.file, signal);
      if (problems.length > 0) {
        throw new FoundProblem(
          'database_damaged',
          `The database is damaged: ${problems.slice(0, 3).join('; ')}.`,
          'Stop the hub, keep a copy of the file, check the card or disk that it lies on, and restore a backup.',
        );
      }
      const { bytes } = readFileSize(store);
      const seconds = Math.round((performance.now() - startedMs) / 100) / 10;
      return { summary: `${toMb(bytes)} were read in ${seconds} s and are sound.`, bytes, seconds };
    },
  };
}

function toMb(bytes: number): string {
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}
