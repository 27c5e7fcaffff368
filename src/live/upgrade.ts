import { STATUS_CODES, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';

import { ERROR_CODES, type ErrorKind } from '../base/errors.ts';
import { newId } from '../base/ids.ts';
import { isKnownOrigin } from '../base/web-origin.ts';
import { DEVICE_ID_RULE, isDeviceId } from '../base/text.ts';

/** What an upgrade request says about who is coming. */
export interface Handshake {
  /** The user of the path `/ws/{user_id}`. */
  readonly userId: string;
  /** Null when the token is to come as the first message. */
  readonly token: string | null;
  /** The offered subprotocol that carried the token; the answer must select it. */
  readonly subprotocol: string | null;
  /** The device of the query `?device_id=`; null when it is not said there. */
  readonly deviceId: string | null;
}

/** Why an upgrade is refused. */
export interface Refusal {
  readonly kind: keyof typeof STATUS;
  readonly detail: string;
  readonly field?: string;
}

/** The kinds of errors that end an upgrade, with their status; what the hub did not expect has no kind. */
const STATUS = {
  invalid: 400,
  unauthenticated: 401,
  forbidden: 403,
  not_found: 404,
  unavailable: 503,
  internal: 500,
} as const satisfies Partial<Record<ErrorKind | 'internal', number>>;

const PATH = /^\/ws\/([^/?#]{1,384})(?:\?([^#]*))?$/;
const BEARER = /^Bearer +([\w.~+/=-]{1,8192})$/i;
const SUBPROTOCOL = /^bearer\.([\w.~+-]{1,8192})$/;
const KEY = /^[A-Za-z0-9+/]{22}==$/;
const VERSIONS = ['13', '8'];
/** A client's own id is taken over when it can do no harm in a header or a log line. */
const SANE_REQUEST_ID = /^[A-Za-z0-9._:-]{1,64}$/;

/** Reads the path, the origin, the device and the token of an upgrade request, or says why it is refused. */
export function readHandshake(
  request: IncomingMessage,
  allowedOrigins: readonly string[],
): Handshake | Refusal {
  const path = PATH.exec(request.url ?? '');
  const userId = decodePath(path?.[1]);
  if (userId === null) return { kind: 'not_found', detail: 'WebSockets are at /ws/{user_id}' };
  if (!isKnownOrigin(request.headers.origin, request.headers.host, allowedOrigins)) {
    return { kind: 'forbidden', detail: 'pages of this origin may not connect; add it to http.cors_origins' };
  }
  const { authorization } = request.headers;
  const bearer = BEARER.exec(authorization ?? '')?.[1];
  if (authorization !== undefined && bearer === undefined) {
    return { kind: 'unauthenticated', detail: 'Authorization must be: Bearer <token>' };
  }
  if (!isWebSocket(request)) {
    return {
      kind: 'invalid',
      detail: 'that is no WebSocket handshake: Sec-WebSocket-Key or Sec-WebSocket-Version (13) is wrong',
    };
  }
  const devices = new URLSearchParams(path?.[2] ?? '').getAll('device_id');
  const [deviceId = null] = devices;
  if (devices.length > 1 || (deviceId !== null && !isDeviceId(deviceId))) {
    return { kind: 'invalid', detail: `device_id ${DEVICE_ID_RULE}, given once`, field: 'device_id' };
  }
  const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((text) => text.trim());
  const subprotocol = offered.find((text) => SUBPROTOCOL.test(text)) ?? null;
  return { userId, token: bearer ?? subprotocol?.slice('bearer.'.length) ?? null, subprotocol, deviceId };
}

function decodePath(encoded: string | undefined): string | null {
  if (encoded === undefined) return null;
  try {
    return decodeURIComponent(encoded);
  } catch {
    return null;
  }
}

/** The library would refuse the rest too, but in words of its own. */
function isWebSocket(request: IncomingMessage): boolean {
  const { 'sec-websocket-key': key, 'sec-websocket-version': version } = request.headers;
  return key !== undefined && KEY.test(key) && version !== undefined && VERSIONS.includes(version);
}

/** The id under which a request is answered and logged. */
export function requestIdOf(request: IncomingMessage): string {
  const claimed = request.headers['x-request-id'];
  return typeof claimed === 'string' && SANE_REQUEST_ID.test(claimed) ? claimed : newId();
}

/** Answers an upgrade request with a problem in plain HTTP, as the API does (PROTOCOL.md 2.4), and closes the socket. */
export function refuse(socket: Duplex, refusal: Refusal, requestId: string): void {
  if (socket.destroyed) return;
  const status = STATUS[refusal.kind];
  const body = JSON.stringify({
    type: 'about:blank',
    title: STATUS_CODES[status] ?? 'Error',
    status,
    detail: refusal.detail,
    error: refusal.detail,
    code: refusal.kind === 'internal' ? 'INTERNAL_ERROR' : ERROR_CODES[refusal.kind],
    request_id: requestId,
    ...(refusal.field === undefined ? {} : { field: refusal.field }),
  });
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
    'Connection: close',
    'Content-Type: application/problem+json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    `X-Request-ID: ${requestId}`,
    ...(status === 400 ? [`Sec-WebSocket-Version: ${VERSIONS.join(', ')}`] : []),
    ...(status === 401 ? ['WWW-Authenticate: Bearer realm="funkygibbon"'] : []),
    ...(status === 503 ? ['Retry-After: 5'] : []),
  ];
  // A client that never reads would keep the half-closed socket open for ever.
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy());
}
