import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

import { Server as HttpsServer } from 'node:https';
import { serve, type ServerRequest } from 'srvx';

import type { Logger } from '../base/log.ts';
import type { Pem } from './pem.ts';

import { errorCode, errorText, StartError } from '../base/errors.ts';
import { Connections, type ConnectionLimits } from './connections.ts';

/** How long, how much and how many: what a client may take before it is left. */
export interface ServerLimits extends ConnectionLimits {
  /** A client that dribbles its TLS handshake, its headers, or its body, holds a connection no longer than this. */
  readonly handshakeTimeoutMs: number;
  readonly headersTimeoutMs: number;
  readonly requestTimeoutMs: number;
  /** A client that stops reading its answer. */
  readonly idleSocketTimeoutMs: number;
  readonly keepAliveMs: number;
  readonly connectionsCheckMs: number;
}

export const SERVER_LIMITS: ServerLimits = {
  handshakeTimeoutMs: 15_000,
  headersTimeoutMs: 15_000,
  requestTimeoutMs: 60_000,
  idleSocketTimeoutMs: 120_000,
  keepAliveMs: 15_000,
  connectionsCheckMs: 5000,
  // Far above a household's, far below what a small machine has in memory.
  maxPlainConnections: 512,
  // With the WebSockets, which whoever takes them limits further. Node raises the soft limit of file descriptors to the
  // hard one by itself, which is at least 4096 where Linux is as it comes.
  maxConnections: 512 + 2048,
  maxUnreadBytes: 64 * 1024 * 1024,
};

const MAX_HEADER_BYTES = 16 * 1024;
const MAX_HEADERS = 100;
/** How long requests that are being answered may take once the part is closing. */
const CLOSE_GRACE_MS = 3000;

/** Below this a recorded conversation can be read later, or the cipher is broken. */
const TLS_OPTIONS = { minVersion: 'TLSv1.2', http2: false } as const;

export interface ServerOptions {
  readonly host: string;
  readonly port: number;
  /** With it the server speaks TLS. */
  readonly tls?: Pem;
  readonly fetch: (request: ServerRequest) => Promise<Response>;
  /** Called for WebSocket upgrades only. */
  readonly upgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
  readonly limits?: ServerLimits;
  /** Counts the connections; servers that share it share the places. */
  readonly connections?: Connections;
  readonly log: Logger;
}

/** A listening server, and everything that has to go when it closes. */
export class HttpServer implements AsyncDisposable {
  readonly #server: Server;
  readonly #upgraded = new Set<Duplex>();
  #closing: Promise<void> | undefined;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** @throws StartError when it cannot listen. */
  static async listen(options: ServerOptions): Promise<HttpServer> {
    const { limits = SERVER_LIMITS, connections = new Connections(limits) } = options;
    const cut = new WeakSet<object>();
    const server = serve({
      fetch: async (request) => {
        const node = request.runtime?.node?.req;
        // What else had come with it is still handed on, and nobody is there to answer to.
        if (node && cut.has(node)) return new Response(null, { status: 503 });
        const answer = await options.fetch(request);
        connections.limitUnread();
        return answer;
      },
      hostname: options.host,
      port: options.port,
      manual: true,
      silent: true,
      // It would install signal handlers of its own and end the process behind our back.
      gracefulShutdown: false,
      node: {
        headersTimeout: limits.headersTimeoutMs,
        requestTimeout: limits.requestTimeoutMs,
        keepAliveTimeout: limits.keepAliveMs,
        connectionsCheckingInterval: limits.connectionsCheckMs,
        maxHeaderSize: MAX_HEADER_BYTES,
        // Any other upgrade (curl offers h2c) is none of ours: the request is answered as if it had not asked.
        shouldUpgradeCallback: (request) => request.headers.upgrade?.toLowerCase() === 'websocket',
        ...(options.tls && {
          cert: options.tls.cert,
          key: options.tls.key,
          ...TLS_OPTIONS,
          handshakeTimeout: limits.handshakeTimeoutMs,
        }),
      },
    });
    const nodeServer = server.node?.server as Server;
    const made = new HttpServer(nodeServer);
    nodeServer.timeout = limits.idleSocketTimeoutMs;
    nodeServer.maxHeadersCount = MAX_HEADERS;
    nodeServer.maxConnections = limits.maxConnections;
    nodeServer.on('connection', (socket: Socket) => connections.admit(socket));
    nodeServer.prependListener('request', (request, response) => {
      if (!connections.serving(request.socket, response)) cut.add(request);
    });
    nodeServer.on('upgrade', (request, socket, head) => {
      // A reset while the handshake is being looked at would otherwise end the process.
      socket.on('error', (error) =>
        options.log.debug({ err: error }, 'a connection broke during its upgrade'),
      );
      connections.upgraded(request.socket);
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

  /** Connections that begin from now on get this certificate. */
  useCertificate(pem: Pem): void {
    if (this.#server instanceof HttpsServer) {
      this.#server.setSecureContext({ cert: pem.cert, key: pem.key, minVersion: TLS_OPTIONS.minVersion });
    }
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

function listenAdvice({ host, port, tls }: ServerOptions, error: unknown): string {
  const section = tls ? 'http.tls' : 'http';
  switch (errorCode(error)) {
    case 'EADDRINUSE':
      return `port ${port} is in use by another program. Stop it, or set ${section}.port (0 takes any free one).`;
    case 'EACCES':
    case 'EPERM':
      return `port ${port} may not be opened by this user. Set ${section}.port to 1024 or above.`;
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `${host} is not an address of this machine. Set ${section}.host to one, or to 0.0.0.0 for all.`;
    default:
      return `${host} port ${port} cannot be opened: ${errorText(error)}`;
  }
}
