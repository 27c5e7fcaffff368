import type { Clock } from '../base/clock.ts';
import type { Tx } from '../base/db.ts';
import type { Logger } from '../base/log.ts';
import type { Store } from '../base/store.ts';
import type { LongToken, Permission, Principal, TokenPair, User } from './types.ts';

import { HubError, StartError } from '../base/errors.ts';
import { newId, randomToken } from '../base/ids.ts';
import { keepValue, readKeptValue, replaceKeptValue } from '../base/kept-values.ts';
import { GuestCodes } from './guest-codes.ts';
import { sameText, sha256 } from './hashes.ts';
import { PasswordHasher } from './password.ts';
import { hasUsers, readRefreshToken, readSessionUser, readUserByName, type StoredUser } from './reader.ts';
import { checkPassword, checkUsername, foldUsername, isAllowed, isPlausiblePassword } from './rules.ts';
import { makeSetupCode, normalizeSetupCode } from './setup-code.ts';
import { Throttle } from './throttle.ts';
import { ACCESS_TOKEN_S, AccessTokens, invalidToken } from './tokens.ts';
import { PERMISSIONS } from './types.ts';
import {
  deleteExpired,
  deleteSession,
  extendSession,
  insertRefreshToken,
  insertSession,
  insertUser,
  markReplaced,
  trimSessions,
} from './writer.ts';

export interface AccessOptions {
  store: Store;
  clock: Clock;
  log: Logger;
  /** At least 32 bytes. */
  jwtSecret: string;
}

export interface AccessStartOptions extends Omit<AccessOptions, 'jwtSecret'> {
  /** At least 32 bytes; null: made once and kept in the database. */
  jwtSecret: string | null;
  /** The password of the first user, `admin`; used only while there is no user. */
  adminPassword: string | null;
}

export interface LoginInput {
  readonly username: string;
  readonly password: string;
  /** What the client calls itself. */
  readonly deviceId?: string;
  /** Where the attempt comes from, for the throttle. */
  readonly address: string;
}

export interface SetupInput {
  readonly code: string;
  readonly username: string;
  readonly password: string;
  readonly address: string;
}

/** HS256 takes any key; a short one can be guessed from a single token. */
const MIN_SECRET_BYTES = 32;
const REFRESH_TOKEN_MS = 60 * 24 * 3600_000;
/** What clients of Inbetweenies v2 are used to; they do not refresh by themselves. */
const LONG_TOKEN_S = 7 * 24 * 3600;
/** The one user that clients know which ask for a password only. */
const ADMIN = 'admin';
const MAX_SESSIONS_PER_USER = 50;
const SETUP_CODE = 'setup_code';

/** Users, logins and tokens, and the one answer to "may they?". */
export class Access implements Disposable {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #tokens: AccessTokens;
  readonly #throttle: Throttle;
  readonly #passwords = new PasswordHasher();
  readonly #sessionEnds = new Set<(sessionId: string) => void>();
  /** Codes that let guests in. */
  readonly guestCodes: GuestCodes;

  constructor({ store, clock, log, jwtSecret }: AccessOptions) {
    this.#store = store;
    this.#clock = clock;
    this.#log = log;
    this.#tokens = new AccessTokens(clock, jwtSecret);
    this.#throttle = new Throttle(clock);
    this.guestCodes = new GuestCodes({
      store,
      clock,
      log,
      tokens: this.#tokens,
      throttle: this.#throttle,
      ended: (sessionIds) => this.#tellEnded(sessionIds),
    });
  }

  /**
   * Makes what is missing of the signing secret and of the first way in.
   * @throws StartError when the configured secret is shorter than 32 bytes.
   */
  static async start(options: AccessStartOptions): Promise<Access> {
    const { store, clock, log, adminPassword } = options;
    const jwtSecret = options.jwtSecret ?? keepValue(store, 'jwt_secret', () => randomToken(48));
    if (Buffer.byteLength(jwtSecret) < MIN_SECRET_BYTES) {
      throw new StartError(
        'auth',
        `auth.jwt_secret has fewer than ${MIN_SECRET_BYTES} bytes. Make one with \`openssl rand -base64 48\`, or leave it out.`,
        { badConfiguration: true },
      );
    }
    const access = new Access({ store, clock, log, jwtSecret });
    await access.#openDoor(adminPassword);
    return access;
  }

  /** The code with which the first person becomes the owner; null once there is a user. A restart shows the same. */
  get setupCode(): string | null {
    return hasUsers(this.#store.db) ? null : (readKeptValue(this.#store, SETUP_CODE) ?? null);
  }

  /**
   * Makes the owner, once.
   * @throws HubError `unauthenticated` (wrong code), `conflict` (there is an owner), `invalid`, `rate_limited`.
   */
  async setup(input: SetupInput): Promise<TokenPair> {
    const expected = this.setupCode;
    if (expected === null) throw alreadySetUp();
    const username = checkUsername(input.username);
    checkPassword(input.password);
    const succeeded = this.#throttle.begin(' setup', input.address);
    if (!sameText(normalizeSetupCode(input.code), normalizeSetupCode(expected))) {
      throw new HubError(
        'unauthenticated',
        'The setup code is wrong. The hub shows it when it starts, and `funkygibbon pair` shows it again.',
      );
    }
    succeeded();
    const passwordPhc = await this.#passwords.hash(input.password);
    const session = this.#store.write((tx) => {
      // Two people may have typed the code at the same time; the first transaction wins.
      if (hasUsers(tx)) throw alreadySetUp();
      const owner = this.#insertOwner(tx, username, passwordPhc);
      return this.#openSession(tx, owner.key, owner.user, null);
    });
    this.#forgetSetupCode();
    this.#log.info({ username }, 'the owner was set up');
    return await this.#answer(session);
  }

  /** @throws HubError `unauthenticated` (user or password wrong, not saying which), `rate_limited`, `unavailable`. */
  async login(input: LoginInput): Promise<TokenPair> {
    const found = await this.#checkLogin(input, 'The user name or the password is wrong.');
    const session = this.#store.write((tx) => {
      deleteExpired(tx, this.#clock.nowMs());
      const opened = this.#openSession(tx, found.key, found.user, input.deviceId ?? null);
      trimSessions(tx, found.key, MAX_SESSIONS_PER_USER);
      return opened;
    });
    return await this.#answer(session);
  }

  /**
   * Logs the user named admin in with one token for a week, for clients that ask for nothing but a password.
   * @throws HubError `unauthenticated`, `rate_limited`, `unavailable` (also where there is no such user with a password).
   */
  async loginAsAdmin(input: Pick<LoginInput, 'password' | 'address'>): Promise<LongToken> {
    if ((readUserByName(this.#store.db, ADMIN)?.passwordPhc ?? null) === null) {
      throw new HubError(
        'unavailable',
        'There is no user named admin with a password. Set the hub up with that name, or log in at /api/auth/login.',
      );
    }
    const found = await this.#checkLogin({ ...input, username: ADMIN }, 'Invalid password');
    const sessionId = newId();
    const nowMs = this.#clock.nowMs();
    this.#store.write((tx) => {
      deleteExpired(tx, nowMs);
      const expiresAtMs = nowMs + LONG_TOKEN_S * 1000;
      insertSession(tx, { id: sessionId, userKey: found.key, deviceId: null, nowMs, expiresAtMs });
      trimSessions(tx, found.key, MAX_SESSIONS_PER_USER);
    });
    return await this.#answerLong(found.user, sessionId);
  }

  /**
   * Gives an owner or admin another token for a week, of the same login as the one that the request came with.
   * @throws HubError `forbidden` for anybody else, `unauthenticated` when the login has ended.
   */
  async renew(principal: Principal): Promise<LongToken> {
    if (!isAllowed(principal, 'system:admin')) {
      throw new HubError('forbidden', 'Only admin tokens can be refreshed');
    }
    const { sessionId } = principal;
    const session = sessionId === undefined ? undefined : readSessionUser(this.#store.db, sessionId);
    if (sessionId === undefined || !session) throw invalidToken();
    const nowMs = this.#clock.nowMs();
    this.#store.write((tx) =>
      extendSession(tx, sessionId, { nowMs, expiresAtMs: nowMs + LONG_TOKEN_S * 1000 }),
    );
    return await this.#answerLong(session.user, sessionId);
  }

  /**
   * Exchanges a refresh token for a new pair. Each is good once: a second use means that a copy exists, and ends the
   * whole session.
   * @throws HubError `unauthenticated`.
   */
  async refresh(refreshToken: string): Promise<TokenPair> {
    const hash = sha256(refreshToken);
    // Looked up outside a transaction first: a stranger's guesses must not make the card write.
    if (!readRefreshToken(this.#store.db, hash)) throw invalidRefreshToken();
    const nowMs = this.#clock.nowMs();
    const outcome = this.#store.write((tx) => {
      const known = readRefreshToken(tx, hash);
      if (!known) return undefined;
      if (known.replacedAtMs !== null) {
        deleteSession(tx, known.sessionId);
        return { reusedBy: known.user, sessionId: known.sessionId };
      }
      if (known.expiresAtMs <= nowMs) return undefined;
      markReplaced(tx, hash, known.sessionKey, nowMs);
      return this.#issueRefreshToken(tx, known.sessionKey, known.sessionId, known.user);
    });
    if (outcome === undefined) throw invalidRefreshToken();
    if ('reusedBy' in outcome) {
      this.#tellEnded([outcome.sessionId]);
      this.#log.warn(
        { user_id: outcome.reusedBy.id },
        'a refresh token was used twice; its session was ended',
      );
      await this.#store.durable();
      throw invalidRefreshToken();
    }
    return await this.#answer(outcome);
  }

  /** Ends the session that the principal's token belongs to; its tokens are refused from now on. */
  async logout(principal: Principal): Promise<void> {
    const { sessionId } = principal;
    if (sessionId === undefined) return;
    this.#store.write((tx) => deleteSession(tx, sessionId));
    this.#tellEnded([sessionId]);
    await this.#store.durable();
  }

  /** Calls `ended` with each session that somebody ends, so that what is open by it can be closed at once. */
  followSessionEnds(ended: (sessionId: string) => void): Disposable {
    this.#sessionEnds.add(ended);
    return { [Symbol.dispose]: () => void this.#sessionEnds.delete(ended) };
  }

  /** Who an access token speaks for, now. @throws HubError `unauthenticated`. */
  async verify(accessToken: string): Promise<Principal> {
    const claims = await this.#tokens.verify(accessToken);
    const session = readSessionUser(this.#store.db, claims.sessionId);
    if (!session || session.user.id !== claims.userId) throw invalidToken();
    const { user, deviceId } = session;
    return {
      userId: user.id,
      username: user.username,
      role: user.role,
      tokenId: claims.tokenId,
      sessionId: claims.sessionId,
      ...(deviceId === null ? {} : { deviceId }),
      expiresAtMs: claims.expiresAtMs,
    };
  }

  /** The policy: whether the principal may do this. Everything not granted is refused. */
  allows(principal: Principal, permission: Permission): boolean {
    return isAllowed(principal, permission);
  }

  permissionsOf(principal: Principal): Permission[] {
    return PERMISSIONS.filter((permission) => isAllowed(principal, permission));
  }

  [Symbol.dispose](): void {
    this.#throttle.clear();
  }

  /** The user whose password this is. @throws HubError as `login`; `refusal` is what a wrong password is told. */
  async #checkLogin({ username, password, address }: LoginInput, refusal: string): Promise<StoredUser> {
    const folded = foldUsername(username);
    // Any text can be tried as a user name; the throttle keeps a hash of it, so that its memory stays bounded.
    const succeeded = this.#throttle.begin(sha256(folded).toString('base64url'), address);
    const found = readUserByName(this.#store.db, folded);
    const plausible = isPlausiblePassword(password);
    const right = plausible && (await this.#passwords.verify(password, found?.passwordPhc ?? null));
    if (!right || !found) {
      this.#log.warn({ address }, 'a login failed');
      throw new HubError('unauthenticated', refusal);
    }
    succeeded();
    return found;
  }

  /**
   * Sees to it that there is a way in: users already, or the user `admin` with this password, or a setup code. Durable
   * when it resolves: a code that was shown must not be another one after a power cut.
   */
  async #openDoor(adminPassword: string | null): Promise<void> {
    const { db } = this.#store;
    if (!hasUsers(db) && adminPassword !== null) {
      const passwordPhc = await this.#passwords.hash(adminPassword);
      this.#store.write((tx) => this.#insertOwner(tx, 'admin', passwordPhc));
      this.#log.info('made the first user, admin, with the configured password');
    }
    if (hasUsers(db)) this.#forgetSetupCode();
    else keepValue(this.#store, SETUP_CODE, makeSetupCode);
    await this.#store.durable();
  }

  #forgetSetupCode(): void {
    if (readKeptValue(this.#store, SETUP_CODE) !== undefined) replaceKeptValue(this.#store, SETUP_CODE, null);
  }

  #insertOwner(tx: Tx, username: string, passwordPhc: string): { key: number; user: User } {
    const user: User = { id: newId(), username, role: 'owner', createdAtMs: this.#clock.nowMs() };
    return { key: insertUser(tx, user, foldUsername(username), passwordPhc), user };
  }

  #openSession(tx: Tx, userKey: number, user: User, deviceId: string | null): OpenSession {
    const id = newId();
    const sessionKey = insertSession(tx, { id, userKey, deviceId, nowMs: this.#clock.nowMs() });
    return this.#issueRefreshToken(tx, sessionKey, id, user);
  }

  #issueRefreshToken(tx: Tx, sessionKey: number, sessionId: string, user: User): OpenSession {
    const refreshToken = randomToken(32);
    const expiresAtMs = this.#clock.nowMs() + REFRESH_TOKEN_MS;
    insertRefreshToken(tx, { hash: sha256(refreshToken), sessionKey, expiresAtMs });
    return { sessionId, refreshToken, user };
  }

  #tellEnded(sessionIds: readonly string[]): void {
    for (const sessionId of sessionIds) for (const ended of this.#sessionEnds) ended(sessionId);
  }

  /** A client throws its old token away when it sees the new one, so a power cut must not take the new one back. */
  async #answer({ sessionId, refreshToken, user }: OpenSession): Promise<TokenPair> {
    const accessToken = await this.#tokens.sign(user.id, sessionId);
    await this.#store.durable();
    return { accessToken, refreshToken, expiresInS: ACCESS_TOKEN_S, user };
  }

  async #answerLong(user: User, sessionId: string): Promise<LongToken> {
    const accessToken = await this.#tokens.sign(user.id, sessionId, LONG_TOKEN_S);
    await this.#store.durable();
    return { accessToken, expiresInS: LONG_TOKEN_S, user };
  }
}

interface OpenSession {
  sessionId: string;
  refreshToken: string;
  user: User;
}

function alreadySetUp(): HubError {
  return new HubError('conflict', 'This hub has an owner already. Log in, or ask the owner for an account.');
}

function invalidRefreshToken(): HubError {
  return new HubError('unauthenticated', 'The refresh token is not valid any more. Log in again.');
}
