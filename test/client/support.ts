import { expect, vi } from 'vitest';

import type {
  Environment,
  HttpAnswer,
  HttpInit,
  Socket,
  SocketHandlers,
} from '../../src/client/environment.ts';
import type { Hub } from '../../src/hub.ts';

import { HomeClient, MemoryStore, Session, type ClientOptions } from '../../src/client/client.ts';
import { startTestHub } from '../support/hub.ts';

export const PASSWORD = 'correct horse battery';

/** The whole hub, with an owner `admin`. */
export async function startHubFor(folder: string, env: Readonly<Record<string, string>> = {}): Promise<Hub> {
  return await startTestHub(folder, {
    FUNKYGIBBON_AUTH__ADMIN_PASSWORD: PASSWORD,
    FUNKYGIBBON_HTTP__RATE_LIMIT_PER_MINUTE: '0',
    FUNKYGIBBON_HOMEKIT__ENABLED: 'false',
    ...env,
  });
}

/** A client that is logged in. */
export async function clientOf(
  hubUrl: string,
  options: Partial<ClientOptions> = {},
): Promise<HomeClient & AsyncDisposable> {
  const { environment } = options;
  const session = await Session.login({
    hubUrl,
    username: 'admin',
    password: PASSWORD,
    ...(environment === undefined ? {} : { environment }),
  });
  const client = await HomeClient.open({
    hubUrl,
    store: new MemoryStore(),
    tokens: session.provide,
    ...options,
  });
  return disposable(client);
}

export function disposable(client: HomeClient): HomeClient & AsyncDisposable {
  return Object.assign(client, { [Symbol.asyncDispose]: async () => await client.close() });
}

/** Waits, without a fixed pause, until `check` holds. */
export async function eventually(check: () => void | Promise<void>): Promise<void> {
  await vi.waitFor(check, { timeout: 10_000, interval: 10 });
}

/** What becomes of the next sync request on its way. */
export type Fault = 'lose_request' | 'lose_answer' | 'send_twice';

/** The network, which does to sync requests what a test asks for. */
export class FaultyNetwork {
  readonly faults: Fault[] = [];
  /** The bodies of sync requests, whether they arrived or not. */
  readonly bodies: SentBody[] = [];
  /** Where `http://hub.test` is now. */
  target = '';

  readonly fetch: Environment['fetch'] = async (address, init) => {
    const url = address.replace('http://hub.test', this.target);
    if (!url.endsWith('/api/sync/inbetweenies')) return await fetch(url, init);
    this.bodies.push(JSON.parse(String(init.body)) as SentBody);
    const fault = this.faults.shift();
    if (fault === 'lose_request') throw new TypeError('the request was lost');
    const answer = await fetch(url, init);
    if (fault === 'lose_answer') throw new TypeError('the answer was lost');
    return fault === 'send_twice' ? await fetch(url, init) : answer;
  };
}

export interface SentChange {
  readonly change_type: string;
  readonly entity_id: string;
  readonly entity_version: string;
  readonly entity_type: string;
  readonly parent_versions: readonly string[];
  readonly content: Readonly<Record<string, unknown>> | null;
  readonly timestamp: string;
}

export interface SentEdge {
  readonly change_type: string;
  readonly relationship_id: string;
  readonly relationship_version: string;
  readonly parent_versions: readonly string[];
}

export interface SentBody {
  readonly changes: readonly SentChange[];
  readonly relationship_changes: readonly SentEdge[];
  readonly vector_clock: Readonly<Record<string, string>>;
  readonly device_id: string;
  readonly user_id: string;
  readonly compression: string | null;
}

export function versions(body: SentBody | undefined): (string | undefined)[] {
  return body?.changes.map(({ entity_version: version }) => version) ?? [];
}

/** Time that passes when a test says so. */
export class ManualTime {
  #nowMs = Date.UTC(2026, 0, 1);
  #timers: { atMs: number; task: () => void }[] = [];

  readonly environment: Pick<Environment, 'nowMs' | 'after' | 'random'> = {
    nowMs: () => this.#nowMs,
    after: (delayMs, task) => {
      const timer = { atMs: this.#nowMs + delayMs, task };
      this.#timers.push(timer);
      return () => {
        this.#timers = this.#timers.filter((other) => other !== timer);
      };
    },
    random: () => 1,
  };

  /** Sets the clock back; timers run on. */
  turnBack(ms: number): void {
    this.#nowMs -= ms;
    for (const timer of this.#timers) timer.atMs -= ms;
  }

  /** How long until each timer runs out, ms, ascending. */
  get waits(): number[] {
    return this.#timers.map(({ atMs }) => atMs - this.#nowMs).sort((a, b) => a - b);
  }

  /** Lets time pass, timer by timer, and what they set off begin. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms;
    for (;;) {
      const due = this.#timers.filter(({ atMs }) => atMs <= untilMs).sort((a, b) => a.atMs - b.atMs)[0];
      if (!due) break;
      this.#nowMs = Math.max(this.#nowMs, due.atMs);
      this.#timers = this.#timers.filter((other) => other !== due);
      due.task();
      await settled();
    }
    this.#nowMs = untilMs;
    await settled();
  }
}

/** Lets everything that needs no time and no network run to its end. */
export async function settled(): Promise<void> {
  for (let i = 0; i < 50; i++) await Promise.resolve();
  await new Promise((resolve) => setImmediate(resolve));
  for (let i = 0; i < 50; i++) await Promise.resolve();
}

/** An answer in the words of a hub. */
export function answer(fields: Readonly<Record<string, unknown>> = {}): Readonly<Record<string, unknown>> {
  return {
    changes: [],
    relationship_changes: [],
    vector_clock: { server: cursor(1) },
    conflicts: [],
    applied: [],
    rejected: [],
    applied_relationships: [],
    rejected_relationships: [],
    has_more: false,
    resync: false,
    digest: null,
    ...fields,
  };
}

export function cursor(seq: number, epoch = 'aa'): string {
  return `2026-01-01T00:00:00.000Z-${epoch}-bb-${seq}`;
}

/** A row as a hub sends it. */
export function row(id: string, version: string, content: object, parents: readonly string[] = []): object {
  return {
    change_type: parents.length === 0 ? 'create' : 'update',
    entity_id: id,
    entity_version: version,
    entity_type: 'room',
    content,
    timestamp: '2026-01-01T00:00:00.000Z',
    parent_versions: parents,
    user_id: 'anna',
    device_id: 'hub',
  };
}

export type Reply = { status: number; body: unknown; headers?: Readonly<Record<string, string>> } | Error;

/** A hub of which the test says every answer; the last one is repeated. */
export class ScriptedHub {
  readonly bodies: SentBody[] = [];
  readonly #replies: ((body: SentBody) => Reply)[] = [];
  #last: ((body: SentBody) => Reply) | undefined;

  /** The next answers, in order. */
  replies(...replies: (Reply | ((body: SentBody) => Reply))[]): this {
    this.#replies.push(...replies.map((reply) => (typeof reply === 'function' ? reply : () => reply)));
    return this;
  }

  readonly fetch = async (url: string, init: HttpInit): Promise<HttpAnswer> => {
    expect(url).toBe('http://hub.test/api/sync/inbetweenies');
    const body = JSON.parse(String(init.body)) as SentBody;
    this.bodies.push(body);
    this.#last = this.#replies.shift() ?? this.#last;
    const reply = this.#last?.(body) ?? new TypeError('nobody is there');
    if (reply instanceof Error) throw reply;
    return new Response(JSON.stringify(reply.body), {
      status: reply.status,
      headers: { ...reply.headers },
    });
  };
}

export function ok(fields: Readonly<Record<string, unknown>> = {}): Reply {
  return { status: 200, body: answer(fields) };
}

/** Says `applied` for everything that was sent. */
export function allApplied(fields: Readonly<Record<string, unknown>> = {}): (body: SentBody) => Reply {
  return (body) =>
    ok({
      applied: body.changes.map(({ entity_version: version }) => version),
      applied_relationships: body.relationship_changes.map(({ relationship_version: version }) => version),
      ...fields,
    });
}

/** Sockets that the test speaks for the hub on. */
export class ScriptedSockets {
  readonly opened: ScriptedSocket[] = [];

  readonly openSocket: Environment['openSocket'] = (url, protocols, handlers) => {
    const socket = new ScriptedSocket(url, protocols, handlers);
    this.opened.push(socket);
    return socket;
  };

  get last(): ScriptedSocket {
    const last = this.opened.at(-1);
    if (!last) throw new Error('no socket was opened');
    return last;
  }
}

export class ScriptedSocket implements Socket {
  readonly url: string;
  readonly protocols: readonly string[];
  readonly sent: Readonly<Record<string, unknown>>[] = [];
  closed = false;
  readonly #handlers: SocketHandlers;

  constructor(url: string, protocols: readonly string[], handlers: SocketHandlers) {
    this.url = url;
    this.protocols = protocols;
    this.#handlers = handlers;
  }

  send(text: string): void {
    this.sent.push(JSON.parse(text) as Readonly<Record<string, unknown>>);
  }

  close(): void {
    this.closed = true;
  }

  /** The hub says something. */
  say(message: object): void {
    this.#handlers.message(JSON.stringify(message));
  }

  greet(): void {
    this.say({ type: 'connected', user_id: 'anna', connection_id: 'c', cursor: cursor(0), timestamp: '' });
  }

  /** The hub says that an entity changed. */
  tell(id: string, version: string, content: object, seq: number, parents: readonly string[] = []): void {
    this.say({
      type: 'entity_change',
      change_type: 'updated',
      entity_id: id,
      entity_type: 'room',
      version,
      cursor: cursor(seq),
      timestamp: '2026-01-01T00:00:00.000Z',
      data: {
        id,
        version,
        entity_type: 'room',
        parent_versions: parents,
        user_id: 'anna',
        source_type: 'manual',
        created_at: '2026-01-01T00:00:00.000Z',
        last_modified: '2026-01-01T00:00:00.000Z',
        deleted_at: null,
        content,
      },
    });
  }

  end(code = 1006): void {
    this.#handlers.closed(code);
  }
}

export interface Scripted {
  readonly client: HomeClient & AsyncDisposable;
  readonly hub: ScriptedHub;
  readonly time: ManualTime;
  readonly sockets: ScriptedSockets;
}

/** A client whose hub, time and sockets are in the hands of the test. */
export async function scripted(options: Partial<ClientOptions> = {}): Promise<Scripted> {
  const hub = new ScriptedHub();
  const time = new ManualTime();
  const sockets = new ScriptedSockets();
  const client = await HomeClient.open({
    hubUrl: 'http://hub.test/',
    store: new MemoryStore(),
    tokens: async () => ({ value: 'token' }),
    userId: 'anna',
    deviceId: 'phone',
    environment: { ...time.environment, fetch: hub.fetch, openSocket: sockets.openSocket },
    ...options,
  });
  return { client: disposable(client), hub, time, sockets };
}
