/** One message from an accessory: the answer to a request, or an event that nobody asked for at that moment. */
export interface HapMessage {
  readonly kind: 'response' | 'event';
  readonly status: number;
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Buffer;
}

/** A bridge with 149 accessories has about 600 kB of them. */
const MAX_BODY = 4 * 1024 * 1024;
const MAX_HEAD = 16 * 1024;
const MAX_LINE = 1024;

const START_LINE = /^(HTTP\/1\.[01]|EVENT\/1\.0) (\d{3})(?: [^\r\n]*)?$/;
const HEADER = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*(.*?)[ \t]*$/;

type Part = 'head' | 'body' | 'chunk-size' | 'chunk' | 'chunk-end' | 'trailer';

/**
 * Reads HTTP/1.1 responses and HAP's `EVENT/1.0` messages out of bytes that come in whatever pieces. Everything has a
 * limit: the other end may be broken or hostile.
 */
export class HapMessageParser {
  readonly #onMessage: (message: HapMessage) => void;
  #part: Part = 'head';
  #line: Buffer = Buffer.alloc(0);
  #headers = new Map<string, string>();
  #kind: HapMessage['kind'] = 'response';
  #status = 0;
  /** Grows as needed: a list of pieces would be large where every piece is a single byte. */
  #body: Buffer = Buffer.alloc(0);
  #bodyLength = 0;
  /** Bytes of the body, or of the chunk, that are still to come. */
  #missing = 0;
  #trailerLength = 0;

  constructor(onMessage: (message: HapMessage) => void) {
    this.#onMessage = onMessage;
  }

  /** True between messages. */
  get isIdle(): boolean {
    return this.#part === 'head' && this.#line.length === 0;
  }

  /** @throws Error when what came is no such message, or larger than any that makes sense. */
  push(bytes: Buffer): void {
    let rest = bytes;
    while (rest.length > 0) rest = this.#take(rest);
  }

  #take(bytes: Buffer): Buffer {
    switch (this.#part) {
      case 'head':
        return this.#takeUntil(bytes, '\r\n\r\n', MAX_HEAD, (text) => this.#onHead(text));
      case 'body':
      case 'chunk':
        return this.#takeBody(bytes);
      case 'chunk-size':
        return this.#takeUntil(bytes, '\r\n', MAX_LINE, (text) => this.#onChunkSize(text));
      case 'chunk-end':
        return this.#takeUntil(bytes, '\r\n', 2, (text) => {
          if (text !== '') throw new Error('a chunk that is longer than it said');
          this.#part = 'chunk-size';
        });
      case 'trailer':
    }
    return this.#takeUntil(bytes, '\r\n', MAX_LINE, (text) => this.#onTrailer(text));
  }

  /** Collects up to `end`, at most `limit` bytes with it, and gives the text before it to `done`. */
  #takeUntil(bytes: Buffer, end: string, limit: number, done: (text: string) => void): Buffer {
    const before = this.#line.length;
    // A little beyond the limit is enough to see that the end is not there.
    const line = Buffer.concat([this.#line, bytes.subarray(0, Math.max(0, limit + end.length - before))]);
    const at = line.indexOf(end, Math.max(0, before - end.length));
    if (at === -1 ? line.length >= limit : at + end.length > limit) {
      throw new Error(`more than ${limit} bytes of ${this.#part}`);
    }
    if (at === -1) {
      if (this.#part === 'head' && !mayBeStart(line)) throw new Error('something else than HTTP');
      this.#line = line;
      return bytes.subarray(line.length - before);
    }
    this.#line = Buffer.alloc(0);
    done(line.toString('latin1', 0, at));
    return bytes.subarray(at + end.length - before);
  }

  #onHead(text: string): void {
    const [start = '', ...lines] = text.split('\r\n');
    const match = START_LINE.exec(start);
    if (!match) throw new Error('something else than HTTP');
    this.#kind = match[1] === 'EVENT/1.0' ? 'event' : 'response';
    this.#status = Number(match[2]);
    this.#headers = new Map();
    for (const line of lines) {
      const header = HEADER.exec(line);
      if (!header) throw new Error('a malformed header');
      const name = (header[1] ?? '').toLowerCase();
      const value = header[2] ?? '';
      if (name === 'content-length' && (this.#headers.get(name) ?? value) !== value) {
        throw new Error('two content lengths');
      }
      this.#headers.set(name, value);
    }
    this.#beginBody();
  }

  #beginBody(): void {
    this.#body = Buffer.alloc(0);
    this.#bodyLength = 0;
    this.#trailerLength = 0;
    const isEmpty = this.#status < 200 || this.#status === 204 || this.#status === 304;
    if (!isEmpty && this.#headers.has('transfer-encoding')) {
      if (this.#headers.get('transfer-encoding')?.toLowerCase() !== 'chunked') {
        throw new Error('an unknown transfer encoding');
      }
      this.#part = 'chunk-size';
      return;
    }
    // Without a length there is no body: the connection stays open, so its end cannot be the end of the body.
    const length = this.#headers.get('content-length') ?? '0';
    if (!/^\d{1,9}$/.test(length)) throw new Error('a malformed content length');
    this.#expect(isEmpty ? 0 : Number(length));
    this.#part = 'body';
    if (this.#missing === 0) this.#finish();
  }

  #onChunkSize(text: string): void {
    const match = /^([0-9a-fA-F]{1,8})[ \t]*(?:;.*)?$/.exec(text);
    if (!match) throw new Error('a malformed chunk size');
    const size = Number.parseInt(match[1] ?? '', 16);
    this.#expect(size);
    this.#part = size === 0 ? 'trailer' : 'chunk';
  }

  #onTrailer(text: string): void {
    this.#trailerLength += text.length + 2;
    if (this.#trailerLength > MAX_HEAD) throw new Error('endless trailers');
    if (text === '') this.#finish();
  }

  #expect(length: number): void {
    if (this.#bodyLength + length > MAX_BODY) throw new Error(`a body of more than ${MAX_BODY} bytes`);
    this.#missing = length;
  }

  #takeBody(bytes: Buffer): Buffer {
    const piece = bytes.subarray(0, this.#missing);
    this.#append(piece);
    this.#missing -= piece.length;
    if (this.#missing === 0) {
      if (this.#part === 'chunk') this.#part = 'chunk-end';
      else this.#finish();
    }
    return bytes.subarray(piece.length);
  }

  #append(piece: Buffer): void {
    const length = this.#bodyLength + piece.length;
    if (length > this.#body.length) {
      const larger = Buffer.alloc(Math.max(length, Math.min(MAX_BODY, this.#body.length * 2)));
      this.#body.copy(larger);
      this.#body = larger;
    }
    piece.copy(this.#body, this.#bodyLength);
    this.#bodyLength = length;
  }

  #finish(): void {
    const message: HapMessage = {
      kind: this.#kind,
      status: this.#status,
      headers: this.#headers,
      body: this.#body.subarray(0, this.#bodyLength),
    };
    this.#part = 'head';
    this.#body = Buffer.alloc(0);
    // `100 Continue` and its like only announce the answer.
    if (message.kind === 'event' || message.status >= 200) this.#onMessage(message);
  }
}

/** Known at the first bytes: without this garbage would be waited on until the time is up. */
function mayBeStart(line: Buffer): boolean {
  return ['HTTP/1.', 'EVENT/1.'].some((start) => {
    const length = Math.min(start.length, line.length);
    return line.toString('latin1', 0, length) === start.slice(0, length);
  });
}
