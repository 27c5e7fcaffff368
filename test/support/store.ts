import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { Clock } from '../../src/base/clock.ts';
import type { Migrations } from '../../src/base/migrations.ts';

import { ManualClock } from '../../src/base/clock.ts';
import { keptValueTables } from '../../src/base/kept-values.ts';
import { silentLogger } from '../../src/base/log.ts';
import { Store } from '../../src/base/store.ts';
import { Devices } from '../../src/devices/devices.ts';
import { deviceTables } from '../../src/devices/tables.ts';
import { Graph } from '../../src/graph/graph.ts';
import { graphTables } from '../../src/graph/tables.ts';

/** A temporary folder that is gone when the test ends. */
export function temporaryFolder(): { path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), 'funkygibbon-'));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

export async function openTestStore(
  folder: string,
  migrations: readonly Migrations[],
  clock: Clock = new ManualClock(),
): Promise<Store> {
  return await Store.open({
    file: join(folder, 'hub.db'),
    clock,
    log: silentLogger,
    migrations: [keptValueTables, ...migrations],
  });
}

/** A graph with the devices rules on a real file. */
export interface TestHome extends AsyncDisposable {
  readonly store: Store;
  readonly graph: Graph;
  readonly devices: Devices;
  readonly clock: ManualClock;
}

export async function openTestHome(folder: string, clock = new ManualClock()): Promise<TestHome> {
  const store = await openTestStore(folder, [graphTables, deviceTables], clock);
  const graph = new Graph({ store, clock, log: silentLogger });
  const devices = Devices.start({ store, graph, clock, log: silentLogger });
  return {
    store,
    graph,
    devices,
    clock,
    async [Symbol.asyncDispose]() {
      await devices[Symbol.asyncDispose]();
      graph[Symbol.dispose]();
      await store[Symbol.asyncDispose]();
    },
  };
}
