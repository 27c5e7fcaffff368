import type { GrantKind, Permission, Principal, Role, Scope, User } from './types.ts';

import { HubError } from '../base/errors.ts';
import { PERMISSIONS, RESTRICTED_KINDS } from './types.ts';

/** What each role may do. What is not listed is refused. */
const GRANTED: Readonly<Record<Role, ReadonlySet<Permission>>> = {
  owner: new Set(PERMISSIONS),
  admin: new Set(PERMISSIONS),
  member: new Set<Permission>(['home:read', 'home:control', 'graph:write', 'sync:pull', 'sync:push']),
  guest: new Set<Permission>(['home:read', 'sync:pull']),
  service: new Set<Permission>(['home:read', 'home:control']),
};

/** What each scope of an API key stands for. */
const SCOPED: Readonly<Record<Scope, readonly Permission[]>> = {
  'home:read': ['home:read'],
  'home:control': ['home:control'],
  'graph:write': ['graph:write'],
  sync: ['sync:pull', 'sync:push'],
  admin: PERMISSIONS,
  metrics: ['metrics:read'],
};

/** What the policy looks at of a principal. */
export type Rights = Pick<Principal, 'role' | 'permissions' | 'grants'>;

/**
 * The one policy function: every door asks it before it does anything for somebody. `home:control` lets somebody command
 * at all; whether this device may be commanded is for `mayCommand` to say.
 */
export function isAllowed(principal: Rights, permission: Permission): boolean {
  if (principal.permissions) return principal.permissions.includes(permission);
  if (GRANTED[principal.role].has(permission)) return true;
  return principal.role === 'guest' && permission === 'home:control' && grantsOf(principal).length > 0;
}

/**
 * The same policy for commands: whether the principal may command a device of these kinds. Admins may all; guests
 * what their grants name; everybody else who may command at all, all but the restricted kinds, which have to be granted.
 */
export function mayCommand(principal: Rights, kinds: readonly string[]): boolean {
  if (!isAllowed(principal, 'home:control')) return false;
  if (isAllowed(principal, 'system:admin')) return true;
  const grants = new Set<string>(grantsOf(principal));
  const isGranted = (kind: string): boolean =>
    grants.has(kind) || (grants.has('*') && !isRestrictedKind(kind));
  if (principal.role === 'guest') return kinds.length > 0 && kinds.every(isGranted);
  return kinds.filter(isRestrictedKind).every(isGranted);
}

/** Whether commanding this kind of device takes a grant that names it. */
export function isRestrictedKind(kind: string): boolean {
  return (RESTRICTED_KINDS as readonly string[]).includes(kind);
}

/** Whether somebody of this role can be limited to rooms. */
export function isScopable(role: Role): boolean {
  return role === 'member' || role === 'guest';
}

/** The part of a principal that says which rooms they are limited to. */
export function scopeOf({ role, rooms }: Pick<User, 'role' | 'rooms'>): Pick<Principal, 'rooms'> {
  return rooms && isScopable(role) ? { rooms } : {};
}

/** Only the owner decides about owners and admins; an admin, and a key with the scope admin, about the others. */
export function mayManage(principal: Rights, role: Role): boolean {
  if (principal.role === 'owner') return true;
  return isAllowed(principal, 'system:admin') && role !== 'owner' && role !== 'admin';
}

const RANK: Readonly<Record<Role, number>> = { owner: 4, admin: 3, member: 2, service: 1, guest: 0 };

/** Whether somebody loses rights by going from one role to the other. */
export function isDemotion(from: Role, to: Role): boolean {
  return RANK[to] < RANK[from];
}

export function permissionsOfScopes(scopes: readonly Scope[]): Permission[] {
  const permissions = new Set(scopes.flatMap((scope) => SCOPED[scope]));
  return PERMISSIONS.filter((permission) => permissions.has(permission));
}

/** Under which an API key is a user and a session to everybody else. */
export function userIdOfKey(keyId: string): string {
  return `key:${keyId}`;
}

function grantsOf({ grants }: Rights): readonly GrantKind[] {
  return grants ?? [];
}

const MAX_USERNAME_LENGTH = 64;
const MIN_PASSWORD_LENGTH = 8;
/** Longer ones would only let a stranger make the hub hash megabytes. */
const MAX_PASSWORD_LENGTH = 1024;

/** `Alex`, `alex` and `ＡＬＥＸ` are one user: two that look the same would be an invitation to fraud. */
export function foldUsername(username: string): string {
  return username.normalize('NFKC').trim().toLowerCase();
}

/**
 * The user name as it is shown. @throws HubError `invalid` unless it has 1 to 64 characters, none of them a control.
 */
export function checkUsername(username: string): string {
  const shown = username.normalize('NFC').trim();
  const length = foldUsername(username).length;
  if (length < 1 || length > MAX_USERNAME_LENGTH || /\p{C}/u.test(shown)) {
    throw new HubError(
      'invalid',
      `username must have 1 to ${MAX_USERNAME_LENGTH} characters, without control characters`,
      {
        field: 'username',
      },
    );
  }
  return shown;
}

/** @throws HubError `invalid` unless a new password has 8 to 1024 characters. */
export function checkPassword(password: string): void {
  if (password.length < MIN_PASSWORD_LENGTH || password.length > MAX_PASSWORD_LENGTH) {
    throw new HubError(
      'invalid',
      `password must have ${MIN_PASSWORD_LENGTH} to ${MAX_PASSWORD_LENGTH} characters`,
      { field: 'password' },
    );
  }
}

/** Whether a text can be a password at all; a longer one is wrong without being hashed. */
export function isPlausiblePassword(password: string): boolean {
  return password.length >= 1 && password.length <= MAX_PASSWORD_LENGTH;
}

const MAX_LABEL_LENGTH = 64;

/**
 * The name that people give a key or a device, trimmed.
 * @throws HubError `invalid` unless it has 1 to 64 characters, none of them a control.
 */
export function checkLabel(label: string, field: string): string {
  const shown = label.normalize('NFC').trim();
  if (shown.length < 1 || shown.length > MAX_LABEL_LENGTH || /\p{C}/u.test(shown)) {
    throw new HubError(
      'invalid',
      `${field} must have 1 to ${MAX_LABEL_LENGTH} characters, without control characters`,
      { field },
    );
  }
  return shown;
}

/** @throws HubError `invalid` unless a new end lies ahead. */
export function checkExpiry(expiresAtMs: number | null, nowMs: number): void {
  if (expiresAtMs !== null && expiresAtMs <= nowMs) {
    throw new HubError('invalid', 'expires_at must lie in the future', { field: 'expires_at' });
  }
}
