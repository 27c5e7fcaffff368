import type { Permission, Principal, Role } from './types.ts';

import { HubError } from '../base/errors.ts';
import { PERMISSIONS } from './types.ts';

/** What each role may do. What is not listed is refused. */
const GRANTS: Readonly<Record<Role, ReadonlySet<Permission>>> = {
  owner: new Set(PERMISSIONS),
  admin: new Set(PERMISSIONS),
  member: new Set<Permission>(['home:read', 'home:control', 'graph:write', 'sync:pull', 'sync:push']),
  guest: new Set<Permission>(['home:read', 'sync:pull']),
  service: new Set<Permission>(['home:read', 'home:control']),
};

/** The one policy function: every door asks it before it does anything for somebody. */
export function isAllowed(principal: Pick<Principal, 'role'>, permission: Permission): boolean {
  return GRANTS[principal.role].has(permission);
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
