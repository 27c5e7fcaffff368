import { FastResponse } from 'srvx';

import type { BodyEncoding } from './encoding.ts';
import type { Exchange } from './exchange.ts';
import type { Quota } from './rate-limit.ts';
import type { Reply } from './reply.ts';

import { encodeBody, MIN_BYTES_TO_COMPRESS, negotiateEncoding } from './encoding.ts';
import { headerOf } from './exchange.ts';
import { begin, byteStreamOf, streamOf } from './streaming.ts';

/**
 * On every answer: it is data and never a page. A browser must not run it, show it inside of another page, guess at its
 * type, hand it to another origin, or tell others where it was.
 */
export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'x-content-type-options': 'nosniff',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
};

/**
 * Makes the response out of a reply: packs the body and adds the headers that every answer carries. `extra` wins over
 * nothing and is meant for what the connection as a whole decides (CORS, closing). `onBroken` is called when the making
 * of a streamed body fails after its beginning.
 * @throws whatever the making of a streamed body throws before its first chunk.
 */
export async function toResponse(
  reply: Reply,
  exchange: Exchange,
  extra: Readonly<Record<string, string>>,
  onBroken: (error: unknown) => void,
): Promise<Response> {
  const headers: Record<string, string> = {
    'x-request-id': exchange.requestId,
    ...SECURITY_HEADERS,
    'cache-control': 'private, no-cache',
    ...quotaHeaders(exchange.quota),
    ...extra,
    ...reply.headers,
  };
  const { status } = reply;
  if (reply.body === null) return new FastResponse(null, { status, headers });
  if (typeof reply.body === 'object' && 'bytes' in reply.body) {
    headers['content-length'] = String(reply.body.size);
    return new FastResponse(byteStreamOf(reply.body.bytes, onBroken), { status, headers });
  }
  headers['content-type'] ??= 'application/json';
  if (headers['etag'] === undefined) {
    headers['vary'] =
      headers['vary'] === undefined ? 'Accept-Encoding' : `${headers['vary']}, Accept-Encoding`;
  }
  const text = typeof reply.body === 'string' ? reply.body : await begin(reply.body);
  if (typeof text !== 'string') {
    const encoding = encodingFor(reply, exchange);
    if (encoding !== null) headers['content-encoding'] = encoding;
    return new FastResponse(streamOf(text, encoding, onBroken), { status, headers });
  }
  const plain = Buffer.from(text);
  const encoding = plain.length < MIN_BYTES_TO_COMPRESS ? null : encodingFor(reply, exchange);
  const body = encoding === null ? plain : await encodeBody(text, encoding);
  if (encoding !== null) headers['content-encoding'] = encoding;
  headers['content-length'] = String(body.length);
  return new FastResponse(body, { status, headers });
}

/** A body with a strong ETag goes out as it is: packed it would be a different representation with the same tag. */
function encodingFor(reply: Reply, exchange: Exchange): BodyEncoding | null {
  if (reply.headers['etag'] !== undefined) return null;
  const accepted = headerOf(exchange.request, 'accept-encoding');
  return accepted === undefined ? reply.encoding : negotiateEncoding(accepted);
}

export function quotaHeaders(quota: Quota | undefined): Record<string, string> {
  if (quota === undefined) return {};
  return {
    'x-ratelimit-limit': String(quota.limit),
    'x-ratelimit-remaining': String(quota.remaining),
    'x-ratelimit-reset': String(quota.resetS),
  };
}
