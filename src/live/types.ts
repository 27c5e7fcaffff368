import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';

import type { CommandOrder } from '../access/access.ts';
import type { Actor, Permission, Principal } from '../access/types.ts';
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/log.ts';
import type { DeviceControl } from '../devices/types.ts';
import type { Graph } from '../graph/graph.ts';
import type { SyncDirection } from '../sync/types.ts';

/** The cursors that clients know from syncing. */
export interface LiveCursors {
  /**
   * The cursor of somebody who has seen everything up to `seq`, by default all that is durable; `scope` is the hash of
   * what they see where that is not all.
   */
  headCursor(seq?: number, scope?: string): string;
  /**
   * `epochMatches` is false when the cursor's seq means nothing in this graph, or for what is seen in this scope.
   * @throws HubError `invalid` (INVALID_VECTOR_CLOCK) when it is no cursor.
   */
  parse(since: string, scope?: string): { epochMatches: boolean; seq: number };
}

export interface LiveOptions {
  graph: Graph;
  devices: DeviceControl;
  cursor: LiveCursors;
  /** Who a token belongs to. Rejects with a HubError `unauthenticated` for one that is not valid any more. */
  verify: (token: string) => Promise<Principal>;
  /** The policy: may this principal do that? */
  allows: (principal: Principal, permission: Permission) => boolean;
  /** The same for a command to devices of these kinds. @throws HubError `forbidden`. */
  authorizeCommand: (actor: Actor, order: CommandOrder) => void;
  /** Web pages that may connect besides those that the hub itself serves, as `https://host:port`. */
  allowedOrigins: readonly string[];
  clock: Clock;
  log: Logger;
  /** How often connections are pinged and their tokens looked at again; two pings missed close. Default 30 s. */
  pingEveryMs?: number;
  /** How long a connection may take to send its token. Default 5 s. */
  authWithinMs?: number;
  /** Further connections get 503. Default 2000. */
  maxConnections?: number;
}

/** Since the hub was started, of all connections together. */
export interface LiveCounters {
  /** Messages, pings and answers to pings. */
  received: number;
  /** Messages. */
  sent: number;
  /** Times that a client read too slowly, and was told to sync instead of everything that it missed. */
  slowed: number;
  /** Connections that were ended without a goodbye. */
  cutOff: number;
}

export type NoticeLevel = 'info' | 'warning' | 'error';

/** The door that phones follow the home through, by WebSocket (PROTOCOL.md section 3). */
export interface LivePart extends AsyncDisposable {
  /** Takes over the socket of an upgrade request, whatever becomes of it. Never throws. */
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** Open WebSockets, those that have not yet said who they are included. */
  readonly connections: number;
  readonly counters: Readonly<LiveCounters>;
  /** Whether the device has a connection that has said who it is. */
  isOnline(deviceId: string): boolean;
  /** Asks the device, at all its connections, to sync now. Returns how many were asked; 0 = it is not here. */
  requestSync(deviceId: string, direction: SyncDirection): number;
  /** Closes (4401) what is open by tokens of a session that has ended, and what is just being opened by them. */
  closeSession(sessionId: string): void;
  /** Looks again at the tokens of somebody whose rights have changed: what is open keeps to them at once. */
  verifyUser(userId: string): void;
  /** Tells everybody who is connected. */
  notify(message: string, level: NoticeLevel): void;
}

/** Close codes of PROTOCOL.md section 3. */
export const CLOSE_TOKEN = 4401;
export const CLOSE_OTHER_USER = 4403;
/** RFC 6455: the server goes away. */
export const CLOSE_GOING_AWAY = 1001;
/** RFC 6455: the client does not keep to the rules. */
export const CLOSE_POLICY = 1008;
