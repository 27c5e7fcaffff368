import type { BodyEncoding } from './encoding.ts';

/** What a handler answers; the pipeline turns it into a response. */
export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /**
   * JSON text, whole or in chunks that are made as fast as the client takes them; bytes of something else, which go out
   * as they are; null for none.
   */
  readonly body: string | AsyncIterable<string> | ByteBody | null;
  /** How the body is packed where the request has no Accept-Encoding. */
  readonly encoding: BodyEncoding | null;
}

/** A body that is no text, and whose length is known. */
export interface ByteBody {
  readonly size: number;
  readonly bytes: AsyncIterable<Uint8Array>;
}

interface ReplyInit {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly encoding?: BodyEncoding | null;
}

/** Answers with a value. */
export function json(value: unknown, init: ReplyInit = {}): Reply {
  return jsonText(JSON.stringify(value), init);
}

/** Answers with text that is JSON already: stored content is spliced, not parsed and printed again. */
export function jsonText(body: string, init: ReplyInit = {}): Reply {
  return { status: init.status ?? 200, headers: init.headers ?? {}, body, encoding: init.encoding ?? null };
}

/** Answers with JSON text that is too large to be held: a client that goes away ends the making of it. */
export function jsonStream(body: AsyncIterable<string>): Reply {
  return { status: 200, headers: {}, body, encoding: null };
}

/** Answers with a file: it is read as fast as the client takes it, and a client that goes away ends the reading. */
export function bytes(
  content: AsyncIterable<Uint8Array>,
  size: number,
  headers: Readonly<Record<string, string>>,
): Reply {
  return { status: 200, headers, body: { size, bytes: content }, encoding: null };
}

/** Answers with a page of a list, its items being JSON texts. */
export function jsonPage(items: readonly string[], nextCursor: string | null): Reply {
  return jsonText(`{"items":[${items.join(',')}],"next_cursor":${JSON.stringify(nextCursor)}}`);
}

/** Answers without a body: 204, 304. */
export function empty(status: number, headers: Readonly<Record<string, string>> = {}): Reply {
  return { status, headers, body: null, encoding: null };
}
