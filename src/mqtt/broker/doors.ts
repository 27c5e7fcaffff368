import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:tls';

import type { Logger } from '../../base/log.ts';
import type { TlsSource } from '../types.ts';

import { errorCode, errorText, StartError } from '../../base/errors.ts';
import { LIMITS } from '../limits.ts';

export interface DoorOptions {
  readonly host: string;
  /** 0 = any free port. */
  readonly port: number;
  /** A second port for TLS; null or absent where there is none. */
  readonly tls?: BrokerTls | null;
  readonly log: Logger;
}

export interface BrokerTls {
  /** 0 = any free port. */
  readonly port: number;
  readonly identity: TlsSource;
}

const SOCKET_OPTIONS = { noDelay: true, keepAlive: true, keepAliveInitialDelay: 60_000 };
const MIN_TLS_VERSION = 'TLSv1.2';

/** The ports of the broker. */
export class Doors {
  readonly #options: DoorOptions;
  readonly #onDropped: (address: string | undefined, reason: string) => void;
  readonly #plain: Server;
  readonly #secure: TlsServer | null;

  constructor(
    options: DoorOptions,
    onConnection: (socket: Socket) => void,
    onDropped: (address: string | undefined, reason: string) => void,
  ) {
    this.#options = options;
    this.#onDropped = onDropped;
    this.#plain = createServer(SOCKET_OPTIONS, onConnection);
    this.#secure = options.tls ? this.#makeSecure(options.tls.identity, onConnection) : null;
  }

  get port(): number {
    return portOf(this.#plain);
  }

  /** Null without TLS. */
  get tlsPort(): number | null {
    return this.#secure && portOf(this.#secure);
  }

  /** @throws StartError when a port can't be had. */
  async open(): Promise<void> {
    const { host, port, tls } = this.#options;
    await this.#listen(this.#plain, host, port, 'mqtt.port');
    if (this.#secure && tls) await this.#listen(this.#secure, host, tls.port, 'mqtt.tls.port');
  }

  /** Takes nobody in any more; resolves once those who are in have left. */
  async close(): Promise<void> {
    await Promise.all([this.#plain, this.#secure].map(async (server) => await closed(server)));
  }

  #makeSecure(identity: TlsSource, onConnection: (socket: Socket) => void): TlsServer {
    const context = () => ({
      cert: identity.pair.cert,
      key: identity.pair.key,
      minVersion: MIN_TLS_VERSION as 'TLSv1.2',
    });
    const server = createTlsServer(
      { ...SOCKET_OPTIONS, ...context(), handshakeTimeout: LIMITS.connectTimeoutMs },
      onConnection,
    );
    server.on('tlsClientError', (error, socket) => {
      this.#onDropped(socket.remoteAddress, `no TLS: ${errorText(error)}`);
      socket.destroy();
    });
    identity.follow(() => server.setSecureContext(context()));
    return server;
  }

  async #listen(server: Server, host: string, port: number, key: string): Promise<void> {
    server.maxConnections = LIMITS.connections;
    server.on('drop', (dropped) => this.#onDropped(dropped?.remoteAddress, 'too many connections'));
    server.listen(port, host);
    try {
      await once(server, 'listening');
    } catch (error) {
      throw new StartError('mqtt', listenAdvice(host, port, key, error), { cause: error });
    }
    server.on('error', (error) => this.#options.log.error({ err: error }, 'the MQTT port has a problem'));
  }
}

async function closed(server: Server | null): Promise<void> {
  if (!server) return;
  const done = server.listening ? once(server, 'close') : undefined;
  server.close();
  await done;
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo | null)?.port ?? 0;
}

function listenAdvice(host: string, port: number, key: string, error: unknown): string {
  const place = `port ${port} on ${host}`;
  switch (errorCode(error)) {
    case 'EADDRINUSE':
      return (
        `${place} is in use, probably by another MQTT broker. Stop that one, set ${key} to a free port, or use the ` +
        'other broker with mqtt.mode = external and mqtt.url.'
      );
    case 'EACCES':
      return `${place} may not be opened by this user. Set ${key} to 1024 or higher.`;
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return `${host} is not an address of this machine. Set mqtt.host to 0.0.0.0 or to one of its addresses.`;
    default:
      return `the broker could not listen at ${place}: ${errorText(error)}`;
  }
}
