import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { Principal } from '../../src/access/types.ts';
import type { CommandOptions, CommandStatus, DeviceView } from '../../src/devices/types.ts';
import type { DeviceDirectory, HttpOptions, HttpPart, SyncService } from '../../src/http/http.ts';
import type { Route } from '../../src/http/route.ts';
import type { ReadingHistory } from '../../src/readings/types.ts';

import { Access } from '../../src/access/access.ts';
import { accessTables } from '../../src/access/tables.ts';
import { ManualClock } from '../../src/base/clock.ts';
import { keptValueTables } from '../../src/base/kept-values.ts';
import { HomeZone } from '../../src/base/home-zone.ts';
import { silentLogger, type Logger } from '../../src/base/log.ts';
import { ClientRecords } from '../../src/clients/clients.ts';
import { clientTables } from '../../src/clients/tables.ts';
import { Store } from '../../src/base/store.ts';
import { Graph } from '../../src/graph/graph.ts';
import { graphTables } from '../../src/graph/tables.ts';
import { energyTables } from '../../src/insights/energy/tables.ts';
import { suggestionTables } from '../../src/insights/habits/tables.ts';
import { Insights } from '../../src/insights/insights.ts';
import { routeTable, startHttp } from '../../src/http/http.ts';
import { Diagnosis } from '../../src/hub/diagnosis.ts';
import { HomekitDesk } from '../../src/hub/homekit-desk.ts';
import { Sync } from '../../src/sync/sync.ts';
import { syncTables } from '../../src/sync/tables.ts';
import { QUIET } from '../insights/habits/quiet.ts';
import { NOBODY_LIVE } from '../sync/sync-home.ts';

export const PASSWORD = 'correct horse battery';

/** Every route, to be looked at and not to be called. */
export function allRoutes(): Route[] {
  const nothing = undefined as never;
  return routeTable({
    access: nothing,
    clients: {} as never,
    clock: nothing,
    devices: nothing,
    diagnosis: nothing,
    graph: nothing,
    homekit: nothing,
    readings: nothing,
    sync: nothing,
    version: '',
  });
}

/** Stands in for the devices rules, which have tests of their own. */
export class FakeDevices implements DeviceDirectory {
  readonly commands: CommandOptions[] = [];
  views: DeviceView[] = [];
  answer: () => CommandStatus = () => 'confirmed';

  list(): DeviceView[] {
    return this.views;
  }

  view(entityId: string): DeviceView | undefined {
    return this.views.find((view) => view.entityId === entityId);
  }

  async command(options: CommandOptions): Promise<CommandStatus> {
    this.commands.push(options);
    return await Promise.resolve(this.answer());
  }

  follow(): never {
    throw new Error('nobody follows here');
  }

  followDevices(): never {
    throw new Error('nobody follows here');
  }

  components(): ReturnType<NonNullable<DeviceDirectory['components']>> {
    return [
      {
        id: 'lock/door',
        firstId: 'lock/door',
        type: 'lock',
        entityId: 'lamp-1',
        unsupported: 'locks come later',
        withdrawnAtMs: null,
      },
      {
        id: 'fan/x',
        firstId: 'fan/x',
        type: 'fan',
        entityId: 'lamp-1',
        unsupported: 'fans come later',
        withdrawnAtMs: 5,
      },
    ];
  }
}

/** The sync rules, with one call that a test may answer in their place: what the door does with it is the matter then. */
export class WatchedSync implements SyncService {
  readonly seen: { principal: Principal; body: unknown }[] = [];
  /** Null: the rules answer. */
  answer: string | null = '{"changes":[]}';
  readonly #rules: Sync;

  constructor(rules: Sync) {
    this.#rules = rules;
  }

  get v2(): Sync['v2'] {
    return this.#rules.v2;
  }

  async exchange(principal: Principal, body: unknown): Promise<string> {
    this.seen.push({ principal, body });
    return this.answer ?? (await this.#rules.exchange(principal, body));
  }

  status(...given: Parameters<Sync['status']>): ReturnType<Sync['status']> {
    return this.#rules.status(...given);
  }

  devices(): ReturnType<Sync['devices']> {
    return this.#rules.devices();
  }

  async force(...given: Parameters<Sync['force']>): ReturnType<Sync['force']> {
    return await this.#rules.force(...given);
  }

  conflicts(...given: Parameters<Sync['conflicts']>): ReturnType<Sync['conflicts']> {
    return this.#rules.conflicts(...given);
  }

  async resolve(...given: Parameters<Sync['resolve']>): ReturnType<Sync['resolve']> {
    return await this.#rules.resolve(...given);
  }
}

export interface TestApi extends AsyncDisposable {
  readonly http: HttpPart;
  readonly url: string;
  readonly store: Store;
  readonly graph: Graph;
  readonly access: Access;
  readonly devices: FakeDevices;
  readonly sync: WatchedSync;
  readonly clock: ManualClock;
  /** An access token of the owner. */
  readonly token: string;
  /** Calls the API as the owner, unless the headers say otherwise. */
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Response>;
  /** Opens a raw connection. */
  connect(): Socket;
  /** Sends raw text and collects everything until the other side closes. */
  raw(text: string): Promise<string>;
}

export async function startTestApi(
  options: Partial<HttpOptions> = {},
  log: Logger = silentLogger,
): Promise<TestApi> {
  const folder = mkdtempSync(join(tmpdir(), 'http-'));
  const clock = new ManualClock();
  const store = await Store.open({
    file: join(folder, 'hub.db'),
    clock,
    log,
    migrations: [
      keptValueTables,
      graphTables,
      accessTables,
      syncTables,
      clientTables,
      energyTables,
      suggestionTables,
    ],
  });
  const graph = new Graph({ store, clock, log });
  const access = await Access.start({
    store,
    clock,
    log,
    jwtSecret: null,
    adminPassword: PASSWORD,
  });
  const devices = new FakeDevices();
  const rules = new Sync({
    store,
    graph,
    clock,
    log,
    allows: (principal, permission) => access.allows(principal, permission),
    isAccount: (userId) => access.users.has(userId),
    live: NOBODY_LIVE,
  });
  const sync = new WatchedSync(rules);
  const diagnosis = new Diagnosis({ devices, mqtt: null, homekit: null });
  const readings: ReadingHistory = {
    has: (_, capability) => capability === 'temperature',
    query: () => ({ resolution: 'raw', items: [], nextCursor: null }),
  };
  const insights = new Insights({
    store,
    clock,
    zone: new HomeZone('Europe/Berlin'),
    // Nothing is measured here; the rules have tests of their own.
    history: { has: () => false, fiveMinuteDays: 90, scan: () => ({ *buckets() {} }) },
    home: { devices: () => [], roomName: (id) => (graph.entity(id) ? id : null) },
    ...QUIET,
  });
  const http = await startHttp({
    host: '127.0.0.1',
    port: 0,
    rateLimitPerMinute: 0,
    corsOrigins: [],
    trustedProxies: [],
    version: '1.2.3',
    access,
    graph,
    devices,
    sync,
    readings,
    insights,
    diagnosis,
    homekit: new HomekitDesk(null),
    clients: new ClientRecords({ store, clock }),
    upgrade: (_, socket) => socket.destroy(),
    clock,
    log,
    ...options,
  });
  const { accessToken } = await access.login({ username: 'admin', password: PASSWORD, address: 'test' });
  const open = (): Socket => connect({ host: '127.0.0.1', port: http.port });
  return {
    http,
    url: http.url,
    store,
    graph,
    access,
    devices,
    sync,
    clock,
    token: accessToken,
    call: async (method, path, body, headers) =>
      await fetch(`${http.url}${path}`, {
        method,
        headers: { authorization: `Bearer ${accessToken}`, 'content-type': 'application/json', ...headers },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      }),
    connect: open,
    raw: async (text) => {
      const socket = open();
      const chunks: Buffer[] = [];
      socket.on('data', (chunk: Buffer) => chunks.push(chunk));
      // A server that refuses a request may close before it has read all of it.
      socket.on('error', () => undefined);
      const closed = Promise.withResolvers<void>();
      socket.on('close', () => closed.resolve());
      socket.write(text);
      await closed.promise;
      return Buffer.concat(chunks).toString('latin1');
    },
    async [Symbol.asyncDispose]() {
      await http[Symbol.asyncDispose]();
      graph[Symbol.dispose]();
      await store[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The body of a problem document. */
export interface ProblemBody {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly error: string;
  readonly code: string;
  readonly request_id: string;
  readonly field?: string;
}

export async function problemOf(response: Response): Promise<ProblemBody> {
  const type = response.headers.get('content-type');
  if (type !== 'application/problem+json') throw new Error(`${response.status} is no problem but ${type}`);
  return (await response.json()) as ProblemBody;
}
