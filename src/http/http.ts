import { BlockList, isIP, isIPv6 } from 'node:net';
import { join } from 'node:path';

import type { HttpOptions, HttpPart, TlsListenOptions } from './types.ts';

import { Connections } from './connections.ts';
import { Cors } from './cors.ts';
import { Gate } from './gate.ts';
import { Pipeline } from './pipeline.ts';
import { routeTable } from './routes/routes.ts';
import { HttpServer, SERVER_LIMITS, type ServerOptions } from './server.ts';
import { TlsIdentity } from './tls-identity.ts';
import { upgradeHandler } from './upgrades.ts';

export type { DeviceDirectory, HttpOptions, HttpPart, SyncService } from './types.ts';
export { accessoryJson } from './routes/accessories.ts';
export { checkJson, detailJson, runJson, statusJson } from './routes/automations.ts';
export { energyJson } from './routes/energy-json.ts';
export { suggestionJson, suggestionsJson } from './routes/suggestions.ts';
export { jobJson, jobRunJson } from './routes/jobs.ts';
export { healthJson } from './routes/watch.ts';
export { reportEntryJson } from './routes/reports.ts';
export { userJson } from './routes/users.ts';
export { routeTable } from './routes/routes.ts';
export { TlsIdentity } from './tls-identity.ts';

/**
 * Starts the HTTP door: the API of DESIGN.md's "HTTP surface", and the handshakes of WebSockets below `/ws/`; the same
 * once more behind TLS where that is configured.
 * @throws StartError `http` saying what to do: port in use, not permitted, no such address, a bad certificate.
 */
export async function startHttp(options: HttpOptions): Promise<HttpPart> {
  const { access, clock, log, corsOrigins, trustedProxies, rateLimitPerMinute } = options;
  await using opening = new AsyncDisposableStack();
  const gate = new Gate({
    access,
    clock,
    rateLimitPerMinute,
    trustedProxies,
    corsOrigins,
    allowedHosts: options.allowedHosts ?? [],
  });
  const identity = options.tls ? opening.use(await openIdentity(options.tls, options)) : null;
  const servers: HttpServer[] = [];
  const listen = async (of: Pick<ServerOptions, 'host' | 'port' | 'tls'>): Promise<HttpServer> => {
    const server = opening.use(await HttpServer.listen({ ...common, ...of }));
    servers.push(server);
    return server;
  };
  const pipeline = new Pipeline({
    gate,
    cors: new Cors(corsOrigins),
    clock,
    log,
    routes: routeTable(options),
    observer: options.observer,
    isClosing: () => servers.some((server) => server.isClosing),
    // What it is told of a name holds for all of its ports: a plain one could not be reached by it any more.
    tlsOnly: () => identity !== null && !identity.pair.isSelfSigned && isLoopback(options.host),
  });
  const limits = { ...SERVER_LIMITS, ...options.limits };
  const common: Omit<ServerOptions, 'host' | 'port'> = {
    fetch: async (request) => await pipeline.answer(request),
    upgrade: upgradeHandler(gate, options.upgrade, log),
    limits,
    connections: new Connections(limits),
    log,
  };
  const { port } = await listen({ host: options.host, port: options.port });
  const url = `http://${reachableHost(options.host)}:${port}`;
  log.info({ url }, 'the API is up');
  let tls: HttpPart['tls'] = null;
  if (options.tls && identity) {
    const { host, port: wanted } = options.tls;
    const secure = await listen({ host, port: wanted, tls: identity.pair });
    identity.follow(() => {
      secure.useCertificate(identity.pair);
      options.onCertificateChange?.();
    });
    tls = {
      url: `https://${reachableHost(host)}:${secure.port}`,
      port: secure.port,
      get fingerprint() {
        return identity.pair.fingerprint;
      },
      get notAfterMs() {
        return identity.pair.notAfterMs;
      },
    };
    log.info({ url: tls.url, fingerprint: tls.fingerprint }, 'the API is up behind TLS');
  }
  const running = opening.move();
  return {
    url,
    port,
    isLocalOnly: isLoopback(options.host),
    tls,
    async [Symbol.asyncDispose]() {
      // At once, and not one after the other: each may take its time for what it is answering.
      await Promise.all(servers.map(async (server) => await server[Symbol.asyncDispose]()));
      await running[Symbol.asyncDispose]();
    },
  };
}

/** The key of the hub's own certificate, in `keyFolder`. */
export const TLS_KEY = 'tls-key.pem';

/** The certificate and key that the hub makes for itself. */
export function ownTlsFiles(folder: string): { cert: string; key: string } {
  return { cert: join(folder, 'tls-cert.pem'), key: join(folder, TLS_KEY) };
}

async function openIdentity(
  tls: TlsListenOptions,
  { keyFolder, secrets, clock, log }: HttpOptions,
): Promise<TlsIdentity> {
  const { files, settleMs } = tls;
  if (files === null && keyFolder === undefined) throw new Error('there is no folder for the TLS key');
  return await TlsIdentity.open({
    files: files ?? ownTlsFiles(keyFolder ?? ''),
    selfSigned: files === null,
    ...(secrets === undefined ? {} : { secrets }),
    clock,
    log,
    ...(settleMs === undefined ? {} : { settleMs }),
  });
}

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

/** Whether what listens there can be reached from this machine only. */
function isLoopback(host: string): boolean {
  const family = isIP(host);
  if (family === 0) return host === 'localhost';
  return LOOPBACK.check(host, family === 6 ? 'ipv6' : 'ipv4');
}

/** An address that stands for all of them is none that can be called. */
function reachableHost(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return isIPv6(host) ? `[${host}]` : host;
}
