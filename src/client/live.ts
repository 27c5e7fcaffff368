import type { Backoff } from './backoff.ts';
import type { Environment, Socket } from './environment.ts';
import type { TokenProvider } from './http.ts';
import type { LiveMessage } from './messages.ts';

import { ClientError } from './errors.ts';
import { baseOf } from './http.ts';
import { parseLiveMessage } from './messages.ts';

export interface LiveLinkOptions {
  readonly environment: Environment;
  readonly hubUrl: string;
  readonly tokens: TokenProvider;
  readonly userId: () => Promise<string>;
  readonly deviceId: string;
  /** From where the hub shall tell; undefined before the first sync. */
  readonly cursor: () => string | undefined;
  readonly backoff: Backoff;
  /** A subscription begins: everything since the cursor follows. */
  readonly onSubscribe: () => void;
  readonly onMessage: (message: LiveMessage) => void;
  /** The hub has greeted. */
  readonly onUp: () => void;
  /** A connection that was up has ended. */
  readonly onDown: () => void;
  readonly onError: (error: unknown) => void;
}

/** The hub is asked for a sign of life this often; a socket that is silent for twice as long is dead. */
const PING_EVERY_MS = 30_000;
/** A greeting has to come within. */
const GREET_WITHIN_MS = 15_000;
/** The token is replaced this long before it ends. */
const RENEW_BEFORE_MS = 60_000;
const CLOSE_TOKEN = 4401;

/** One connection. */
interface Line {
  /** The one that the hub was given last. */
  token: string;
  socket: Socket | undefined;
  greeted: boolean;
  subscribed: boolean;
  heard: boolean;
  readonly cancels: Set<() => void>;
}

/** Keeps one WebSocket to the hub open, subscribed to everything, and opens the next one when it ends. */
export class LiveLink {
  readonly #options: LiveLinkOptions;
  #line: Line | undefined;
  #running = false;
  #connecting = false;
  #cancelRetry: (() => void) | undefined;
  /** A token that the hub closed a connection for. */
  #stale: string | undefined;

  constructor(options: LiveLinkOptions) {
    this.#options = options;
  }

  get up(): boolean {
    return this.#line?.greeted === true;
  }

  start(): void {
    this.#running = true;
    this.wake();
  }

  stop(): void {
    this.#running = false;
    this.#cancelRetry?.();
    this.#cancelRetry = undefined;
    const line = this.#line;
    if (line) this.#drop(line);
  }

  /** Connects now, where it would wait for the next attempt. */
  wake(): void {
    if (!this.#running || this.#line || this.#connecting) return;
    this.#cancelRetry?.();
    this.#cancelRetry = undefined;
    this.#connecting = true;
    this.#connect()
      .catch((error: unknown) => this.#failed(error))
      .finally(() => {
        this.#connecting = false;
      })
      .catch((error: unknown) => this.#options.onError(error));
  }

  /** Subscribes from the cursor where that is not done: after the first sync of a new store. */
  subscribe(): void {
    const line = this.#line;
    const since = this.#options.cursor();
    if (!line?.greeted || line.subscribed || since === undefined) return;
    line.subscribed = true;
    this.#options.onSubscribe();
    line.socket?.send(JSON.stringify({ type: 'subscribe', entity_id: '*', since }));
  }

  async #connect(): Promise<void> {
    const { environment, hubUrl, tokens, deviceId } = this.#options;
    const userId = await this.#options.userId();
    const token = await tokens(this.#stale);
    this.#stale = undefined;
    if (!this.#running) return;
    const line: Line = {
      token: token.value,
      socket: undefined,
      greeted: false,
      subscribed: false,
      heard: true,
      cancels: new Set(),
    };
    this.#line = line;
    const path = `/ws/${encodeURIComponent(userId)}?device_id=${encodeURIComponent(deviceId)}`;
    line.socket = environment.openSocket(
      `${baseOf(hubUrl).replace(/^http/, 'ws')}${path}`,
      [`bearer.${token.value}`],
      {
        message: (text) => this.#received(line, text),
        closed: (code) => this.#closed(line, code),
      },
    );
    this.#later(line, GREET_WITHIN_MS, () => {
      if (!line.greeted) this.#closed(line, 1006);
    });
    this.#later(line, PING_EVERY_MS, () => this.#ping(line));
    if (token.expiresAtMs !== undefined) this.#renewBefore(line, token.expiresAtMs);
  }

  #received(line: Line, text: string): void {
    if (line !== this.#line) return;
    line.heard = true;
    let message: LiveMessage;
    try {
      message = parseLiveMessage(text);
    } catch (error) {
      // It may have been a fact: a sync has to bring it.
      this.#options.onError(error);
      this.#options.onMessage({ type: 'sync_wanted', gap: true });
      return;
    }
    // A fresh token is greeted too.
    if (message.type === 'connected' && !line.greeted) {
      line.greeted = true;
      this.subscribe();
      this.#options.onUp();
    }
    this.#options.onMessage(message);
  }

  #ping(line: Line): void {
    if (!line.heard) {
      this.#closed(line, 1006);
      return;
    }
    // Only now: a hub that greets and closes at once must not be called every second.
    this.#options.backoff.reset();
    line.heard = false;
    line.socket?.send(JSON.stringify({ type: 'ping' }));
    this.#later(line, PING_EVERY_MS, () => this.#ping(line));
  }

  #renewBefore(line: Line, expiresAtMs: number): void {
    const leftMs = expiresAtMs - this.#options.environment.nowMs();
    // Of a token that lives shortly, half the life is waited for.
    this.#later(line, Math.max(leftMs - RENEW_BEFORE_MS, leftMs / 2, 1000), () => {
      this.#renew(line).catch((error: unknown) => this.#options.onError(error));
    });
  }

  /** A fresh token goes over the open connection, which the hub would close at the end of the old one. */
  async #renew(line: Line): Promise<void> {
    const token = await this.#options.tokens(line.token);
    if (line !== this.#line) return;
    line.token = token.value;
    line.socket?.send(JSON.stringify({ type: 'auth', token: token.value }));
    if (token.expiresAtMs !== undefined) this.#renewBefore(line, token.expiresAtMs);
  }

  #closed(line: Line, code: number): void {
    if (line !== this.#line) return;
    this.#drop(line);
    if (code === CLOSE_TOKEN) this.#stale = line.token;
    if (line.greeted) this.#options.onDown();
    this.#retryLater(0);
  }

  #failed(error: unknown): void {
    this.#options.onError(error);
    // Nobody can help a login that has ended but a person; they wake the link.
    if (error instanceof ClientError && !error.retryable) return;
    this.#retryLater(error instanceof ClientError ? (error.retryAfterMs ?? 0) : 0);
  }

  #retryLater(atLeastMs: number): void {
    if (!this.#running) return;
    this.#cancelRetry?.();
    this.#cancelRetry = this.#options.environment.after(this.#options.backoff.next(atLeastMs), () => {
      this.#cancelRetry = undefined;
      this.wake();
    });
  }

  #drop(line: Line): void {
    if (this.#line === line) this.#line = undefined;
    for (const cancel of line.cancels) cancel();
    line.cancels.clear();
    line.socket?.close();
  }

  #later(line: Line, delayMs: number, task: () => void): void {
    const cancel = this.#options.environment.after(delayMs, () => {
      line.cancels.delete(cancel);
      task();
    });
    line.cancels.add(cancel);
  }
}
