import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { vi } from 'vitest';
import { WebSocket, type ClientOptions } from 'ws';

import type { Principal, Role } from '../../src/access/types.ts';
import type {
  CommandOptions,
  CommandStatus,
  DeviceControl,
  StateChange,
  StateFollower,
} from '../../src/devices/types.ts';
import type { LiveOptions, LivePart } from '../../src/live/live.ts';

import { HubError } from '../../src/base/errors.ts';
import { silentLogger } from '../../src/base/log.ts';
import { startLive } from '../../src/live/live.ts';
import { openSyncHome, type SyncHome } from '../sync/sync-home.ts';

/** Devices of which a test says what they report. */
export class FakeDevices implements DeviceControl {
  readonly commands: CommandOptions[] = [];
  followers = 0;
  answer: () => Promise<CommandStatus> = async () => 'confirmed';
  #wakes = new Map<object, { wake: () => void; waiting: StateChange[] }>();

  report(entityId: string, capability: string, value: StateChange['value'], timestampMs = 0): void {
    this.#tell({ entityId, capability, value, timestampMs, origin: 'mqtt' });
  }

  /** Tells of a moment. */
  press(entityId: string, value: string): void {
    const timestampMs = 0;
    this.#tell({ entityId, capability: 'button_event', value, timestampMs, origin: 'mqtt', isEvent: true });
  }

  #tell(change: StateChange): void {
    for (const follower of this.#wakes.values()) {
      follower.waiting.push(change);
      follower.wake();
    }
  }

  list(): [] {
    return [];
  }

  view(): undefined {
    return undefined;
  }

  async command(options: CommandOptions): Promise<CommandStatus> {
    this.commands.push(options);
    return await this.answer();
  }

  follow(wake: () => void): StateFollower {
    const key = {};
    const entry = { wake, waiting: [] as StateChange[] };
    this.#wakes.set(key, entry);
    this.followers += 1;
    return {
      take: () => entry.waiting.splice(0),
      [Symbol.dispose]: () => {
        if (this.#wakes.delete(key)) this.followers -= 1;
      },
    };
  }

  followDevices(): Disposable {
    return { [Symbol.dispose]: () => undefined };
  }
}

export interface LiveHome extends AsyncDisposable {
  readonly home: SyncHome;
  readonly devices: FakeDevices;
  readonly live: LivePart;
  readonly server: Server;
  readonly port: number;
  /** Tokens and who they belong to. */
  readonly tokens: Map<string, Principal>;
  /** Replaces how tokens are verified. */
  verify: (token: string) => Promise<Principal>;
}

export function person(
  userId: string,
  role: Role = 'member',
  expiresAtMs = Number.MAX_SAFE_INTEGER,
): Principal {
  return { userId, username: userId, role, tokenId: `token-${userId}`, expiresAtMs };
}

export async function openLiveHome(folder: string, overrides: Partial<LiveOptions> = {}): Promise<LiveHome> {
  const home = await openSyncHome(folder);
  const devices = new FakeDevices();
  const tokens = new Map([
    ['anna-token', person('anna')],
    ['ben-token', person('ben')],
    ['guest-token', person('gast', 'guest')],
  ]);
  const live = startLive({
    graph: home.graph,
    devices,
    cursor: home.sync,
    verify: async (token) => await result.verify(token),
    allows: ({ role }, permission) => role !== 'guest' || permission === 'home:read',
    authorizeCommand: () => undefined,
    allowedOrigins: ['https://panel.example'],
    clock: home.clock,
    log: silentLogger,
    ...overrides,
  });
  const server = createServer();
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  server.on('upgrade', (request, socket, head) => live.handleUpgrade(request, socket, head));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const result: LiveHome = {
    home,
    devices,
    live,
    server,
    port: (server.address() as AddressInfo).port,
    tokens,
    verify: async (token) => {
      const principal = tokens.get(token);
      if (!principal) throw new HubError('unauthenticated', 'the token is not valid; log in again');
      return await Promise.resolve(principal);
    },
    async [Symbol.asyncDispose]() {
      await live[Symbol.asyncDispose]();
      await vi.waitFor(() => {
        if (sockets.size > 0) throw new Error(`${sockets.size} sockets are still open`);
      });
      server.close();
      await once(server, 'close');
      await home[Symbol.asyncDispose]();
    },
  };
  return result;
}

export type Message = Readonly<Record<string, unknown>> & { readonly type: string };

/** What is waited for comes within milliseconds; on a machine that is busy with other tests, within seconds. */
export const QUICKLY = { timeout: 8000, interval: 2 };

/** A phone's WebSocket that keeps what it hears. */
export class Client {
  readonly socket: WebSocket;
  readonly messages: Message[] = [];

  /** @param path what follows `/ws/`: the user, and a query where there is one */
  constructor(port: number, path = 'anna', options: ClientOptions = {}, protocols: string[] = []) {
    this.socket = new WebSocket(`ws://127.0.0.1:${port}/ws/${path}`, protocols, options);
    this.socket.on('message', (data: Buffer) => this.messages.push(JSON.parse(data.toString()) as Message));
    this.socket.on('error', () => undefined);
  }

  /** Connects with a token in the header and waits for `connected`. */
  static async connect(port: number, userId = 'anna', options: ClientOptions = {}): Promise<Client> {
    const client = new Client(port, userId, {
      headers: { authorization: `Bearer ${userId === 'gast' ? 'guest' : userId}-token` },
      ...options,
    });
    await client.next('connected');
    return client;
  }

  send(message: unknown): void {
    this.socket.send(typeof message === 'string' ? message : JSON.stringify(message));
  }

  /** The first message of a type that fits, waiting for it where it has not come yet. */
  async next(type: string, fits: (message: Message) => boolean = () => true): Promise<Message> {
    return await vi.waitFor(() => {
      const found = this.messages.find((message) => message.type === type && fits(message));
      if (!found) throw new Error(`no ${type} among ${JSON.stringify(this.messages).slice(0, 2000)}`);
      return found;
    }, QUICKLY);
  }

  async subscribe(target: Record<string, string>): Promise<void> {
    const before = this.messages.filter(({ type }) => type === 'subscribed').length;
    this.send({ type: 'subscribe', ...target });
    await vi.waitFor(() => {
      if (this.messages.filter(({ type }) => type === 'subscribed').length <= before)
        throw new Error('not yet');
    }, QUICKLY);
  }

  /** Waits until everything that the hub sent before now is here. */
  async settle(): Promise<void> {
    const pongs = this.messages.filter(({ type }) => type === 'pong').length;
    this.send({ type: 'ping' });
    await vi.waitFor(() => {
      if (this.messages.filter(({ type }) => type === 'pong').length <= pongs) throw new Error('no pong yet');
    }, QUICKLY);
  }

  of(type: string): Message[] {
    return this.messages.filter((message) => message.type === type);
  }

  async closed(): Promise<{ code: number; reason: string }> {
    const [code, reason] = (await once(this.socket, 'close')) as [number, Buffer];
    return { code, reason: reason.toString() };
  }
}

/** The HTTP status that an upgrade is refused with. */
export async function refusedStatus(client: Client): Promise<number> {
  const [, response] = (await once(client.socket, 'unexpected-response')) as [
    unknown,
    { statusCode: number },
  ];
  client.socket.terminate();
  return response.statusCode;
}
