import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { Principal } from '../../../src/access/types.ts';
import type { Logger } from '../../../src/base/log.ts';

import { systemClock } from '../../../src/base/clock.ts';
import { HubError } from '../../../src/base/errors.ts';
import { keptValueTables } from '../../../src/base/kept-values.ts';
import { silentLogger } from '../../../src/base/log.ts';
import { Store } from '../../../src/base/store.ts';
import { Devices } from '../../../src/devices/devices.ts';
import { deviceTables } from '../../../src/devices/tables.ts';
import { Graph } from '../../../src/graph/graph.ts';
import { graphTables } from '../../../src/graph/tables.ts';
import { HttpServer } from '../../../src/http/server.ts';
import { startLive } from '../../../src/live/live.ts';
import { Sync } from '../../../src/sync/sync.ts';
import { syncTables } from '../../../src/sync/tables.ts';
import { steadyMs } from './readers-process.ts';

const ANNA: Principal = {
  userId: 'anna',
  username: 'anna',
  role: 'member',
  tokenId: 'token-anna',
  expiresAtMs: Number.MAX_SAFE_INTEGER,
};

/** The live part with the real graph, on a real file, behind the real server; and bare sockets beside it. */
export interface LiveBench extends AsyncDisposable {
  /** Where the hub's WebSockets are: a port, or the path of a Unix socket. */
  readonly port: number;
  readonly path: string;
  readonly rawPort: number;
  /** What the bare sockets are written when the next change is durable, in place of a message; undefined for nothing. */
  rawFrame: Buffer | undefined;
  /** Connections that were found to read too slowly, so far. */
  slowReaders(): number;
  /** Pushes a change of the entity by sync. Returns when the push began and when it was durable, on the steady clock. */
  push(entityId: string, text: string): Promise<{ begunMs: number; durableMs: number }>;
}

export async function openLiveBench(): Promise<LiveBench> {
  const folder = mkdtempSync(join(tmpdir(), 'funkygibbon-bench-'));
  const log = silentLogger;
  const clock = systemClock;
  const store = await Store.open({
    file: join(folder, 'hub.db'),
    clock,
    log,
    migrations: [keptValueTables, graphTables, deviceTables, syncTables],
  });
  const graph = new Graph({ store, clock, log });
  const devices = Devices.start({ store, graph, clock, log });
  const sync = new Sync({
    store,
    graph,
    clock,
    log,
    allows: () => true,
    live: { isOnline: () => false, requestSync: () => 0 },
  });
  let durableMs = 0;
  const rawSockets = new Set<Socket>();
  // Followers are woken in the order in which they came: this one before the live part.
  graph.follow(() => {
    durableMs = steadyMs();
    const { rawFrame } = bench;
    if (rawFrame) for (const socket of rawSockets) socket.write(rawFrame);
    bench.rawFrame = undefined;
  });
  const slow = countingLogger();
  const live = startLive({
    graph,
    devices,
    cursor: sync,
    verify: async (token) => {
      if (token !== 'anna-token') throw new HubError('unauthenticated', 'who is that?');
      return await Promise.resolve(ANNA);
    },
    allows: () => true,
    authorizeCommand: () => undefined,
    allowedOrigins: [],
    clock,
    log: slow.log,
    // Pings would come between; a reader that is stalled on purpose stays.
    pingEveryMs: 2 ** 31 - 1,
  });
  const server = await HttpServer.listen({
    host: '127.0.0.1',
    port: 0,
    fetch: async () => await Promise.resolve(new Response()),
    upgrade: (request, socket, head) => live.handleUpgrade(request, socket, head),
    log,
  });
  // The kernel takes many MB for a TCP socket that nobody reads, little for a Unix socket: those that stall use that, so
  // that it is the hub that has to do with them.
  const path = join(folder, 'live.sock');
  const byPath = createHttpServer();
  byPath.on('upgrade', (request, socket, head) => live.handleUpgrade(request, socket, head));
  byPath.listen(path);
  await once(byPath, 'listening');
  const raw = createServer({ noDelay: true }, (socket) => rawSockets.add(socket));
  raw.listen(0, '127.0.0.1');
  await once(raw, 'listening');
  let count = 0;
  let parents: Record<string, string> = {};
  const bench: LiveBench = {
    port: server.port,
    path,
    rawPort: (raw.address() as AddressInfo).port,
    rawFrame: undefined,
    slowReaders: () => slow.count,
    async push(entityId, text) {
      count += 1;
      const parent = parents[entityId];
      const version = `v${count}-bench`;
      const begunMs = steadyMs();
      await sync.exchange(ANNA, {
        protocol_version: 'inbetweenies-v1',
        device_id: 'bench',
        user_id: 'anna',
        vector_clock: { server: sync.headCursor() },
        changes: [
          {
            change_type: parent === undefined ? 'create' : 'update',
            entity_id: entityId,
            entity_version: version,
            entity_type: 'note',
            content: { text },
            timestamp: new Date().toISOString(),
            parent_versions: parent === undefined ? [] : [parent],
            user_id: 'anna',
            device_id: 'bench',
          },
        ],
        compression: null,
      });
      parents = { ...parents, [entityId]: version };
      return { begunMs, durableMs };
    },
    async [Symbol.asyncDispose]() {
      await live[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
      for (const socket of rawSockets) socket.destroy();
      raw.close();
      byPath.close();
      await devices[Symbol.asyncDispose]();
      graph[Symbol.dispose]();
      await store[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  return bench;
}

/** Counts the lines that tell of a slow reader; there is no other place where the live part says how many there are. */
function countingLogger(): { readonly log: Logger; readonly count: number } {
  let count = 0;
  const log = silentLogger.child({});
  log.child = () =>
    Object.assign(silentLogger.child({}), {
      info: (fields: object) => {
        if ('waiting_bytes' in fields) count += 1;
      },
    }) as never;
  return {
    log,
    get count() {
      return count;
    },
  };
}
