export const ROLES = ['owner', 'admin', 'member', 'guest', 'service'] as const;
export type Role = (typeof ROLES)[number];

/** Who makes a request, as proved by a token. */
export interface Principal {
  readonly userId: string;
  readonly username: string;
  readonly role: Role;
  /** The token's own id, so that a log line can name it. */
  readonly tokenId: string;
  /** The login that the token came from; ending it ends every token of it. Absent for what stands alone. */
  readonly sessionId?: string;
  /** What the client called itself when it logged in, if it said so. */
  readonly deviceId?: string;
  /** ms since the Unix epoch; a live connection closes then. */
  readonly expiresAtMs: number;
}

export interface User {
  readonly id: string;
  readonly username: string;
  readonly role: Role;
  readonly createdAtMs: number;
}

/** A fresh pair of tokens, as login, setup and refresh answer. */
export interface TokenPair {
  readonly accessToken: string;
  readonly refreshToken: string;
  /** Seconds until the access token expires. */
  readonly expiresInS: number;
  readonly user: User;
}

/** One access token that lives long and has no refresh token beside it, for clients that know no others. */
export interface LongToken {
  readonly accessToken: string;
  /** Seconds until it expires. */
  readonly expiresInS: number;
  readonly user: User;
}

/** A code that lets guests in, as it is listed: the code itself is told once and kept nowhere. */
export interface GuestCode {
  /** Its first characters. */
  readonly prefix: string;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
}

/** What a request wants to do; the policy function answers yes or no. Everything not allowed is refused. */
export const PERMISSIONS = [
  'home:read',
  'home:control',
  'graph:write',
  'sync:pull',
  'sync:push',
  'system:admin',
] as const;
export type Permission = (typeof PERMISSIONS)[number];
