import { isIPv6 } from 'node:net';

import type { HttpOptions, HttpPart } from './types.ts';

import { Cors } from './cors.ts';
import { Gate } from './gate.ts';
import { Pipeline } from './pipeline.ts';
import { routeTable } from './routes/routes.ts';
import { HttpServer } from './server.ts';
import { upgradeHandler } from './upgrades.ts';

export type { DeviceDirectory, HttpOptions, HttpPart, SyncService } from './types.ts';
export { routeTable } from './routes/routes.ts';

/**
 * Starts the HTTP door: the API of DESIGN.md's "HTTP surface", and the handshakes of WebSockets below `/ws/`.
 * @throws StartError `http` saying what to do: port in use, not permitted, no such address.
 */
export async function startHttp(options: HttpOptions): Promise<HttpPart> {
  const { access, clock, log } = options;
  const gate = new Gate({
    access,
    clock,
    rateLimitPerMinute: options.rateLimitPerMinute,
    trustedProxies: options.trustedProxies,
  });
  let server: HttpServer | undefined;
  const pipeline = new Pipeline({
    gate,
    cors: new Cors(options.corsOrigins),
    clock,
    log,
    routes: routeTable(options),
    isClosing: () => server?.isClosing ?? false,
  });
  server = await HttpServer.listen({
    host: options.host,
    port: options.port,
    fetch: async (request) => await pipeline.answer(request),
    upgrade: upgradeHandler(gate, options.upgrade, log),
    log,
  });
  const { port } = server;
  const url = `http://${reachableHost(options.host)}:${port}`;
  log.info({ url }, 'the API is up');
  return { url, port, [Symbol.asyncDispose]: async () => await server[Symbol.asyncDispose]() };
}

/** An address that stands for all of them is none that can be called. */
function reachableHost(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return isIPv6(host) ? `[${host}]` : host;
}
