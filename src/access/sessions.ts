import type { Clock } from '../base/clock.ts';
import type { Tx } from '../base/db.ts';
import type { Logger } from '../base/log.ts';
import type { Store } from '../base/store.ts';
import type { Audit } from './audit.ts';
import type { StoredUser, StoredRefreshToken } from './reader.ts';
import type { AccessTokens } from './tokens.ts';
import type { Actor, DeviceSession, LongToken, Origin, Principal, TokenPair, User } from './types.ts';

import { HubError } from '../base/errors.ts';
import { newId, randomToken } from '../base/ids.ts';
import { refuseOtherDevice } from './errors.ts';
import { sha256 } from './hashes.ts';
import { deletePairingCodesOf } from './key-writer.ts';
import { readRefreshToken, readSession, readSessionIds, readSessions } from './reader.ts';
import { isAllowed, mayManage, scopeOf } from './rules.ts';
import { isOwnLogin, refuseEnded } from './standing.ts';
import { ACCESS_TOKEN_S, invalidToken } from './tokens.ts';
import { NEVER_MS } from './types.ts';
import {
  deleteSession,
  extendSession,
  insertRefreshToken,
  insertSession,
  markReplaced,
  markVoid,
  touchSession,
  trimSessions,
  voidRefreshTokens,
} from './writer.ts';

export interface SessionsOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Logger;
  readonly tokens: AccessTokens;
  readonly audit: Audit;
}

export interface RefreshInput extends Origin {
  readonly refreshToken: string;
  /** As the login named it; needed for showing a token again whose answer was lost. */
  readonly deviceId?: string;
}

/** A client as it describes itself when a session begins. */
export interface SessionDevice {
  readonly deviceId: string | null;
  readonly deviceName?: string | null;
  /** Its tokens are for `deviceId` only. */
  readonly bound?: boolean;
}

/** A session with a refresh token that nobody has been told yet. */
export interface OpenSession {
  readonly sessionId: string;
  readonly refreshToken: string;
  readonly user: User;
}

const REFRESH_TOKEN_MS = 60 * 24 * 3600_000;
/** What clients of Inbetweenies v2 are used to; they do not refresh by themselves. */
const LONG_TOKEN_S = 7 * 24 * 3600;
const MAX_SESSIONS_PER_USER = 50;
/** A script that logs in each time it runs must not end the logins of programs that cannot log in again by themselves. */
const MAX_LONG_SESSIONS_PER_USER = 500;
/** When a session was used last is written this rarely. */
const NOTE_USE_EVERY_MS = 3600_000;
/** How long a device may show the token before its last one again: a phone walks out of the Wi-Fi's reach and back. */
const REPLAY_MS = 60_000;

type Refreshed = OpenSession | { readonly reused: StoredRefreshToken } | undefined;

/** Logins from their beginning to their end, and the tokens that they live by. */
export class Sessions {
  readonly #options: SessionsOptions;
  readonly #ends = new Set<(sessionId: string) => void>();

  constructor(options: SessionsOptions) {
    this.#options = options;
  }

  /** Calls `ended` with each session that somebody ends, so that what is open by it can be closed at once. */
  follow(ended: (sessionId: string) => void): Disposable {
    this.#ends.add(ended);
    return { [Symbol.dispose]: () => void this.#ends.delete(ended) };
  }

  /** To be called after the commit that ended them. */
  tellEnded(sessionIds: readonly string[]): void {
    for (const sessionId of sessionIds) for (const ended of this.#ends) ended(sessionId);
  }

  /** Begins a session; the one of the user that was unused for longest ends when there are too many. */
  open(tx: Tx, { key, user }: Pick<StoredUser, 'key' | 'user'>, device: SessionDevice): OpenSession {
    const nowMs = this.#options.clock.nowMs();
    const id = newId();
    const sessionKey = insertSession(tx, { id, userKey: key, nowMs, ...device });
    const opened = this.#issue(tx, { sessionKey, sessionId: id, user });
    this.#tellLater(trimSessions(tx, key, { keep: MAX_SESSIONS_PER_USER, long: false }));
    return opened;
  }

  /** Begins a session that lives by one access token of a week. @returns its id. */
  openLong(tx: Tx, userKey: number): string {
    const nowMs = this.#options.clock.nowMs();
    const id = newId();
    insertSession(tx, { id, userKey, deviceId: null, nowMs, expiresAtMs: nowMs + LONG_TOKEN_S * 1000 });
    this.#tellLater(trimSessions(tx, userKey, { keep: MAX_LONG_SESSIONS_PER_USER, long: true }));
    return id;
  }

  /**
   * Lets a session live for another week by its access token. One with refresh tokens becomes one that has none: a short
   * token that was seen on its way must not be good for weeks behind the back of whoever has the refresh token, whose
   * next use ends the session as the second use of one does.
   * @throws HubError `unauthenticated` when it has ended.
   */
  async renew(sessionId: string | undefined): Promise<LongToken> {
    const { store, clock } = this.#options;
    const session = sessionId === undefined ? undefined : readSession(store.db, sessionId);
    if (sessionId === undefined || !session) throw invalidToken();
    const nowMs = clock.nowMs();
    store.write((tx) => {
      extendSession(tx, sessionId, { nowMs, expiresAtMs: nowMs + LONG_TOKEN_S * 1000 });
      voidRefreshTokens(tx, sessionId, nowMs);
    });
    return await this.answerLong(session.user, sessionId);
  }

  /**
   * Exchanges a refresh token for a new pair. Each is good once: a second use means that a copy exists, and ends the
   * whole session. Only the device itself may show its last token again for a minute, for its answer may have been lost:
   * the pair that nobody used is void then.
   * @throws HubError `unauthenticated`, `forbidden` (a paired device's token from another device).
   */
  async refresh(input: RefreshInput): Promise<TokenPair> {
    const { store } = this.#options;
    const hash = sha256(input.refreshToken);
    // Looked up outside a transaction first: a stranger's guesses must not make the card write.
    const seen = readRefreshToken(store.db, hash);
    if (!seen) throw invalidRefreshToken();
    if (seen.bound && input.deviceId !== undefined) {
      refuseOtherDevice(seen.deviceId === null ? {} : { boundDeviceId: seen.deviceId }, input.deviceId);
    }
    const outcome = store.write((tx) => this.#exchange(tx, hash, input));
    if (outcome === undefined) throw invalidRefreshToken();
    if ('reused' in outcome) {
      this.tellEnded([outcome.reused.sessionId]);
      this.#options.log.warn(
        { user_id: outcome.reused.user.id },
        'a refresh token was used twice; its session was ended',
      );
      await store.durable();
      throw invalidRefreshToken();
    }
    return await this.answer(outcome);
  }

  /** Ends the session that the principal's token belongs to; its tokens are refused from now on. */
  async logout(actor: Actor): Promise<void> {
    const { store, audit } = this.#options;
    const { principal } = actor;
    const { sessionId } = principal;
    if (sessionId === undefined || principal.permissions) {
      throw new HubError('conflict', 'An API key has no login that could end. Delete the key instead.');
    }
    store.write((tx) => {
      deleteSession(tx, sessionId);
      audit.record({ action: 'logout', by: principal, from: actor }, tx);
    });
    this.tellEnded([sessionId]);
    await store.durable();
  }

  /** Who an access token speaks for, now. @throws HubError `unauthenticated`. */
  async verify(accessToken: string): Promise<Principal> {
    const { store, clock, tokens } = this.#options;
    const claims = await tokens.verify(accessToken);
    const found = readSession(store.db, claims.sessionId);
    if (!found || found.user.id !== claims.userId) throw invalidToken();
    const { user, session } = found;
    refuseExpired(user, clock.nowMs());
    this.#noteUse(session);
    const { deviceId } = session;
    return {
      userId: user.id,
      username: user.username,
      role: user.role,
      tokenId: claims.tokenId,
      sessionId: claims.sessionId,
      ...(deviceId === null ? {} : { deviceId }),
      ...(session.bound && deviceId !== null ? { boundDeviceId: deviceId } : {}),
      grants: user.grants,
      ...scopeOf(user),
      expiresAtMs: Math.min(claims.expiresAtMs, user.expiresAtMs ?? claims.expiresAtMs),
    };
  }

  /** The transaction that is under way ends them: it is committed before anything else runs. */
  #tellLater(sessionIds: readonly string[]): void {
    if (sessionIds.length > 0) queueMicrotask(() => this.tellEnded(sessionIds));
  }

  /** So that it is not taken for one that nobody uses any more. */
  #noteUse({ id, lastUsedAtMs }: DeviceSession): void {
    const { store, clock, log } = this.#options;
    const nowMs = clock.nowMs();
    if (Math.abs(nowMs - lastUsedAtMs) < NOTE_USE_EVERY_MS) return;
    try {
      store.write((tx) => touchSession(tx, id, nowMs));
    } catch (error) {
      // A full disk must not lock people out.
      log.warn({ err: error }, 'when a login was used last was not stored');
    }
  }

  /** Logins that can still be used, the one used last first: everybody's for an admin, else the principal's own. */
  list(principal: Principal): DeviceSession[] {
    const userId = isAllowed(principal, 'system:admin') ? null : principal.userId;
    const { store, clock } = this.#options;
    return readSessions(store.db, userId, clock.nowMs())
      .filter((found) => userId === null || isOwnLogin(store.db, principal, found))
      .map(({ session }) => session);
  }

  /**
   * Ends a login: one's own, or that of somebody whom the actor may manage. Its tokens are refused from now on.
   * @throws HubError `not_found` (also for others' logins where they are none of the actor's business), `forbidden`.
   */
  async revoke(sessionId: string, actor: Actor): Promise<void> {
    const { store, audit, log } = this.#options;
    const { principal } = actor;
    const found = readSession(store.db, sessionId);
    const isOwn = found !== undefined && isOwnLogin(store.db, principal, found);
    if (!found || (!isOwn && !isAllowed(principal, 'system:admin'))) {
      throw new HubError('not_found', 'There is no such device. GET /api/auth/devices lists them.');
    }
    if (!isOwn && !mayManage(principal, found.user.role)) {
      throw new HubError('forbidden', 'Only the owner ends the logins of owners and admins.');
    }
    const { deviceId, deviceName, bound } = found.session;
    store.write((tx) => {
      refuseEnded(tx, actor);
      deleteSession(tx, sessionId);
      const details = { user_id: found.user.id, device_id: deviceId, device_name: deviceName, bound };
      audit.record({ action: 'device.revoke', by: principal, from: actor, target: sessionId, details }, tx);
    });
    this.tellEnded([sessionId]);
    log.info({ user_id: found.user.id, device_id: deviceId }, 'a device was revoked');
    await store.durable();
  }

  /**
   * Ends all sessions of a user but the one to be kept, and what others could still be begun with.
   * @returns their ids, to be told after the commit.
   */
  endAll(tx: Tx, userKey: number, keep?: string): string[] {
    const ids = readSessionIds(tx, userKey).filter((id) => id !== keep);
    for (const id of ids) deleteSession(tx, id);
    deletePairingCodesOf(tx, userKey);
    return ids;
  }

  /** A client throws its old token away when it sees the new one, so a power cut must not take the new one back. */
  async answer({ sessionId, refreshToken, user }: OpenSession): Promise<TokenPair> {
    const { store, clock, tokens } = this.#options;
    const leftS = Math.floor(((user.expiresAtMs ?? NEVER_MS) - clock.nowMs()) / 1000);
    const expiresInS = Math.max(1, Math.min(ACCESS_TOKEN_S, leftS));
    const accessToken = await tokens.sign(user.id, sessionId, expiresInS);
    await store.durable();
    return { accessToken, refreshToken, expiresInS, user };
  }

  async answerLong(user: User, sessionId: string): Promise<LongToken> {
    const { store, tokens } = this.#options;
    const accessToken = await tokens.sign(user.id, sessionId, LONG_TOKEN_S);
    await store.durable();
    return { accessToken, expiresInS: LONG_TOKEN_S, user };
  }

  #exchange(tx: Tx, hash: Uint8Array, input: RefreshInput): Refreshed {
    const nowMs = this.#options.clock.nowMs();
    const known = readRefreshToken(tx, hash);
    if (!known) return undefined;
    if (known.replacedAtMs !== null && !isReplay(tx, known, input, nowMs)) {
      deleteSession(tx, known.sessionId);
      const { id, username } = known.user;
      const details = { device_id: known.deviceId };
      this.#options.audit.record(
        {
          action: 'refresh.reuse',
          outcome: 'refused',
          by: { userId: id, username },
          from: input,
          target: known.sessionId,
          details,
        },
        tx,
      );
      return { reused: known };
    }
    const { user } = known;
    if (known.expiresAtMs <= nowMs || (user.expiresAtMs ?? nowMs + 1) <= nowMs) return undefined;
    if (known.successor) markVoid(tx, known.successor, nowMs);
    const issued = this.#issue(tx, known);
    const successor = sha256(issued.refreshToken);
    markReplaced(tx, hash, { successor, sessionKey: known.sessionKey, nowMs });
    return issued;
  }

  #issue(
    tx: Tx,
    session: { readonly sessionKey: number; readonly sessionId: string; readonly user: User },
  ): OpenSession {
    const refreshToken = randomToken(32);
    const expiresAtMs = this.#options.clock.nowMs() + REFRESH_TOKEN_MS;
    insertRefreshToken(tx, { hash: sha256(refreshToken), sessionKey: session.sessionKey, expiresAtMs });
    return { sessionId: session.sessionId, refreshToken, user: session.user };
  }
}

/**
 * Whether the token's own device shows it again because its answer was lost: within a minute, and nobody has used what
 * the token was exchanged for.
 */
function isReplay(tx: Tx, known: StoredRefreshToken, input: RefreshInput, nowMs: number): boolean {
  const { replacedAtMs, successor, deviceId } = known;
  if (replacedAtMs === null || !successor || deviceId === null || input.deviceId !== deviceId) return false;
  // Of the wall clock, which may have been set back: an exchange that lies ahead gives no minute.
  const sinceMs = nowMs - replacedAtMs;
  return sinceMs >= 0 && sinceMs < REPLAY_MS && readRefreshToken(tx, successor)?.replacedAtMs === null;
}

/** @throws HubError `unauthenticated` when the account has come to its end. */
export function refuseExpired({ expiresAtMs }: Pick<User, 'expiresAtMs'>, nowMs: number): void {
  if (expiresAtMs === null || nowMs < expiresAtMs) return;
  throw new HubError('unauthenticated', 'This account has expired. Ask an admin of the home to prolong it.');
}

function invalidRefreshToken(): HubError {
  return new HubError('unauthenticated', 'The refresh token is not valid any more. Log in again.');
}
