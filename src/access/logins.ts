import type { Clock } from '../base/clock.ts';
import type { Tx } from '../base/db.ts';
import type { Logger } from '../base/log.ts';
import type { Store } from '../base/store.ts';
import type { Audit } from './audit.ts';
import type { PasswordHasher } from './password.ts';
import type { Sessions } from './sessions.ts';
import type { Throttle } from './throttle.ts';
import type { Actor, LongToken, Origin, TokenPair } from './types.ts';

import { HubError } from '../base/errors.ts';
import { sha256 } from './hashes.ts';
import { readUser, readUserByName, type StoredUser } from './reader.ts';
import { checkPassword, foldUsername, isPlausiblePassword } from './rules.ts';
import { refuseExpired } from './sessions.ts';
import { refuseEnded } from './standing.ts';
import { updatePassword } from './writer.ts';

export interface LoginsOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Logger;
  readonly passwords: PasswordHasher;
  readonly throttle: Throttle;
  readonly sessions: Sessions;
  readonly audit: Audit;
}

export interface LoginInput extends Origin {
  readonly username: string;
  readonly password: string;
  /** What the client calls itself. */
  readonly deviceId?: string;
}

export interface PasswordChange {
  readonly currentPassword: string;
  readonly newPassword: string;
}

/** The one user that clients know which ask for a password only. */
const ADMIN = 'admin';

/** Everything that a password is asked for. */
export class Logins {
  readonly #options: LoginsOptions;

  constructor(options: LoginsOptions) {
    this.#options = options;
  }

  /** @throws HubError `unauthenticated` (user or password wrong, not saying which), `rate_limited`, `unavailable`. */
  async login(input: LoginInput): Promise<TokenPair> {
    const { store, sessions, audit } = this.#options;
    const found = await this.#check(input, 'The user name or the password is wrong.');
    const deviceId = input.deviceId ?? null;
    const session = store.write((tx) => {
      refuseChanged(tx, found);
      audit.record({ ...loginOf(found, input), details: { device_id: deviceId } }, tx);
      return sessions.open(tx, found, { deviceId });
    });
    return await sessions.answer(session);
  }

  /**
   * Logs the user named admin in with one token for a week, for clients that ask for nothing but a password.
   * @throws HubError `unauthenticated`, `rate_limited`, `unavailable` (also where there is no such user with a password).
   */
  async loginAsAdmin(input: Omit<LoginInput, 'username' | 'deviceId'>): Promise<LongToken> {
    const { store, sessions, audit } = this.#options;
    if ((readUserByName(store.db, ADMIN)?.passwordPhc ?? null) === null) {
      throw new HubError(
        'unavailable',
        'There is no user named admin with a password. Set the hub up with that name, or log in at /api/auth/login.',
      );
    }
    const found = await this.#check({ ...input, username: ADMIN }, 'Invalid password');
    const sessionId = store.write((tx) => {
      refuseChanged(tx, found);
      audit.record({ ...loginOf(found, input), details: { protocol: 'v2' } }, tx);
      return sessions.openLong(tx, found.key);
    });
    return await sessions.answerLong(found.user, sessionId);
  }

  /**
   * Gives the actor another password. All their other logins end: whoever changes a password may do so because somebody
   * else knows it.
   * @throws HubError `unauthenticated` when the current one is wrong, `invalid`, `conflict` for who has none, `rate_limited`.
   */
  async changePassword({ currentPassword, newPassword }: PasswordChange, actor: Actor): Promise<void> {
    const { store, sessions, audit, passwords, log } = this.#options;
    const { principal } = actor;
    const known = readUser(store.db, principal.userId);
    if (!known || known.passwordPhc === null) {
      throw new HubError('conflict', 'This account has no password to change. An admin can set one.');
    }
    checkPassword(newPassword);
    const { username } = known.user;
    const found = await this.#check(
      { ...actor, username, password: currentPassword },
      'current_password is wrong.',
    );
    const passwordPhc = await passwords.hash(newPassword);
    const ended = store.write((tx) => {
      refuseEnded(tx, actor);
      refuseChanged(tx, found);
      updatePassword(tx, found.key, passwordPhc);
      audit.record({ action: 'password.change', by: principal, from: actor }, tx);
      return sessions.endAll(tx, found.key, principal.sessionId);
    });
    sessions.tellEnded(ended);
    log.info({ user_id: principal.userId }, 'a password was changed');
    await store.durable();
  }

  /** The user whose password this is. @throws HubError as `login`; `refusal` is what a wrong password is told. */
  async #check(input: LoginInput, refusal: string): Promise<StoredUser> {
    const { store, clock, log, passwords, throttle } = this.#options;
    const { username, password, address } = input;
    const folded = foldUsername(username);
    // Any text can be tried as a user name; what is kept of it is a hash, so that memory stays bounded.
    const account = sha256(folded).toString('base64url');
    const succeeded = throttle.begin(account, address);
    const found = readUserByName(store.db, folded);
    const right =
      isPlausiblePassword(password) && (await passwords.verify(password, found?.passwordPhc ?? null));
    if (!right || !found) {
      log.warn({ address }, 'a login failed');
      this.#noteFailure(input, account, found);
      throw new HubError('unauthenticated', refusal);
    }
    succeeded();
    // Told only to who knows the password, so that nobody learns from it which accounts there are.
    refuseExpired(found.user, clock.nowMs());
    return found;
  }

  /** A name that nobody has is not kept: it may be a password that somebody typed into the wrong field. */
  #noteFailure(input: LoginInput, account: string, found: StoredUser | undefined): void {
    this.#options.audit.note(`login ${account} ${input.address}`, {
      action: 'login',
      outcome: 'refused',
      by: found ? { userId: found.user.id, username: found.user.username } : null,
      from: input,
      details: found ? {} : { unknown_user: true },
    });
  }
}

/** While the password was hashed, the user may have been deleted or given another password. */
function refuseChanged(tx: Tx, found: StoredUser): void {
  const now = readUser(tx, found.user.id);
  if (now?.passwordPhc === found.passwordPhc) return;
  throw new HubError('unauthenticated', 'The account was changed just now. Log in again.');
}

function loginOf({ user }: StoredUser, from: Origin): Parameters<Audit['record']>[0] {
  return { action: 'login', by: { userId: user.id, username: user.username }, from };
}
