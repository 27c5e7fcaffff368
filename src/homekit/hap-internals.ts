import type { Bridge, HAPConnection, HAPServer, HAPStorage, PermissionTypes } from '@homebridge/hap-nodejs';
import type { IncomingMessage, Server as HttpServer, ServerResponse } from 'node:http';
import type { Server as TcpServer } from 'node:net';

import type { PairingView } from './types.ts';

/** The library has it as a const enum, which cannot be imported. */
const PERMISSION_ADMIN = 1 as PermissionTypes;

/**
 * What the hub uses of hap-nodejs 2.2.3 that its types call private, in one place: a new version of the library means
 * reading this file against its source. Each is needed for something that the library has no option for.
 */
export interface HapServerInternals {
  /** Of the bridge that it serves. */
  readonly accessoryInfo: { readonly username: string };
  readonly httpServer: EventedHttpServerInternals;
  /** Wrong setup codes since the start; above 100 the library refuses every further attempt. */
  readonly unsuccessfulPairAttempts: number;
}

export interface EventedHttpServerInternals {
  readonly tcpServer: TcpServer;
  readonly connections: ReadonlySet<ConnectionInternals>;
  listen(port: number, host?: string): void;
  on(event: 'request', listener: RequestListener): unknown;
  listeners(event: 'request'): RequestListener[];
  removeAllListeners(event: 'request'): unknown;
}

export interface ConnectionInternals {
  /** The pairing that it was verified with; undefined before that. */
  readonly username?: string;
  readonly remoteAddress: string;
  readonly internalHttpServer: HttpServer;
}

export type RequestListener = (
  connection: HAPConnection,
  request: IncomingMessage,
  response: ServerResponse,
) => void;

interface StorageSingleton {
  localStore: unknown;
}

export function serverInternals(server: HAPServer): HapServerInternals {
  return server as unknown as HapServerInternals;
}

export function storageSingleton(storage: typeof HAPStorage): StorageSingleton {
  return (storage as unknown as { INSTANCE: StorageSingleton }).INSTANCE;
}

/** Who holds a pairing with the bridge, the ones with all rights first, and from where each is connected now. */
export function pairingsOf(bridge: Bridge): PairingView[] {
  const pairings = bridge._accessoryInfo?.listPairings() ?? [];
  const connections = bridge._server ? [...serverInternals(bridge._server).httpServer.connections] : [];
  return pairings
    .map(({ username, permission }) => ({
      id: username,
      admin: permission === PERMISSION_ADMIN,
      connectedFrom: [
        ...new Set(
          connections
            .filter((connection) => connection.username === username)
            .map(({ remoteAddress }) => remoteAddress),
        ),
      ],
    }))
    .toSorted((a, b) => Number(b.admin) - Number(a.admin));
}

/**
 * Saves at once what controllers (Adaptive Lighting) would have saved a moment later: by then the bridge's storage is gone,
 * and the library would begin one of files in the working folder.
 */
export function saveControllers(bridge: Bridge): void {
  const internals = bridge.controllerStorage as unknown as { queuedSaveTimeout: NodeJS.Timeout | undefined };
  if (internals.queuedSaveTimeout === undefined) return;
  clearTimeout(internals.queuedSaveTimeout);
  internals.queuedSaveTimeout = undefined;
  bridge.controllerStorage.save();
}

/**
 * Who announces the bridge; null before it is published. Where avahi cannot be asked the library takes ciao, and tells
 * that by a line on the console and nothing else.
 */
export function advertiserOf(bridge: Bridge): 'ciao' | 'bonjour-hap' | 'avahi' | null {
  switch (bridge._advertiser?.constructor.name) {
    case 'CiaoAdvertiser':
      return 'ciao';
    case 'BonjourHAPAdvertiser':
      return 'bonjour-hap';
    case 'AvahiAdvertiser':
      return 'avahi';
    default:
      return null;
  }
}

/** Ends the timer that would compare the structure once more after the bridge has gone. */
export function cancelConfigurationUpdate(bridge: Bridge): void {
  const internals = bridge as unknown as { configurationChangeDebounceTimeout: NodeJS.Timeout | undefined };
  clearTimeout(internals.configurationChangeDebounceTimeout);
  internals.configurationChangeDebounceTimeout = undefined;
}
