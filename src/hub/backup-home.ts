import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import type { HubConfig, HubSecrets } from '../config/config.ts';
import type { Manifest, RestoreResult } from '../ops/ops.ts';

import { Audit } from '../access/access.ts';
import { systemClock } from '../base/clock.ts';
import { DataDir } from '../base/data-dir.ts';
import { HubError } from '../base/errors.ts';
import { newId } from '../base/ids.ts';
import { keepValue } from '../base/kept-values.ts';
import { createLogger } from '../base/log.ts';
import { OpenParts } from '../base/open-parts.ts';
import { readHubVersion } from '../base/version.ts';
import { COUNT_ENTITIES } from '../graph/tables.ts';
import { inspectStaged, previewBackup, restoreBackup } from '../ops/ops.ts';
import { startBackupPart, type BackupPart } from './backup-part.ts';
import { DATABASE_FILE, openStore, openStoreFile, SCHEMA_VERSIONS } from './open-store.ts';

/**
 * Opens the backups of a data folder on which no hub runs.
 * @throws StartError when a hub holds the folder, HubError `not_found` when there is no home in it.
 */
export async function openBackups(
  config: HubConfig,
  secrets: HubSecrets,
): Promise<{ part: BackupPart; audit: Audit } & AsyncDisposable> {
  if (!existsSync(join(config.dataDir, DATABASE_FILE))) {
    throw new HubError('not_found', `There is no home in ${config.dataDir}. Is this the right data_dir?`);
  }
  const clock = systemClock;
  const log = createLogger(config.logging);
  const parts = new OpenParts();
  await using opening = parts;
  const dataDir = opening.add('data_dir', DataDir.open(config.dataDir, log));
  const store = opening.add('database', await openStore(dataDir, clock, log));
  keepValue(store, 'node_id', newId);
  const audit = opening.add('audit', new Audit({ store, clock, log }));
  const part = await startBackupPart(config, secrets, dataDir, { store, clock, log, jobs: null, audit });
  const open = parts.move();
  return {
    part,
    audit,
    async [Symbol.asyncDispose]() {
      await open[Symbol.asyncDispose]();
    },
  };
}

/** Tells what a backup is. @throws HubError `invalid` where this version cannot restore it. */
export async function previewRestore(file: string, passphrase: string | null): Promise<Manifest> {
  return await previewBackup(file, passphrase, {
    hubVersion: readHubVersion(),
    schemaVersions: SCHEMA_VERSIONS,
  });
}

/** Reads a backup in full. @param scratchFolder it is there, with room to unpack the backup. */
export async function verifyBackup(
  file: string,
  options: {
    readonly passphrase: string | null;
    readonly scratchFolder: string;
    readonly signal: AbortSignal;
    readonly progress: (bytes: number) => void;
  },
): ReturnType<typeof inspectStaged> {
  const scratchName = `.funkygibbon-verify-${process.pid}.part`;
  return await inspectStaged(file, { ...options, scratchName, countSql: COUNT_ENTITIES });
}

/**
 * Makes a backup the home of a data folder that no hub holds. The folder is made where it is missing.
 * @throws StartError when a hub holds the folder, HubError where the backup is not good: nothing was changed then.
 */
export async function restoreHome(
  config: HubConfig,
  options: {
    readonly file: string;
    readonly passphrase: string | null;
    readonly signal: AbortSignal;
    readonly progress: (text: string) => void;
  },
): Promise<RestoreResult> {
  const clock = systemClock;
  const log = createLogger(config.logging);
  const isNew = !existsSync(config.dataDir);
  const dataDir = DataDir.open(config.dataDir, log);
  try {
    return await restoreBackup({
      ...options,
      dataDir: dataDir.path,
      countSql: COUNT_ENTITIES,
      clock,
      log,
      openStore: async (file) => await openStoreFile(file, clock, log),
    });
  } catch (error) {
    // Nothing but the lock is in a folder that was made just now.
    if (isNew) rmSync(config.dataDir, { recursive: true, force: true });
    throw error;
  } finally {
    dataDir[Symbol.dispose]();
  }
}
