import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

import type { Store } from '../../base/store.ts';
import type { BrokerUser, BrokerUserChange, BrokerUsers, NewBrokerUser, ToldBrokerUser } from '../types.ts';

import { HubError } from '../../base/errors.ts';
import { LIMITS } from '../limits.ts';
import { readUsers } from '../reader.ts';
import { isFilter } from '../topics.ts';
import { deleteUser, writeUser } from '../writer.ts';
import { DevicePasswords, makePassword } from './passwords.ts';

/** A user as it is kept; replaced, never changed, so that whoever holds one can tell that it is outdated. */
export interface KnownUser {
  readonly name: string;
  readonly passwordHash: string;
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
  readonly enabled: boolean;
  readonly createdMs: number;
}

export interface UserListOptions {
  readonly store: Store;
  readonly clock: { nowMs(): number };
  /** Of the hub's own login, which is no user of this list. */
  readonly reserved: string;
  readonly connectionsOf: (name: string) => number;
  /** The user is another, or gone (null): its clients have to go. */
  readonly onChange: (name: string, user: KnownUser | null) => void;
}

const NAME = /^[\p{L}\p{N}][\p{L}\p{N}._@-]{0,63}$/u;
const MIN_PASSWORD_CHARS = 8;
const MAX_PASSWORD_CHARS = 128;
const EVERYTHING: readonly string[] = ['#'];
/** Wrong passwords that need not be hashed once more. */
const REMEMBERED_REFUSALS = 500;

/** The named users of the embedded broker, in memory and on disk. */
export class UserList implements BrokerUsers {
  readonly #options: UserListOptions;
  readonly #users = new Map<string, KnownUser>();
  readonly #passwords = new DevicePasswords();
  /** What was shown and was right, or wrong: a house that comes back at once must not be hashed for a minute. */
  readonly #cacheKey = randomBytes(32);
  readonly #accepted = new Map<string, Buffer>();
  readonly #refused = new Set<string>();

  private constructor(options: UserListOptions) {
    this.#options = options;
  }

  static load(options: UserListOptions): UserList {
    const list = new UserList(options);
    for (const row of readUsers(options.store.db)) {
      list.#users.set(row.name, {
        ...row,
        publish: toFilters(row.publish),
        subscribe: toFilters(row.subscribe),
        enabled: row.enabled === 1,
      });
    }
    return list;
  }

  get(name: string): KnownUser | undefined {
    return this.#users.get(name);
  }

  list(): BrokerUser[] {
    return [...this.#users.values()]
      .sort((one, other) => (one.name < other.name ? -1 : 1))
      .map((user) => this.#told(user));
  }

  /**
   * The user with this password, if it may come in.
   * @throws HubError `unavailable` when too many are waiting to be checked.
   */
  async check(name: string, password: Buffer): Promise<KnownUser | null> {
    const user = this.#users.get(name);
    const shown = createHmac('sha256', this.#cacheKey).update(name).update('\0').update(password).digest();
    const accepted = this.#accepted.get(name);
    if (user?.enabled && accepted && timingSafeEqual(accepted, shown)) return user;
    const refusal = shown.toString('base64url');
    if (this.#refused.has(refusal)) return null;
    const isRight = await this.#passwords.verify(password, user?.passwordHash ?? null);
    // It may have become another one meanwhile.
    const now = this.#users.get(name);
    if (!isRight || !now?.enabled || now !== user) {
      if (now === user) this.#remember(refusal);
      return null;
    }
    this.#accepted.set(name, shown);
    return now;
  }

  async create({ name, password, ...rest }: NewBrokerUser): Promise<ToldBrokerUser> {
    if (!NAME.test(name)) {
      throw invalid(
        'name',
        'A user name has 1 to 64 letters, digits or . _ @ - and begins with a letter or a digit.',
      );
    }
    if (name === this.#options.reserved) {
      throw new HubError('conflict', `"${name}" is the name of the hub's own login; choose another.`, {
        field: 'name',
      });
    }
    const checkFree = (): void => {
      if (this.#users.has(name)) {
        throw new HubError('conflict', `There is an MQTT user "${name}" already.`, { field: 'name' });
      }
      if (this.#users.size >= LIMITS.users) {
        throw new HubError(
          'conflict',
          `There are ${LIMITS.users} MQTT users, which is the limit. Delete one first.`,
        );
      }
    };
    checkFree();
    checkFilters('publish', rest.publish);
    checkFilters('subscribe', rest.subscribe);
    const { hash, shown } = await this.#hashed(password);
    checkFree();
    const user = {
      name,
      passwordHash: hash,
      publish: rest.publish ?? EVERYTHING,
      subscribe: rest.subscribe ?? EVERYTHING,
      enabled: rest.enabled ?? true,
      createdMs: this.#options.clock.nowMs(),
    };
    await this.#keep(user);
    return { user: this.#told(user), password: shown };
  }

  async change(name: string, change: BrokerUserChange): Promise<ToldBrokerUser> {
    this.#known(name);
    checkFilters('publish', change.publish);
    checkFilters('subscribe', change.subscribe);
    if (change.newPassword && change.password !== undefined) {
      throw invalid('password', 'Give a password, or have one made up; not both.');
    }
    const changesPassword = change.newPassword === true || change.password !== undefined;
    const changed = changesPassword ? await this.#hashed(change.password) : undefined;
    const known = this.#known(name);
    const user = {
      ...known,
      passwordHash: changed?.hash ?? known.passwordHash,
      publish: change.publish ?? known.publish,
      subscribe: change.subscribe ?? known.subscribe,
      enabled: change.enabled ?? known.enabled,
    };
    await this.#keep(user);
    return { user: this.#told(user), password: changed?.shown ?? null };
  }

  async delete(name: string): Promise<void> {
    this.#known(name);
    this.#options.store.write((tx) => deleteUser(tx, name));
    this.#users.delete(name);
    this.#forgetChecks(name);
    this.#options.onChange(name, null);
    await this.#options.store.durable();
  }

  async #hashed(password: string | undefined): Promise<{ hash: string; shown: string | null }> {
    if (password === undefined) {
      const shown = makePassword();
      return { hash: await this.#passwords.hash(shown, true), shown };
    }
    const { length } = password;
    if (length < MIN_PASSWORD_CHARS || length > MAX_PASSWORD_CHARS) {
      throw invalid('password', `A password has ${MIN_PASSWORD_CHARS} to ${MAX_PASSWORD_CHARS} characters.`);
    }
    return { hash: await this.#passwords.hash(password, false), shown: null };
  }

  /** On disk first: a user whose deletion was told must not come back with the next power cut. */
  async #keep(user: KnownUser): Promise<void> {
    const isNew = !this.#users.has(user.name);
    this.#options.store.write((tx) => {
      writeUser(tx, {
        ...user,
        publish: JSON.stringify(user.publish),
        subscribe: JSON.stringify(user.subscribe),
        enabled: user.enabled ? 1 : 0,
      });
    });
    this.#users.set(user.name, user);
    this.#forgetChecks(user.name);
    if (!isNew) this.#options.onChange(user.name, user);
    await this.#options.store.durable();
  }

  #known(name: string): KnownUser {
    const user = this.#users.get(name);
    if (!user) throw new HubError('not_found', `There is no MQTT user "${name}".`);
    return user;
  }

  #forgetChecks(name: string): void {
    this.#accepted.delete(name);
    this.#refused.clear();
  }

  #remember(refusal: string): void {
    if (this.#refused.size >= REMEMBERED_REFUSALS) this.#refused.clear();
    this.#refused.add(refusal);
  }

  #told({ name, publish, subscribe, enabled, createdMs }: KnownUser): BrokerUser {
    const connections = this.#options.connectionsOf(name);
    return { name, publish, subscribe, enabled, createdMs, connections };
  }
}

function checkFilters(field: 'publish' | 'subscribe', filters: readonly string[] | undefined): void {
  if (filters === undefined) return;
  if (filters.length > LIMITS.filtersPerUser) {
    throw invalid(field, `A user has at most ${LIMITS.filtersPerUser} filters of a kind.`);
  }
  for (const [index, filter] of filters.entries()) {
    if (filter.length <= LIMITS.filterChars && isFilter(filter)) continue;
    throw invalid(
      `${field}.${index}`,
      `"${filter.slice(0, 80)}" is no topic filter: + and # stand alone in their level, # comes last, at most ${LIMITS.filterChars} characters.`,
    );
  }
}

function toFilters(json: string): string[] {
  const filters: unknown = JSON.parse(json);
  return Array.isArray(filters) ? filters.filter((filter) => typeof filter === 'string') : [];
}

function invalid(field: string, message: string): HubError {
  return new HubError('invalid', message, { field });
}
