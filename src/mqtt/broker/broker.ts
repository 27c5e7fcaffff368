import type { AedesOptions, AuthenticateError, Client } from 'aedes';

import { Aedes } from 'aedes';
import { writeToStream } from 'mqtt-packet';
import { createHash, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';

import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import type { Store } from '../../base/store.ts';
import type { IncomingMessage, OutgoingMessage } from '../types.ts';

import { errorCode, errorText, StartError } from '../../base/errors.ts';
import { LIMITS } from '../limits.ts';
import { isFilter, isPublishTopic } from '../topics.ts';
import { PacketGuard, type LargeBytes } from './packet-guard.ts';
import { BrokerPersistence } from './persistence.ts';
import { RetainedMessages } from './retained.ts';

export interface BrokerOptions {
  readonly host: string;
  /** 0 = any free port. */
  readonly port: number;
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
 * MQTT 3.1.1 over TCP for the devices of the house. Everyone shows the one user name and password; nobody can make it
 * keep more than LIMITS says; no packet brings it down.
 */
export class Broker implements AsyncDisposable {
  readonly #options: BrokerOptions;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #guards = new WeakMap<object, PacketGuard>();
  readonly #large: LargeBytes = { used: 0 };
  readonly #subscriptionCounts = new WeakMap<Client, number>();
  readonly #loggedAtMs = new Map<string, number>();
  readonly #digest: Buffer;
  readonly retained: RetainedMessages;
  #aedes: Aedes | undefined;
  /** Set before anything is closed, because what follows happens while `#close` still runs. */
  #isStopping = false;
  #closing: Promise<void> | undefined;

  private constructor(options: BrokerOptions) {
    this.#options = options;
    // The library would make one Buffer for each of the 65,536 packet ids beforehand, 7 MB of them.
    writeToStream.cacheNumbers = false;
    this.#digest = credentialDigest(options.username, options.password);
    this.retained = RetainedMessages.load(options);
    this.#server = createServer({ noDelay: true, keepAlive: true, keepAliveInitialDelay: 60_000 });
  }

  /** @throws StartError when the port can't be had. */
  static async start(options: BrokerOptions): Promise<Broker> {
    const broker = new Broker(options);
    try {
      await broker.#listen();
      return broker;
    } catch (error) {
      await broker[Symbol.asyncDispose]();
      throw new StartError('mqtt', listenAdvice(options, error), { cause: error });
    }
  }

  get port(): number {
    return (this.#server.address() as AddressInfo | null)?.port ?? 0;
  }

  /** Delivers a message of the hub's own to the connected clients, and keeps it when it is retained. */
  publish(message: OutgoingMessage): void {
    const { topic, qos, retain } = message;
    const payload = Buffer.from(message.payload);
    if (retain) this.retained.set(topic, payload, qos);
    this.#aedes?.publish({ cmd: 'publish', topic, payload, qos, retain, dup: false }, (error) => {
      if (error) this.#options.log.warn({ err: error, topic }, 'a message could not be delivered');
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isStopping = true;
    this.#closing ??= this.#close();
    await this.#closing;
  }

  async #listen(): Promise<void> {
    const hooks: AedesOptions = {
      preConnect: (client, packet, callback) => {
        const accepted = packet.clientId.length <= LIMITS.clientIdChars;
        if (!accepted) this.#logRefused(client, 'client id too long');
        callback(accepted ? null : new Error('client id too long'), accepted);
      },
      authenticate: (client, username, password, done) =>
        this.#authenticate(client, username, password, done),
      authorizePublish: (_client, packet, callback) => {
        // The wills of everybody who is cut off by the hub's own stop would leave the house offline on disk.
        if (this.#isStopping) return callback(new Error('the broker is stopping'));
        const { topic, payload, qos, retain } = packet;
        if (topic.startsWith('$') || !isPublishTopic(topic)) return callback(new Error('bad topic'));
        const bytes = typeof payload === 'string' ? Buffer.from(payload) : payload;
        if (retain) this.retained.set(topic, bytes, qos);
        this.#tell({ topic, payload: bytes, retained: false });
        return callback(null);
      },
      authorizeSubscribe: (client, subscription, callback) => {
        const count = (this.#subscriptionCounts.get(client) ?? 0) + 1;
        if (!isFilter(subscription.topic) || count > LIMITS.subscriptionsPerClient)
          return callback(null, null);
        this.#subscriptionCounts.set(client, count);
        return callback(null, subscription);
      },
    };
    this.#aedes = await Aedes.createBroker({
      ...hooks,
      persistence: new BrokerPersistence(this.retained),
      // Unlimited on purpose: with a limit, a hundred deliveries that wait for a slow client stop all the others.
      concurrency: 0,
      connectTimeout: LIMITS.connectTimeoutMs,
      drainTimeout: LIMITS.drainTimeoutMs,
      maxInflightInbound: LIMITS.inflightQos2,
      maxTopicLevels: LIMITS.topicLevels,
    });
    this.#watch(this.#aedes);
    this.#server.maxConnections = LIMITS.connections;
    this.#server.on('connection', (socket) => this.#accept(socket));
    this.#server.on('drop', (dropped) =>
      this.#logSometimes(
        'drop',
        { address: dropped?.remoteAddress },
        'too many MQTT connections; one was refused',
      ),
    );
    this.#server.listen(this.#options.port, this.#options.host);
    await once(this.#server, 'listening');
    this.#server.on('error', (error) =>
      this.#options.log.error({ err: error }, 'the MQTT port has a problem'),
    );
  }

  #watch(aedes: Aedes): void {
    const { log } = this.#options;
    aedes.on('clientReady', (client) => log.debug({ client: client.id }, 'MQTT client connected'));
    aedes.on('clientDisconnect', (client) => log.debug({ client: client.id }, 'MQTT client gone'));
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
    if (this.#isStopping || !this.#aedes) {
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

  #authenticate(
    client: Client,
    username: string | undefined,
    password: Buffer | undefined,
    done: (error: AuthenticateError | null, success: boolean | null) => void,
  ): void {
    const shown = credentialDigest(username ?? '', password ?? '');
    if (timingSafeEqual(shown, this.#digest)) {
      this.#guards.get(client.conn)?.login();
      done(null, true);
      return;
    }
    this.#logRefused(client, 'wrong user name or password');
    done(Object.assign(new Error('wrong user name or password'), { returnCode: 4 }), false);
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

  #logSometimes(about: string, fields: object, sentence: string): void {
    const nowMs = this.#options.clock.monotonicMs();
    if (nowMs - (this.#loggedAtMs.get(about) ?? -Infinity) < REPEAT_LOG_MS) return;
    if (this.#loggedAtMs.size >= REMEMBERED_LOGS) this.#loggedAtMs.clear();
    this.#loggedAtMs.set(about, nowMs);
    this.#options.log.warn(fields, sentence);
  }

  async #close(): Promise<void> {
    const stopped = this.#server.listening ? once(this.#server, 'close') : undefined;
    this.#server.close();
    const aedes = this.#aedes;
    if (aedes) await new Promise<void>((resolve) => aedes.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await stopped;
    await this.retained[Symbol.asyncDispose]();
  }
}

/** Of equal length for every input, so that it can be compared in constant time. */
function credentialDigest(username: string, password: string | Buffer): Buffer {
  return createHash('sha256')
    .update(`${Buffer.byteLength(username)}:${username}:`)
    .update(password)
    .digest();
}

function listenAdvice(options: BrokerOptions, error: unknown): string {
  const place = `port ${options.port} on ${options.host}`;
  switch (errorCode(error)) {
    case 'EADDRINUSE':
      return (
        `${place} is in use, probably by another MQTT broker. Stop that one, set mqtt.port to a free port, or use the ` +
        'other broker with mqtt.mode = external and mqtt.url.'
      );
    case 'EACCES':
      return `${place} may not be opened by this user. Set mqtt.port to 1024 or higher.`;
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return `${options.host} is not an address of this machine. Set mqtt.host to 0.0.0.0 or to one of its addresses.`;
    default:
      return `the broker could not listen at ${place}: ${errorText(error)}`;
  }
}
