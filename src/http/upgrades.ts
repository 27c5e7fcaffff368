import { STATUS_CODES, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';

import type { Logger } from '../base/log.ts';
import type { Gate } from './gate.ts';
import type { HttpOptions } from './types.ts';

import { bearerToken, headerOf } from './exchange.ts';
import { HttpProblem, problemJson, toProblem } from './problem.ts';
import { quotaHeaders, SECURITY_HEADERS } from './response.ts';

const PREFIX = '/ws/';

/**
 * Lets WebSocket handshakes below /ws/ through to whoever speaks that, counted like any request; any other path does
 * not know upgrades.
 */
export function upgradeHandler(
  gate: Gate,
  upgrade: HttpOptions['upgrade'],
  log: Logger,
): HttpOptions['upgrade'] {
  return (request, socket, head) => {
    const exchange = gate.begin(request);
    const refuse = (error: unknown): void => {
      const problem = toProblem(error);
      if (problem.unexpected) log.error({ err: error, request_id: exchange.requestId }, 'an upgrade failed');
      const headers = {
        'x-request-id': exchange.requestId,
        ...SECURITY_HEADERS,
        ...quotaHeaders(exchange.quota),
        ...problem.headers,
      };
      refuseUpgrade(socket, problem.status, headers, problemJson(problem, exchange.requestId));
    };
    const accept = async (): Promise<void> => {
      await gate.identify(exchange, bearerToken(request) ?? subprotocolToken(request));
      gate.count(exchange);
      gate.checkSource(exchange);
      if (!request.url?.startsWith(PREFIX)) {
        throw new HttpProblem(404, 'NOT_FOUND', `WebSockets are served below ${PREFIX} only.`);
      }
      // The client may have gone while its token was looked at.
      if (socket.destroyed) return;
      // Whoever takes it over logs and answers with the same id.
      request.headers['x-request-id'] = exchange.requestId;
      upgrade(request, socket, head);
    };
    accept().catch(refuse);
  };
}

/** A browser cannot set headers on a WebSocket, so that the token may come as the subprotocol `bearer.<token>`. */
function subprotocolToken(request: IncomingMessage): string | undefined {
  const offered = headerOf(request, 'sec-websocket-protocol')?.split(',') ?? [];
  return offered
    .map((text) => text.trim())
    .find((text) => text.startsWith('bearer.'))
    ?.slice('bearer.'.length);
}

function refuseUpgrade(
  socket: Duplex,
  status: number,
  headers: Readonly<Record<string, string>>,
  body: string,
): void {
  if (socket.destroyed) return;
  const lines = Object.entries({
    connection: 'close',
    'content-type': 'application/problem+json',
    'content-length': String(Buffer.byteLength(body)),
    ...headers,
  }).map(([name, value]) => `${name}: ${value}`);
  const head = [`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`, ...lines, '', ''].join('\r\n');
  socket.once('finish', () => socket.destroy());
  socket.end(head + body);
}
