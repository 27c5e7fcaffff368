import type { Compression } from './wire.ts';
import type { HubRequest, TokenProvider } from './http.ts';
import type { LiveMessage } from './messages.ts';
import type { LocalStore } from './store.ts';

import { Backoff } from './backoff.ts';
import { listConflicts, resolveRequest, type OpenConflict, type Resolution } from './conflicts.ts';
import { environmentWith, newId, type Environment } from './environment.ts';
import { ClientError } from './errors.ts';
import { Events, type ClientEvents, type Status } from './events.ts';
import { Exchange, type SyncSummary } from './exchange.ts';
import { Home } from './home.ts';
import { callHub } from './http.ts';
import { Keeper } from './keeper.ts';
import { LiveFacts } from './live-facts.ts';
import { LiveLink } from './live.ts';
import { Replica } from './replica.ts';
import { Serial } from './serial.ts';
import { Shape } from './shape.ts';

export type { OpenConflict, Resolution } from './conflicts.ts';
export type { NewEntity, NewRelationship, RelationshipPatch } from './edits.ts';
export { socketsOf, type Environment, type Socket, type SocketHandlers } from './environment.ts';
export { ClientError, type ClientErrorKind } from './errors.ts';
export type { ClientEvents, Status } from './events.ts';
export type { SyncSummary } from './exchange.ts';
export { Home } from './home.ts';
export type { AccessToken, TokenProvider } from './http.ts';
export { MemoryStore } from './memory-store.ts';
export type { StateEvent } from './messages.ts';
export {
  Session,
  type LoginOptions,
  type PairingUri,
  type PairOptions,
  type SessionOptions,
  type Tokens,
} from './session.ts';
export { isBasedOn, type LocalStore, type StoreBatch } from './store.ts';
export type {
  Entity,
  EntityWireChange,
  Held,
  JsonObject,
  Kind,
  LocalChange,
  Meta,
  PendingChange,
  Relationship,
  RelationshipWireChange,
  Report,
  Row,
} from './types.ts';

export interface ClientOptions {
  /** `http://192.168.1.10:8000` */
  readonly hubUrl: string;
  readonly store: LocalStore;
  /** Gives access tokens: `session.provide`, or a function of your own. */
  readonly tokens: TokenProvider;
  /** Whose tokens these are, where that is known; otherwise the hub is asked once. */
  readonly userId?: string;
  /** Names this device in a new store, 1 to 100 characters; by default a new UUID. */
  readonly deviceId?: string;
  /** While started: a sync is made this often even when nothing asks for one, ms. Default 5 minutes. */
  readonly syncEveryMs?: number;
  /** The first wait after a failure and the longest one, ms. Default 1 s and 60 s. */
  readonly retryMs?: { readonly first: number; readonly max: number };
  /** A replica that differs from the hub is pulled anew at most this often, ms. Default 10 minutes. */
  readonly repairEveryMs?: number;
  /** How the hub shall encode answers where the platform's `fetch` sends no Accept-Encoding. */
  readonly compression?: Compression;
  /** Replaces what the client takes from its platform. */
  readonly environment?: Partial<Environment>;
}

/** It is also the end of each version made here, which the hub limits to 256 characters. */
const DEVICE_ID = /^[\x20-\x7e]{1,100}$/;

/**
 * A phone's copy of a home: read and edit it at any time, online or not; `sync` once, or `start` to keep in step and
 * to hear what devices report.
 */
export class HomeClient {
  /** The local copy: what there is, and edits. */
  readonly home: Home;
  readonly #options: ClientOptions;
  readonly #environment: Environment;
  readonly #events = new Events();
  readonly #replica: Replica;
  readonly #exchange: Exchange;
  /** Syncs and live facts, one at a time. */
  readonly #exclusive = new Serial();
  readonly #facts: LiveFacts;
  readonly #keeper: Keeper;
  readonly #live: LiveLink;
  readonly #closing = new AbortController();
  #userId: string | undefined;
  #started = false;
  #status: Status = 'stopped';
  #syncs = 0;
  /** The last attempt failed. */
  #failure: 'offline' | 'signed_out' | undefined = 'offline';
  /** A sync that waits for its turn; whoever asks meanwhile gets the same. */
  #next: Promise<SyncSummary> | undefined;

  private constructor(options: ClientOptions, environment: Environment, replica: Replica, events: Events) {
    this.#options = options;
    this.#environment = environment;
    this.#replica = replica;
    this.#events = events;
    this.#userId = options.userId;
    this.home = new Home({ replica, environment, onEdit: () => this.#keeper.want() });
    const retry = options.retryMs ?? { first: 1000, max: 60_000 };
    const backoff = (): Backoff =>
      new Backoff({ firstMs: retry.first, maxMs: retry.max, random: () => environment.random() });
    const onError = (error: unknown): void => {
      // What `close` has cut off is no news.
      if (!this.#closing.signal.aborted) this.#events.emit('error', error);
    };
    const userId = async (): Promise<string> => await this.#whose();
    this.#exchange = new Exchange({
      replica,
      post: async (body) => await this.call({ method: 'POST', path: '/api/sync/inbetweenies', body }),
      userId,
      nowMs: () => environment.nowMs(),
      compression: options.compression ?? null,
      repairEveryMs: options.repairEveryMs ?? 600_000,
    });
    this.#facts = new LiveFacts({
      exclusively: async (task) => await this.#exclusive.run(task),
      take: async (facts) => await replica.takeFacts(facts),
      wantSync: () => this.#keeper.want(),
      onError,
    });
    this.#keeper = new Keeper({
      environment,
      backoff: backoff(),
      sync: async () => await this.sync(),
      syncEveryMs: options.syncEveryMs ?? 300_000,
      onResult: (error) => {
        if (error === undefined) this.#live.subscribe();
        else onError(error);
      },
    });
    this.#live = new LiveLink({
      environment,
      hubUrl: options.hubUrl,
      tokens: options.tokens,
      userId,
      deviceId: replica.meta.deviceId,
      cursor: () => replica.cursor,
      backoff: backoff(),
      onSubscribe: () => this.#facts.begin(),
      onMessage: (message) => this.#heard(message),
      onUp: () => this.#turned(),
      // Over HTTP the hub says why, as for a token that was revoked.
      onDown: () => this.#turned(),
      onError,
    });
  }

  /** Opens the copy that is in the store. Needs no network. @throws ClientError `invalid`. */
  static async open(options: ClientOptions): Promise<HomeClient> {
    const { deviceId } = options;
    if (deviceId !== undefined && (!DEVICE_ID.test(deviceId) || deviceId === 'server')) {
      throw new ClientError('invalid', 'deviceId must be 1 to 100 printable characters, and not "server"');
    }
    const environment = environmentWith(options.environment);
    const events = new Events();
    const replica = await Replica.open({
      store: options.store,
      deviceId: deviceId ?? newId(environment),
      nowMs: () => environment.nowMs(),
      onChange: (changes) => events.emit('change', changes),
      onReport: (report) => events.emit('report', report),
    });
    return new HomeClient(options, environment, replica, events);
  }

  get deviceId(): string {
    return this.#replica.meta.deviceId;
  }

  get status(): Status {
    return this.#status;
  }

  /** Returns how to stop listening. */
  on<Name extends keyof ClientEvents>(name: Name, listener: (event: ClientEvents[Name]) => void): () => void {
    return this.#events.on(name, listener);
  }

  /**
   * Pushes until each edit is answered and pulls until there is no more. Who asks while one is waiting for its turn
   * gets that one.
   * @throws ClientError; nothing is lost, and the next sync goes on where this one stopped.
   */
  async sync(): Promise<SyncSummary> {
    this.#next ??= this.#exclusive.run(async () => {
      this.#next = undefined;
      return await this.#sync();
    });
    return await this.#next;
  }

  /** Keeps in step until `stop`: follows live, syncs after edits and when asked, tries again after failures. */
  start(): void {
    if (this.#started || this.#closing.signal.aborted) return;
    this.#started = true;
    this.#keeper.start();
    this.#live.start();
    this.#showStatus();
  }

  stop(): void {
    this.#started = false;
    this.#live.stop();
    this.#keeper.stop();
    this.#showStatus();
  }

  /** Tries now instead of waiting: call it when the network is back, the app is in front again, somebody logged in. */
  wake(): void {
    if (!this.#started) return;
    this.#keeper.wake();
    this.#live.wake();
  }

  /** Stops, ends what is under way, and closes the store. */
  async close(): Promise<void> {
    this.stop();
    if (this.#closing.signal.aborted) return;
    this.#closing.abort();
    await this.#exclusive.run(async () => await this.#options.store.close());
  }

  /** What waits for a decision, of everybody's edits, oldest first. */
  async conflicts(): Promise<OpenConflict[]> {
    return await listConflicts(async (request) => await this.call(request));
  }

  /** Decides a conflict, and syncs so that the result is here. @throws ClientError `refused` (409: look again). */
  async resolveConflict(conflictId: string, choice: Resolution): Promise<void> {
    await this.call(resolveRequest(conflictId, choice));
    await this.sync();
  }

  /** Calls anything else of the hub's API with this login, and returns the parsed answer. */
  async call(request: Omit<HubRequest, 'tokens' | 'signal'>): Promise<unknown> {
    const { hubUrl, tokens } = this.#options;
    return await callHub(this.#environment, hubUrl, { ...request, tokens, signal: this.#closing.signal });
  }

  async #sync(): Promise<SyncSummary> {
    if (this.#closing.signal.aborted) throw new ClientError('closed', 'the client was closed');
    this.#syncs += 1;
    this.#showStatus();
    this.#facts.syncBegins();
    let complete = false;
    try {
      const summary = await this.#exchange.run();
      complete = true;
      this.#failure = undefined;
      return summary;
    } catch (error) {
      if (error instanceof ClientError && error.kind === 'signed_out') this.#failure = 'signed_out';
      else if (error instanceof ClientError && error.retryable && error.kind !== 'shared_store')
        this.#failure = 'offline';
      throw error;
    } finally {
      this.#facts.syncEnds(complete);
      this.#syncs -= 1;
      this.#showStatus();
    }
  }

  /** The WebSocket came or went: something may have been missed. */
  #turned(): void {
    this.#keeper.want();
    this.#showStatus();
  }

  #heard(message: LiveMessage): void {
    if (message.type === 'fact') this.#facts.receive(message.fact);
    else if (message.type === 'state') this.#events.emit('state', message.state);
    else if (message.type === 'notice')
      this.#events.emit('notice', { level: message.level, text: message.text });
    else if (message.type === 'sync_wanted' && message.gap) this.#facts.noteGap();
    else if (message.type === 'sync_wanted') this.#keeper.want();
  }

  async #whose(): Promise<string> {
    this.#userId ??= new Shape(await this.call({ method: 'GET', path: '/api/auth/me' }), 'me').text(
      'user_id',
    );
    return this.#userId;
  }

  #showStatus(): void {
    const status = this.#currentStatus();
    if (status === this.#status) return;
    this.#status = status;
    this.#events.emit('status', status);
  }

  #currentStatus(): Status {
    if (this.#syncs > 0) return 'syncing';
    if (!this.#started) return 'stopped';
    return this.#failure ?? (this.#live.up ? 'live' : 'polling');
  }
}
