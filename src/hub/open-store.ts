import type { Clock } from '../base/clock.ts';
import type { DataDir } from '../base/data-dir.ts';
import type { Logger } from '../base/log.ts';

import { keptValueTables } from '../base/kept-values.ts';
import { Store } from '../base/store.ts';
import { finishRestore } from '../ops/ops.ts';
import { accessTables } from '../access/tables.ts';
import { accessoryTables } from '../accessories/tables.ts';
import { activityTables } from '../activity/tables.ts';
import { automationTables } from '../automations/tables.ts';
import { clientTables } from '../clients/tables.ts';
import { deviceTables } from '../devices/tables.ts';
import { graphTables } from '../graph/tables.ts';
import { homekitTables } from '../homekit/tables.ts';
import { energyTables } from '../insights/energy/tables.ts';
import { suggestionTables } from '../insights/habits/tables.ts';
import { reportTables } from '../insights/reports/tables.ts';
import { jobTables } from '../jobs/tables.ts';
import { mqttTables } from '../mqtt/tables.ts';
import { backupTables } from '../ops/backup/tables.ts';
import { readingTables } from '../readings/tables.ts';
import { syncTables } from '../sync/tables.ts';

/** The name of the database in the data folder. */
export const DATABASE_FILE = 'funkygibbon.db';

const TABLES = [
  keptValueTables,
  graphTables,
  accessTables,
  deviceTables,
  readingTables,
  activityTables,
  syncTables,
  clientTables,
  mqttTables,
  homekitTables,
  accessoryTables,
  jobTables,
  automationTables,
  energyTables,
  suggestionTables,
  reportTables,
  backupTables,
];

/** By owner, how many steps of its tables this version knows. */
export const SCHEMA_VERSIONS: Readonly<Record<string, number>> = Object.fromEntries(
  TABLES.map(({ owner, steps }) => [owner, steps.length]),
);

/**
 * The one database, with the tables of every owner whatever it is opened for: they come and go together. A restore that
 * was interrupted comes to its end first.
 */
export async function openStore(dataDir: DataDir, clock: Clock, log: Logger): Promise<Store> {
  const restore = finishRestore(dataDir.path);
  if (restore === 'finished') log.warn('a restore that was interrupted was brought to its end');
  if (restore === 'cleared') log.warn('a restore that was interrupted had changed nothing; begin it anew');
  return await openStoreFile(dataDir.privateFile(DATABASE_FILE), clock, log);
}

/** The same for a file in another place. */
export async function openStoreFile(file: string, clock: Clock, log: Logger): Promise<Store> {
  return await Store.open({ file, clock, log: log.child({ part: 'store' }), migrations: TABLES });
}
