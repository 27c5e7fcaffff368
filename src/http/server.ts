import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';

import { serve, type ServerRequest } from 'srvx';

import type { Logger } from '../base/log.ts';

import { errorCode, errorText, StartError } from '../base/errors.ts';

/** A client that dribbles its headers, or its body, holds a connection no longer than this. */
const HEADERS_TIMEOUT_MS = 15_000;
const REQUEST_TIMEOUT_MS = 60_000;
/** A client that stops reading its answer. */
const IDLE_SOCKET_TIMEOUT_MS = 120_000;
const KEEP_ALIVE_MS = 15_000;
const CONNECTIONS_CHECK_MS = 5000;
const MAX_HEADER_BYTES = 16 * 1024;
const MAX_HEADERS = 100;
/** Connections that are not WebSockets: far above a household's, far below what a small machine has in memory. */
const MAX_PLAIN_CONNECTIONS = 512;
/**
 * With the WebSockets, which whoever takes them limits further. Node raises the soft limit of file descriptors to the
 * hard one by itself, which is at least 4096 where Linux is as it comes.
 */
const MAX_CONNECTIONS = MAX_PLAIN_CONNECTIONS + 2048;
/** How long requests that are being answered may take once the part is closing. */
const CLOSE_GRACE_MS = 3000;

export interface ServerOptions {
  readonly host: string;
  readonly port: number;
  readonly fetch: (request: ServerRequest) => Promise<Response>;
  /** Called for WebSocket upgrades only. */
  readonly upgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
  readonly log: Logger;
  /** How many connections that are not WebSockets may be open at a time; a test has fewer. */
  readonly maxPlainConnections?: number;
}

/** A listening server, and everything that has to go when it closes. */
export class HttpServer implements AsyncDisposable {
  readonly #server: Server;
  readonly #upgraded = new Set<Duplex>();
  /** What is not upgraded; and of that, the longest idle first, what has no request under way. */
  readonly #plain = new Set<Duplex>();
  readonly #idle = new Set<Duplex>();
  #closing: Promise<void> | undefined;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** @throws StartError when it cannot listen. */
  static async listen(options: ServerOptions): Promise<HttpServer> {
    const server = serve({
      fetch: options.fetch,
      hostname: options.host,
      port: options.port,
      manual: true,
      silent: true,
      // It would install signal handlers of its own and end the process behind our back.
      gracefulShutdown: false,
      node: {
        headersTimeout: HEADERS_TIMEOUT_MS,
        requestTimeout: REQUEST_TIMEOUT_MS,
        keepAliveTimeout: KEEP_ALIVE_MS,
        connectionsCheckingInterval: CONNECTIONS_CHECK_MS,
        maxHeaderSize: MAX_HEADER_BYTES,
        // Any other upgrade (curl offers h2c) is none of ours: the request is answered as if it had not asked.
        shouldUpgradeCallback: (request) => request.headers.upgrade?.toLowerCase() === 'websocket',
      },
    });
    const nodeServer = server.node?.server as Server;
    const made = new HttpServer(nodeServer);
    nodeServer.timeout = IDLE_SOCKET_TIMEOUT_MS;
    nodeServer.maxHeadersCount = MAX_HEADERS;
    nodeServer.maxConnections = MAX_CONNECTIONS;
    nodeServer.on('connection', (socket) =>
      made.#admit(socket, options.maxPlainConnections ?? MAX_PLAIN_CONNECTIONS),
    );
    nodeServer.prependListener('request', ({ socket }, response) => made.#serving(socket, response));
    nodeServer.on('upgrade', (request, socket, head) => {
      // A reset while the handshake is being looked at would otherwise end the process.
      socket.on('error', (error) =>
        options.log.debug({ err: error }, 'a connection broke during its upgrade'),
      );
      made.#forget(socket);
      made.#upgraded.add(socket);
      socket.once('close', () => made.#upgraded.delete(socket));
      options.upgrade(request, socket, head);
    });
    try {
      await server.serve();
    } catch (error) {
      throw new StartError('http', listenAdvice(options, error), { cause: error });
    }
    nodeServer.on('error', (error) => options.log.error({ err: error }, 'the HTTP server has a problem'));
    return made;
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  get isClosing(): boolean {
    return this.#closing !== undefined;
  }

  /**
   * Where all places are taken, the connection that has been idle for longest gives way: a client that opens many and
   * dribbles must not keep the house out. Only where each has a request under way the new one is turned away.
   */
  #admit(socket: Duplex, maxPlain: number): void {
    if (this.#plain.size >= maxPlain) {
      const [oldest] = this.#idle;
      if (!oldest) {
        socket.destroy();
        return;
      }
      this.#forget(oldest);
      oldest.destroy();
    }
    this.#plain.add(socket);
    this.#idle.add(socket);
    socket.once('close', () => this.#forget(socket));
  }

  /** A request has come with all its headers; until it is answered, its connection is not idle. */
  #serving(socket: Duplex, response: ServerResponse): void {
    this.#idle.delete(socket);
    response.once('close', () => {
      if (this.#plain.has(socket)) this.#idle.add(socket);
    });
  }

  #forget(socket: Duplex): void {
    this.#plain.delete(socket);
    this.#idle.delete(socket);
  }

  /** Accepts nothing new, lets what is being answered finish for a short while, then cuts what is left. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close();
    await this.#closing;
  }

  async #close(): Promise<void> {
    const { promise: closed, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(() => this.#cut(), CLOSE_GRACE_MS);
    this.#server.close(() => resolve());
    // Sockets that were upgraded belong to nobody's count but ours; whoever took them has closed them by now.
    for (const socket of this.#upgraded) socket.destroy();
    await closed;
    clearTimeout(timer);
  }

  #cut(): void {
    for (const socket of this.#upgraded) socket.destroy();
    this.#server.closeAllConnections();
  }
}

function listenAdvice({ host, port }: ServerOptions, error: unknown): string {
  switch (errorCode(error)) {
    case 'EADDRINUSE':
      return `port ${port} is in use by another program. Stop it, or set http.port (0 takes any free one).`;
    case 'EACCES':
    case 'EPERM':
      return `port ${port} may not be opened by this user. Set http.port to 1024 or above.`;
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `${host} is not an address of this machine. Set http.host to one, or to 0.0.0.0 for all.`;
    default:
      return `${host} port ${port} cannot be opened: ${errorText(error)}`;
  }
}
