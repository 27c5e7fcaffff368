import type { JsonObject } from '../base/json.ts';

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
  /** The one device that the token is for: it was paired, and nothing else may sync or listen under another name. */
  readonly boundDeviceId?: string;
  /** What an API key may do, in place of what its role may. */
  readonly permissions?: readonly Permission[];
  /** Kinds of device that may be commanded besides those that the role allows; none where it is absent. */
  readonly grants?: readonly GrantKind[];
  /** Ids of the rooms that they are limited to: nothing else of the home is there for them. Absent: the whole home. */
  readonly rooms?: readonly string[];
  /** ms since the Unix epoch; a live connection closes then. */
  readonly expiresAtMs: number;
}

/** Where a request comes from. */
export interface Origin {
  /** An IP address, or `terminal`. */
  readonly address: string;
  readonly requestId?: string;
}

/** Who does something, and from where: what the audit log says of every act. */
export interface Actor extends Origin {
  readonly principal: Principal;
}

/** The last moment that a Date can hold: the end of what has no end. */
export const NEVER_MS = 8_640_000_000_000_000;

/** Whoever may read the data folder owns the home anyway: orders from the control socket are the owner's. */
export const TERMINAL: Actor = {
  address: 'terminal',
  principal: {
    userId: 'terminal',
    username: 'terminal',
    role: 'owner',
    tokenId: 'terminal',
    expiresAtMs: NEVER_MS,
  },
};

export interface User {
  readonly id: string;
  readonly username: string;
  readonly role: Role;
  readonly createdAtMs: number;
  /** When the account ends; null where it does not. A guest's always does. */
  readonly expiresAtMs: number | null;
  readonly grants: readonly GrantKind[];
  /** Ids of the rooms that they are limited to; absent: the whole home. */
  readonly rooms?: readonly string[];
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
  'metrics:read',
] as const;
export type Permission = (typeof PERMISSIONS)[number];

/** Kinds of device that keep the house shut: commanding them takes a grant that names them, of everybody but admins. */
export const RESTRICTED_KINDS = ['lock', 'garage_door', 'alarm'] as const;

/** What a user can be granted. `*` is every kind but the restricted ones, which have to be named. */
export const GRANT_KINDS = [
  ...RESTRICTED_KINDS,
  'light',
  'switch',
  'cover',
  'climate',
  'fan',
  'media',
  '*',
] as const;
export type GrantKind = (typeof GRANT_KINDS)[number];

/** What an API key can be made for. */
export const SCOPES = ['home:read', 'home:control', 'graph:write', 'sync', 'admin', 'metrics'] as const;
export type Scope = (typeof SCOPES)[number];

/** A key for a program, as it is listed: its secret is told once and kept nowhere. */
export interface ApiKey {
  readonly id: string;
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly grants: readonly GrantKind[];
  /** Who made it, and answers for it: it ends with them. */
  readonly madeBy: Pick<User, 'id' | 'username'>;
  readonly createdAtMs: number;
  readonly expiresAtMs: number | null;
  /** To the minute. */
  readonly lastUsedAtMs: number | null;
  /** Until when the secret before the last rotation is still good; null where there is none. */
  readonly oldSecretUntilMs: number | null;
}

/** A login as its owner sees it in a list: a paired device, or wherever else a password was typed. */
export interface DeviceSession {
  /** Of the login; what it is revoked by. */
  readonly id: string;
  /** What the client calls itself. */
  readonly deviceId: string | null;
  /** What people call it. */
  readonly deviceName: string | null;
  readonly user: Pick<User, 'id' | 'username' | 'role'>;
  readonly createdAtMs: number;
  /** The last login or refresh. */
  readonly lastUsedAtMs: number;
  /** It was paired: its tokens are good for `deviceId` only. */
  readonly bound: boolean;
}

/** What the audit log tells of. */
export const AUDIT_ACTIONS = [
  'setup',
  'login',
  'logout',
  'refresh.reuse',
  'password.change',
  'user.create',
  'user.change',
  'user.delete',
  'api_key.create',
  'api_key.rotate',
  'api_key.delete',
  'pairing_code.create',
  'pair',
  'device.revoke',
  'guest_code.create',
  'guest_code.enter',
  'guest_code.revoke',
  'command',
  'conflict.resolve',
  'mqtt.forget',
  'mqtt_user.create',
  'mqtt_user.change',
  'mqtt_user.delete',
  'homekit.device',
  'accessory.pair',
  'accessory.remove',
  'automation.enable',
  'automation.disable',
  'automation.approve',
  'automation.run',
  'job.run',
  'report.make',
  'report.send',
  'job.cancel',
  'log.level',
  'tariff.create',
  'tariff.change',
  'tariff.delete',
  'prices.change',
  'prices.delete',
  'energy.correct',
  'energy.restore',
  'forbidden',
  'backup',
  'backup.verify',
  'backup.download',
  'backup.delete',
  'restore',
] as const;
export type AuditAction = (typeof AUDIT_ACTIONS)[number];
export const AUDIT_OUTCOMES = ['ok', 'refused'] as const;
export type AuditOutcome = (typeof AUDIT_OUTCOMES)[number];

/** A line of the audit log. */
export interface AuditRow {
  readonly id: number;
  readonly timeMs: number;
  readonly action: AuditAction;
  readonly outcome: AuditOutcome;
  /** Null for a stranger. */
  readonly userId: string | null;
  readonly username: string | null;
  /** What it was done to: an id, a path. */
  readonly target: string | null;
  readonly address: string | null;
  readonly requestId: string | null;
  readonly details: JsonObject;
}
