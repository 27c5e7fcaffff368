import { existsSync } from 'node:fs';
import { join } from 'node:path';

import type { HubConfig } from '../config/config.ts';
import type { Home } from '../ops/types.ts';

import { systemClock } from '../base/clock.ts';
import { DataDir } from '../base/data-dir.ts';
import { HubError } from '../base/errors.ts';
import { createLogger } from '../base/log.ts';
import { OpenParts } from '../base/open-parts.ts';
import { readHubVersion } from '../base/version.ts';
import { Graph } from '../graph/graph.ts';
import { LocalHome } from '../ops/ops.ts';
import { DATABASE_FILE, openStore } from './open-store.ts';

/**
 * Opens the graph of a data folder on which no hub runs, for a command that works on it. A folder or a database that is
 * missing is made where `create` says so.
 * @throws StartError when a hub holds the folder or the database cannot be opened, HubError `not_found` when there is none.
 */
export async function openHome(
  config: HubConfig,
  options: { readonly create: boolean },
): Promise<{ home: Home } & AsyncDisposable> {
  if (!options.create && !existsSync(join(config.dataDir, DATABASE_FILE))) {
    throw new HubError('not_found', `There is no home in ${config.dataDir}. Is this the right data_dir?`);
  }
  const clock = systemClock;
  const log = createLogger(config.logging);
  const parts = new OpenParts();
  await using opening = parts;
  const dataDir = opening.add('data_dir', DataDir.open(config.dataDir, log));
  const store = opening.add('database', await openStore(dataDir, clock, log));
  const graph = opening.add('graph', new Graph({ store, clock, log: log.child({ part: 'graph' }) }));
  const open = parts.move();
  return {
    home: new LocalHome({ graph, clock, hubVersion: readHubVersion() }),
    async [Symbol.asyncDispose]() {
      await open[Symbol.asyncDispose]();
    },
  };
}
