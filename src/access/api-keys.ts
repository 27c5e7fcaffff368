import { randomBytes } from 'node:crypto';

import type { Clock } from '../base/clock.ts';
import type { Db } from '../base/db.ts';
import type { Logger } from '../base/log.ts';
import type { Store } from '../base/store.ts';
import type { Audit } from './audit.ts';
import type { Sessions } from './sessions.ts';
import type { Actor, ApiKey, GrantKind, Principal, Scope } from './types.ts';

import { errorText, HubError } from '../base/errors.ts';
import { randomToken } from '../base/ids.ts';
import { sha256 } from './hashes.ts';
import { readApiKey, readApiKeyBySecret, readApiKeys, type StoredApiKey } from './key-reader.ts';
import { deleteApiKey, deleteOldSecrets, insertApiKey, replaceSecret, updateLastUsed } from './key-writer.ts';
import { readUser, type StoredUser } from './reader.ts';
import { checkExpiry, checkLabel, mayManage, permissionsOfScopes, userIdOfKey } from './rules.ts';
import { refuseExpired } from './sessions.ts';
import { refuseEnded } from './standing.ts';
import { NEVER_MS } from './types.ts';

export interface ApiKeysOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Logger;
  readonly sessions: Sessions;
  readonly audit: Audit;
}

export interface NewApiKey {
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly grants?: readonly GrantKind[] | undefined;
  readonly expiresAtMs?: number | null | undefined;
}

/** A key with its secret, which is told this once. */
export interface ToldApiKey {
  readonly apiKey: ApiKey;
  readonly secret: string;
}

const MAX_KEYS = 100;
const DAY_S = 24 * 3600;
const MAX_OVERLAP_S = 7 * DAY_S;
export const DEFAULT_OVERLAP_S = DAY_S;
/** A program may ask every second for years; the card does not have to know to the second. */
const NOTE_USE_EVERY_MS = 60_000;

/** The key's id, by which people tell keys apart, and 256 bits that nobody can guess. */
const SECRET = /^fgk_([0-9a-f]{12})_[A-Za-z0-9_-]{43}$/;

/**
 * Keys for programs: they take the place of an access token wherever one is asked for. A plain SHA-256 of the secret is
 * kept: unlike a password it has 256 random bits, so that there is nothing to guess that a slow hash would have to
 * slow down, and each request could not afford one.
 */
export class ApiKeys {
  readonly #options: ApiKeysOptions;

  constructor(options: ApiKeysOptions) {
    this.#options = options;
  }

  /** Whether a bearer token is meant to be an API key. */
  static looksLike(token: string): boolean {
    return token.startsWith('fgk_');
  }

  /** Who a key speaks for, now. @throws HubError `unauthenticated`. */
  verify(secret: string): Principal {
    const { store, clock } = this.#options;
    const found = SECRET.test(secret) ? readApiKeyBySecret(store.db, sha256(secret)) : undefined;
    if (!found) throw refused('is not valid: it was deleted, or replaced by another');
    const { apiKey, maker, secretExpiresAtMs } = found;
    const nowMs = clock.nowMs();
    const expiresAtMs = Math.min(apiKey.expiresAtMs ?? NEVER_MS, secretExpiresAtMs ?? NEVER_MS);
    if (nowMs >= expiresAtMs) throw refused('has expired');
    refuseExpired(maker.user, nowMs);
    this.#noteUse(found, nowMs);
    return toPrincipal(apiKey, Math.min(expiresAtMs, maker.user.expiresAtMs ?? NEVER_MS));
  }

  /** The rights that a key has now, without its secret; undefined where it has ended. */
  principalOf(userId: string): Principal | undefined {
    const { store, clock } = this.#options;
    const found = userId.startsWith('key:') ? readApiKey(store.db, userId.slice('key:'.length)) : undefined;
    if (!found) return undefined;
    const { apiKey, maker } = found;
    const expiresAtMs = Math.min(apiKey.expiresAtMs ?? NEVER_MS, maker.user.expiresAtMs ?? NEVER_MS);
    return clock.nowMs() >= expiresAtMs ? undefined : toPrincipal(apiKey, expiresAtMs);
  }

  /** In the order in which they were made. */
  list(): ApiKey[] {
    const nowMs = this.#options.clock.nowMs();
    return readApiKeys(this.#options.store.db).map(({ apiKey }) => present(apiKey, nowMs));
  }

  /**
   * Makes a key. It ends with whoever made it.
   * @throws HubError `invalid`, `conflict` where there are too many.
   */
  async create(input: NewApiKey, actor: Actor): Promise<ToldApiKey> {
    const { store, clock, audit, log } = this.#options;
    const nowMs = clock.nowMs();
    const name = checkLabel(input.name, 'name');
    const { scopes, grants = [], expiresAtMs = null } = input;
    if (scopes.length === 0) {
      throw new HubError('invalid', 'scopes must name at least one', { field: 'scopes' });
    }
    checkExpiry(expiresAtMs, nowMs);
    const id = randomBytes(6).toString('hex');
    const secret = makeSecret(id);
    const apiKey = store.write((tx) => {
      refuseEnded(tx, actor);
      if (readApiKeys(tx).length >= MAX_KEYS) {
        throw new HubError(
          'conflict',
          `There are ${MAX_KEYS} API keys already. Delete some that are not needed.`,
        );
      }
      const maker = readMaker(tx, actor);
      if (!maker) throw new HubError('forbidden', 'Only a user with an account makes API keys.');
      const key = { id, name, scopes, grants, createdAtMs: nowMs, expiresAtMs };
      insertApiKey(tx, key, maker.key, sha256(secret));
      const details = { name, scopes, grants, expires_ms: expiresAtMs };
      audit.record({ action: 'api_key.create', by: actor.principal, from: actor, target: id, details }, tx);
      return this.#existing(tx, id).apiKey;
    });
    log.info({ key: id, scopes, by: actor.principal.userId }, 'an API key was made');
    await store.durable();
    return { apiKey, secret };
  }

  /**
   * Gives a key another secret; the present one stays good for `overlapS`, so that programs can be told one by one.
   * @throws HubError `not_found`, `forbidden` (somebody else's key), `invalid` (more than seven days).
   */
  async rotate(id: string, overlapS: number, actor: Actor): Promise<ToldApiKey> {
    const { store, clock, sessions, audit, log } = this.#options;
    if (!Number.isInteger(overlapS) || overlapS < 0 || overlapS > MAX_OVERLAP_S) {
      throw new HubError('invalid', `overlap_seconds must be a whole number from 0 to ${MAX_OVERLAP_S}`, {
        field: 'overlap_seconds',
      });
    }
    const secret = makeSecret(id);
    const apiKey = store.write((tx) => {
      refuseEnded(tx, actor);
      const { key, maker } = this.#existing(tx, id);
      // Whoever is told the secret has a key: it must not outlive them because it ends with somebody else.
      if (readMaker(tx, actor)?.key !== maker.key && !mayManage(actor.principal, maker.user.role)) {
        throw new HubError(
          'forbidden',
          'Only the owner rotates API keys that others have made. Make one of your own.',
        );
      }
      replaceSecret(tx, key, sha256(secret), clock.nowMs() + overlapS * 1000);
      if (overlapS === 0) deleteOldSecrets(tx, key);
      const details = { overlap_seconds: overlapS };
      audit.record({ action: 'api_key.rotate', by: actor.principal, from: actor, target: id, details }, tx);
      return this.#existing(tx, id).apiKey;
    });
    // Nobody knows by which of the two secrets a socket was opened; the sweep closes the others when their time comes.
    if (overlapS === 0) sessions.tellEnded([userIdOfKey(id)]);
    log.info({ key: id, by: actor.principal.userId }, 'an API key was rotated');
    await store.durable();
    return { apiKey: present(apiKey, clock.nowMs()), secret };
  }

  /** Ends a key at once, with what is open by it. @throws HubError `not_found`. */
  async delete(id: string, actor: Actor): Promise<void> {
    const { store, sessions, audit, log } = this.#options;
    store.write((tx) => {
      refuseEnded(tx, actor);
      const { apiKey } = this.#existing(tx, id);
      deleteApiKey(tx, id);
      const details = { name: apiKey.name };
      audit.record({ action: 'api_key.delete', by: actor.principal, from: actor, target: id, details }, tx);
    });
    sessions.tellEnded([userIdOfKey(id)]);
    log.info({ key: id, by: actor.principal.userId }, 'an API key was deleted');
    await store.durable();
  }

  #existing(db: Parameters<typeof readApiKey>[0], id: string): StoredApiKey {
    const found = readApiKey(db, id);
    if (!found)
      throw new HubError('not_found', 'There is no such API key. GET /api/auth/api-keys lists them.');
    return found;
  }

  #noteUse({ key, apiKey }: StoredApiKey, nowMs: number): void {
    const { store, log } = this.#options;
    const { lastUsedAtMs } = apiKey;
    if (lastUsedAtMs !== null && Math.abs(nowMs - lastUsedAtMs) < NOTE_USE_EVERY_MS) return;
    try {
      store.write((tx) => updateLastUsed(tx, key, nowMs));
    } catch (error) {
      // A full disk, or a hub that is stopping, is no reason to turn a good key away.
      log.warn({ key: apiKey.id, error: errorText(error) }, 'the use of an API key could not be noted');
    }
  }
}

function toPrincipal(apiKey: ApiKey, expiresAtMs: number): Principal {
  return {
    userId: userIdOfKey(apiKey.id),
    username: apiKey.name,
    role: 'service',
    tokenId: apiKey.id,
    sessionId: userIdOfKey(apiKey.id),
    permissions: permissionsOfScopes(apiKey.scopes),
    grants: apiKey.grants,
    expiresAtMs,
  };
}

function makeSecret(id: string): string {
  return `fgk_${id}_${randomToken(32)}`;
}

function present(apiKey: ApiKey, nowMs: number): ApiKey {
  const { oldSecretUntilMs } = apiKey;
  return oldSecretUntilMs !== null && oldSecretUntilMs <= nowMs
    ? { ...apiKey, oldSecretUntilMs: null }
    : apiKey;
}

/** Who answers for what the actor makes: with a key, the person who made that one. */
function readMaker(db: Db, { principal }: Actor): StoredUser | undefined {
  return readUser(db, principal.userId) ?? readApiKey(db, principal.tokenId)?.maker;
}

function refused(why: string): HubError {
  return new HubError(
    'unauthenticated',
    `The API key ${why}. An admin makes keys with POST /api/auth/api-keys.`,
  );
}
