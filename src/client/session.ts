import type { AccessToken, HubRequest, TokenProvider } from './http.ts';

import { environmentWith, newId, type Environment } from './environment.ts';
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
  /** As the login or the pairing named it: by it the hub knows the device again whose answer was lost. */
  readonly deviceId?: string;
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
  /**
   * Binds nothing; names the login in the hub's list, and lets the hub know the device again whose renewal was lost. By
   * default a new UUID.
   */
  readonly deviceId?: string;
}

export interface PairOptions extends Omit<SessionOptions, 'tokens'> {
  /** What the hub showed; good once, for ten minutes. */
  readonly code: string;
  /** The tokens are good for this device only: give the same to `HomeClient.open`. */
  readonly deviceId: string;
  /** What people call the device. */
  readonly deviceName?: string;
}

/** What a pairing QR code says. */
export interface PairingUri {
  readonly hubUrl: string;
  readonly code: string;
  /** `sha256/…` of the public key that the hub's certificate must have; null where the hub has no TLS. */
  readonly fingerprint: string | null;
}

/** Renewed this long before its end, so that no request goes out with a token that ends on the way. */
const RENEW_BEFORE_MS = 60_000;
/**
 * How long an answer to a renewal is waited for. The hub takes a refresh token again for a minute, from its own device:
 * asking a second time after a lost answer has to fall into that.
 */
const RENEW_TIMEOUT_MS = 15_000;

/** A login: gives access tokens and renews them, one renewal at a time. */
export class Session {
  /** For `ClientOptions.tokens`. */
  readonly provide: TokenProvider = async (stale) => await this.#provide(stale);
  readonly #options: SessionOptions;
  readonly #environment: Environment;
  #tokens: Tokens;
  #renewing: Promise<Tokens> | undefined;
  /** Renewed tokens that `onTokens` could not keep: nothing is done with them before it has. */
  #unkept: Tokens | undefined;

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
    const { username, password, ...rest } = options;
    const environment = environmentWith(options.environment);
    const deviceId = options.deviceId ?? newId(environment);
    const body = { username, password, device_id: deviceId };
    const path = '/api/auth/login';
    const answer = await callHub(environment, options.hubUrl, { method: 'POST', path, body });
    const tokens = toTokens(answer, environment.nowMs(), deviceId);
    await options.onTokens?.(tokens);
    return new Session({ ...rest, tokens });
  }

  /**
   * Exchanges a pairing code for tokens of this device, without a password.
   * @throws ClientError `signed_out` when the code is wrong, used or too old, `offline`, `busy` (too many attempts).
   */
  static async pair(options: PairOptions): Promise<Session> {
    const { code, deviceId, deviceName, ...rest } = options;
    const environment = environmentWith(options.environment);
    const body = { code, device_id: deviceId, device_name: deviceName ?? null };
    const path = '/api/auth/pair';
    const answer = await callHub(environment, options.hubUrl, { method: 'POST', path, body });
    const tokens = toTokens(answer, environment.nowMs(), deviceId);
    await options.onTokens?.(tokens);
    return new Session({ ...rest, tokens });
  }

  /** Reads what the camera saw. @throws ClientError `invalid` when that is no pairing code of a hub. */
  static readPairingUri(text: string): PairingUri {
    // By hand: React Native has a URLSearchParams of which `get` throws.
    const [, query = ''] = /^funkygibbon:\/\/pair\?(.*)$/.exec(text.trim()) ?? [];
    const said = new Map(query.split('&').map((pair) => pairOf(pair)));
    const hubUrl = said.get('url');
    const code = said.get('code');
    if (said.get('v') !== '1' || code === undefined || !/^https?:\/\/[^/]/.test(hubUrl ?? '') || !hubUrl) {
      throw new ClientError('invalid', 'that is not the pairing code of a hub that this app understands');
    }
    return { hubUrl, code, fingerprint: said.get('fp') ?? null };
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
    // The hub has given these already; the refresh token that they were given for may not be shown again by now.
    const tokens = this.#unkept ?? (await this.#askForNext());
    this.#unkept = tokens;
    // Whoever is given a token before it is kept may use it, and the app's next start would know an older one only.
    await this.#options.onTokens?.(tokens);
    this.#tokens = tokens;
    this.#unkept = undefined;
    return tokens;
  }

  /** Exchanges the refresh token. When the answer is lost, the same token is shown once more, at once. */
  async #askForNext(): Promise<Tokens> {
    const { refreshToken, deviceId } = this.#tokens;
    const request: HubRequest = {
      method: 'POST',
      path: '/api/auth/refresh',
      body: { refresh_token: refreshToken, device_id: deviceId ?? null },
      timeoutMs: RENEW_TIMEOUT_MS,
    };
    const ask = async (): Promise<unknown> => await callHub(this.#environment, this.#options.hubUrl, request);
    let answer: unknown;
    try {
      answer = await ask();
    } catch (error) {
      const isLost = error instanceof ClientError && (error.kind === 'offline' || error.timedOut);
      if (!isLost) throw error;
      answer = await ask();
    }
    return toTokens(answer, this.#environment.nowMs(), deviceId);
  }
}

function pairOf(text: string): [string, string] {
  const [name = '', value = ''] = text.split('=', 2);
  try {
    return [name, decodeURIComponent(value)];
  } catch {
    return [name, ''];
  }
}

function toTokens(answer: unknown, nowMs: number, deviceId: string | undefined): Tokens {
  const tokens = new Shape(answer, 'tokens');
  const lifetimeS = tokens.number('expires_in');
  if (lifetimeS <= 0) throw new ClientError('protocol', 'the hub gave a token that has ended already');
  return {
    accessToken: tokens.text('access_token'),
    refreshToken: tokens.text('refresh_token'),
    expiresAtMs: nowMs + lifetimeS * 1000,
    userId: tokens.text('user_id'),
    ...(deviceId === undefined ? {} : { deviceId }),
  };
}
