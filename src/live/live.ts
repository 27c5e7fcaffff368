import crossws from 'crossws/adapters/node';

import type { Hooks, Peer } from 'crossws';
import type { NodeAdapter } from 'crossws/adapters/node';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';

import type { Principal } from '../access/types.ts';
import type { SyncDirection } from '../sync/types.ts';
import type { ClientMessage } from './messages.ts';
import type { Handshake, Refusal } from './upgrade.ts';
import type { LiveCounters, LiveOptions, LivePart, NoticeLevel } from './types.ts';

import { toIso } from '../base/clock.ts';
import { HubError } from '../base/errors.ts';
import { Connection } from './connection.ts';
import { Connections } from './connections.ts';
import { FactFeed } from './fact-feed.ts';
import { MessageHandler, toErrorFields } from './handler.ts';
import { parseMessage } from './messages.ts';
import { Placements } from './placements.ts';
import { Scopes } from './scopes.ts';
import { StateFeed } from './state-feed.ts';
import { TokenGate } from './token-gate.ts';
import { CLOSE_GOING_AWAY, CLOSE_OTHER_USER, CLOSE_POLICY, CLOSE_TOKEN } from './types.ts';
import { readHandshake, refuse, requestIdOf } from './upgrade.ts';
import { WEBSOCKET_OPTIONS } from './websocket-options.ts';

export type { LiveCursors, LiveOptions, LivePart, NoticeLevel } from './types.ts';

/** Messages that a client may send while its token is still being looked at. */
const MAX_EARLY_MESSAGES = 32;
/** How long clients have to answer the goodbye. */
const GOODBYE_MS = 1000;

/** What travels with an upgrade request through crossws to its hooks. */
interface PeerContext {
  readonly handshake: Handshake;
  readonly principal: Principal | undefined;
  readonly socket: Duplex;
  connection?: Connection;
}

/** Starts the door; the HTTP server hands its upgrade requests to it. */
export function startLive(options: LiveOptions): LivePart {
  return new Live(options);
}

class Live implements LivePart {
  readonly #options: LiveOptions;
  readonly #adapter: NodeAdapter;
  readonly #scopes: Scopes;
  readonly #gate: TokenGate;
  readonly #handler: MessageHandler;
  readonly #facts: FactFeed;
  readonly #states: StateFeed;
  readonly #pings: NodeJS.Timeout;
  readonly #connections = new Connections();
  readonly counters: LiveCounters = { received: 0, sent: 0, slowed: 0, cutOff: 0 };
  /** Sockets whose upgrade is not decided yet. */
  readonly #upgrading = new Set<Duplex>();
  #closing: Promise<void> | undefined;

  constructor(options: LiveOptions) {
    this.#options = options;
    const { clock, cursor, devices, graph, log } = options;
    const scopes = new Scopes(graph, cursor);
    this.#scopes = scopes;
    this.#gate = new TokenGate(options, (connection) => scopes.refresh(connection));
    const placements = new Placements(graph);
    const connections = this.#connections.known;
    this.#facts = new FactFeed({ graph, cursor, scopes, placements, connections, log });
    this.#states = new StateFeed({ devices, placements, scopes, connections, log });
    this.#handler = new MessageHandler({
      graph,
      devices,
      cursor,
      scopes,
      allows: options.allows,
      authorizeCommand: options.authorizeCommand,
      clock,
      wakeFacts: () => this.#facts.wake(),
    });
    // Pings are ours: crossws closes at the first that is missed.
    this.#adapter = crossws({ hooks: this.#hooks(), idleTimeout: 0, serverOptions: WEBSOCKET_OPTIONS });
    this.#pings = setInterval(() => this.#sweep(), options.pingEveryMs ?? 30_000);
  }

  get connections(): number {
    return this.#connections.size;
  }

  isOnline(deviceId: string): boolean {
    return this.#connections.isOnline(deviceId);
  }

  requestSync(deviceId: string, direction: SyncDirection): number {
    return this.#connections.requestSync(deviceId, direction);
  }

  closeSession(sessionId: string): void {
    this.#connections.closeSession(sessionId);
  }

  verifyUser(userId: string): void {
    const theirs = [...this.#connections.known].filter(({ principal }) => principal?.userId === userId);
    for (const connection of theirs) {
      this.#gate.verifyOne(connection).catch((error: unknown) => {
        connection.log.error({ err: error }, 'a token could not be verified');
      });
    }
  }

  notify(message: string, level: NoticeLevel): void {
    this.#connections.notify(message, level);
  }

  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    // First of all: a reset while the token is being verified is an 'error' that nobody else listens to, and an
    // unheard 'error' ends the process.
    socket.on('error', (error) => this.#options.log.debug({ err: error }, 'a socket broke'));
    this.#upgrading.add(socket);
    this.#upgrade(request, socket, head)
      .catch((error: unknown) => {
        const requestId = requestIdOf(request);
        this.#options.log.error({ err: error, request_id: requestId }, 'an upgrade failed');
        refuse(socket, { kind: 'internal', detail: 'the hub could not open the connection' }, requestId);
      })
      .finally(() => this.#upgrading.delete(socket))
      .catch((error: unknown) => this.#options.log.error({ err: error }, 'an upgrade could not be refused'));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close();
    await this.#closing;
  }

  async #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const refuseIt = (refusal: Refusal): void => {
      const requestId = requestIdOf(request);
      this.#options.log.debug({ request_id: requestId, reason: refusal.detail }, 'an upgrade was refused');
      refuse(socket, refusal, requestId);
    };
    const handshake = readHandshake(request, this.#options.allowedOrigins);
    if ('kind' in handshake) {
      refuseIt(handshake);
      return;
    }
    const isFull = this.connections + this.#upgrading.size > (this.#options.maxConnections ?? 2000);
    const noRoom = {
      kind: 'unavailable',
      detail: 'the hub takes no more connections now; try again',
    } as const;
    if (this.#closing || (isFull && handshake.token === null)) {
      refuseIt(noRoom);
      return;
    }
    let principal: Principal | undefined;
    if (handshake.token !== null) {
      const verified = await this.#gate.verify(handshake.userId, handshake.token, handshake.deviceId);
      if ('kind' in verified) {
        refuseIt(verified);
        return;
      }
      principal = verified;
    }
    if (isFull && !this.#connections.makeRoom(handshake.userId)) {
      refuseIt(noRoom);
      return;
    }
    if (socket.destroyed || this.#closing) {
      socket.destroy();
      return;
    }
    const context: PeerContext = { handshake, principal, socket };
    // crossws would build this from the request's Host header, outside of its own error handling.
    const webRequest = Object.assign(new Request('http://hub.invalid/ws'), { context });
    await this.#adapter.handleUpgrade(request, socket, head, webRequest);
  }

  /** A hook that throws would end the process, or leave a socket that looks open and hears nothing. */
  #hooks(): Partial<Hooks> {
    const guarded = (peer: Peer, task: (connection: Connection) => void): void => {
      const { connection } = peer.context as unknown as PeerContext;
      if (!connection) return;
      try {
        task(connection);
      } catch (error) {
        connection.log.error({ err: error }, 'a message could not be handled');
        connection.terminate('the hub failed');
      }
    };
    const paced = (peer: Peer, task: (connection: Connection) => void): void =>
      guarded(peer, (connection) => connection.heard() && task(connection));
    return {
      upgrade: (request) => {
        const { handshake } = request.context as unknown as PeerContext;
        // The offer carried the token; a browser closes the connection unless the answer selects it.
        return handshake.subprotocol === null
          ? { namespace: 'live' }
          : { namespace: 'live', protocol: handshake.subprotocol };
      },
      open: (peer) => {
        const context = peer.context as unknown as PeerContext;
        context.connection = new Connection(peer, context, this.#options.log, this.counters);
        guarded(peer, (connection) => this.#opened(connection, context.principal));
      },
      message: (peer, message) => paced(peer, (connection) => this.#received(connection, message.rawData)),
      drain: (peer) =>
        guarded(peer, (connection) => {
          // Most sockets drain after each message of some size, and nobody waits for that.
          if (!connection.slow && connection.replays.length === 0) return;
          connection.drained(
            this.#options.graph.headSeq,
            (seq) => this.#scopes.cursorOf(connection, seq),
            (entityId) => this.#scopes.sees(connection, entityId),
          );
          this.#facts.wake();
        }),
      ping: (peer, data) => paced(peer, (connection) => connection.pong(data)),
      pong: (peer) => paced(peer, () => undefined),
      close: (peer) => guarded(peer, (connection) => this.#closed(connection)),
      error: (peer, error) =>
        guarded(peer, (connection) => connection.log.debug({ err: error }, 'a connection broke')),
    };
  }

  #opened(connection: Connection, principal: Principal | undefined): void {
    this.#connections.add(connection);
    if (this.#closing) {
      connection.close(CLOSE_GOING_AWAY, 'the hub is shutting down');
    } else if (principal) {
      this.#admit(connection, principal, { token: connection.handshake.token ?? '' });
    } else {
      connection.deadline = setTimeout(
        () => connection.close(CLOSE_TOKEN, 'no token came in time'),
        this.#options.authWithinMs ?? 5000,
      );
    }
  }

  #admit(connection: Connection, principal: Principal, said: { token: string; deviceId?: string }): void {
    const { clock, graph } = this.#options;
    const isFirst = !connection.principal;
    if (isFirst) connection.seq = graph.headSeq;
    connection.principal = principal;
    connection.pace.trust();
    this.#scopes.begin(connection, isFirst);
    connection.token = said.token;
    connection.deviceId = said.deviceId ?? connection.deviceId ?? principal.deviceId;
    this.#gate.closeAtExpiry(connection, principal);
    this.#connections.admit(connection);
    connection.send({
      type: 'connected',
      user_id: principal.userId,
      connection_id: connection.id,
      cursor: this.#scopes.cursorOf(connection, connection.seq),
      timestamp: toIso(clock.nowMs()),
    });
  }

  #received(connection: Connection, data: unknown): void {
    try {
      if (typeof data !== 'string') throw new HubError('invalid', 'messages are JSON texts, not binary');
      if (connection.verifying) this.#keepForLater(connection, data);
      else this.#act(connection, data);
    } catch (error) {
      if (!(error instanceof HubError)) throw error;
      connection.send({ type: 'error', ...toErrorFields(error) });
    }
  }

  #act(connection: Connection, data: string): void {
    const message = parseMessage(data);
    if (message.type === 'auth') {
      this.#authenticate(connection, message.token, message.device_id ?? undefined);
    } else if (!connection.principal) {
      connection.close(CLOSE_TOKEN, 'the first message must be auth');
    } else if (message.type === 'command') {
      this.#commandOnceVerified(connection, message);
    } else {
      this.#handler.handle(connection, connection.principal, message);
    }
  }

  /** A token that was revoked since the last sweep may still be looking on; it must not switch anything any more. */
  #commandOnceVerified(connection: Connection, message: Extract<ClientMessage, { type: 'command' }>): void {
    this.#gate
      .verifyOne(connection)
      .then(() => {
        if (!connection.closing && connection.principal) {
          this.#handler.handle(connection, connection.principal, message);
        }
      })
      .catch((error: unknown) => connection.log.error({ err: error }, 'a command was not carried out'));
  }

  #keepForLater(connection: Connection, data: string): void {
    if (connection.early.length < MAX_EARLY_MESSAGES) connection.early.push(data);
    else connection.close(CLOSE_POLICY, 'too many messages before the token was accepted');
  }

  /** The first token of a connection that came without one, or a fresh one before the old one expires. */
  #authenticate(connection: Connection, token: string, deviceId: string | undefined): void {
    connection.verifying = true;
    this.#gate
      .verify(connection.handshake.userId, token, deviceId ?? connection.deviceId)
      .then((verified) => {
        connection.verifying = false;
        if (connection.closing || !this.#connections.has(connection)) return;
        if ('kind' in verified) {
          connection.close(
            verified.kind === 'unauthenticated' ? CLOSE_TOKEN : CLOSE_OTHER_USER,
            verified.detail,
          );
          return;
        }
        this.#admit(connection, verified, { token, ...(deviceId === undefined ? {} : { deviceId }) });
        // One of them may be another auth, which makes the rest wait again.
        for (const data of connection.early.splice(0)) this.#received(connection, data);
      })
      .catch((error: unknown) => {
        connection.log.error({ err: error }, 'a token could not be verified');
        connection.terminate('a token could not be verified');
      });
  }

  #closed(connection: Connection): void {
    clearTimeout(connection.deadline);
    this.#connections.delete(connection);
  }

  /** Pings every connection, and looks at its token again: it may have been revoked. */
  #sweep(): void {
    this.#connections.ping();
    this.#gate.verifyAgain(this.#connections.known).catch((error: unknown) => {
      this.#options.log.error({ err: error }, 'the tokens of open connections could not be verified');
    });
  }

  async #close(): Promise<void> {
    clearInterval(this.#pings);
    this.#facts[Symbol.dispose]();
    this.#states[Symbol.dispose]();
    for (const socket of this.#upgrading) socket.destroy();
    const cutOff = setTimeout(() => this.#adapter.closeAll(CLOSE_GOING_AWAY, '', true), GOODBYE_MS);
    await this.#connections.close();
    clearTimeout(cutOff);
  }
}
