import { ClientError } from './errors.ts';

/** What is sent with a request. */
export interface HttpInit {
  method: string;
  headers: Record<string, string>;
  body?: string;
  signal: AbortSignal;
}

/** As much of a `Response` as is read. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  text(): Promise<string>;
}

/** A WebSocket, from whatever library. */
export interface Socket {
  send(text: string): void;
  close(): void;
}

/** What a socket tells; `closed` comes once and last. */
export interface SocketHandlers {
  message(text: string): void;
  /** With the close code of RFC 6455; 1006 when there was none. */
  closed(code: number): void;
}

/** Everything that the client needs of the place it runs in. Each member can be replaced. */
export interface Environment {
  fetch(url: string, init: HttpInit): Promise<HttpAnswer>;
  openSocket(url: string, protocols: readonly string[], handlers: SocketHandlers): Socket;
  /** Milliseconds since the Unix epoch. */
  nowMs(): number;
  /** Runs `task` once, `delayMs` from now; returns how to cancel that. */
  after(delayMs: number, task: () => void): () => void;
  /** 0 to 1; spreads retries. */
  random(): number;
  /** Random bytes that nobody can guess, for ids. */
  randomBytes(count: number): Uint8Array;
}

/** As much of the standard `WebSocket` as is used; the one of `ws` fits too. */
export interface StandardSocket {
  addEventListener(type: 'message', listener: (event: { readonly data: unknown }) => void): void;
  addEventListener(type: 'close', listener: (event: { readonly code: number }) => void): void;
  addEventListener(type: 'error', listener: () => void): void;
  send(text: string): void;
  close(): void;
}

/** `openSocket` for a WebSocket class. */
export function socketsOf(
  standard: new (url: string, protocols: string[]) => StandardSocket,
): Environment['openSocket'] {
  return (url, protocols, handlers) => {
    const socket = new standard(url, [...protocols]);
    socket.addEventListener('message', ({ data }) => {
      if (typeof data === 'string') handlers.message(data);
    });
    // A close follows each error and says as much as a browser tells.
    socket.addEventListener('error', () => undefined);
    socket.addEventListener('close', ({ code }) => handlers.closed(code));
    return { send: (text) => socket.send(text), close: () => socket.close() };
  };
}

/** What browsers, React Native, Node and Deno have in common, with `replaced` members in their place. */
export function environmentWith(replaced: Partial<Environment> = {}): Environment {
  return {
    fetch: async (url, init) => await fetch(url, init),
    openSocket: (url, protocols, handlers) => socketsOf(WebSocket)(url, protocols, handlers),
    nowMs: () => Date.now(),
    after: (delayMs, task) => {
      const timer = setTimeout(task, Math.min(delayMs, MAX_TIMER_MS));
      return () => clearTimeout(timer);
    },
    random: () => Math.random(),
    randomBytes: (count) => {
      const source = globalThis.crypto as Crypto | undefined;
      if (!source) {
        throw new ClientError(
          'invalid',
          'there is no crypto here; give the client `environment.randomBytes`, or load a polyfill of it',
        );
      }
      return source.getRandomValues(new Uint8Array(count));
    },
    ...replaced,
  };
}

/** The longest time that timers hold; waiting less than asked for only means looking earlier. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** A UUID of version 7: its first bits are the time. `crypto.randomUUID` is missing on pages without https. */
export function newId(environment: Environment): string {
  const bytes = environment.randomBytes(16);
  let time = Math.floor(environment.nowMs());
  for (let i = 5; i >= 0; i--) {
    bytes[i] = time % 256;
    time = Math.floor(time / 256);
  }
  bytes[6] = 0x70 | ((bytes[6] ?? 0) & 0x0f);
  bytes[8] = 0x80 | ((bytes[8] ?? 0) & 0x3f);
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
