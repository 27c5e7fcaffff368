import type { Bridge, HAPServer as HapServer, PublishInfo } from '@homebridge/hap-nodejs';
import type { Server as TcpServer } from 'node:net';

import { HAPServer } from '@homebridge/hap-nodejs';
import { once } from 'node:events';

import type { Logger } from '../base/log.ts';
import type { EventedHttpServerInternals, HapServerInternals } from './hap-internals.ts';
import type { ResponderWatch } from './mdns-responder.ts';

import { errorCode, errorText, StartError } from '../base/errors.ts';
import { cancelConfigurationUpdate, serverInternals } from './hap-internals.ts';
import { watchResponder } from './mdns-responder.ts';

/** The largest request body. A controller that subscribes to everything of a full bridge sends about 100 kB. */
const MAX_BODY_BYTES = 1024 * 1024;
/** Each connection costs an HTTP server and three sockets. A large home has some 20 controllers. */
const MAX_CONNECTIONS = 64;
/** The library's own limit of wrong setup codes. */
const MAX_PAIR_ATTEMPTS = 100;

export interface PublishOptions {
  readonly info: PublishInfo;
  readonly advertise: boolean;
  readonly loopbackOnly: boolean;
  readonly log: Logger;
}

/** The published bridge; disposing withdraws it and resolves when nothing of it listens any more. */
export interface PublishedServer extends AsyncDisposable {
  readonly port: number;
}

/**
 * Publishes the bridge and resolves once it listens (the library's own promise resolves before). To be called for one
 * bridge after the other.
 * @throws StartError when the port is taken or the address to announce on does not exist.
 */
export async function publishBridge(bridge: Bridge, options: PublishOptions): Promise<PublishedServer> {
  const { info, log } = options;
  const listening = Promise.withResolvers<number>();
  const onListening = (port: number): void => listening.resolve(port);
  bridge.on('listening', onListening);
  let tcpServer: TcpServer | undefined;
  const restoreListen = replaceListen(info.username, (server, port, host) => {
    const { httpServer } = serverInternals(server);
    tcpServer = httpServer.tcpServer;
    tcpServer.maxConnections = MAX_CONNECTIONS;
    // The library listens for no error: a taken port would end the process.
    tcpServer.on('error', (error) => {
      listening.reject(error);
      log.error({ err: error }, 'the HomeKit port reported an error');
    });
    guardRequests(serverInternals(server), log);
    httpServer.listen(port, options.loopbackOnly ? '127.0.0.1' : host);
  });
  const responder = watchResponder(options.advertise);
  try {
    const [port] = await Promise.all([listening.promise, bridge.publish(info)]);
    return { port, [Symbol.asyncDispose]: async () => await unpublish(bridge, responder, tcpServer) };
  } catch (error) {
    await unpublish(bridge, responder, tcpServer);
    throw toStartError(error, info);
  } finally {
    // Not before: with avahi the library asks the system first, and only then makes its server.
    restoreListen();
    responder.restore();
    bridge.off('listening', onListening);
  }
}

function toStartError(error: unknown, info: PublishInfo): StartError {
  const code = errorCode(error);
  if (code === 'EADDRINUSE') {
    return new StartError(
      'homekit',
      `port ${info.port} is in use. Stop the other program, or set homekit.port to a free port (0 takes any).`,
      { cause: error },
    );
  }
  if (code === 'EACCES') {
    return new StartError(
      'homekit',
      `port ${info.port} needs more rights. Set homekit.port to 1024 or above.`,
      {
        cause: error,
      },
    );
  }
  return new StartError(
    'homekit',
    `the bridge could not be published: ${errorText(error)}. Check the network, and the address it is announced on.`,
    { cause: error },
  );
}

async function unpublish(
  bridge: Bridge,
  responder: ResponderWatch,
  tcpServer: TcpServer | undefined,
): Promise<void> {
  const server = bridge._server && serverInternals(bridge._server).httpServer;
  const closed = [
    tcpServer,
    ...[...(server?.connections ?? [])].map(({ internalHttpServer }) => internalHttpServer),
  ].map(async (listener) => {
    if (listener?.listening) await once(listener, 'close');
  });
  cancelConfigurationUpdate(bridge);
  await responder.bound();
  if (bridge._advertiser) await bridge.unpublish();
  else await responder.shutdown();
  await Promise.all(closed);
}

type ListenDescriptor = TypedPropertyDescriptor<(this: HapServer, port?: number, host?: string) => void>;

/**
 * Runs `listen` in place of HAPServer's own, for the one bridge, until restored: there is no option to bind the loopback
 * interface alone, and no other moment at which the server exists and does not listen yet.
 */
function replaceListen(
  username: string,
  listen: (server: HapServer, port: number, host: string | undefined) => void,
): () => void {
  const { prototype } = HAPServer;
  const original: ListenDescriptor | undefined = Object.getOwnPropertyDescriptor(prototype, 'listen');
  if (!original?.value) throw new Error('hap-nodejs has no HAPServer.listen any more');
  const { value: listenItself } = original;
  Object.defineProperty(prototype, 'listen', {
    ...original,
    value(this: HapServer, port = 0, host?: string) {
      if (serverInternals(this).accessoryInfo.username !== username) {
        listenItself.call(this, port, host);
        return;
      }
      // "::" fails where IPv6 is off; Node's default takes what there is.
      listen(this, port, host === '::' ? undefined : host);
    },
  });
  return () => Object.defineProperty(prototype, 'listen', original);
}

/**
 * Stands before the library's request handler, which anyone on the network reaches without a pairing: it buffers bodies
 * without limit, and throws outside any handler (ending the process) on a path that is no URL, such as `//`.
 */
function guardRequests(server: HapServerInternals, log: Logger): void {
  const { httpServer }: { httpServer: EventedHttpServerInternals } = server;
  const handlers = httpServer.listeners('request');
  let isLockReported = false;
  httpServer.removeAllListeners('request');
  httpServer.on('request', (connection, request, response) => {
    const path = request.url ?? '';
    if (!URL.canParse(path, 'http://bridge.local')) {
      response.writeHead(400).end();
      return;
    }
    let bytes = 0;
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > MAX_BODY_BYTES) connection.close();
    });
    response.once('finish', () => {
      if (isLockReported || server.unsuccessfulPairAttempts <= MAX_PAIR_ATTEMPTS) return;
      isLockReported = true;
      log.error('pairing is locked after 100 wrong setup codes; restart the hub to unlock it');
    });
    for (const handle of handlers) handle(connection, request, response);
  });
}
