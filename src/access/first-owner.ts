import type { Clock } from '../base/clock.ts';
import type { Tx } from '../base/db.ts';
import type { Logger } from '../base/log.ts';
import type { Store } from '../base/store.ts';
import type { Audit } from './audit.ts';
import type { PasswordHasher } from './password.ts';
import type { StoredUser } from './reader.ts';
import type { Sessions } from './sessions.ts';
import type { Throttle } from './throttle.ts';
import type { Origin, TokenPair, User } from './types.ts';

import { HubError } from '../base/errors.ts';
import { newId } from '../base/ids.ts';
import { keepSecret, readKeptSecret, readKeptValue, replaceKeptValue } from '../base/kept-values.ts';
import { sameText } from './hashes.ts';
import { hasUsers } from './reader.ts';
import { checkPassword, checkUsername, foldUsername } from './rules.ts';
import { makeCode, normalizeCode } from './typed-code.ts';
import { insertUser } from './writer.ts';

export interface FirstOwnerOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Logger;
  readonly passwords: PasswordHasher;
  readonly throttle: Throttle;
  readonly sessions: Sessions;
  readonly audit: Audit;
}

export interface SetupInput extends Origin {
  readonly code: string;
  readonly username: string;
  readonly password: string;
}

const SETUP_CODE = 'setup_code';

/** The first way into a home that has no users yet. There is never a password that everybody knows. */
export class FirstOwner {
  readonly #options: FirstOwnerOptions;

  constructor(options: FirstOwnerOptions) {
    this.#options = options;
  }

  /** The code with which the first person becomes the owner; null once there is a user. A restart shows the same. */
  get setupCode(): string | null {
    const { store } = this.#options;
    return hasUsers(store.db) ? null : (readKeptSecret(store, SETUP_CODE) ?? null);
  }

  /**
   * Sees to it that there is a way in: users already, or the user `admin` with this password, or a setup code. Durable
   * when it resolves: a code that was shown must not be another one after a power cut.
   */
  async openDoor(adminPassword: string | null): Promise<void> {
    const { store, passwords, log } = this.#options;
    if (!hasUsers(store.db) && adminPassword !== null) {
      const passwordPhc = await passwords.hash(adminPassword);
      store.write((tx) => this.#insert(tx, 'admin', passwordPhc));
      log.info('made the first user, admin, with the configured password');
    }
    if (hasUsers(store.db)) this.#forgetCode();
    else keepSecret(store, SETUP_CODE, makeCode);
    await store.durable();
  }

  /**
   * Makes the owner, once.
   * @throws HubError `unauthenticated` (wrong code), `conflict` (there is an owner), `invalid`, `rate_limited`.
   */
  async setup(input: SetupInput): Promise<TokenPair> {
    const { store, passwords, throttle, sessions, audit, log } = this.#options;
    const expected = this.setupCode;
    if (expected === null) throw alreadySetUp();
    const username = checkUsername(input.username);
    checkPassword(input.password);
    const succeeded = throttle.begin(' setup', input.address);
    if (!sameText(normalizeCode(input.code), normalizeCode(expected))) {
      audit.note(`setup ${input.address}`, { action: 'setup', by: null, from: input });
      throw new HubError(
        'unauthenticated',
        'The setup code is wrong. The hub shows it when it starts, and `funkygibbon pair` shows it again.',
      );
    }
    succeeded();
    const passwordPhc = await passwords.hash(input.password);
    const session = store.write((tx) => {
      // Two people may have typed the code at the same time; the first transaction wins.
      if (hasUsers(tx)) throw alreadySetUp();
      const owner = this.#insert(tx, username, passwordPhc);
      audit.record({ action: 'setup', by: { userId: owner.user.id, username }, from: input }, tx);
      return sessions.open(tx, owner, { deviceId: null });
    });
    this.#forgetCode();
    log.info({ username }, 'the owner was set up');
    return await sessions.answer(session);
  }

  #forgetCode(): void {
    const { store } = this.#options;
    if (readKeptValue(store, SETUP_CODE) !== undefined) replaceKeptValue(store, SETUP_CODE, null);
  }

  #insert(tx: Tx, username: string, passwordPhc: string): Pick<StoredUser, 'key' | 'user'> {
    const createdAtMs = this.#options.clock.nowMs();
    const user: User = { id: newId(), username, role: 'owner', createdAtMs, expiresAtMs: null, grants: [] };
    return { key: insertUser(tx, user, foldUsername(username), passwordPhc), user };
  }
}

function alreadySetUp(): HubError {
  return new HubError('conflict', 'This hub has an owner already. Log in, or ask the owner for an account.');
}
