import { createSecretKey, type KeyObject } from 'node:crypto';

import { errors, jwtVerify, SignJWT } from 'jose';

import type { Clock } from '../base/clock.ts';

import { HubError } from '../base/errors.ts';
import { randomToken } from '../base/ids.ts';

/** An open live connection ends with its token, so shorter would only mean more reconnects. */
export const ACCESS_TOKEN_S = 3600;

const ALGORITHM = 'HS256';
const ISSUER = 'funkygibbon';
const AUDIENCE = 'funkygibbon-api';
/** Far above any token that was signed here; longer input is not worth a signature check. */
const MAX_TOKEN_LENGTH = 2048;

/** A household's phones, panels and scripts; each costs some 500 bytes. */
const MAX_KNOWN_TOKENS = 200;

/** What a genuine, unexpired access token says. Whether its session still exists is for the caller to ask. */
export interface AccessClaims {
  readonly userId: string;
  readonly sessionId: string;
  readonly tokenId: string;
  readonly expiresAtMs: number;
}

/** Signs and checks access tokens: JWTs of one fixed algorithm, issuer and audience. */
export class AccessTokens {
  readonly #clock: Clock;
  readonly #key: KeyObject;
  /** Tokens whose signature was found good, the one seen longest ago first: checking one takes as long as a small sync. */
  readonly #known = new Map<string, AccessClaims>();

  constructor(clock: Clock, secret: string) {
    this.#clock = clock;
    this.#key = createSecretKey(Buffer.from(secret, 'utf8'));
  }

  async sign(userId: string, sessionId: string, lifetimeS = ACCESS_TOKEN_S): Promise<string> {
    const nowS = Math.floor(this.#clock.nowMs() / 1000);
    return await new SignJWT({ sid: sessionId })
      .setProtectedHeader({ alg: ALGORITHM, typ: 'JWT' })
      .setIssuer(ISSUER)
      .setAudience(AUDIENCE)
      .setSubject(userId)
      .setJti(randomToken(12))
      .setIssuedAt(nowS)
      .setExpirationTime(nowS + lifetimeS)
      .sign(this.#key);
  }

  /** @throws HubError `unauthenticated` for anything but a genuine token that has not expired. */
  async verify(token: string): Promise<AccessClaims> {
    if (token.length > MAX_TOKEN_LENGTH) throw invalidToken();
    const known = this.#known.get(token);
    if (known && this.#clock.nowMs() < known.expiresAtMs) return known;
    const claims = await this.#checked(token);
    this.#known.set(token, claims);
    const oldest = this.#known.keys().next();
    if (this.#known.size > MAX_KNOWN_TOKENS && !oldest.done) this.#known.delete(oldest.value);
    return claims;
  }

  async #checked(token: string): Promise<AccessClaims> {
    try {
      const { payload } = await jwtVerify(token, this.#key, {
        algorithms: [ALGORITHM],
        issuer: ISSUER,
        audience: AUDIENCE,
        currentDate: new Date(this.#clock.nowMs()),
        requiredClaims: ['sub', 'sid', 'jti', 'exp'],
      });
      const { sub, sid, jti, exp } = payload;
      if (
        typeof sub !== 'string' ||
        typeof sid !== 'string' ||
        typeof jti !== 'string' ||
        exp === undefined
      ) {
        throw invalidToken();
      }
      return { userId: sub, sessionId: sid, tokenId: jti, expiresAtMs: exp * 1000 };
    } catch (error) {
      if (error instanceof errors.JWTExpired) {
        throw new HubError('unauthenticated', 'The access token has expired. Refresh it, or log in again.', {
          cause: error,
        });
      }
      if (error instanceof errors.JOSEError) throw invalidToken(error);
      throw error;
    }
  }
}

export function invalidToken(cause?: unknown): HubError {
  return new HubError('unauthenticated', 'The access token is not valid. Log in again.', { cause });
}
