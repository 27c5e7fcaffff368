import type { AccessToken, TokenProvider } from './http.ts';

import { environmentWith, type Environment } from './environment.ts';
import { ClientError } from './errors.ts';
import { callHub } from './http.ts';
import { Shape } from './shape.ts';

/** The tokens of a login, as an app keeps them in its keychain. */
export interface Tokens {
  readonly accessToken: string;
  /** Good once: each renewal brings the next. */
  readonly refreshToken: string;
  /** When the access token ends by this device's clock, ms since the Unix epoch. */
  readonly expiresAtMs: number;
  readonly userId: string;
}

export interface SessionOptions {
  /** `http://192.168.1.10:8000` */
  readonly hubUrl: string;
  readonly tokens: Tokens;
  /**
   * Keeps new tokens; awaited before they are used. Without it a restarted app has a refresh token that was used
   * already, and the hub ends the login.
   */
  readonly onTokens?: (tokens: Tokens) => void | Promise<void>;
  readonly environment?: Partial<Environment>;
}

export interface LoginOptions extends Omit<SessionOptions, 'tokens'> {
  readonly username: string;
  readonly password: string;
  /** Binds nothing; names the login in the hub's list. */
  readonly deviceId?: string;
}

/** Renewed this long before its end, so that no request goes out with a token that ends on the way. */
const RENEW_BEFORE_MS = 60_000;

/** A login: gives access tokens and renews them, one renewal at a time. */
export class Session {
  /** For `ClientOptions.tokens`. */
  readonly provide: TokenProvider = async (stale) => await this.#provide(stale);
  readonly #options: SessionOptions;
  readonly #environment: Environment;
  #tokens: Tokens;
  #renewing: Promise<Tokens> | undefined;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#environment = environmentWith(options.environment);
    this.#tokens = options.tokens;
  }

  /**
   * Exchanges a password for tokens.
   * @throws ClientError `signed_out` when the name or the password is wrong, `offline`, `busy` (too many attempts).
   */
  static async login(options: LoginOptions): Promise<Session> {
    const { username, password, deviceId, ...rest } = options;
    const environment = environmentWith(options.environment);
    const body = { username, password, device_id: deviceId ?? null };
    const path = '/api/auth/login';
    const answer = await callHub(environment, options.hubUrl, { method: 'POST', path, body });
    const tokens = toTokens(answer, environment.nowMs());
    await options.onTokens?.(tokens);
    return new Session({ ...rest, tokens });
  }

  get tokens(): Tokens {
    return this.#tokens;
  }

  get userId(): string {
    return this.#tokens.userId;
  }

  /** Ends the login at the hub. */
  async logout(): Promise<void> {
    const { hubUrl } = this.#options;
    await callHub(this.#environment, hubUrl, {
      method: 'POST',
      path: '/api/auth/logout',
      tokens: this.provide,
    });
  }

  async #provide(stale: string | undefined): Promise<AccessToken> {
    const { accessToken, expiresAtMs } = this.#tokens;
    const ending = this.#environment.nowMs() > expiresAtMs - RENEW_BEFORE_MS;
    // Somebody else may have renewed it since `stale` was sent.
    const tokens = ending || stale === accessToken ? await this.#renewOnce() : this.#tokens;
    return { value: tokens.accessToken, expiresAtMs: tokens.expiresAtMs };
  }

  async #renewOnce(): Promise<Tokens> {
    this.#renewing ??= this.#renew().finally(() => {
      this.#renewing = undefined;
    });
    return await this.#renewing;
  }

  async #renew(): Promise<Tokens> {
    const { hubUrl, onTokens } = this.#options;
    const body = { refresh_token: this.#tokens.refreshToken };
    const path = '/api/auth/refresh';
    const answer = await callHub(this.#environment, hubUrl, { method: 'POST', path, body });
    const tokens = toTokens(answer, this.#environment.nowMs());
    this.#tokens = tokens;
    await onTokens?.(tokens);
    return tokens;
  }
}

function toTokens(answer: unknown, nowMs: number): Tokens {
  const tokens = new Shape(answer, 'tokens');
  const lifetimeS = tokens.number('expires_in');
  if (lifetimeS <= 0) throw new ClientError('protocol', 'the hub gave a token that has ended already');
  return {
    accessToken: tokens.text('access_token'),
    refreshToken: tokens.text('refresh_token'),
    expiresAtMs: nowMs + lifetimeS * 1000,
    userId: tokens.text('user_id'),
  };
}
