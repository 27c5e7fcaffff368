import { connect, type Socket } from 'node:net';

import type { SessionKeys } from './frames.ts';

import { errorText } from '../base/errors.ts';
import { AccessoryError } from './errors.ts';
import { FrameOpener, FrameSealer } from './frames.ts';
import { HapMessageParser, type HapMessage } from './http-parser.ts';

export interface HapAddress {
  readonly address: string;
  readonly port: number;
}

export interface HapRequest {
  readonly method: 'GET' | 'PUT' | 'POST';
  readonly path: string;
  readonly contentType?: 'application/hap+json' | 'application/pairing+tlv8';
  readonly body?: Uint8Array;
  readonly timeoutMs?: number;
}

export interface ClientOptions {
  readonly signal?: AbortSignal;
  /** For requests that do not say how long they may take. Default 10 s. */
  readonly answerMs?: number;
}

const CONNECT_TIMEOUT_MS = 10_000;
const ANSWER_TIMEOUT_MS = 10_000;
const KEEP_ALIVE_MS = 30_000;

/** How many requests may wait for their turn; more than that means that nobody looks at the answers. */
const MAX_WAITING = 100;

interface Waiting {
  readonly resolve: (message: HapMessage) => void;
  readonly reject: (error: AccessoryError) => void;
}

/**
 * HTTP over one TCP connection to an accessory, in plain until `secure`. One request is under way at a time: many
 * accessories answer a second one wrongly or never. Once anything went wrong the connection is closed, because what
 * comes late would be taken for the answer to something else.
 */
export class HapHttpClient implements Disposable {
  readonly #socket: Socket;
  readonly #where: HapAddress;
  readonly #answerMs: number;
  readonly #parser = new HapMessageParser((message) => this.#onMessage(message));
  readonly #closed = Promise.withResolvers<AccessoryError>();
  #sealer: FrameSealer | undefined;
  #opener: FrameOpener | undefined;
  #asked: Waiting | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  #error: AccessoryError | undefined;
  /** Called for each event message; must not throw. */
  onEvent: ((body: Buffer) => void) | undefined;

  private constructor(socket: Socket, where: HapAddress, answerMs: number) {
    this.#answerMs = answerMs;
    this.#socket = socket;
    this.#where = where;
    socket.setNoDelay(true);
    // A cable that was pulled says nothing: without this a connection on which nothing is asked would stay for ever.
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    socket.on('data', (bytes: Buffer) => this.#onData(bytes));
    socket.on('error', (error) => this.#fail(new AccessoryError('dropped', errorText(error))));
    socket.on('end', () => this.#fail(new AccessoryError('dropped')));
    socket.on('close', () => this.#fail(new AccessoryError('dropped')));
  }

  /** @throws AccessoryError `unreachable`, or `stopped` when the signal was given. */
  static async open(where: HapAddress, options: ClientOptions = {}): Promise<HapHttpClient> {
    const { signal, answerMs = ANSWER_TIMEOUT_MS } = options;
    if (signal?.aborted) throw new AccessoryError('stopped');
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const socket = connect({ host: where.address, port: where.port });
    const fail = (error: AccessoryError): void => reject(error);
    const onError = (error: Error): void => fail(new AccessoryError('unreachable', errorText(error)));
    const onAbort = (): void => fail(new AccessoryError('stopped'));
    const timer = setTimeout(() => fail(new AccessoryError('unreachable', 'no answer')), CONNECT_TIMEOUT_MS);
    socket.on('error', onError);
    socket.on('connect', resolve);
    signal?.addEventListener('abort', onAbort);
    try {
      await promise;
      return new HapHttpClient(socket, where, answerMs);
    } catch (error) {
      socket.destroy();
      throw error;
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
    }
  }

  /** Resolves with the reason when the connection is over. */
  get closed(): Promise<AccessoryError> {
    return this.#closed.promise;
  }

  /** Runs `body` when nothing else is under way: for requests that must follow each other. */
  async exclusive<T>(body: (ask: (request: HapRequest) => Promise<HapMessage>) => Promise<T>): Promise<T> {
    if (this.#waiting >= MAX_WAITING) throw new AccessoryError('busy', 'too many requests wait for it');
    this.#waiting += 1;
    const before = this.#turn;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#turn = promise;
    try {
      await before;
      return await body(async (request) => await this.#ask(request));
    } finally {
      this.#waiting -= 1;
      resolve();
    }
  }

  /** @throws AccessoryError when the accessory does not answer; whatever status it answers is returned. */
  async request(request: HapRequest): Promise<HapMessage> {
    return await this.exclusive(async (ask) => await ask(request));
  }

  /** From now on everything is sealed. @throws AccessoryError `protocol` when plain bytes are left over. */
  secure(keys: SessionKeys): void {
    if (!this.#parser.isIdle) {
      throw this.#fail(new AccessoryError('protocol', 'it went on in plain after pair-verify'));
    }
    this.#sealer = new FrameSealer(keys.toAccessory);
    this.#opener = new FrameOpener(keys.fromAccessory);
  }

  [Symbol.dispose](): void {
    this.#fail(new AccessoryError('stopped'));
  }

  async #ask(request: HapRequest): Promise<HapMessage> {
    if (this.#error) throw this.#error;
    const { promise, resolve, reject } = Promise.withResolvers<HapMessage>();
    this.#asked = { resolve, reject };
    const timer = setTimeout(
      () => this.#fail(new AccessoryError('timeout')),
      request.timeoutMs ?? this.#answerMs,
    );
    const bytes = this.#toBytes(request);
    this.#socket.write(this.#sealer?.seal(bytes) ?? bytes);
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
    }
  }

  #toBytes({ method, path, contentType, body }: HapRequest): Buffer {
    const { address, port } = this.#where;
    const host = address.includes(':') ? `[${address.replace(/%.*$/, '')}]` : address;
    const lines = [`${method} ${path} HTTP/1.1`, `Host: ${host}:${port}`];
    if (contentType) lines.push(`Content-Type: ${contentType}`);
    if (method !== 'GET') lines.push(`Content-Length: ${body?.length ?? 0}`);
    return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`), body ?? Buffer.alloc(0)]);
  }

  #onData(bytes: Buffer): void {
    if (this.#error) return;
    try {
      this.#parser.push(this.#opener?.push(bytes) ?? bytes);
    } catch (error) {
      this.#fail(error instanceof AccessoryError ? error : new AccessoryError('protocol', errorText(error)));
    }
  }

  #onMessage(message: HapMessage): void {
    if (message.kind === 'event') {
      this.onEvent?.(message.body);
      return;
    }
    const asked = this.#asked;
    if (!asked) throw new Error('an answer to nothing');
    this.#asked = undefined;
    asked.resolve(message);
  }

  /** Ends the connection with the first reason there was. */
  #fail(error: AccessoryError): AccessoryError {
    if (this.#error) return this.#error;
    this.#error = error;
    this.#socket.destroy();
    this.#asked?.reject(error);
    this.#asked = undefined;
    this.#closed.resolve(error);
    return error;
  }
}
