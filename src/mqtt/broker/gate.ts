import type { AuthenticateError, Client } from 'aedes';

import { createHash, timingSafeEqual } from 'node:crypto';

import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import type { Store } from '../../base/store.ts';

import { errorText, HubError } from '../../base/errors.ts';
import { permitsOf, type Permits } from './filters.ts';
import { LoginThrottle } from './login-throttle.ts';
import { UserList, type KnownUser } from './users.ts';

export interface GateOptions {
  /** Of the hub's own login, which may do everything. */
  readonly username: string;
  readonly password: string;
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Logger;
  /** A client has shown the right password. */
  readonly onLogin: (client: Client, username: string) => void;
  readonly onRefused: (client: Client, reason: string) => void;
  /** The user has other rights, or, with null, is gone or shut out. Its clients are disconnected afterwards. */
  readonly onUserChange: (username: string, permits: ((clientId: string) => Permits) | null) => void;
}

/** Return codes of CONNACK. */
const SERVER_UNAVAILABLE = 3;
const BAD_LOGIN = 4;
const WRONG = 'wrong user name or password';

type Done = (error: AuthenticateError | null, success: boolean | null) => void;

/** Who is let in, as whom, and what they may do then. */
export class Gate {
  readonly users: UserList;
  readonly #options: GateOptions;
  readonly #digest: Buffer;
  readonly #throttle: LoginThrottle;
  /** Of named users' clients only; the rest may do everything. */
  readonly #permits = new WeakMap<Client, Permits>();
  readonly #owners = new WeakMap<Client, string>();
  readonly #clients = new Map<string, Set<Client>>();
  /** False in most houses, where nothing more is asked for each message. */
  #hasNamed = false;

  constructor(options: GateOptions) {
    const { store, clock, username, password, log } = options;
    this.#options = options;
    this.#digest = credentialDigest(username, password);
    this.#throttle = new LoginThrottle(() => clock.monotonicMs());
    this.users = UserList.load({
      store,
      clock,
      reserved: username,
      connectionsOf: (name) => this.#clients.get(name)?.size ?? 0,
      onChange: (name, user) => this.#changed(name, user),
    });
    if (this.users.get(username)) {
      log.warn({ username }, 'an MQTT user has the name of the hub’s own login and is shut out; delete it');
    }
  }

  /** Asked once for each connection. Answers on the same turn for the hub's own login. */
  authenticate(client: Client, username: string, password: Buffer, done: Done): void {
    const address = addressOf(client);
    if (!this.#throttle.mayTry(address, client.id)) {
      this.#refuse(client, done, 'too many wrong passwords from this address', SERVER_UNAVAILABLE);
      return;
    }
    if (timingSafeEqual(credentialDigest(username, password), this.#digest)) {
      this.#throttle.accepted(address, client.id);
      this.#owners.set(client, username);
      this.#options.onLogin(client, username);
      done(null, true);
      return;
    }
    void this.#authenticateUser(client, username, password, done);
  }

  /** Whether the topic is within the client's rights. */
  mayPublish(client: Client | null, topic: string): boolean {
    if (!this.#hasNamed || client === null) return true;
    return this.#permits.get(client)?.publish(topic) ?? true;
  }

  maySubscribe(client: Client, filter: string): boolean {
    return this.#permits.get(client)?.subscribe(filter) ?? true;
  }

  /** The user name that the client has shown. */
  ownerOf(client: Client): string {
    return this.#owners.get(client) ?? this.#options.username;
  }

  async #authenticateUser(client: Client, username: string, password: Buffer, done: Done): Promise<void> {
    const address = addressOf(client);
    try {
      const isOwn = username === this.#options.username;
      const user = await this.users.check(isOwn ? '' : username, password);
      if (!user) {
        this.#throttle.failed(address, client.id);
        this.#refuse(client, done, WRONG, BAD_LOGIN);
        return;
      }
      this.#throttle.accepted(address, client.id);
      if (client.closed || client.conn.destroyed) return;
      this.#admit(client, user);
      this.#options.onLogin(client, username);
      done(null, true);
    } catch (error) {
      const reason = error instanceof HubError ? 'too many passwords to check at once' : errorText(error);
      this.#refuse(client, done, reason, SERVER_UNAVAILABLE);
    }
  }

  #admit(client: Client, user: KnownUser): void {
    this.#hasNamed = true;
    this.#owners.set(client, user.name);
    this.#permits.set(client, permitsOf(user, { user: user.name, clientId: client.id }));
    const clients = this.#clients.get(user.name) ?? new Set();
    this.#clients.set(user.name, clients.add(client));
    client.conn.once('close', () => {
      clients.delete(client);
      if (clients.size === 0 && this.#clients.get(user.name) === clients) this.#clients.delete(user.name);
    });
  }

  #changed(name: string, user: KnownUser | null): void {
    const permits = (clientId: string): Permits => permitsOf(user ?? NOTHING, { user: name, clientId });
    this.#options.onUserChange(name, user?.enabled ? permits : null);
    for (const client of this.#clients.get(name) ?? []) client.close();
  }

  #refuse(client: Client, done: Done, reason: string, returnCode: number): void {
    this.#options.onRefused(client, reason);
    done(Object.assign(new Error(reason), { returnCode }), false);
  }
}

const NOTHING = { publish: [], subscribe: [] };

function addressOf(client: Client): string {
  return ('remoteAddress' in client.conn ? client.conn.remoteAddress : undefined) ?? '';
}

/** Of equal length for every input, so that it can be compared in constant time. */
function credentialDigest(username: string, password: string | Buffer): Buffer {
  return createHash('sha256')
    .update(`${Buffer.byteLength(username)}:${username}:`)
    .update(password)
    .digest();
}
