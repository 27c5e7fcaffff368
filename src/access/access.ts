import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/log.ts';
import type { Store } from '../base/store.ts';
import type { JsonObject } from '../base/json.ts';
import type { LoginInput, PasswordChange } from './logins.ts';
import type { SetupInput } from './first-owner.ts';
import type { RefreshInput } from './sessions.ts';
import type { Actor, DeviceSession, LongToken, Permission, Principal, TokenPair } from './types.ts';

import { errorText, HubError, StartError } from '../base/errors.ts';
import { randomToken } from '../base/ids.ts';
import { keepSecret } from '../base/kept-values.ts';
import { ApiKeys } from './api-keys.ts';
import { Audit } from './audit.ts';
import { CommandPace } from './command-pace.ts';
import { CommandRefusedError } from './errors.ts';
import { FirstOwner } from './first-owner.ts';
import { GuestCodes } from './guest-codes.ts';
import { Logins } from './logins.ts';
import { Pairing } from './pairing.ts';
import { PasswordHasher } from './password.ts';
import { isAllowed, isRestrictedKind, mayCommand } from './rules.ts';
import { Sessions } from './sessions.ts';
import { Throttle } from './throttle.ts';
import { AccessTokens } from './tokens.ts';
import { PERMISSIONS, TERMINAL } from './types.ts';
import { Users } from './users.ts';

export { DEFAULT_OVERLAP_S } from './api-keys.ts';
export type { ToldApiKey } from './api-keys.ts';
export { Audit, type AuditEvent, type AuditFilter } from './audit.ts';
export { removeExpired } from './expiry.ts';
export type { SetupInput } from './first-owner.ts';
export type { LoginInput, PasswordChange } from './logins.ts';
export { pairingUri } from './pairing.ts';
export type { RefreshInput } from './sessions.ts';
export type { UserView } from './users.ts';

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

/** A command as the policy looks at it. */
export interface CommandOrder {
  readonly entityId: string;
  /** What kinds of device it moves, as the rules of the devices say. */
  readonly kinds: readonly string[];
  /** For the audit log, without anything that could be a code. */
  readonly details: JsonObject;
}

/** HS256 takes any key; a short one can be guessed from a single token. */
const MIN_SECRET_BYTES = 32;

/** Users, logins and tokens, and the one answer to "may they?". */
export class Access implements Disposable {
  readonly #log: Logger;
  readonly #throttle: Throttle;
  readonly #commandPace: CommandPace;
  readonly #firstOwner: FirstOwner;
  readonly #logins: Logins;
  readonly #sessions: Sessions;
  /** Who did what, from where. */
  readonly audit: Audit;
  /** The people of the home. */
  readonly users: Users;
  /** Keys for programs. */
  readonly apiKeys: ApiKeys;
  /** Lets phones in without a password. */
  readonly pairing: Pairing;
  /** Codes that let guests in. */
  readonly guestCodes: GuestCodes;

  constructor({ store, clock, log, jwtSecret }: AccessOptions) {
    this.#log = log;
    const tokens = new AccessTokens(clock, jwtSecret);
    const passwords = new PasswordHasher();
    const throttle = new Throttle(clock);
    const audit = new Audit({ store, clock, log });
    const sessions = new Sessions({ store, clock, log, tokens, audit });
    const parts = { store, clock, log, tokens, passwords, throttle, audit, sessions };
    this.#throttle = throttle;
    this.#commandPace = new CommandPace(clock);
    this.#sessions = sessions;
    this.#firstOwner = new FirstOwner(parts);
    this.#logins = new Logins(parts);
    this.audit = audit;
    this.users = new Users(parts);
    this.apiKeys = new ApiKeys(parts);
    this.pairing = new Pairing(parts);
    this.guestCodes = new GuestCodes(parts);
  }

  /**
   * Makes what is missing of the signing secret and of the first way in.
   * @throws StartError when the configured secret is shorter than 32 bytes.
   */
  static async start(options: AccessStartOptions): Promise<Access> {
    const { store, clock, log, adminPassword } = options;
    const jwtSecret = options.jwtSecret ?? keepSecret(store, 'jwt_secret', () => randomToken(48));
    if (Buffer.byteLength(jwtSecret) < MIN_SECRET_BYTES) {
      throw new StartError(
        'auth',
        `auth.jwt_secret has fewer than ${MIN_SECRET_BYTES} bytes. Make one with \`openssl rand -base64 48\`, or leave it out.`,
        { badConfiguration: true },
      );
    }
    const access = new Access({ store, clock, log, jwtSecret });
    await access.#firstOwner.openDoor(adminPassword);
    return access;
  }

  /** See `FirstOwner`. */
  get setupCode(): string | null {
    return this.#firstOwner.setupCode;
  }

  /** See `FirstOwner`. */
  async setup(input: SetupInput): Promise<TokenPair> {
    return await this.#firstOwner.setup(input);
  }

  /** See `Logins`. */
  async login(input: LoginInput): Promise<TokenPair> {
    return await this.#logins.login(input);
  }

  /** See `Logins`. */
  async loginAsAdmin(input: Omit<LoginInput, 'username' | 'deviceId'>): Promise<LongToken> {
    return await this.#logins.loginAsAdmin(input);
  }

  /** See `Logins`. */
  async changePassword(change: PasswordChange, actor: Actor): Promise<void> {
    await this.#logins.changePassword(change, actor);
  }

  /**
   * Gives an owner or admin another token for a week, of the same login as the one that the request came with.
   * @throws HubError `forbidden` for anybody else, `unauthenticated` when the login has ended.
   */
  async renew(principal: Principal): Promise<LongToken> {
    if (principal.permissions || !isAllowed(principal, 'system:admin')) {
      throw new HubError('forbidden', 'Only admin tokens can be refreshed');
    }
    return await this.#sessions.renew(principal.sessionId);
  }

  /** See `Sessions`. */
  async refresh(input: RefreshInput): Promise<TokenPair> {
    return await this.#sessions.refresh(input);
  }

  /** See `Sessions`. */
  async logout(actor: Actor): Promise<void> {
    await this.#sessions.logout(actor);
  }

  /** Paired devices and other logins; see `Sessions`. */
  devices(principal: Principal): DeviceSession[] {
    return this.#sessions.list(principal);
  }

  /** See `Sessions`. */
  async revokeDevice(sessionId: string, actor: Actor): Promise<void> {
    await this.#sessions.revoke(sessionId, actor);
  }

  /** Calls `ended` with each session that somebody ends, so that what is open by it can be closed at once. */
  followSessionEnds(ended: (sessionId: string) => void): Disposable {
    return this.#sessions.follow(ended);
  }

  /** Who an access token or an API key speaks for, now. @throws HubError `unauthenticated`. */
  async verify(token: string): Promise<Principal> {
    return ApiKeys.looksLike(token) ? this.apiKeys.verify(token) : await this.#sessions.verify(token);
  }

  /**
   * The rights that whoever wrote something has now, for what the hub does in their name: a user, an API key, or the
   * terminal. Undefined where they have ended.
   */
  principalOf(userId: string): Principal | undefined {
    if (userId === TERMINAL.principal.userId) return TERMINAL.principal;
    return this.apiKeys.principalOf(userId) ?? this.users.principalOf(userId);
  }

  /** The policy: whether the principal may do this. Everything not granted is refused. */
  allows(principal: Principal, permission: Permission): boolean {
    return isAllowed(principal, permission);
  }

  /** The same policy for commands: whether the principal may command a device of these kinds. */
  mayCommand(principal: Principal, kinds: readonly string[]): boolean {
    return mayCommand(principal, kinds);
  }

  /**
   * To be asked by every door before it sends a command for somebody. Commands to what keeps the house shut are in the
   * audit log, and so is what was refused.
   * @throws CommandRefusedError, HubError `rate_limited`
   */
  authorizeCommand(actor: Actor, { entityId, kinds, details }: CommandOrder): void {
    const { principal } = actor;
    const restricted = kinds.filter(isRestrictedKind);
    const event = { action: 'command', by: principal, from: actor, target: entityId } as const;
    if (!mayCommand(principal, kinds)) {
      this.audit.note(`command ${principal.userId} ${actor.address}`, {
        ...event,
        outcome: 'refused',
        details: { kinds },
      });
      throw new CommandRefusedError(
        kinds.length === 0
          ? 'This user may not command this device.'
          : `This user may not command: ${kinds.join(', ')}. An admin can grant it with PATCH /api/users/{id} {"grants": […]}.`,
      );
    }
    if (restricted.length === 0) return;
    this.#commandPace.count(principal.userId);
    try {
      this.audit.record({ ...event, details: { ...details, kinds: restricted } });
    } catch (error) {
      // Nobody is to stand before a locked door because a card is full.
      this.#log.error({ error: errorText(error), entity_id: entityId }, 'a command could not be audited');
    }
  }

  permissionsOf(principal: Principal): Permission[] {
    return PERMISSIONS.filter((permission) => isAllowed(principal, permission));
  }

  [Symbol.dispose](): void {
    this.audit[Symbol.dispose]();
    this.#throttle.clear();
  }
}
