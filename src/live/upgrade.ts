import { STATUS_CODES, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';

/** What an upgrade request says about who is coming. */
export interface Handshake {
  /** The user of the path `/ws/{user_id}`. */
  readonly userId: string;
  /** Null when the token is to come as the first message. */
  readonly token: string | null;
  /** The offered subprotocol that carried the token; the answer must select it. */
  readonly subprotocol: string | null;
}

export interface Refusal {
  readonly status: number;
  readonly detail: string;
}

const PATH = /^\/ws\/([^/?#]{1,384})(?:\?|$)/;
const BEARER = /^Bearer +([\w.~+/=-]{1,8192})$/i;
const SUBPROTOCOL = /^bearer\.([\w.~+-]{1,8192})$/;

/** Reads the path, the origin and the token of an upgrade request, or says why it is refused. */
export function readHandshake(
  request: IncomingMessage,
  allowedOrigins: readonly string[],
): Handshake | Refusal {
  const userId = decodePath(request.url ?? '');
  if (userId === null) return { status: 404, detail: 'WebSockets are at /ws/{user_id}' };
  if (!isAllowedOrigin(request, allowedOrigins)) {
    return { status: 403, detail: 'pages of this origin may not connect; add it to http.cors_origins' };
  }
  const bearer = BEARER.exec(request.headers.authorization ?? '')?.[1];
  if (request.headers.authorization !== undefined && bearer === undefined) {
    return { status: 401, detail: 'Authorization must be: Bearer <token>' };
  }
  const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((text) => text.trim());
  const subprotocol = offered.find((text) => SUBPROTOCOL.test(text)) ?? null;
  return { userId, token: bearer ?? subprotocol?.slice('bearer.'.length) ?? null, subprotocol };
}

function decodePath(url: string): string | null {
  const encoded = PATH.exec(url)?.[1];
  if (encoded === undefined) return null;
  try {
    return decodeURIComponent(encoded);
  } catch {
    return null;
  }
}

/** A browser sends the page's origin and lets any page connect: only the hub's own pages and listed ones may. */
function isAllowedOrigin(request: IncomingMessage, allowedOrigins: readonly string[]): boolean {
  const { origin, host } = request.headers;
  if (origin === undefined || allowedOrigins.includes(origin)) return true;
  return host !== undefined && URL.canParse(origin) && new URL(origin).host === host.toLowerCase();
}

/** Answers an upgrade request in plain HTTP and closes the socket. */
export function refuse(socket: Duplex, refusal: Refusal): void {
  if (socket.destroyed) return;
  const body = JSON.stringify({ status: refusal.status, detail: refusal.detail, error: refusal.detail });
  const head = [
    `HTTP/1.1 ${refusal.status} ${STATUS_CODES[refusal.status] ?? ''}`,
    'Connection: close',
    'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    ...(refusal.status === 401 ? ['WWW-Authenticate: Bearer'] : []),
    ...(refusal.status === 503 ? ['Retry-After: 5'] : []),
  ];
  // A client that never reads would keep the half-closed socket open for ever.
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy());
}
