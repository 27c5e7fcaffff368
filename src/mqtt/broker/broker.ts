import type { AedesOptions, Client } from 'aedes';
import type { Socket } from 'node:net';

import { Aedes } from 'aedes';
import { writeToStream } from 'mqtt-packet';

import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import type { Store } from '../../base/store.ts';
import type { BrokerUsers, IncomingMessage, OutgoingMessage } from '../types.ts';

import { errorText, StartError } from '../../base/errors.ts';
import { LIMITS } from '../limits.ts';
import { isFilter, isPublishTopic } from '../topics.ts';
import { Doors, type BrokerTls } from './doors.ts';
import { Gate } from './gate.ts';
import { PacketGuard, type LargeBytes } from './packet-guard.ts';
import { BrokerPersistence } from './persistence.ts';
import { RetainedMessages } from './retained.ts';
import { Sessions } from './sessions.ts';

export interface BrokerOptions {
  readonly host: string;
  /** 0 = any free port. */
  readonly port: number;
  /** A port for TLS beside the plain one. */
  readonly tls?: BrokerTls | null;
  /** Of the hub's own login, which may do everything. */
  readonly username: string;
  readonly password: string;
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Logger;
  /** Each accepted message of a client, on the turn in which its last byte arrived. */
  readonly onMessage: (message: IncomingMessage) => void;
}

/** A line about the same thing at most this often: a device with a wrong password tries every second. */
const REPEAT_LOG_MS = 60_000;
const REMEMBERED_LOGS = 1_000;

/**
 * Where a message goes that its sender may not publish: nobody can subscribe to it. With an error instead the client
 * would be cut off, and most libraries send the same message again after each reconnect, for ever.
 */
const DENIED_TOPIC = '$denied';
const NOTHING = Buffer.alloc(0);

/** What a connected client has subscribed to so far. */
interface Asked {
  count: number;
  chars: number;
}

/**
 * MQTT 3.1.1 over TCP and TLS for the devices of the house. Everyone shows the hub's own login or that of a named user;
 * nobody can make it keep more than LIMITS says; no packet brings it down.
 */
export class Broker implements AsyncDisposable {
  readonly #options: BrokerOptions;
  readonly #doors: Doors;
  readonly #gate: Gate;
  readonly #sessions: Sessions;
  readonly #persistence: BrokerPersistence;
  readonly #sockets = new Set<Socket>();
  readonly #guards = new WeakMap<object, PacketGuard>();
  readonly #large: LargeBytes = { used: 0 };
  readonly #asked = new WeakMap<Client, Asked>();
  readonly #loggedAtMs = new Map<string, number>();
  readonly retained: RetainedMessages;
  #aedes: Aedes | undefined;
  /** Set before anything is closed, because what follows happens while `#close` still runs. */
  #isStopping = false;
  #closing: Promise<void> | undefined;

  private constructor(options: BrokerOptions) {
    this.#options = options;
    // The library would make one Buffer for each of the 65,536 packet ids beforehand, 7 MB of them.
    writeToStream.cacheNumbers = false;
    this.retained = RetainedMessages.load(options);
    this.#sessions = Sessions.load(options);
    this.#gate = new Gate({
      ...options,
      onLogin: (client, username) => {
        this.#guards.get(client.conn)?.login();
        this.#persistence.claim(client.id, username);
      },
      onRefused: (client, reason) => this.#logRefused(client, reason),
      onUserChange: (username, permits) =>
        this.#persistence.revise(username, permits && ((clientId) => permits(clientId).subscribe)),
    });
    this.#persistence = new BrokerPersistence({
      retained: this.retained,
      sessions: this.#sessions,
      ownerOf: (client) => this.#ownerOf(client as Client),
      maySubscribe: (client, filter) => this.#maySubscribe(client as Client, filter),
    });
    this.#doors = new Doors(
      options,
      (socket) => this.#accept(socket),
      (address, reason) =>
        this.#logSometimes(`${address} ${reason}`, { address, reason }, 'an MQTT connection was refused'),
    );
  }

  /** @throws StartError when a port can't be had. */
  static async start(options: BrokerOptions): Promise<Broker> {
    const broker = new Broker(options);
    try {
      await broker.#open();
      return broker;
    } catch (error) {
      await broker[Symbol.asyncDispose]();
      if (error instanceof StartError) throw error;
      throw new StartError('mqtt', `the broker could not start: ${errorText(error)}`, { cause: error });
    }
  }

  get port(): number {
    return this.#doors.port;
  }

  /** Null without TLS. */
  get tlsPort(): number | null {
    return this.#doors.tlsPort;
  }

  get users(): BrokerUsers {
    return this.#gate.users;
  }

  /** Delivers a message of the hub's own to the connected clients, and keeps it when it is retained. */
  publish(message: OutgoingMessage): void {
    void this.deliver(message);
  }

  /**
   * The same; resolves when the message lies in the sockets of all who read, or was kept for those who are away. Nobody
   * waits long for a client that does not read.
   */
  async deliver(message: OutgoingMessage): Promise<void> {
    const { topic, qos, retain } = message;
    const payload = Buffer.from(message.payload);
    if (retain) this.retained.set(topic, payload, qos);
    // The library numbers messages and takes one that comes after a higher number for a duplicate. On the turn of a
    // device's message, which has no number yet, the hub's own would get the lower one and be passed by.
    await Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, LIMITS.handOverMs);
    this.#aedes?.publish({ cmd: 'publish', topic, payload, qos, retain, dup: false }, (error) => {
      if (error) this.#options.log.warn({ err: error, topic }, 'a message could not be delivered');
      resolve();
    });
    try {
      if (this.#aedes) await promise;
    } finally {
      clearTimeout(timer);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isStopping = true;
    this.#closing ??= this.#close();
    await this.#closing;
  }

  async #open(): Promise<void> {
    const hooks: AedesOptions = {
      preConnect: (client, packet, callback) => {
        const refusal = connectRefusal(packet);
        if (refusal) this.#logRefused(client, refusal);
        callback(refusal ? new Error(refusal) : null, refusal === null);
      },
      authenticate: (client, username, password, done) =>
        this.#gate.authenticate(client, username ?? '', password ?? NOTHING, done),
      authorizePublish: (client, packet, callback) => {
        // The wills of everybody who is cut off by the hub's own stop would leave the house offline on disk.
        if (this.#isStopping) return callback(new Error('the broker is stopping'));
        const { topic, payload, qos, retain } = packet;
        if (topic.startsWith('$') || !isPublishTopic(topic)) return callback(new Error('bad topic'));
        if (!this.#gate.mayPublish(client, topic)) {
          if (client) this.#logDenied(client, topic, 'an MQTT user may not publish to this topic; dropped');
          Object.assign(packet, { topic: DENIED_TOPIC, payload: NOTHING, retain: false });
          return callback(null);
        }
        const bytes = typeof payload === 'string' ? Buffer.from(payload) : payload;
        if (retain) this.retained.set(topic, bytes, qos);
        this.#tell({ topic, payload: bytes, retained: false });
        return callback(null);
      },
      authorizeSubscribe: (client, subscription, callback) => {
        const { topic } = subscription;
        const asked = this.#asked.get(client) ?? { count: 0, chars: 0 };
        this.#asked.set(client, asked);
        const fits =
          asked.count < LIMITS.subscriptionsPerClient &&
          asked.chars + topic.length <= LIMITS.filterCharsPerClient;
        if (!fits || !this.#maySubscribe(client, topic)) {
          this.#logDenied(client, topic, 'an MQTT subscription was refused');
          return callback(null, null);
        }
        asked.count += 1;
        asked.chars += topic.length;
        return callback(null, subscription);
      },
    };
    this.#aedes = await Aedes.createBroker({
      ...hooks,
      persistence: this.#persistence,
      // Unlimited on purpose: with a limit, a hundred deliveries that wait for a slow client stop all the others.
      concurrency: 0,
      connectTimeout: LIMITS.connectTimeoutMs,
      drainTimeout: LIMITS.drainTimeoutMs,
      maxInflightInbound: LIMITS.inflightQos2,
      maxTopicLevels: LIMITS.topicLevels,
    });
    this.#watch(this.#aedes);
    await this.#doors.open();
  }

  #watch(aedes: Aedes): void {
    const { log } = this.#options;
    aedes.on('clientReady', (client) => {
      if (!client.clean) this.#sessions.setOnline(client.id, true);
      log.debug({ client: client.id }, 'MQTT client connected');
    });
    aedes.on('clientDisconnect', (client) => {
      if (!client.clean) this.#sessions.setOnline(client.id, false);
      log.debug({ client: client.id }, 'MQTT client gone');
    });
    aedes.on('clientError', (client, error) =>
      log.debug({ client: client.id, reason: error.message }, 'MQTT client cut off'),
    );
    aedes.on('connectionError', (client, error) => this.#logRefused(client, error.message));
    // Without a listener an inner error of aedes would end the process.
    (aedes as NodeJS.EventEmitter).on('error', (error: unknown) =>
      log.error({ err: error }, 'the MQTT broker has a problem'),
    );
  }

  #accept(socket: Socket): void {
    // Each port counts for itself.
    if (this.#isStopping || !this.#aedes || this.#sockets.size >= LIMITS.connections) {
      socket.on('error', () => undefined);
      socket.destroy();
      return;
    }
    this.#sockets.add(socket);
    const guard = new PacketGuard(LIMITS, this.#large);
    socket.once('close', () => {
      this.#sockets.delete(socket);
      guard[Symbol.dispose]();
    });
    this.#guards.set(socket, guard);
    const read = socket.read.bind(socket) as (size?: number) => Buffer | null;
    // The broker takes its bytes with read(): counting there needs no second stream and no copy.
    socket.read = (size?: number): Buffer | null => {
      const chunk = read(size);
      const refusal = chunk ? guard.inspect(chunk) : undefined;
      if (refusal === undefined) return chunk;
      this.#logSometimes(
        `refused ${socket.remoteAddress}`,
        { address: socket.remoteAddress, reason: refusal },
        'an MQTT connection was cut off',
      );
      socket.destroy();
      return null;
    };
    this.#aedes.handle(socket);
  }

  #ownerOf(client: Client): { name: string; isNamed: boolean } {
    const name = this.#gate.ownerOf(client);
    return { name, isNamed: name !== this.#options.username };
  }

  /** Of the broker's own topics only those that it tells of itself under. */
  #maySubscribe(client: Client, filter: string): boolean {
    if (!isFilter(filter) || (filter.startsWith('$') && !filter.startsWith('$SYS/'))) return false;
    return this.#gate.maySubscribe(client, filter);
  }

  #tell(message: IncomingMessage): void {
    try {
      this.#options.onMessage(message);
    } catch (error) {
      this.#options.log.error({ err: error, topic: message.topic }, 'a message could not be handled');
    }
  }

  #logRefused(client: Client, reason: string): void {
    const address = (client.conn as Socket).remoteAddress;
    this.#logSometimes(
      `${address} ${reason}`,
      { address, client: client.id, reason },
      'an MQTT client was refused',
    );
  }

  #logDenied(client: Client, topic: string, sentence: string): void {
    const user = this.#gate.ownerOf(client);
    const about = `${sentence} ${user} ${topic.split('/', 1)[0]}`;
    this.#logSometimes(about, { user, client: client.id, topic: topic.slice(0, 200) }, sentence);
  }

  #logSometimes(about: string, fields: object, sentence: string): void {
    const nowMs = this.#options.clock.monotonicMs();
    if (nowMs - (this.#loggedAtMs.get(about) ?? -Infinity) < REPEAT_LOG_MS) return;
    if (this.#loggedAtMs.size >= REMEMBERED_LOGS) this.#loggedAtMs.clear();
    this.#loggedAtMs.set(about, nowMs);
    this.#options.log.warn(fields, sentence);
  }

  async #close(): Promise<void> {
    const left = this.#doors.close();
    const aedes = this.#aedes;
    if (aedes) await new Promise<void>((resolve) => aedes.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await left;
    await this.retained[Symbol.asyncDispose]();
    await this.#sessions[Symbol.asyncDispose]();
  }
}

/** Why a client need not show its password. */
function connectRefusal({ clientId, clean }: { clientId: string; clean?: boolean }): string | null {
  if (clientId.length > LIMITS.clientIdChars) return 'client id too long';
  // MQTT 3.1.1 section 3.1.3.1; and each attempt would leave a session that nobody comes back to.
  if (clientId === '' && clean === false) return 'a session without a client id';
  return null;
}
