import type { Clock } from '../base/clock.ts';
import type { DataDir } from '../base/data-dir.ts';
import type { Logger } from '../base/log.ts';

import { keptValueTables } from '../base/kept-values.ts';
import { Store } from '../base/store.ts';
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
import { jobTables } from '../jobs/tables.ts';
import { mqttTables } from '../mqtt/tables.ts';
import { readingTables } from '../readings/tables.ts';
import { syncTables } from '../sync/tables.ts';

/** The name of the database in the data folder. */
export const DATABASE_FILE = 'funkygibbon.db';

/** The one database, with the tables of every owner whatever it is opened for: they come and go together. */
export async function openStore(dataDir: DataDir, clock: Clock, log: Logger): Promise<Store> {
  return await Store.open({
    file: dataDir.privateFile(DATABASE_FILE),
    clock,
    log: log.child({ part: 'store' }),
    migrations: [
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
    ],
  });
}
