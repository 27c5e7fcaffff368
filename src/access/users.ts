import type { Clock } from '../base/clock.ts';
import type { Tx } from '../base/db.ts';
import type { Logger } from '../base/log.ts';
import type { Store } from '../base/store.ts';
import type { Audit } from './audit.ts';
import type { PasswordHasher } from './password.ts';
import type { Sessions } from './sessions.ts';
import type { Actor, GrantKind, Principal, Role, User } from './types.ts';

import { HubError } from '../base/errors.ts';
import { newId } from '../base/ids.ts';
import { readApiKeyIdsOf } from './key-reader.ts';
import { deleteApiKeysOf } from './key-writer.ts';
import { countOwners, readUser, readUserByName, readUsers, type StoredUser } from './reader.ts';
import {
  checkExpiry,
  checkPassword,
  checkUsername,
  foldUsername,
  isDemotion,
  isScopable,
  mayManage,
  scopeOf,
  userIdOfKey,
} from './rules.ts';
import { refuseEnded } from './standing.ts';
import { NEVER_MS } from './types.ts';
import { deleteUser, insertUser, updateUser } from './writer.ts';

export interface UsersOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Logger;
  readonly passwords: PasswordHasher;
  readonly sessions: Sessions;
  readonly audit: Audit;
}

export interface NewUser {
  readonly username: string;
  /** Without one the user logs in by pairing a phone only. */
  readonly password?: string | undefined;
  readonly role: Role;
  /** A guest must have one, an owner must not. */
  readonly expiresAtMs?: number | null | undefined;
  readonly grants?: readonly GrantKind[] | undefined;
  /** Ids of the rooms that a member or guest is limited to; null: the whole home. */
  readonly rooms?: readonly string[] | null | undefined;
}

/** What is not named stays as it is. */
export type UserPatch = { readonly [Key in keyof NewUser]?: NewUser[Key] | undefined };

/** A user as admins see them. */
export interface UserView extends User {
  readonly hasPassword: boolean;
}

/** Room for a family and its guests; a script that runs wild must not fill the card. */
const MAX_USERS = 500;

/** The people (and services) of the home. */
export class Users {
  readonly #options: UsersOptions;
  readonly #followers = new Set<(userId: string) => void>();

  constructor(options: UsersOptions) {
    this.#options = options;
  }

  /**
   * Calls `changed` with each user whose rights somebody may have changed, and with the API keys that end with them, so
   * that what is open can be looked at again.
   */
  follow(changed: (userId: string) => void): Disposable {
    this.#followers.add(changed);
    return { [Symbol.dispose]: () => void this.#followers.delete(changed) };
  }

  /** In the order in which they were made. */
  list(): UserView[] {
    return readUsers(this.#options.store.db).map(toView);
  }

  /** @throws HubError `not_found`. */
  get(id: string): UserView {
    return toView(this.#existing(this.#options.store.db, id));
  }

  /** The rights that a user has now, for what the hub does in their name; undefined where the account has ended. */
  principalOf(id: string): Principal | undefined {
    const stored = readUser(this.#options.store.db, id);
    if (!stored) return undefined;
    const { user } = stored;
    const expiresAtMs = user.expiresAtMs ?? NEVER_MS;
    if (this.#options.clock.nowMs() >= expiresAtMs) return undefined;
    const { username, role, grants } = user;
    return { userId: id, username, role, tokenId: 'automation', grants, ...scopeOf(user), expiresAtMs };
  }

  /** Whether somebody in this home has the id. */
  has(id: string): boolean {
    return readUser(this.#options.store.db, id) !== undefined;
  }

  /** The user of this name, in any case and width; undefined where nobody is called so. */
  findByName(username: string): UserView | undefined {
    const found = readUserByName(this.#options.store.db, foldUsername(username));
    return found && toView(found);
  }

  /**
   * Makes a user.
   * @throws HubError `forbidden` (admins and owners are made by the owner), `invalid`, `conflict` (the name is taken).
   */
  async create(input: NewUser, actor: Actor): Promise<UserView> {
    const { store, clock, audit, passwords, log } = this.#options;
    const nowMs = clock.nowMs();
    refuseUnlessManaged(actor, input.role);
    const username = checkUsername(input.username);
    if (input.password !== undefined) checkPassword(input.password);
    const expiresAtMs = input.expiresAtMs ?? null;
    checkExpiry(expiresAtMs, nowMs);
    checkTerm(input.role, expiresAtMs);
    checkRooms(input.role, input.rooms);
    const passwordPhc = input.password === undefined ? null : await passwords.hash(input.password);
    const { role } = input;
    const user: User = {
      id: newId(),
      username,
      role,
      createdAtMs: nowMs,
      expiresAtMs,
      grants: input.grants ?? [],
      ...(input.rooms ? { rooms: toRooms(input.rooms) } : {}),
    };
    store.write((tx) => {
      refuseEnded(tx, actor);
      refuseTaken(tx, username, undefined);
      if (readUsers(tx).length >= MAX_USERS) {
        throw new HubError(
          'conflict',
          `There are ${MAX_USERS} users already. Delete some that are not needed.`,
        );
      }
      insertUser(tx, user, foldUsername(username), passwordPhc);
      const details = { username, role, expires_ms: expiresAtMs, grants: user.grants, ...scopeOf(user) };
      audit.record({ action: 'user.create', by: actor.principal, from: actor, target: user.id, details }, tx);
    });
    log.info({ user_id: user.id, role, by: actor.principal.userId }, 'a user was made');
    await store.durable();
    return { ...user, hasPassword: passwordPhc !== null };
  }

  /**
   * Changes a user. Who loses rights or gets another password is logged out everywhere, at once; who is no admin any
   * more loses the API keys that they made.
   * @throws HubError `not_found`, `forbidden`, `invalid`, `conflict` (the name is taken; the last owner).
   */
  async change(id: string, patch: UserPatch, actor: Actor): Promise<UserView> {
    const { store, clock, sessions, audit, passwords, log } = this.#options;
    if (patch.username !== undefined) checkUsername(patch.username);
    if (patch.password !== undefined) {
      checkPassword(patch.password);
      if (id === actor.principal.userId) {
        throw new HubError('invalid', 'Change your own password with PUT /api/auth/password.', {
          field: 'password',
        });
      }
    }
    if (typeof patch.expiresAtMs === 'number') checkExpiry(patch.expiresAtMs, clock.nowMs());
    // Before the password is hashed: who may not change this user must not make the hub work either.
    refuseUnlessManaged(actor, this.#existing(store.db, id).user.role);
    const passwordPhc = patch.password === undefined ? null : await passwords.hash(patch.password);
    const { view, ended, keys } = store.write((tx) => {
      refuseEnded(tx, actor);
      const before = this.#existing(tx, id);
      refuseUnlessManaged(actor, before.user.role);
      const user = patched(before.user, patch);
      refuseUnlessManaged(actor, user.role);
      checkTerm(user.role, user.expiresAtMs);
      checkRooms(user.role, patch.rooms);
      refuseTaken(tx, user.username, before.key);
      updateUser(tx, before.key, user, foldUsername(user.username), passwordPhc);
      if (before.user.role === 'owner') refuseOwnerless(tx);
      const details = changesOf(before.user, user, passwordPhc !== null);
      audit.record({ action: 'user.change', by: actor.principal, from: actor, target: id, details }, tx);
      const isDemoted = isDemotion(before.user.role, user.role);
      return {
        view: { ...user, hasPassword: passwordPhc !== null || before.passwordPhc !== null },
        ended: [
          ...(isDemoted || passwordPhc !== null ? sessions.endAll(tx, before.key) : []),
          ...(isDemoted ? this.#endKeys(tx, before.key) : []),
        ],
        keys: readApiKeyIdsOf(tx, before.key).map(userIdOfKey),
      };
    });
    sessions.tellEnded(ended);
    for (const changed of this.#followers) for (const userId of [id, ...keys]) changed(userId);
    log.info({ user_id: id, role: view.role, by: actor.principal.userId }, 'a user was changed');
    await store.durable();
    return view;
  }

  /**
   * Removes a user: their logins, and the API keys that they made, end at once. What they wrote stays.
   * @throws HubError `not_found`, `forbidden`, `conflict` (the last owner).
   */
  async delete(id: string, actor: Actor): Promise<void> {
    const { store, sessions, audit, log } = this.#options;
    const ended = store.write((tx) => {
      refuseEnded(tx, actor);
      const { key, user } = this.#existing(tx, id);
      refuseUnlessManaged(actor, user.role);
      const ids = [...sessions.endAll(tx, key), ...this.#endKeys(tx, key)];
      deleteUser(tx, key);
      if (user.role === 'owner') refuseOwnerless(tx);
      const details = { username: user.username, role: user.role };
      audit.record({ action: 'user.delete', by: actor.principal, from: actor, target: id, details }, tx);
      return ids;
    });
    sessions.tellEnded(ended);
    log.info({ user_id: id, by: actor.principal.userId }, 'a user was deleted');
    await store.durable();
  }

  /** @returns the sessions that the keys are known by. */
  #endKeys(tx: Tx, userKey: number): string[] {
    const ids = readApiKeyIdsOf(tx, userKey).map(userIdOfKey);
    deleteApiKeysOf(tx, userKey);
    return ids;
  }

  #existing(db: Parameters<typeof readUser>[0], id: string): StoredUser {
    const found = readUser(db, id);
    if (!found) throw new HubError('not_found', 'There is no such user. GET /api/users lists them.');
    return found;
  }
}

function toView({ user, passwordPhc }: StoredUser): UserView {
  return { ...user, hasPassword: passwordPhc !== null };
}

function patched(before: User, patch: UserPatch): User {
  const role = patch.role ?? before.role;
  // Whoever stops being a guest stays, unless it is said for how long.
  const kept = before.role === 'guest' && role !== 'guest' ? null : before.expiresAtMs;
  const { rooms: roomsBefore, ...rest } = before;
  const rooms = patch.rooms === undefined ? scopeOf({ ...before, role }).rooms : patch.rooms;
  return {
    ...rest,
    username: patch.username === undefined ? before.username : checkUsername(patch.username),
    role,
    expiresAtMs: patch.expiresAtMs === undefined ? kept : patch.expiresAtMs,
    grants: patch.grants ?? before.grants,
    ...(rooms ? { rooms: rooms === roomsBefore ? rooms : toRooms(rooms) } : {}),
  };
}

function changesOf(before: User, after: User, hasNewPassword: boolean): Record<string, unknown> {
  return {
    ...(after.username === before.username ? {} : { username: [before.username, after.username] }),
    ...(after.role === before.role ? {} : { role: [before.role, after.role] }),
    ...(after.expiresAtMs === before.expiresAtMs
      ? {}
      : { expires_ms: [before.expiresAtMs, after.expiresAtMs] }),
    ...(after.grants.join() === before.grants.join() ? {} : { grants: [before.grants, after.grants] }),
    ...(sameRooms(before, after) ? {} : { rooms: [before.rooms ?? null, after.rooms ?? null] }),
    ...(hasNewPassword ? { password: 'changed' } : {}),
  };
}

function refuseUnlessManaged({ principal }: Actor, role: Role): void {
  if (mayManage(principal, role)) return;
  throw new HubError('forbidden', 'Only the owner makes, changes and deletes owners and admins.');
}

function refuseTaken(tx: Tx, username: string, ownKey: number | undefined): void {
  const taken = readUserByName(tx, foldUsername(username));
  if (!taken || taken.key === ownKey) return;
  throw new HubError('conflict', 'Somebody has this user name already; choose another one.', {
    field: 'username',
  });
}

/** After the change, in its transaction: it is taken back when it leaves nobody. */
function refuseOwnerless(tx: Tx): void {
  if (countOwners(tx) > 0) return;
  throw new HubError('conflict', 'A home always has an owner. Make somebody else an owner first.');
}

function checkTerm(role: Role, expiresAtMs: number | null): void {
  if (role === 'guest' && expiresAtMs === null) {
    throw new HubError('invalid', 'a guest needs expires_at, the time at which the visit ends', {
      field: 'expires_at',
    });
  }
  if (role === 'owner' && expiresAtMs !== null) {
    throw new HubError('invalid', 'an owner has no expires_at: a home always has an owner', {
      field: 'expires_at',
    });
  }
}

/** @throws HubError `invalid` where a limit is given to somebody who cannot have one. */
function checkRooms(role: Role, rooms: readonly string[] | null | undefined): void {
  if (!rooms || isScopable(role)) return;
  throw new HubError('invalid', 'only members and guests can be limited to rooms', { field: 'rooms' });
}

function toRooms(ids: readonly string[]): string[] {
  return [...new Set(ids)].sort();
}

function sameRooms(a: Pick<User, 'rooms'>, b: Pick<User, 'rooms'>): boolean {
  return JSON.stringify(a.rooms ?? null) === JSON.stringify(b.rooms ?? null);
}
