import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/log.ts';
import type { Store } from '../base/store.ts';
import type { Throttle } from './throttle.ts';
import type { AccessTokens } from './tokens.ts';
import type { Audit } from './audit.ts';
import type { Sessions } from './sessions.ts';
import type { Actor, GuestCode, LongToken, Origin, User } from './types.ts';

import { HubError } from '../base/errors.ts';
import { newId, randomToken } from '../base/ids.ts';
import { sha256 } from './hashes.ts';
import {
  readGuestCode,
  readGuestCodeByPrefix,
  readGuestCodes,
  readSessionIds,
  type StoredGuestCode,
} from './reader.ts';
import { refuseEnded } from './standing.ts';
import { deleteUser, insertGuestCode, insertSession, insertUser, trimSessions } from './writer.ts';

export interface GuestCodesOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Logger;
  readonly tokens: AccessTokens;
  readonly throttle: Throttle;
  readonly sessions: Sessions;
  readonly audit: Audit;
}

const PREFIX_LENGTH = 8;
const MAX_HOURS = 168;
/** Bounds the table; nobody hands out more at a time. */
const MAX_CODES = 200;
/** A code is shown to a whole party; each phone takes one. */
const MAX_SESSIONS_PER_CODE = 100;
/** Longer texts are not worth a hash. */
const MAX_CODE_LENGTH = 256;

/**
 * Codes that let guests in until they expire or are revoked. Each has a user of its own, with the role guest, so that
 * whatever came from a code can be told apart and ended together with it.
 */
export class GuestCodes {
  readonly #options: GuestCodesOptions;

  constructor(options: GuestCodesOptions) {
    this.#options = options;
  }

  /**
   * Makes a code. It is durable when this resolves, and told this once.
   * @throws HubError `invalid` unless it is for 1 to 168 hours, `conflict` where there are too many already.
   */
  async make(hours: number, actor: Actor): Promise<{ code: string; expiresAtMs: number }> {
    if (!Number.isInteger(hours) || hours < 1 || hours > MAX_HOURS) {
      throw new HubError('invalid', `duration_hours must be a whole number from 1 to ${MAX_HOURS}`, {
        field: 'duration_hours',
      });
    }
    const { store, clock, log, audit } = this.#options;
    const nowMs = clock.nowMs();
    const expiresAtMs = nowMs + hours * 3600_000;
    const { code, prefix } = this.#newCode();
    store.write((tx) => {
      refuseEnded(tx, actor);
      if (readGuestCodes(tx, nowMs).length >= MAX_CODES) {
        throw new HubError(
          'conflict',
          `There are ${MAX_CODES} guest codes already. Revoke some that are not needed.`,
        );
      }
      const user: User = {
        id: `guest_${prefix}`,
        username: `guest_${prefix}`,
        role: 'guest',
        createdAtMs: nowMs,
        expiresAtMs,
        grants: [],
      };
      // No name that a person logs in with begins with a space, so none can be taken for this one.
      const userKey = insertUser(tx, user, ` guest ${prefix}`, null);
      insertGuestCode(tx, { hash: sha256(code), prefix, userKey, createdAtMs: nowMs, expiresAtMs });
      const by = actor.principal;
      audit.record({ action: 'guest_code.create', by, from: actor, target: prefix, details: { hours } }, tx);
    });
    log.info({ code: `${prefix}...`, hours }, 'a guest code was made');
    await store.durable();
    return { code, expiresAtMs };
  }

  /**
   * Exchanges a code for a token that lives as long as the code. The code stays good.
   * @throws HubError `unauthenticated` for a code that is unknown, expired or revoked, `rate_limited`.
   */
  async enter(code: string, origin: Origin): Promise<LongToken> {
    const { store, clock, log, tokens, throttle, sessions, audit } = this.#options;
    const { address } = origin;
    const succeeded = throttle.begin(' guest', address);
    const found = code.length <= MAX_CODE_LENGTH ? readGuestCode(store.db, sha256(code)) : undefined;
    const nowMs = clock.nowMs();
    const expiresInS = found ? Math.floor((found.expiresAtMs - nowMs) / 1000) : 0;
    if (!found || expiresInS < 1) {
      log.warn({ address }, 'a guest code was refused');
      audit.note(`guest_code ${address}`, { action: 'guest_code.enter', by: null, from: origin });
      throw new HubError('unauthenticated', 'Invalid or expired guest token');
    }
    succeeded();
    const sessionId = newId();
    const crowdedOut = store.write((tx) => {
      insertSession(tx, {
        id: sessionId,
        userKey: found.userKey,
        deviceId: null,
        nowMs,
        expiresAtMs: found.expiresAtMs,
      });
      const { id: userId, username } = found.user;
      audit.record(
        { action: 'guest_code.enter', by: { userId, username }, from: origin, target: found.prefix },
        tx,
      );
      return trimSessions(tx, found.userKey, { keep: MAX_SESSIONS_PER_CODE, long: true });
    });
    sessions.tellEnded(crowdedOut);
    const accessToken = await tokens.sign(found.user.id, sessionId, expiresInS);
    await store.durable();
    return { accessToken, expiresInS, user: found.user };
  }

  /**
   * Ends a code and every token that came from it; named in full, or by the beginning under which it is listed.
   * @throws HubError `not_found`.
   */
  async revoke(codeOrPrefix: string, actor: Actor): Promise<void> {
    const { store, log, sessions, audit } = this.#options;
    const prefix = codeOrPrefix.replace(/\.{3}$/, '');
    const found =
      prefix.length === PREFIX_LENGTH
        ? readGuestCodeByPrefix(store.db, prefix)
        : readGuestCode(store.db, sha256(codeOrPrefix.slice(0, MAX_CODE_LENGTH)));
    if (!found) throw new HubError('not_found', 'Token not found', { field: 'token' });
    const sessionIds = readSessionIds(store.db, found.userKey);
    store.write((tx) => {
      refuseEnded(tx, actor);
      deleteUser(tx, found.userKey);
      const by = actor.principal;
      audit.record({ action: 'guest_code.revoke', by, from: actor, target: found.prefix }, tx);
    });
    sessions.tellEnded(sessionIds);
    log.info({ code: `${found.prefix}...` }, 'a guest code was revoked');
    await store.durable();
  }

  /** The codes that are good now, oldest first. */
  list(): GuestCode[] {
    return readGuestCodes(this.#options.store.db, this.#options.clock.nowMs()).map(toGuestCode);
  }

  #newCode(): { code: string; prefix: string } {
    for (;;) {
      const code = randomToken(32);
      const prefix = code.slice(0, PREFIX_LENGTH);
      if (!readGuestCodeByPrefix(this.#options.store.db, prefix)) return { code, prefix };
    }
  }
}

function toGuestCode({ prefix, createdAtMs, expiresAtMs }: StoredGuestCode): GuestCode {
  return { prefix, createdAtMs, expiresAtMs };
}
