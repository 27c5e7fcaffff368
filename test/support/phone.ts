import { once } from 'node:events';
import { WebSocket } from 'ws';

/** A change of Inbetweenies v1, as it goes over the wire. */
export interface WireChange {
  readonly change_type: 'create' | 'update' | 'delete';
  readonly entity_id: string;
  readonly entity_version: string;
  readonly entity_type?: string;
  readonly content: Readonly<Record<string, unknown>> | null;
  readonly timestamp: string;
  readonly parent_versions: readonly string[];
  readonly user_id: string;
  readonly device_id: string;
}

export interface SyncAnswer {
  readonly changes: readonly WireChange[];
  readonly vector_clock: Readonly<Record<string, string>>;
  readonly conflicts: readonly string[];
  readonly applied: readonly string[];
  readonly rejected: readonly unknown[];
  readonly has_more: boolean;
  readonly resync: boolean;
}

export type LiveMessage = Readonly<Record<string, unknown>> & { readonly type: string };

const MESSAGE_WITHIN_MS = 5000;

/** A phone that logs in, syncs with v1 and follows over WebSocket. */
export class Phone implements AsyncDisposable {
  readonly #url: string;
  readonly deviceId: string;
  readonly token: string;
  readonly userId: string;
  /** The clock that the next sync sends. */
  clock: Readonly<Record<string, string>> = {};
  readonly messages: LiveMessage[] = [];
  #socket: WebSocket | undefined;
  #edits = 0;

  private constructor(url: string, deviceId: string, token: string, userId: string) {
    this.#url = url;
    this.deviceId = deviceId;
    this.token = token;
    this.userId = userId;
  }

  static async login(url: string, deviceId: string, password: string): Promise<Phone> {
    const answer = await fetch(`${url}/api/auth/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ username: 'admin', password, device_id: deviceId }),
    });
    if (answer.status !== 200) throw new Error(`login: ${answer.status} ${await answer.text()}`);
    const { access_token: token } = (await answer.json()) as { access_token: string };
    return await Phone.#with(url, deviceId, token);
  }

  /** A guest's phone, which comes in with a code. */
  static async enter(url: string, code: string): Promise<Phone> {
    const answer = await fetch(`${url}/api/v1/auth/guest/verify`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ qr_token: code }),
    });
    if (answer.status !== 200) throw new Error(`enter: ${answer.status} ${await answer.text()}`);
    const { access_token: token } = (await answer.json()) as { access_token: string };
    return await Phone.#with(url, 'guest', token);
  }

  static async #with(url: string, deviceId: string, token: string): Promise<Phone> {
    const me = await fetch(`${url}/api/auth/me`, { headers: { authorization: `Bearer ${token}` } });
    const { user_id: userId } = (await me.json()) as { user_id: string };
    return new Phone(url, deviceId, token, userId);
  }

  /** Calls the API and returns the parsed answer. */
  async call<T>(method: string, path: string, body?: unknown): Promise<T> {
    const answer = await fetch(`${this.#url}${path}`, {
      method,
      headers: { authorization: `Bearer ${this.token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return JSON.parse(text) as T;
  }

  /** One round of v1: pushes the changes, takes the answer's clock. */
  async sync(changes: readonly WireChange[] = []): Promise<SyncAnswer> {
    const answer = await this.call<SyncAnswer>('POST', '/api/sync/inbetweenies', {
      protocol_version: 'inbetweenies-v1',
      device_id: this.deviceId,
      user_id: this.userId,
      vector_clock: this.clock,
      changes,
      compression: null,
    });
    this.clock = answer.vector_clock;
    return answer;
  }

  /** An edit of an entity that this phone has seen. */
  edit(seen: WireChange, patch: Readonly<Record<string, unknown>>): WireChange {
    const timestamp = new Date().toISOString();
    this.#edits += 1;
    return {
      change_type: 'update',
      entity_id: seen.entity_id,
      entity_version: `${timestamp}-${String(this.#edits).padStart(6, '0')}-${this.deviceId}`,
      content: patch,
      timestamp,
      parent_versions: [seen.entity_version],
      user_id: this.userId,
      device_id: this.deviceId,
    };
  }

  /** Opens the WebSocket and subscribes to everything. */
  async follow(): Promise<void> {
    const socket = new WebSocket(`${this.#url.replace('http', 'ws')}/ws/${this.userId}`, {
      headers: { authorization: `Bearer ${this.token}` },
    });
    this.#socket = socket;
    socket.on('message', (data: Buffer) => this.messages.push(JSON.parse(data.toString()) as LiveMessage));
    await once(socket, 'open');
    this.send({ type: 'subscribe', entity_id: '*' });
    await this.message('subscribed');
  }

  /** Calls `listener` with every message from now on, on arrival; returns how to stop. */
  onMessage(listener: (message: LiveMessage) => void): () => void {
    const onData = (data: Buffer): void => listener(JSON.parse(data.toString()) as LiveMessage);
    this.#socket?.on('message', onData);
    return () => this.#socket?.off('message', onData);
  }

  /** The first message of a type that fits, waiting for it where it has not come yet. */
  async message(type: string, fits: (message: LiveMessage) => boolean = () => true): Promise<LiveMessage> {
    const wanted = (message: LiveMessage): boolean => message.type === type && fits(message);
    const seen = this.messages.find(wanted);
    if (seen) return seen;
    const { promise, resolve, reject } = Promise.withResolvers<LiveMessage>();
    const stop = this.onMessage((message) => {
      if (wanted(message)) resolve(message);
    });
    const timer = setTimeout(() => {
      reject(new Error(`no such ${type} among ${JSON.stringify(this.messages.slice(-5))}`));
    }, MESSAGE_WITHIN_MS);
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      stop();
    }
  }

  /** The code with which the hub closes the WebSocket. */
  async closed(): Promise<number> {
    if (!this.#socket) throw new Error('this phone does not follow');
    const [code] = (await once(this.#socket, 'close')) as [number];
    return code;
  }

  /** Sends a message over the WebSocket. */
  send(message: Readonly<Record<string, unknown>>): void {
    this.#socket?.send(JSON.stringify(message));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const socket = this.#socket;
    if (!socket || socket.readyState === WebSocket.CLOSED) return;
    const closed = once(socket, 'close');
    socket.terminate();
    await closed;
  }
}
